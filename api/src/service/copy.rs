//! A book on its way from one store to another: both ends of it, opened.

use super::ground::{Ground, Storage, Turn, read_only, target};
use super::{ServiceError, TimeKind, now};
use crate::engine::Source;
use crate::moving;
use adapters::system;
use adapters::vault::Vault;
use domain::book::Bounds;
use domain::event::BookSealed;
use domain::ids::Position;
use domain::log::{BookId, BookInfo, BookKind, EventStore, Head, StoreId};
use domain::time::Timestamp;
use std::panic;
use std::sync::Arc;

/// A book and the store that it is moved to.
pub struct Copy {
    from: Storage,
    to: Storage,
    source: Arc<dyn EventStore>,
    target: Arc<dyn EventStore>,
    /// To write the target, which nobody else may until this ends.
    turn: Turn,
}

impl Copy {
    /// Opens the source to be read, also while a service writes it, and the target to be written.
    ///
    /// # Errors
    /// When one cannot be opened, or the target holds something else.
    pub async fn open(from: Storage, to: Storage) -> Result<Self, ServiceError> {
        let source = read_only(&from).await?;
        let store = Some(StoreId(BookId(system::random().map_err(ServiceError::Random)?)));
        let (target, turn) = target(&to, BookInfo { store, ..source.book() }).await?;
        moving::fit(source.book(), target.book())?;
        Ok(Self { from, to, source, target, turn })
    }

    /// Where the source ends now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn end(&self) -> Result<Head, ServiceError> {
        Ok(self.source.head().await?)
    }

    /// Brings the target up to the source; returns where both end.
    ///
    /// # Errors
    /// When one cannot be read or written; what was copied stays, to be gone on from.
    pub async fn bring_up(&self, reached: impl FnMut(Position)) -> Result<Head, ServiceError> {
        Ok(moving::bring_up(&*self.source, &*self.target, reached).await?)
    }

    /// Reads the target again from its beginning, each event by its hash, up to this end.
    ///
    /// # Errors
    /// When it cannot be read, or is not what was copied.
    pub async fn prove(&self, head: Head, reached: impl FnMut(Position)) -> Result<(), ServiceError> {
        Ok(moving::prove(&*self.target, head, reached).await?)
    }

    /// Seals the source, brings the secret keys and the rest of the log to the target, and gives the turn to write
    /// there up: from now on the book is written there. Returns where it ends.
    ///
    /// # Errors
    /// When a service still writes the source, above all; then nothing is sealed.
    pub async fn finish(self) -> Result<Head, ServiceError> {
        let book = self.source.book();
        let (time, now) = match book.kind {
            BookKind::Wall => (TimeKind::Wall, now()),
            // Its time stands still while nobody moves it.
            BookKind::Sandbox => (TimeKind::Sandbox(book.created), Timestamp::EPOCH),
        };
        let finished = match Ground::to_seal(&self.from, time).await {
            Ok(mut ground) => {
                let sealed = self.seal(&mut ground, now).await;
                ground.turn.release().await;
                sealed
            }
            Err(error) => Err(error),
        };
        // Whatever came of it, nobody need wait until the turn runs out.
        self.turn.release().await;
        finished
    }

    async fn seal(&self, ground: &mut Ground, now: Timestamp) -> Result<Head, ServiceError> {
        ground.turn.wait().await?;
        if let (Some(from), Some(to)) = (self.from.folder(), self.to.folder())
            && from != to
        {
            Vault::bring(from, to, self.source.book().id)?;
        }
        let source = Source {
            store: ground.store.clone(),
            runtime: tokio::runtime::Handle::current(),
            key: ground.vault.hash_key(),
            bounds: Bounds::default(),
            snapshots: ground.snapshots.take().map(Arc::new),
        };
        let seal = BookSealed { to: self.target.book().store, place: self.to.place() };
        let sealing = tokio::task::spawn_blocking(move || moving::seal(&source, seal, now));
        sealing.await.unwrap_or_else(|panicked| panic::resume_unwind(panicked.into_panic()))?;
        Ok(moving::bring_up(&*ground.store, &*self.target, |_| ()).await?)
    }
}
