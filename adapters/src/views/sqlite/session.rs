//! SQLite's way to write and read rows.

use crate::views::session::{Failed, Session, Sql, Value, found};
use projections::runner::ViewError;
use sqlx::error::BoxDynError;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Sqlite, query_with};

/// Rows of one statement: with 20 columns far from SQLite's bound of 32,766 values.
const TOGETHER: usize = 500;

impl Session for SqliteConnection {
    type Row = SqliteRow;

    fn pick(sql: &Sql) -> &'static str {
        sql.sqlite
    }

    async fn insert<const N: usize>(
        &mut self,
        (head, tail): (&'static str, &'static str),
        rows: impl IntoIterator<Item = [Value; N], IntoIter: Send> + Send,
    ) -> Result<(), ViewError> {
        let mut rows = rows.into_iter();
        loop {
            let (mut arguments, mut count) = (SqliteArguments::default(), 0);
            for value in rows.by_ref().take(TOGETHER).inspect(|_| count += 1).flatten() {
                add(&mut arguments, value).map_err(ViewError::Rows)?;
            }
            if count == 0 {
                return Ok(());
            }
            let row = format!("({})", vec!["?"; N].join(", "));
            let sql = format!("{head} VALUES {}{tail}", vec![row.as_str(); count].join(", "));
            query_with(AssertSqlSafe(sql), arguments).execute(&mut *self).await.rows()?;
        }
    }

    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<(), ViewError> {
        bound(sql, values)?.execute(self).await.rows().map(drop)
    }

    async fn fetch(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<SqliteRow>, ViewError> {
        bound(sql, values)?.fetch_all(self).await.rows()
    }
}

fn add(to: &mut SqliteArguments, value: Value) -> Result<(), BoxDynError> {
    match value {
        Value::Text(text) => to.add(text),
        Value::Figure(figure) => to.add(figure),
        Value::Flag(flag) => to.add(flag),
        Value::Bytes(bytes) => to.add(bytes),
    }
}

fn bound(sql: &str, values: Vec<Value>) -> Result<Query<'static, Sqlite, SqliteArguments>, ViewError> {
    let mut arguments = SqliteArguments::default();
    values.into_iter().try_for_each(|value| add(&mut arguments, value)).map_err(ViewError::Rows)?;
    Ok(query_with(AssertSqlSafe(sql), arguments))
}

found!(SqliteRow);
