//! A view folded anew into a schema beside the one in use.

use super::Database;
use super::generation::{self, InUse, schema};
use crate::store::postgres::Purpose;
use crate::views::rebuild::{Building, Difference, differences};
use crate::views::session::Failed;
use crate::views::{Identity, Model};
use async_trait::async_trait;
use domain::event::Entry;
use domain::ids::Position;
use projections::origins::Origins;
use projections::runner::ViewError;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, query, raw_sql};
use std::mem;
use std::time::Duration;

/// A comparison reads all rows of both. Whoever holds a view still folds in between, and whoever puts one into use
/// waits for a step that is under way.
const REBUILDING: Purpose = Purpose {
    limit: Duration::from_hours(1),
    durable: true,
    also: "SET plan_cache_mode = force_custom_plan; SET lock_timeout = 30000; \
           SET idle_in_transaction_session_timeout = 60000",
};

/// A view in a schema of its own.
pub(in crate::views) struct FreshSchema<M: Model> {
    connection: PgConnection,
    book: Identity,
    number: u64,
    position: Position,
    live: Option<InUse>,
    /// Whether a transaction is open that sees the view in use as it was.
    held: bool,
    memory: M::Memory,
}

impl<M: Model> FreshSchema<M> {
    pub(in crate::views) async fn begin(database: &Database) -> Result<Self, ViewError> {
        let mut connection = REBUILDING.connect(&database.address).await.rows()?;
        if !generation::begin_rebuild::<M>(&mut connection).await? {
            return Err(ViewError::Rows("another process folds this view anew".into()));
        }
        let mut making = connection.begin().await.rows()?;
        generation::take_turn(&mut making).await?;
        let found = generation::in_use::<M>(&mut making).await?;
        // What an interrupted rebuild left behind.
        let kept: Vec<_> = found.iter().map(|found| found.number).collect();
        generation::drop_others::<M>(&mut making, &kept).await?;
        let number = generation::make::<M>(&mut making).await?;
        making.commit().await.rows()?;
        let live = found.filter(|found| found.fits::<M>(database.book.id));
        let (book, position) = (database.book, 0);
        Ok(Self { connection, book, number, position, live, held: false, memory: M::Memory::default() })
    }

    async fn say(&mut self, sql: &'static str) -> Result<(), ViewError> {
        query(sql).execute(&mut self.connection).await.rows().map(drop)
    }
}

#[async_trait]
impl<M: Model> Building for FreshSchema<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn position(&self) -> Position {
        self.position
    }

    fn in_use(&self) -> Option<Position> {
        self.live.as_ref().map(|live| live.position)
    }

    async fn apply(&mut self, entries: &[Entry], origins: &Origins) -> Result<(), ViewError> {
        let seen = entries.iter().take_while(|entry| entry.position <= self.position).count();
        let Some(last) = entries[seen..].last() else { return Ok(()) };
        if !self.held {
            self.say("BEGIN").await?;
        }
        let path = format!("SET LOCAL search_path = {}", schema::<M>(self.number));
        raw_sql(AssertSqlSafe(path)).execute(&mut self.connection).await.rows()?;
        let mut memory = mem::take(&mut self.memory);
        M::write(&mut self.connection, &entries[seen..], origins, self.book.key, &mut memory).await?;
        if !self.held {
            self.say("COMMIT").await?;
        }
        (self.position, self.memory) = (last.position, memory);
        Ok(())
    }

    /// A snapshot of the database stands still, but for what its own transaction writes: the rest of the fold.
    async fn hold_still(&mut self) -> Result<Option<Position>, ViewError> {
        if self.live.is_some() {
            self.say("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
            let found = generation::in_use::<M>(&mut self.connection).await?;
            self.live = found.filter(|found| found.fits::<M>(self.book.id));
            self.held = self.live.is_some();
            if !self.held {
                self.say("COMMIT").await?;
            }
        }
        Ok(self.in_use())
    }

    async fn compare(&mut self) -> Result<Vec<Difference>, ViewError> {
        let Some(live) = self.live.as_ref().map(|live| live.number) else { return Ok(Vec::new()) };
        let schemas = (schema::<M>(live), schema::<M>(self.number));
        let found = differences(&mut self.connection, M::TABLES, (&schemas.0, &schemas.1)).await?;
        self.say("COMMIT").await?;
        self.held = false;
        Ok(found)
    }

    async fn take_over(self: Box<Self>) -> Result<(), ViewError> {
        let Self { mut connection, book, number, position, .. } = *self;
        let mut turn = connection.begin().await.rows()?;
        generation::take_turn(&mut turn).await?;
        generation::put_into_use::<M>(&mut turn, book.id, (number, position)).await?;
        turn.commit().await.rows()?;
        // Whoever still reads the one before has until then; it may also go with the next rebuild.
        if let Err(error) = generation::drop_others::<M>(&mut connection, &[number]).await {
            tracing::warn!(%error, view = M::NAME, "the tables that were replaced are still there");
        }
        connection.close().await.rows()
    }

    async fn discard(self: Box<Self>) -> Result<(), ViewError> {
        let Self { mut connection, number, .. } = *self;
        let sql = format!("DROP SCHEMA {} CASCADE", schema::<M>(number));
        raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.rows()?;
        connection.close().await.rows()
    }
}
