//! A view folded anew into a file beside the one in use.

use super::view::{SqliteView, newest, place};
use crate::views::rebuild::{Building, Difference, differences};
use crate::views::session::Failed;
use crate::views::{Identity, Model};
use async_trait::async_trait;
use domain::event::Entry;
use domain::ids::Position;
use projections::origins::Origins;
use projections::runner::ViewError;
use sqlx::{Connection, query, query_as};
use std::fs;
use std::path::{Path, PathBuf};

/// A view in a file of its own, and the one in use attached to it.
pub(in crate::views) struct FreshFile<M: Model> {
    view: SqliteView<M>,
    dir: PathBuf,
    book: Identity,
    file: PathBuf,
    live: Option<Position>,
}

impl<M: Model> FreshFile<M> {
    pub(in crate::views) async fn begin(dir: &Path, book: Identity) -> Result<Self, ViewError> {
        fs::create_dir_all(dir).rows()?;
        let file = dir.join(format!("{}.fresh", M::NAME));
        discard(&file).rows()?;
        let view = SqliteView::create(dir, &file, book).await?;
        let mut fresh = Self { view, dir: dir.to_owned(), book, file, live: None };
        fresh.attach().await?;
        Ok(fresh)
    }

    async fn attach(&mut self) -> Result<(), ViewError> {
        let Some(generation) = newest(&self.dir, M::NAME).rows()? else { return Ok(()) };
        let live = place(&self.dir, M::NAME, generation);
        let attach = query("ATTACH $1 AS live").bind(live.to_string_lossy());
        attach.execute(&mut self.view.connection).await.rows()?;
        // One that cannot be read, such as one whose making was cut off, is not compared but replaced.
        self.live = self.look().await.unwrap_or(None);
        Ok(())
    }

    async fn look(&mut self) -> Result<Option<Position>, ViewError> {
        let row: Option<(String, i64, i64)> = query_as("SELECT book, version, position FROM live.checkpoint")
            .fetch_optional(&mut self.view.connection)
            .await
            .rows()?;
        let fits = row.filter(|(of, fold, _)| *of == self.book.id.to_string() && *fold == M::VERSION);
        Ok(fits.and_then(|(_, _, position)| u64::try_from(position).ok()))
    }
}

#[async_trait]
impl<M: Model> Building for FreshFile<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn position(&self) -> Position {
        self.view.position
    }

    fn in_use(&self) -> Option<Position> {
        self.live
    }

    async fn apply(&mut self, entries: &[Entry], origins: &Origins) -> Result<(), ViewError> {
        self.view.advance(entries, origins).await
    }

    async fn hold_still(&mut self) -> Result<Option<Position>, ViewError> {
        if self.live.is_some() {
            query("BEGIN").execute(&mut self.view.connection).await.rows()?;
            self.live = self.look().await?;
        }
        Ok(self.live)
    }

    async fn compare(&mut self) -> Result<Vec<Difference>, ViewError> {
        let found = differences(&mut self.view.connection, M::TABLES, ("live", "main")).await?;
        query("COMMIT").execute(&mut self.view.connection).await.rows()?;
        Ok(found)
    }

    async fn take_over(self: Box<Self>) -> Result<(), ViewError> {
        self.view.connection.close().await.rows()?;
        let next = newest(&self.dir, M::NAME).rows()?.unwrap_or(0) + 1;
        fs::rename(self.file, place(&self.dir, M::NAME, next)).rows()
    }

    async fn discard(self: Box<Self>) -> Result<(), ViewError> {
        self.view.connection.close().await.rows()?;
        discard(&self.file).rows()
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
