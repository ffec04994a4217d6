//! Read models in SQLite: a file of their own for each, in `views/` beside the log, to be thrown away at any time.
//!
//! A file's name has a generation: a rebuilt view appears beside the old one, and whoever keeps the view goes on
//! with the newest.

mod balances;
mod denials;
mod file;
mod holds;
mod read;
mod rebuild;
mod requests;
mod rows;
mod statement;
mod streams;
mod subjects;
mod usage;

pub use read::SqliteReads;
pub use rebuild::{Difference, Fresh};

use async_trait::async_trait;
use balances::Balances;
use denials::Denials;
use domain::log::BookId;
use file::SqliteView;
use holds::Holds;
use projections::runner::{Shelf, View, ViewError};
use requests::Requests;
use statement::Statement;
use std::path::{Path, PathBuf};
use streams::Streams;
use subjects::Subjects;
use usage::Usage;

/// The folder of the views of a book.
#[derive(Clone, Debug)]
pub struct Views {
    dir: PathBuf,
    book: BookId,
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
            "streams" => $call::<Streams>($($argument),*).await,
            _ => $call::<Subjects>($($argument),*).await,
        }
    };
}

impl Views {
    /// Every view by name.
    pub const NAMES: [&str; 8] =
        ["usage", "statement", "balances", "requests", "holds", "denials", "streams", "subjects"];

    /// The views of a book in its data folder. Nothing is opened yet.
    pub fn of(data: &Path, book: BookId) -> Self {
        Self { dir: data.join("views"), book }
    }

    /// Reads the views while they are kept, by this process or another.
    pub fn reads(&self) -> SqliteReads {
        SqliteReads::new(self.dir.clone())
    }

    /// A view to be folded from nothing, beside the one that is in use.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub async fn fresh(&self, name: &str) -> Result<Fresh, ViewError> {
        of_name!(name, begin(self))
    }
}

#[async_trait]
impl Shelf for Views {
    async fn open(&self) -> Result<Vec<Box<dyn View>>, ViewError> {
        let mut views: Vec<Box<dyn View>> = Vec::new();
        for name in Self::NAMES {
            views.push(of_name!(name, keep(self))?);
        }
        Ok(views)
    }
}

async fn keep<M: file::Model>(views: &Views) -> Result<Box<dyn View>, ViewError> {
    Ok(Box::new(SqliteView::<M>::open(&views.dir, views.book).await?))
}

async fn begin<M: file::Model>(views: &Views) -> Result<Fresh, ViewError> {
    Fresh::begin::<M>(&views.dir, views.book).await
}
