//! One view in one file: its generation, its checkpoint, and a transaction a step.

use crate::views::session::{Failed, figure};
use crate::views::{Identity, Model};
use async_trait::async_trait;
use domain::event::Entry;
use domain::ids::Position;
use projections::origins::Origins;
use projections::runner::{View, ViewError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, query, query_as};
use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::time::Duration;

const CHECKPOINT: &str = include_str!("../../../../migrations/views/sqlite/checkpoint.sql");

/// How long a statement waits for another connection's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// Rows that a read may be ahead of whoever takes them: two threads that wait for each other every few rows take longer
/// than the rows do.
const ROWS: usize = 16_384;

/// A view that is being kept.
pub(in crate::views) struct SqliteView<M: Model> {
    dir: PathBuf,
    book: Identity,
    generation: u64,
    pub(super) connection: SqliteConnection,
    pub(super) position: Position,
    memory: M::Memory,
}

impl<M: Model> SqliteView<M> {
    /// The newest generation, or a new one when there is none that fits.
    pub(in crate::views) async fn open(dir: &Path, book: Identity) -> Result<Self, ViewError> {
        fs::create_dir_all(dir).rows()?;
        let mut generation = newest(dir, M::NAME).rows()?.unwrap_or(1);
        let mut connection = connect(&place(dir, M::NAME, generation)).await?;
        let found = checkpoint::<M>(&mut connection, book).await;
        let position = if let Ok(Some(position)) = found {
            position
        } else {
            connection.close().await.rows()?;
            generation += 1;
            connection = create::<M>(&place(dir, M::NAME, generation), book).await?;
            0
        };
        remove_before(dir, M::NAME, generation).rows()?;
        Ok(Self { dir: dir.to_owned(), book, generation, connection, position, memory: M::Memory::default() })
    }

    /// A new, empty file, which must not exist.
    pub(super) async fn create(dir: &Path, file: &Path, book: Identity) -> Result<Self, ViewError> {
        let connection = create::<M>(file, book).await?;
        let (generation, position) = (0, 0);
        Ok(Self { dir: dir.to_owned(), book, generation, connection, position, memory: M::Memory::default() })
    }

    /// Folds the entries that follow its position, all in one transaction. After an error nothing more can be done
    /// with this connection: what it began is undone when it closes.
    ///
    /// A savepoint, because a rebuilt view folds within a transaction that holds the view in use still.
    pub(super) async fn advance(&mut self, entries: &[Entry], origins: &Origins) -> Result<(), ViewError> {
        let seen = entries.iter().take_while(|entry| entry.position <= self.position).count();
        let new = &entries[seen..];
        let Some(last) = new.last() else { return Ok(()) };
        let to = &mut self.connection;
        query("SAVEPOINT step").execute(&mut *to).await.rows()?;
        let mut memory = mem::take(&mut self.memory);
        M::write(to, new, origins, self.book.key, &mut memory).await?;
        let moved = query("UPDATE checkpoint SET position = ?1 WHERE position = ?2")
            .bind(figure(last.position))
            .bind(figure(new[0].position - 1))
            .execute(&mut *to)
            .await
            .rows()?;
        if moved.rows_affected() != 1 {
            return Err(ViewError::Rows(Box::new(io::Error::other("the entries do not follow the rows"))));
        }
        query("RELEASE step").execute(to).await.rows()?;
        (self.position, self.memory) = (last.position, memory);
        Ok(())
    }
}

#[async_trait]
impl<M: Model> View for SqliteView<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    async fn position(&mut self) -> Result<Position, ViewError> {
        if newest(&self.dir, M::NAME).rows()? != Some(self.generation) {
            *self = Self::open(&self.dir, self.book).await?;
        }
        Ok(self.position)
    }

    async fn apply(&mut self, entries: &[Entry], origins: &Origins) -> Result<Position, ViewError> {
        self.advance(entries, origins).await?;
        Ok(self.position)
    }
}

async fn create<M: Model>(file: &Path, book: Identity) -> Result<SqliteConnection, ViewError> {
    let mut connection = connect(file).await?;
    let mut making = connection.begin().await.rows()?;
    for schema in [CHECKPOINT, M::SCHEMA.sqlite] {
        sqlx::raw_sql(schema).execute(&mut *making).await.rows()?;
    }
    query("INSERT INTO checkpoint (one, book, version, position) VALUES (1, ?1, ?2, 0)")
        .bind(book.id.to_string())
        .bind(M::VERSION)
        .execute(&mut *making)
        .await
        .rows()?;
    making.commit().await.rows()?;
    Ok(connection)
}

/// Rows that can be folded again need no sync at every step, only a file that is whole after a loss of power.
async fn connect(file: &Path) -> Result<SqliteConnection, ViewError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(PATIENCE)
        .row_buffer_size(ROWS)
        .thread_name(|n| format!("view-{n}"))
        .disable_statement_logging();
    options.connect().await.rows()
}

/// How far the rows have come; `None` when they are of another book or another fold.
async fn checkpoint<M: Model>(
    connection: &mut SqliteConnection,
    book: Identity,
) -> Result<Option<Position>, ViewError> {
    let row: Option<(String, i64, i64)> =
        query_as("SELECT book, version, position FROM checkpoint").fetch_optional(connection).await.rows()?;
    let fits = row.filter(|(of, version, _)| *of == book.id.to_string() && *version == M::VERSION);
    Ok(fits.map(|(_, _, position)| u64::try_from(position).unwrap_or(0)))
}

pub(super) fn place(dir: &Path, name: &str, generation: u64) -> PathBuf {
    dir.join(format!("{name}-{generation}.db"))
}

/// The newest generation of a view.
pub(super) fn newest(dir: &Path, name: &str) -> io::Result<Option<u64>> {
    let mut newest = None;
    for file in generations(dir, name)? {
        newest = newest.max(Some(file.0));
    }
    Ok(newest)
}

/// Removes what a newer generation has taken the place of. Whoever reads it still keeps it open.
fn remove_before(dir: &Path, name: &str, generation: u64) -> io::Result<()> {
    for (_, file) in generations(dir, name)?.into_iter().filter(|(of, _)| *of < generation) {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = file.clone().into_os_string();
            path.push(suffix);
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

fn generations(dir: &Path, name: &str) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for file in fs::read_dir(dir)? {
        let path = file?.path();
        let stem = path.file_name().and_then(|file| file.to_str()).and_then(|file| file.strip_suffix(".db"));
        let parts = stem.and_then(|stem| stem.rsplit_once('-'));
        if let Some((of, Ok(generation))) = parts.map(|(of, number)| (of, number.parse::<u64>()))
            && of == name
        {
            found.push((generation, path));
        }
    }
    Ok(found)
}
