//! PostgreSQL's way to write and read rows.

use crate::views::session::{Failed, Session, Sql, Value, found};
use projections::runner::ViewError;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres, query};

type Statement = Query<'static, Postgres, PgArguments>;

impl Session for PgConnection {
    type Row = PgRow;

    fn pick(sql: &Sql) -> &'static str {
        sql.postgres
    }

    /// An array for each column: one statement, whose text and plan are the same for any number of rows.
    async fn insert<const N: usize>(
        &mut self,
        (head, tail): (&'static str, &'static str),
        rows: impl IntoIterator<Item = [Value; N], IntoIter: Send> + Send,
    ) -> Result<(), ViewError> {
        let mut rows: Vec<_> = rows.into_iter().collect();
        if rows.is_empty() {
            return Ok(());
        }
        let parameters = (1..=N).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        let sql = format!("{head} SELECT * FROM unnest({parameters}){tail}");
        let columns = 0..N;
        let filled =
            columns.fold(query(AssertSqlSafe(sql)), |query, column| bind_column(query, &mut rows, column));
        filled.execute(self).await.rows().map(drop)
    }

    async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<(), ViewError> {
        bound(sql, values).execute(self).await.rows().map(drop)
    }

    async fn fetch(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<PgRow>, ViewError> {
        bound(sql, values).fetch_all(self).await.rows()
    }
}

/// Binds one column of all rows. All its values are of the kind of the first.
fn bind_column<const N: usize>(query: Statement, rows: &mut [[Value; N]], column: usize) -> Statement {
    fn of<const N: usize, T>(
        rows: &mut [[Value; N]],
        column: usize,
        take: impl Fn(&mut Value) -> Option<T>,
    ) -> Vec<Option<T>> {
        rows.iter_mut().map(|row| take(&mut row[column])).collect()
    }
    match rows[0][column] {
        Value::Text(_) => query.bind(of(rows, column, |value| match value {
            Value::Text(text) => text.take(),
            Value::Figure(_) | Value::Flag(_) | Value::Bytes(_) => None,
        })),
        Value::Figure(_) => query.bind(of(rows, column, |value| match value {
            Value::Figure(figure) => *figure,
            Value::Text(_) | Value::Flag(_) | Value::Bytes(_) => None,
        })),
        Value::Flag(_) => query.bind(of(rows, column, |value| match value {
            Value::Flag(flag) => Some(*flag),
            Value::Text(_) | Value::Figure(_) | Value::Bytes(_) => None,
        })),
        Value::Bytes(_) => query.bind(of(rows, column, |value| match value {
            Value::Bytes(bytes) => Some(std::mem::take(bytes)),
            Value::Text(_) | Value::Figure(_) | Value::Flag(_) => None,
        })),
    }
}

pub(super) fn bound(sql: &str, values: Vec<Value>) -> Statement {
    values.into_iter().fold(query(AssertSqlSafe(sql)), |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Figure(figure) => query.bind(figure),
        Value::Flag(flag) => query.bind(flag),
        Value::Bytes(bytes) => query.bind(bytes),
    })
}

found!(PgRow);
