//! Opening a log: the lock, the connections, the schema, the identity and a look at the tail.

use super::keeper::{self, Keeper};
use super::{Claim, SqliteStore, Writer, classify, files, rows};
use crate::store::{damaged, verified};
use domain::log::{BookInfo, BookKind, Cause, StoreError};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, query};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::Mutex;

/// Bytes in a page. Measured with frames of 20 events of 500 bytes: pages of 4, 8 and 16 KiB commit in the
/// same 0.36 to 0.56 ms (the sync decides), but 1,500 frames write 27, 40 and 73 MB into the write-ahead log.
const PAGE: u32 = 4096;

/// How long an append waits for another program's write lock (a `sqlite3` shell) before it is refused.
const PATIENCE: Duration = Duration::from_secs(1);

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("another counterfoil has the book in {} open", dir.display())]
    InUse { dir: PathBuf },
    #[error(
        "the book is of the {found} kind and was to be opened as {wanted}; a book never changes its kind"
    )]
    OtherKind { found: BookKind, wanted: BookKind },
    #[error("there is no book in {}", dir.display())]
    NoBook { dir: PathBuf },
    #[error("{} cannot be used", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("the book's database cannot be opened")]
    Database(#[source] Cause),
    #[error("the book's database is damaged: restore it from a copy")]
    Damaged(#[source] Cause),
    #[error("the book's schema is not one this version can bring up to date")]
    Schema(#[source] MigrateError),
    #[error("the end of the log is not sound")]
    Log(#[from] StoreError),
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        match classify::of_read(error, 0) {
            StoreError::Damaged { cause, .. } => Self::Damaged(cause),
            StoreError::NotWritten(cause) | StoreError::MaybeWritten(cause) | StoreError::Fatal(cause) => {
                Self::Database(cause)
            }
        }
    }
}

impl From<MigrateError> for OpenError {
    fn from(error: MigrateError) -> Self {
        match error {
            // The schema may be well; SQLite could not read or write it.
            MigrateError::Execute(error) => error.into(),
            other => Self::Schema(other),
        }
    }
}

pub(super) async fn for_writing(claim: Claim, new: BookInfo) -> Result<SqliteStore, OpenError> {
    let Claim { dir, lock } = claim;
    let dir = &*dir;
    files::settle(dir)?;
    let mut writer = writing(dir).connect().await?;
    migrate(&mut writer).await?;
    let book = identity(&mut writer, new).await?;
    empty_wal(&mut writer).await?;
    make_room(&mut writer, dir).await?;
    look_at_tail(&mut writer).await?;
    let reader = Mutex::new(reading(dir).connect().await?);
    let connection = Arc::new(Mutex::new(writer));
    let broken = Arc::new(AtomicBool::new(false));
    let keeper = Keeper::start(writing(dir).connect().await?, Arc::clone(&connection), Arc::clone(&broken));
    Ok(SqliteStore { book, reader, writer: Some(Writer { connection, keeper, broken, _lock: lock }) })
}

pub(super) async fn for_reading(dir: &Path) -> Result<SqliteStore, OpenError> {
    let missing = || OpenError::NoBook { dir: dir.to_owned() };
    if !files::database(dir).is_file() {
        return Err(missing());
    }
    let mut reader = reading(dir).connect().await?;
    let book = rows::book(&mut reader).await?.ok_or_else(missing)?;
    Ok(SqliteStore { book, reader: Mutex::new(reader), writer: None })
}

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/events/sqlite");

/// Brings the schema up to date. Not by `Migrator::run`: the future of that one is not `Send` for a borrowed connection.
async fn migrate(writer: &mut SqliteConnection) -> Result<(), MigrateError> {
    MIGRATIONS.run_direct(None, writer, false).await
}

fn reading(dir: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(files::database(dir))
        .read_only(true)
        .busy_timeout(PATIENCE)
        .thread_name(|n| format!("log-{n}"))
        .disable_statement_logging()
}

fn writing(dir: &Path) -> SqliteConnectOptions {
    reading(dir)
        .read_only(false)
        .page_size(PAGE)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("wal_autocheckpoint", "0")
}

/// The book's identity, written now when the file is new.
async fn identity(writer: &mut SqliteConnection, new: BookInfo) -> Result<BookInfo, OpenError> {
    let Some(book) = rows::book(writer).await? else {
        rows::found_book(writer, new).await?;
        return Ok(new);
    };
    if book.kind != new.kind {
        return Err(OpenError::OtherKind { found: book.kind, wanted: new.kind });
    }
    Ok(book)
}

/// Starts with an empty write-ahead log. A reader in another process may stand in the way, or a full disk: then later.
async fn empty_wal(writer: &mut SqliteConnection) -> Result<(), OpenError> {
    match keeper::empty(writer).await {
        Err(error) if classify::is_full(&error) => {
            tracing::warn!("the disk has no room for what stands in the write-ahead log; it stays there");
            Ok(())
        }
        moved => Ok(moved.map(drop)?),
    }
}

/// Gives an empty write-ahead log its length, so that a commit overwrites blocks that are there already: a file that
/// grows costs every sync a second write, of its length. Under the write lock, so that nobody writes there meanwhile.
async fn make_room(writer: &mut SqliteConnection, dir: &Path) -> Result<(), OpenError> {
    query("BEGIN IMMEDIATE").execute(&mut *writer).await?;
    let made = files::fill_wal(dir);
    query("ROLLBACK").execute(writer).await?;
    made
}

/// The cheap check at every start: a torn write would show in the last frame. `audit` reads the rest.
async fn look_at_tail(writer: &mut SqliteConnection) -> Result<(), OpenError> {
    let Some(tail) = rows::tail(writer).await? else { return Ok(()) };
    let first = tail.first();
    verified(vec![tail])?;
    match rows::frames(writer, &(first.saturating_sub(1)..first)).await?.pop() {
        Some(before) if before.end() + 1 == first => Ok(()),
        None if first == 1 => Ok(()),
        Some(_) | None => Err(damaged(first.saturating_sub(1), crate::store::Broken).into()),
    }
}
