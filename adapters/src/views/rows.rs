//! Rows of many columns, written many at once, and the plain forms of what they hold.

use super::file::Failed;
use domain::ids::Position;
use domain::money::Credits;
use domain::time::Timestamp;
use projections::runner::ViewError;
use sqlx::query_builder::Separated;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{QueryBuilder, Row, Sqlite};
use std::fmt::Display;
use std::str::FromStr;

/// Rows of one statement: with 20 columns far from SQLite's bound of 32,766 values.
const TOGETHER: usize = 500;

/// Writes rows: `head` is `INSERT INTO … (…)`, `tail` what is to be done on a conflict.
pub(super) async fn insert<T>(
    to: &mut SqliteConnection,
    (head, tail): (&str, &str),
    rows: impl IntoIterator<Item = T>,
    bind: impl Fn(&mut Separated<'_, Sqlite, &'static str>, T),
) -> Result<(), ViewError> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut query = QueryBuilder::new(head);
        query.push_values(rows.by_ref().take(TOGETHER), |mut row, of| bind(&mut row, of)).push(tail);
        query.build().execute(&mut *to).await.rows()?;
    }
    Ok(())
}

/// SQLite's integers are signed; no figure of a book reaches 2^63.
pub(super) fn figure(figure: u64) -> i64 {
    i64::try_from(figure).unwrap_or(i64::MAX)
}

pub(super) fn text(of: Option<&impl Display>) -> String {
    of.map(ToString::to_string).unwrap_or_default()
}

/// A column that was written by this file's counterparts.
pub(super) fn parsed<T>(row: &SqliteRow, column: &str) -> Result<T, ViewError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: &str = row.try_get(column).rows()?;
    text.parse().map_err(|error| ViewError::Rows(Box::new(error)))
}

/// As [`parsed`], for a column where an empty text stands for nothing.
pub(super) fn perhaps<T>(row: &SqliteRow, column: &str) -> Result<Option<T>, ViewError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text: Option<&str> = row.try_get(column).rows()?;
    if text.is_none_or(str::is_empty) { Ok(None) } else { parsed(row, column).map(Some) }
}

pub(super) fn credits(row: &SqliteRow, column: &str) -> Result<Credits, ViewError> {
    parsed(row, column)
}

pub(super) fn count(row: &SqliteRow, column: &str) -> Result<u64, ViewError> {
    let figure: i64 = row.try_get(column).rows()?;
    Ok(u64::try_from(figure).unwrap_or(0))
}

pub(super) fn position(row: &SqliteRow, column: &str) -> Result<Option<Position>, ViewError> {
    let figure: Option<i64> = row.try_get(column).rows()?;
    Ok(figure.and_then(|figure| u64::try_from(figure).ok()))
}

pub(super) fn instant(row: &SqliteRow, column: &str) -> Result<Timestamp, ViewError> {
    row.try_get(column).rows().map(Timestamp::from_micros)
}
