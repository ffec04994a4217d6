//! When snapshots are taken: now and then by a second fold, and a last one when the engine stops.

use super::handle::Shared;
use super::load::{LoadError, Source, load};
use crate::told;
use adapters::snapshot::SnapshotHeader;
use domain::book::Book;
use domain::ids::Position;
use domain::log::Head;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

/// The version of the fold: raised whenever `Book::apply` or what a book holds changes, so that no release
/// goes on from a state that it would have folded otherwise.
pub const FOLD_VERSION: u32 = 5;

/// Decides when a snapshot is due and takes it.
pub(super) struct Keeper {
    /// Events between two snapshots; 0: none while the engine runs.
    every: u64,
    /// Where the last snapshot was begun.
    last: Position,
    under_way: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn new(every: u64, last: Position) -> Self {
        Self { every, last, under_way: None }
    }

    /// Begins a snapshot when enough was appended since the last one.
    ///
    /// A second fold makes it, from the snapshot before and the log, in a thread of its own: copying the
    /// engine's book would stop decisions for as long as the book is large.
    pub(super) fn committed(&mut self, head: Head, source: &Source, shared: &Arc<Shared>) {
        if self.every == 0 || source.snapshots.is_none() || head.position - self.last < self.every {
            return;
        }
        if self.under_way.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        self.last = head.position;
        let (source, shared) = (source.clone(), shared.clone());
        let fold = move || take(&source, &shared, head.position);
        match thread::Builder::new().name("snapshot".into()).spawn(fold) {
            Ok(thread) => self.under_way = Some(thread),
            Err(error) => {
                tracing::warn!(%error, "no thread for a snapshot; the next start reads more of the log");
            }
        }
    }

    /// Writes a last snapshot from the engine's own book, which no command changes any more.
    pub(super) fn finish(&mut self, book: &Book, head: Head, source: &Source, shared: &Shared) {
        if let Some(thread) = self.under_way.take() {
            // Its panic was its own; the snapshot of this moment is newer in any case.
            drop(thread.join());
        }
        if head.position > shared.gauges.snapshot.load(Ordering::Relaxed) {
            write(book, head, source, shared);
        }
    }
}

fn take(source: &Source, shared: &Shared, until: Position) {
    match load(source, Some(until)) {
        Ok(loaded) => write(&loaded.book, loaded.head, source, shared),
        Err(error) => {
            tracing::warn!(error = told(&error), "no snapshot: the log could not be folded");
            if let LoadError::Store(error) = error {
                shared.heed(&error.into());
            }
        }
    }
}

fn write(book: &Book, head: Head, source: &Source, shared: &Shared) {
    let Some(snapshots) = &source.snapshots else { return };
    let header = SnapshotHeader {
        book: source.store.book().id,
        fold_version: FOLD_VERSION,
        position: head.position,
        hash: head.hash,
    };
    match snapshots.write(&header, book.state()) {
        Ok(_) => shared.gauges.snapshot.store(head.position, Ordering::Relaxed),
        Err(error) => tracing::warn!(error = told(&error), "a snapshot could not be written"),
    }
}
