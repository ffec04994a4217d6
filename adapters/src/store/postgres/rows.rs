//! The statements of the log, and frames as rows.

use crate::store::damaged;
use domain::ids::Position;
use domain::log::{AppendOutcome, BookInfo, ChainHash, Frame, Head, StoreError, StoreId};
use domain::time::Timestamp;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Row, query};
use std::ops::Range;

type Found<T> = sqlx::Result<T>;

/// Adds a frame in this epoch, if that is the present one and the frame follows the head. One statement, so one round
/// trip, one commit and one sync.
pub(super) async fn append(connection: &mut PgConnection, epoch: i64, frame: &Frame) -> Found<AppendOutcome> {
    let row = query("SELECT outcome, head, head_hash FROM append_frame($1, $2, $3, $4, $5, $6)")
        .bind(epoch)
        .bind(column(frame.first()))
        .bind(i32::try_from(frame.count()).unwrap_or(i32::MAX))
        .bind(&frame.previous().0[..])
        .bind(&frame.last().0[..])
        .bind(frame.text())
        .fetch_one(connection)
        .await?;
    if row.try_get::<&str, _>("outcome")? == "appended" {
        return Ok(AppendOutcome::Appended);
    }
    Ok(AppendOutcome::Conflict {
        head: Head { position: position(&row, "head")?, hash: hash(&row, "head_hash")? },
    })
}

/// Where the log ends.
pub(super) async fn head(connection: &mut PgConnection) -> Found<Head> {
    let found = query("SELECT first, count, last_hash FROM frames ORDER BY first DESC LIMIT 1")
        .fetch_optional(connection)
        .await?;
    let Some(row) = found else { return Ok(Head::default()) };
    let end = position(&row, "first")? + count(&row)?;
    Ok(Head { position: end.saturating_sub(1), hash: hash(&row, "last_hash")? })
}

/// The frames that hold these positions, and the one before when nothing holds the first of them; unverified.
pub(super) async fn frames(connection: &mut PgConnection, asked: &Range<Position>) -> Found<Vec<PgRow>> {
    query(
        "SELECT first, count, previous_hash, last_hash, events FROM frames
         WHERE first >= coalesce((SELECT max(first) FROM frames WHERE first <= $1), $1) AND first < $2
         ORDER BY first",
    )
    .bind(column(asked.start))
    .bind(column(asked.end))
    .fetch_all(connection)
    .await
}

/// The last frame, and the one before it.
pub(super) async fn tail(connection: &mut PgConnection) -> Found<Vec<PgRow>> {
    query(
        "SELECT * FROM (SELECT first, count, previous_hash, last_hash, events FROM frames
                        ORDER BY first DESC LIMIT 2) AS last ORDER BY first",
    )
    .fetch_all(connection)
    .await
}

/// A frame as its row has it.
pub(super) fn frame(row: &PgRow) -> Result<Frame, StoreError> {
    let first = position(row, "first").map_err(|cause| damaged(0, cause))?;
    let read = || -> Found<Frame> {
        let (previous, last) = (hash(row, "previous_hash")?, hash(row, "last_hash")?);
        let count = u32::try_from(count(row)?).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(Frame::from_parts(first, count, previous, last, row.try_get("events")?))
    };
    read().map_err(|cause| damaged(first, cause))
}

/// The book's identity and what its key makes of it, when they were written.
pub(super) async fn book(connection: &mut PgConnection) -> Found<Option<(BookInfo, Option<String>)>> {
    let row = query("SELECT * FROM book").fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let decode = |cause: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(cause);
    let book = BookInfo {
        id: row.try_get::<&str, _>("id")?.parse().map_err(|error| decode(Box::new(error)))?,
        kind: row.try_get::<&str, _>("kind")?.parse().map_err(|error| decode(Box::new(error)))?,
        created: Timestamp::from_micros(row.try_get("created")?),
        store: store(&row)?,
    };
    Ok(Some((book, row.try_get("key_check")?)))
}

/// What tells a copy from other stores of the book. A schema that an earlier release made has no such column.
fn store(row: &PgRow) -> Found<Option<StoreId>> {
    let text: Option<&str> = match row.try_get("store") {
        Err(sqlx::Error::ColumnNotFound(_)) => None,
        found => found?,
    };
    text.map(|text| text.parse().map(StoreId).map_err(|error| sqlx::Error::Decode(Box::new(error))))
        .transpose()
}

/// Writes the identity of a new book, unless another process was faster.
pub(super) async fn found_book(connection: &mut PgConnection, book: BookInfo) -> Found<()> {
    query("INSERT INTO book (id, kind, created, store) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
        .bind(book.id.to_string())
        .bind(book.kind.as_str())
        .bind(book.created.micros())
        .bind(book.store.map(|store| store.to_string()))
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes what the book's key makes of its id, unless that was done; what is noted now.
pub(super) async fn note_key(connection: &mut PgConnection, check: &str) -> Found<Option<String>> {
    query("UPDATE book SET key_check = $1 WHERE key_check IS NULL")
        .bind(check)
        .execute(&mut *connection)
        .await?;
    query("SELECT key_check FROM book").fetch_one(connection).await?.try_get("key_check")
}

// PostgreSQL's integers are signed; no log reaches 2^63 events.
fn column(position: Position) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn position(row: &PgRow, name: &str) -> Found<Position> {
    Position::try_from(row.try_get::<i64, _>(name)?).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn count(row: &PgRow) -> Found<Position> {
    Position::try_from(row.try_get::<i32, _>("count")?).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

fn hash(row: &PgRow, name: &str) -> Found<ChainHash> {
    let bytes: &[u8] = row.try_get(name)?;
    bytes.try_into().map(ChainHash).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
