//! A view that is being kept: a transaction a step, which moves the checkpoint and writes the rows.

use super::generation::{self, InUse};
use super::{Database, ended};
use crate::store::postgres::is_locked;
use crate::views::Model;
use crate::views::session::{Failed, figure};
use async_trait::async_trait;
use domain::event::Entry;
use domain::ids::{HashKey, Position};
use projections::origins::Origins;
use projections::runner::{View, ViewError};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, query};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::timeout;

/// Compares and moves, and from then on names are those of the generation's schema.
const MOVE: &str =
    "UPDATE views.checkpoint SET position = $4 WHERE view = $1 AND generation = $2 AND position = $3
    RETURNING set_config('search_path', 'views_' || view || '_' || generation, true)";

/// A view that is being kept.
pub(in crate::views) struct PostgresView<M: Model> {
    database: Arc<Database>,
    generation: u64,
    position: Position,
    memory: M::Memory,
}

impl<M: Model> PostgresView<M> {
    /// The generation in use, or a new one when there is none that fits.
    pub(in crate::views) async fn open(database: Arc<Database>) -> Result<Self, ViewError> {
        let mut lent = database.keeper.lend().await.rows()?;
        let (limit, connection) = lent.connection();
        let opened = timeout(limit, opened::<M>(connection, &database)).await;
        let (generation, position) = ended(lent, opened)?;
        Ok(Self { database, generation, position, memory: M::Memory::default() })
    }

    async fn in_use(&self) -> Result<Option<InUse>, ViewError> {
        let mut lent = self.database.keeper.lend().await.rows()?;
        let (limit, connection) = lent.connection();
        let found = timeout(limit, generation::in_use::<M>(connection)).await;
        ended(lent, found)
    }
}

#[async_trait]
impl<M: Model> View for PostgresView<M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    /// Asked each time: another process may have moved the rows on.
    async fn position(&mut self) -> Result<Position, ViewError> {
        match self.in_use().await? {
            Some(found) if found.number == self.generation && found.fits::<M>(self.database.book.id) => {
                if found.position != self.position {
                    (self.position, self.memory) = (found.position, M::Memory::default());
                }
            }
            Some(_) | None => *self = Self::open(self.database.clone()).await?,
        }
        Ok(self.position)
    }

    async fn apply(&mut self, entries: &[Entry], origins: &Origins) -> Result<Position, ViewError> {
        let seen = entries.iter().take_while(|entry| entry.position <= self.position).count();
        let new = &entries[seen..];
        let Some(last) = new.last() else { return Ok(self.position) };
        let mut lent = self.database.keeper.lend().await.rows()?;
        let (limit, connection) = lent.connection();
        let (mut memory, of) = (mem::take(&mut self.memory), (self.generation, self.database.book.key));
        let step = timeout(limit, step::<M>(connection, of, new, origins, &mut memory)).await;
        if ended(lent, step)? {
            (self.position, self.memory) = (last.position, memory);
        }
        Ok(self.position)
    }
}

/// Folds entries in one transaction; false when it was another's turn and nothing was written.
async fn step<M: Model>(
    connection: &mut PgConnection,
    (generation, key): (u64, HashKey),
    entries: &[Entry],
    origins: &Origins,
    memory: &mut M::Memory,
) -> Result<bool, ViewError> {
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(false) };
    let mut step = connection.begin().await.rows()?;
    let moved = query(MOVE)
        .bind(M::NAME)
        .bind(figure(generation))
        .bind(figure(first.position - 1))
        .bind(figure(last.position))
        .fetch_optional(&mut *step)
        .await;
    let moved = match moved {
        // The other's step is a long one.
        Err(error) if is_locked(&error) => None,
        found => found.rows()?,
    };
    if moved.is_none() {
        step.rollback().await.rows()?;
        return Ok(false);
    }
    M::write(&mut *step, entries, origins, key, memory).await?;
    step.commit().await.rows()?;
    Ok(true)
}

async fn opened<M: Model>(
    connection: &mut PgConnection,
    database: &Database,
) -> Result<(u64, Position), ViewError> {
    let mut making = connection.begin().await.rows()?;
    generation::take_turn(&mut making).await?;
    let found = generation::in_use::<M>(&mut making).await?;
    if let Some(fitting) = found.as_ref().filter(|found| found.fits::<M>(database.book.id)) {
        making.commit().await.rows()?;
        return Ok((fitting.number, fitting.position));
    }
    // Two releases would throw away each other's rows for ever: the one that was started last has its way.
    let other = found.is_some_and(|found| found.is_of_other_fold::<M>());
    if other && database.opened.load(Ordering::Relaxed) {
        return Err(ViewError::Rows("a process of another release keeps it now".into()));
    }
    let number = generation::make::<M>(&mut making).await?;
    generation::put_into_use::<M>(&mut making, database.book.id, (number, 0)).await?;
    if generation::is_not_rebuilt::<M>(&mut making).await? {
        generation::drop_others::<M>(&mut making, &[number]).await?;
    }
    making.commit().await.rows()?;
    Ok((number, 0))
}
