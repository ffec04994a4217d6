//! SQLite's way to write and read rows.

use crate::views::session::{Failed, Session, Sql, Value, found};
use projections::runner::ViewError;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, QueryBuilder, Sqlite, query};

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
        rows: Vec<[Value; N]>,
    ) -> Result<(), ViewError> {
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let mut query = QueryBuilder::<Sqlite>::new(head);
            query.push_values(rows.by_ref().take(TOGETHER), |mut row, values| {
                for value in values {
                    match value {
                        Value::Text(text) => row.push_bind(text),
                        Value::Figure(figure) => row.push_bind(figure),
                        Value::Flag(flag) => row.push_bind(flag),
                        Value::Bytes(bytes) => row.push_bind(bytes),
                    };
                }
            });
            query.push(tail).build().execute(&mut *self).await.rows()?;
        }
        Ok(())
    }

    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<(), ViewError> {
        bound(sql, values).execute(self).await.rows().map(drop)
    }

    async fn fetch(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<SqliteRow>, ViewError> {
        bound(sql, values).fetch_all(self).await.rows()
    }
}

fn bound(sql: &str, values: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    values.into_iter().fold(query(AssertSqlSafe(sql)), |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Figure(figure) => query.bind(figure),
        Value::Flag(flag) => query.bind(flag),
        Value::Bytes(bytes) => query.bind(bytes),
    })
}

found!(SqliteRow);
