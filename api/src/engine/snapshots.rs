//! When snapshots are taken: now and then from the running book, and a last one when the engine stops.
//!
//! A snapshot in service is the running book, frozen where a frame ends ([`Book::freeze`]): that takes about a
//! millisecond at most, and the sync of that very frame is under way meanwhile. Decisions go on and copy what they change; a
//! thread writes what was frozen and lets go of it piece by piece.
//!
//! A snapshot must never name an event that is not durable. So a frozen book waits here until the frame that it ends
//! with is, which its chain hash tells. If that frame is refused, the book that was frozen never was: it is discarded,
//! before the book is rebuilt from the log. One that is being written is of a durable head, hence a beginning of every
//! later log: a rebuild, a rival writer or the engine's end do not touch it.

use super::handle::Shared;
use super::load::Source;
use crate::told;
use adapters::snapshot::SnapshotHeader;
use domain::book::{Book, Frozen};
use domain::ids::Position;
use domain::log::Head;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};

/// The version of the fold: raised whenever `Book::apply` or what a book holds changes, so that no release
/// goes on from a state that it would have folded otherwise.
///
/// 6: a snapshot leaves out what follows from the rest of it (free counters, the queue of dues, open decisions), and
/// has lists where it had maps. 7: collapsed refusals count for nothing; items have the request's attributes where they
/// have none of their own; an account's own figures count under plans that allow them; refunds are kept with their amounts.
pub const FOLD_VERSION: u32 = 7;

/// Decides when a snapshot is due and takes it.
pub(super) struct Keeper {
    /// Events between two snapshots; 0: none while the engine runs.
    every: u64,
    /// The event of the last snapshot that might be written.
    last: Position,
    /// A book whose last event is not durable yet.
    waiting: Option<(Head, Frozen)>,
    /// One whose last event is.
    ready: Option<(Head, Frozen)>,
    under_way: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn new(every: u64, last: Position) -> Self {
        Self { every, last, waiting: None, ready: None, under_way: None }
    }

    /// Whether enough came since the last snapshot, and no other is on its way.
    pub(super) fn is_due(&self, head: Position, source: &Source) -> bool {
        let enough = self.every > 0 && head.saturating_sub(self.last) >= self.every;
        let free = self.waiting.is_none() && self.ready.is_none() && !self.is_writing();
        enough && source.snapshots.is_some() && free
    }

    fn is_writing(&self) -> bool {
        self.under_way.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Freezes the book, whose last event is the log's or in flight.
    pub(super) fn freeze(&mut self, book: &Book, head: Head) {
        self.waiting = Some((head, book.freeze()));
    }

    /// What was frozen is not what the log will say.
    pub(super) fn discard(&mut self) {
        self.waiting = None;
    }

    /// What was frozen may be written, when the log durably ends there.
    pub(super) fn committed(&mut self, head: Head) {
        if let Some(frozen) = self.waiting.take_if(|(at, _)| *at == head) {
            self.last = head.position;
            self.ready = Some(frozen);
        }
    }

    /// Begins to write what may be written, on a thread of its own.
    pub(super) fn begin(&mut self, source: &Source, shared: &Arc<Shared>) {
        let Some((head, frozen)) = self.ready.take() else { return };
        let (source, shared) = (source.clone(), shared.clone());
        let written = move || write(&frozen, head, &source, &shared);
        match thread::Builder::new().name("snapshot".into()).spawn(written) {
            Ok(thread) => self.under_way = Some(thread),
            Err(error) => {
                tracing::warn!(%error, "no thread for a snapshot; the next start reads more of the log");
            }
        }
    }

    /// Writes what may be written, here and now; whether there was anything.
    pub(super) fn write_now(&mut self, source: &Source, shared: &Shared) -> bool {
        let Some((head, frozen)) = self.ready.take() else { return false };
        write(&frozen, head, source, shared);
        true
    }

    /// Writes a last snapshot of the engine's book, which no command changes any more.
    pub(super) fn finish(&mut self, book: &Book, head: Head, source: &Source, shared: &Shared) {
        self.discard();
        if let Some(thread) = self.under_way.take() {
            // Its panic was its own; the snapshot of this moment is newer in any case.
            drop(thread.join());
        }
        if head.position > shared.gauges.snapshot.load(Ordering::Relaxed) {
            write(&book.freeze(), head, source, shared);
        }
    }
}

fn write(frozen: &Frozen, head: Head, source: &Source, shared: &Shared) {
    let Some(snapshots) = &source.snapshots else { return };
    let header = SnapshotHeader {
        book: source.store.book().id,
        fold_version: FOLD_VERSION,
        position: head.position,
        hash: head.hash,
    };
    match snapshots.write(&header, frozen) {
        Ok(_) => shared.gauges.snapshot.store(head.position, Ordering::Relaxed),
        Err(error) => tracing::warn!(error = told(&error), "a snapshot could not be written"),
    }
}
