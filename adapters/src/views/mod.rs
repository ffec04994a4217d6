//! Read models as rows, to be thrown away at any time: in SQLite a file each beside the log, in PostgreSQL a schema
//! each in the log's database.
//!
//! | file | |
//! | --- | --- |
//! | `session` | what rows are written and read through, the same for both |
//! | `usage`, `statement`, … | a view each: its rows, written and read |
//! | `recent` | what a view remembers of the rows that it wrote last |
//! | `read`, `rebuild` | what people read; a view folded anew beside the one in use |
//! | `sqlite`, `postgres` | where rows are kept, generation by generation |

use session::Sql;

/// The tables of a view, in both dialects.
macro_rules! schema {
    ($name:literal) => {
        Sql {
            sqlite: include_str!(concat!("../../../migrations/views/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../../migrations/views/postgres/", $name, ".sql")),
        }
    };
}

mod balances;
mod counters;
mod denials;
mod holds;
mod postgres;
mod read;
mod rebuild;
mod recent;
mod requests;
mod rows;
mod session;
mod sqlite;
mod statement;
mod streams;
mod subjects;
mod usage;

pub use rebuild::{Difference, Fresh};

use crate::store::postgres::Address;
use async_trait::async_trait;
use balances::Balances;
use counters::Counters;
use denials::Denials;
use domain::event::Entry;
use domain::ids::HashKey;
use domain::log::BookId;
use holds::Holds;
use postgres::{Database, FreshSchema, PostgresView};
use projections::origins::Origins;
use projections::read::ReadModels;
use projections::runner::{Shelf, View, ViewError};
use read::Reads;
use requests::Requests;
use session::Session;
use sqlite::{Files, FreshFile, SqliteView};
use statement::Statement;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use streams::Streams;
use subjects::Subjects;
use usage::Usage;

/// How the rows of a read model are kept.
trait Model: Send + Sync + 'static {
    const NAME: &'static str;
    /// Raised whenever the same events give other rows: rows of another version are thrown away.
    const VERSION: i64;
    const SCHEMA: Sql;
    const TABLES: &'static [&'static str];

    /// What is remembered of the rows from one step to the next; empty after a step that was not committed, and when
    /// another process may have written.
    type Memory: Default + Send + Sync;

    /// Writes what these entries make of the rows, within a transaction. The key is the one that the book hashes with.
    fn write<S: Session>(
        to: &mut S,
        entries: &[Entry],
        origins: &Origins,
        key: HashKey,
        memory: &mut Self::Memory,
    ) -> impl Future<Output = Result<(), ViewError>> + Send;
}

/// A book's id, and the key under which it hashes: what resets a counter names it by its hash.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    pub id: BookId,
    pub key: HashKey,
}

/// The views of a book.
#[derive(Clone)]
pub struct Views(Place);

#[derive(Clone)]
enum Place {
    Folder(PathBuf, Identity),
    Database(Arc<Database>),
}

/// Calls a generic function for the model of this name.
macro_rules! of_name {
    ($name:expr, $call:ident($($argument:expr),*)) => {
        match $name {
            "usage" => $call::<Usage>($($argument),*).await,
            "statement" => $call::<Statement>($($argument),*).await,
            "requests" => $call::<Requests>($($argument),*).await,
            "holds" => $call::<Holds>($($argument),*).await,
            "denials" => $call::<Denials>($($argument),*).await,
            "balances" => $call::<Balances>($($argument),*).await,
            "counters" => $call::<Counters>($($argument),*).await,
            "streams" => $call::<Streams>($($argument),*).await,
            _ => $call::<Subjects>($($argument),*).await,
        }
    };
}

impl Views {
    /// Every view by name.
    pub const NAMES: [&str; 9] =
        ["usage", "statement", "balances", "counters", "requests", "holds", "denials", "streams", "subjects"];

    /// The views of a book in its data folder. Nothing is opened yet.
    pub fn of(data: &Path, book: Identity) -> Self {
        Self(Place::Folder(data.join("views"), book))
    }

    /// The views of a book in its database. Nothing is opened yet.
    pub fn on(address: &Address, book: Identity) -> Self {
        Self(Place::Database(Arc::new(Database::new(address, book))))
    }

    /// Reads the views while they are kept, by this process or another.
    pub fn reads(&self) -> Arc<dyn ReadModels> {
        match &self.0 {
            Place::Folder(dir, _) => Arc::new(Reads(Files::new(dir.clone()))),
            Place::Database(database) => Arc::new(Reads(database.readings())),
        }
    }

    /// A view to be folded from nothing, beside the one that is in use.
    ///
    /// # Errors
    /// When there is no place for its rows.
    pub async fn fresh(&self, name: &str) -> Result<Fresh, ViewError> {
        of_name!(name, begin(&self.0))
    }
}

#[async_trait]
impl Shelf for Views {
    async fn open(&self) -> Result<Vec<Box<dyn View>>, ViewError> {
        let mut views: Vec<Box<dyn View>> = Vec::new();
        for name in Self::NAMES {
            views.push(of_name!(name, keep(&self.0))?);
        }
        if let Place::Database(database) = &self.0 {
            database.note_open();
        }
        Ok(views)
    }
}

async fn keep<M: Model>(place: &Place) -> Result<Box<dyn View>, ViewError> {
    Ok(match place {
        Place::Folder(dir, book) => Box::new(SqliteView::<M>::open(dir, *book).await?),
        Place::Database(database) => Box::new(PostgresView::<M>::open(database.clone()).await?),
    })
}

async fn begin<M: Model>(place: &Place) -> Result<Fresh, ViewError> {
    Ok(Fresh(match place {
        Place::Folder(dir, book) => Box::new(FreshFile::<M>::begin(dir, *book).await?),
        Place::Database(database) => Box::new(FreshSchema::<M>::begin(database).await?),
    }))
}
