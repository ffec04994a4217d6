//! The statements of the log, and frames as rows.

use super::classify;
use crate::store::damaged;
use domain::ids::Position;
use domain::log::{BookInfo, ChainHash, Frame, Head, StoreError, StoreId};
use domain::time::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row, query};
use std::ops::Range;

type Found<T> = Result<T, sqlx::Error>;

/// Adds a frame. One statement, so one commit and one sync; the guard trigger checks that it follows the head.
pub(super) async fn insert(connection: &mut SqliteConnection, frame: &Frame) -> Found<()> {
    query("INSERT INTO frames (first, count, previous_hash, last_hash, events) VALUES (?1, ?2, ?3, ?4, ?5)")
        .bind(column(frame.first()))
        .bind(frame.count())
        .bind(&frame.previous().0[..])
        .bind(&frame.last().0[..])
        .bind(frame.text())
        .execute(connection)
        .await?;
    Ok(())
}

/// Where the log ends.
pub(super) async fn head(connection: &mut SqliteConnection) -> Result<Head, StoreError> {
    let row = query("SELECT first, count, last_hash FROM frames ORDER BY first DESC LIMIT 1")
        .fetch_optional(connection)
        .await
        .map_err(|error| classify::of_read(error, 0))?;
    let Some(row) = row else { return Ok(Head::default()) };
    let read = || -> Found<Head> {
        let position = (position(&row, "first")? + position(&row, "count")?).saturating_sub(1);
        Ok(Head { position, hash: hash(&row, "last_hash")? })
    };
    read().map_err(|cause| damaged(0, cause))
}

/// Count and last hash of the frame that begins at `first`.
pub(super) async fn place(
    connection: &mut SqliteConnection,
    first: Position,
) -> Found<Option<(u32, ChainHash)>> {
    let row = query("SELECT count, last_hash FROM frames WHERE first = ?1")
        .bind(column(first))
        .fetch_optional(connection)
        .await?;
    row.map(|row| Ok((row.try_get("count")?, hash(&row, "last_hash")?))).transpose()
}

/// The frames that hold these positions, and the one before when nothing holds the first of them; unverified.
pub(super) async fn frames(
    connection: &mut SqliteConnection,
    asked: &Range<Position>,
) -> Result<Vec<Frame>, StoreError> {
    let rows = query(
        "SELECT first, count, previous_hash, last_hash, events FROM frames
         WHERE first >= coalesce((SELECT max(first) FROM frames WHERE first <= ?1), ?1) AND first < ?2
         ORDER BY first",
    )
    .bind(column(asked.start))
    .bind(column(asked.end))
    .fetch_all(connection)
    .await
    .map_err(|error| classify::of_read(error, asked.start))?;
    rows.iter().map(frame).collect()
}

/// The last frame, unverified.
pub(super) async fn tail(connection: &mut SqliteConnection) -> Result<Option<Frame>, StoreError> {
    let row = query(
        "SELECT first, count, previous_hash, last_hash, events FROM frames ORDER BY first DESC LIMIT 1",
    )
    .fetch_optional(connection)
    .await
    .map_err(|error| classify::of_read(error, 0))?;
    row.as_ref().map(frame).transpose()
}

fn frame(row: &SqliteRow) -> Result<Frame, StoreError> {
    let first = position(row, "first").map_err(|cause| damaged(0, cause))?;
    let read = || -> Found<Frame> {
        let (previous, last) = (hash(row, "previous_hash")?, hash(row, "last_hash")?);
        Ok(Frame::from_parts(first, row.try_get("count")?, previous, last, row.try_get("events")?))
    };
    read().map_err(|cause| damaged(first, cause))
}

/// The book's identity, when it was written.
pub(super) async fn book(connection: &mut SqliteConnection) -> Found<Option<BookInfo>> {
    let row = query("SELECT * FROM book").fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let decode = |cause: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(cause);
    Ok(Some(BookInfo {
        id: row.try_get::<&str, _>("id")?.parse().map_err(|error| decode(Box::new(error)))?,
        kind: row.try_get::<&str, _>("kind")?.parse().map_err(|error| decode(Box::new(error)))?,
        created: Timestamp::from_micros(row.try_get("created")?),
        store: store(&row)?,
    }))
}

/// What tells a copy from other stores of the book. A file that this release has not written to has no such column.
fn store(row: &SqliteRow) -> Found<Option<StoreId>> {
    let text: Option<&str> = match row.try_get("store") {
        Err(sqlx::Error::ColumnNotFound(_)) => None,
        found => found?,
    };
    text.map(|text| text.parse().map(StoreId).map_err(|error| sqlx::Error::Decode(Box::new(error))))
        .transpose()
}

/// Writes the identity of a new book.
pub(super) async fn found_book(connection: &mut SqliteConnection, book: BookInfo) -> Found<()> {
    query("INSERT INTO book (one, id, kind, created, store) VALUES (1, ?1, ?2, ?3, ?4)")
        .bind(book.id.to_string())
        .bind(book.kind.as_str())
        .bind(book.created.micros())
        .bind(book.store.map(|store| store.to_string()))
        .execute(connection)
        .await?;
    Ok(())
}

// SQLite's integers are signed; no log reaches 2^63 events.
fn column(position: Position) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn position(row: &SqliteRow, name: &str) -> Found<Position> {
    Position::try_from(row.try_get::<i64, _>(name)?).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn hash(row: &SqliteRow, name: &str) -> Found<ChainHash> {
    let bytes: &[u8] = row.try_get(name)?;
    bytes.try_into().map(ChainHash).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
