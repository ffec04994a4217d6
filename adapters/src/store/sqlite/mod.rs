//! The log in one SQLite file, `events.db`: the default store, no server beside it.
//!
//! A frame is a row, an append is one INSERT, one commit and one sync. The writer never checkpoints:
//! the `keeper` moves the write-ahead log into the file from a connection of its own. One process at
//! a time holds the book, by a lock on `book.lock`; anyone may read meanwhile.

mod classify;
mod files;
mod keeper;
mod open;
mod rows;

pub use open::OpenError;

use super::{damaged, read_only, span, verified};
use async_trait::async_trait;
use domain::ids::Position;
use domain::log::{AppendOutcome, BookInfo, EventStore, Frame, Head, StoreError};
use keeper::Keeper;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Mutex;

/// The log of a book in a directory.
pub struct SqliteStore {
    book: BookInfo,
    reader: Mutex<SqliteConnection>,
    writer: Option<Writer>,
}

struct Writer {
    connection: Arc<Mutex<SqliteConnection>>,
    keeper: Keeper,
    broken: Arc<AtomicBool>,
    // Declared last, so it is given up last: held for as long as anything here may write.
    _lock: File,
}

/// The book in a directory, held for this process and not opened yet: nothing in it has changed, and nobody else
/// changes it.
pub struct Claim {
    dir: PathBuf,
    lock: File,
}

impl Claim {
    /// Takes the book, and makes the directory when there is none.
    pub fn on(dir: &Path) -> Result<Self, OpenError> {
        Ok(Self { dir: dir.to_owned(), lock: files::lock(dir)? })
    }

    /// As [`SqliteStore::open`].
    pub async fn open(self, new: BookInfo) -> Result<SqliteStore, OpenError> {
        open::for_writing(self, new).await
    }
}

impl SqliteStore {
    /// Opens the log in `dir` for this process alone, and makes it when there is none.
    ///
    /// `new` becomes the identity of a new book; an existing one keeps its own, and only the kind is compared.
    /// What an earlier process wrote but did not live to see synced is synced before anything is read, and
    /// the last frame is verified. Must be called within a tokio runtime; appending and reading need none.
    pub async fn open(dir: &Path, new: BookInfo) -> Result<Self, OpenError> {
        Claim::on(dir)?.open(new).await
    }

    /// Opens the log in `dir` to read it, while a service may be running on it. Appends are refused.
    pub async fn open_read_only(dir: &Path) -> Result<Self, OpenError> {
        open::for_reading(dir).await
    }

    /// Caps the file at this many pages of 4,096 bytes: beyond, appends are refused as on a full disk.
    /// A cap below the present size stops growth at once and cuts nothing.
    pub async fn cap_pages(&self, pages: u32) -> Result<(), StoreError> {
        let Some(writer) = &self.writer else { return Err(read_only()) };
        sqlx::query(AssertSqlSafe(format!("PRAGMA max_page_count = {pages}")))
            .execute(&mut *writer.connection.lock().await)
            .await
            .map_err(|error| classify::of_append(error, 0))?;
        Ok(())
    }

    /// Closes the log in order: the write-ahead log is moved into the file and the lock given up at the end.
    /// A store that is merely dropped loses nothing either; the next open has more to do.
    pub async fn close(self) -> Result<(), StoreError> {
        let failed = |error| classify::of_read(error, 0);
        self.reader.into_inner().close().await.map_err(failed)?;
        let Some(writer) = self.writer else { return Ok(()) };
        writer.keeper.stop().await;
        // The last connection to close checkpoints and removes the write-ahead log.
        match Arc::into_inner(writer.connection) {
            Some(connection) => connection.into_inner().close().await.map_err(failed),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl EventStore for SqliteStore {
    fn book(&self) -> BookInfo {
        self.book
    }

    async fn head(&self) -> Result<Head, StoreError> {
        rows::head(&mut *self.reader.lock().await).await
    }

    async fn append(&self, frame: &Frame) -> Result<AppendOutcome, StoreError> {
        let Some(writer) = &self.writer else { return Err(read_only()) };
        writer.append(frame).await
    }

    async fn read(&self, from: Position, max_events: usize) -> Result<Vec<Frame>, StoreError> {
        let asked = span(from, max_events);
        let mut reader = self.reader.lock().await;
        let found = verified(rows::frames(&mut reader, &asked).await?)?;
        if found.last().is_some_and(|frame| frame.end() >= asked.start) {
            return Ok(found);
        }
        if rows::head(&mut reader).await?.position < asked.start {
            return Ok(Vec::new());
        }
        // It may have been appended since the first look. Nothing is ever deleted, so now it must be there.
        let again = verified(rows::frames(&mut reader, &asked).await?)?;
        match again.last() {
            Some(last) if last.end() >= asked.start => Ok(again),
            Some(_) | None => Err(damaged(asked.start, super::Broken)),
        }
    }

    /// Moves the write-ahead log into the file, so that the file alone is the log.
    async fn checkpoint(&self) -> Result<(), StoreError> {
        let Some(writer) = &self.writer else { return Ok(()) };
        match keeper::empty(&mut *writer.connection.lock().await).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::NotWritten(Box::new(BeingRead))),
            Err(error) => Err(classify::of_read(error, 0)),
        }
    }
}

impl Writer {
    async fn append(&self, frame: &Frame) -> Result<AppendOutcome, StoreError> {
        if self.broken.load(Ordering::Acquire) {
            return Err(StoreError::Fatal(Box::new(SyncFailedBefore)));
        }
        let mut connection = self.connection.lock().await;
        match rows::insert(&mut connection, frame).await {
            Ok(()) => {
                self.keeper.wrote(frame.text().len());
                Ok(AppendOutcome::Appended)
            }
            Err(error) if classify::refused_by_guard(&error) => judge(&mut connection, frame).await,
            Err(error) => Err(self.failed(error, frame.first())),
        }
    }

    fn failed(&self, error: sqlx::Error, position: Position) -> StoreError {
        let error = classify::of_append(error, position);
        if matches!(error, StoreError::Fatal(_)) {
            self.broken.store(true, Ordering::Release);
        }
        error
    }
}

/// A frame that does not follow the head is either there already or comes too late.
async fn judge(connection: &mut SqliteConnection, frame: &Frame) -> Result<AppendOutcome, StoreError> {
    let there = rows::place(connection, frame.first())
        .await
        .map_err(|error| classify::of_read(error, frame.first()))?;
    if there == Some((frame.count(), frame.last())) {
        return Ok(AppendOutcome::Appended);
    }
    Ok(AppendOutcome::Conflict { head: rows::head(connection).await? })
}

#[derive(Debug, thiserror::Error)]
#[error("somebody reads events.db, so its end stays in events.db-wal")]
struct BeingRead;

#[derive(Debug, thiserror::Error)]
#[error("an earlier sync to disk failed; this process must stop")]
struct SyncFailedBefore;
