//! A view folded from nothing beside the one in use, compared with it, and put into its place.

use super::file::{Building, Failed, Model, SqliteView, newest, place};
use super::rows::figure;
use async_trait::async_trait;
use domain::event::Entry;
use domain::ids::Position;
use domain::log::BookId;
use projections::origins::Origins;
use projections::runner::{View, ViewError};
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Column, Row, query, query_as};
use std::fs;
use std::path::{Path, PathBuf};

/// Rows of one table that a comparison names at most.
const NAMED: u32 = 10;

/// A view that is being folded from nothing.
pub struct Fresh {
    view: Box<dyn Building>,
    dir: PathBuf,
    book: BookId,
    file: PathBuf,
    live: Option<Position>,
}

/// A row that the view in use and the one folded anew do not share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    pub table: &'static str,
    /// Whether the row stands in the view that is in use; else in the one folded anew.
    pub in_use: bool,
    /// Its columns, `name=value`.
    pub row: String,
}

impl Fresh {
    pub(super) async fn begin<M: Model>(dir: &Path, book: BookId) -> Result<Self, ViewError> {
        fs::create_dir_all(dir).rows()?;
        let file = dir.join(format!("{}.fresh", M::NAME));
        discard(&file).rows()?;
        let view = Box::new(SqliteView::<M>::create(dir, &file, book).await?);
        let mut fresh = Self { view, dir: dir.to_owned(), book, file, live: None };
        fresh.attach().await?;
        Ok(fresh)
    }

    /// How far the view in use had come when it was last looked at; none when there is none of this fold that can be
    /// read.
    pub fn in_use(&self) -> Option<Position> {
        self.live
    }

    async fn attach(&mut self) -> Result<(), ViewError> {
        let Some(generation) = newest(&self.dir, self.view.name()).rows()? else { return Ok(()) };
        let live = place(&self.dir, self.view.name(), generation);
        query("ATTACH ?1 AS live")
            .bind(live.to_string_lossy())
            .execute(self.view.connection())
            .await
            .rows()?;
        // One that cannot be read, such as one whose making was cut off, is not compared but replaced.
        self.live = self.look().await.unwrap_or(None);
        Ok(())
    }

    async fn look(&mut self) -> Result<Option<Position>, ViewError> {
        let row: Option<(String, i64, i64)> = query_as("SELECT book, version, position FROM live.checkpoint")
            .fetch_optional(self.view.connection())
            .await
            .rows()?;
        let (book, version) = (self.book.to_string(), self.view.version());
        let fits = row.filter(|(of, fold, _)| *of == book && *fold == version);
        Ok(fits.and_then(|(_, _, position)| u64::try_from(position).ok()))
    }

    /// Holds the view in use still, as seen from here, and says how far it has come: this one must be folded up to
    /// there, then compared.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub async fn hold_still(&mut self) -> Result<Option<Position>, ViewError> {
        if self.live.is_some() {
            query("BEGIN").execute(self.view.connection()).await.rows()?;
            self.live = self.look().await?;
        }
        Ok(self.live)
    }

    /// Rows that only one of both has, at most ten of each table; ends the hold.
    ///
    /// # Errors
    /// When a file cannot be read, or this view is not where the other is.
    pub async fn compare(&mut self) -> Result<Vec<Difference>, ViewError> {
        if self.live != Some(self.view.at()) {
            let text = format!("the views are at positions {:?} and {}", self.live, figure(self.view.at()));
            return Err(ViewError::Rows(text.into()));
        }
        let mut found = Vec::new();
        for table in self.view.tables() {
            for (in_use, (of, not)) in [(true, ("live", "main")), (false, ("main", "live"))] {
                let sql =
                    format!("SELECT * FROM {of}.{table} EXCEPT SELECT * FROM {not}.{table} LIMIT {NAMED}");
                let rows = query(AssertSqlSafe(sql)).fetch_all(self.view.connection()).await.rows()?;
                found.extend(rows.iter().map(|row| Difference { table, in_use, row: shown(row) }));
            }
        }
        query("COMMIT").execute(self.view.connection()).await.rows()?;
        Ok(found)
    }

    /// Puts this view into the place of the one in use; whoever keeps that goes on with this one.
    ///
    /// # Errors
    /// When the file cannot be moved.
    pub async fn take_over(self) -> Result<(), ViewError> {
        let Self { view, dir, file, .. } = self;
        let name = view.name();
        view.close().await?;
        let next = newest(&dir, name).rows()?.unwrap_or(0) + 1;
        fs::rename(file, place(&dir, name, next)).rows()
    }

    /// Throws this view away.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub async fn discard(self) -> Result<(), ViewError> {
        self.view.close().await?;
        discard(&self.file).rows()
    }
}

#[async_trait]
impl View for Fresh {
    fn name(&self) -> &'static str {
        self.view.name()
    }

    async fn position(&mut self) -> Result<Position, ViewError> {
        Ok(self.view.at())
    }

    async fn apply(&mut self, entries: &[Entry], origins: &Origins) -> Result<(), ViewError> {
        self.view.advance(entries, origins).await
    }
}

/// Removes what an interrupted rebuild left behind.
fn discard(file: &Path) -> std::io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut path = file.to_owned().into_os_string();
        path.push(suffix);
        match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn shown(row: &SqliteRow) -> String {
    let value = |place| {
        let text = row.try_get::<Option<String>, _>(place);
        let figure = || row.try_get::<Option<i64>, _>(place).map(|figure| figure.map(|of| of.to_string()));
        text.or_else(|_| figure()).ok().flatten().unwrap_or_default()
    };
    let columns = row.columns().iter();
    let columns = columns.map(|column| format!("{}={}", column.name(), value(column.ordinal())));
    columns.collect::<Vec<_>>().join(" ")
}
