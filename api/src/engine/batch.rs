//! The open frame, and who waits for it.

use super::collapse::Minute;
use super::failure::Failure;
use super::job::{Decided, Reading};
use domain::log::{FrameBuilder, Head};
use tokio::sync::oneshot;

/// What was decided since the last frame left.
pub(super) struct Batch {
    pub(super) frame: FrameBuilder,
    pub(super) cargo: Cargo,
}

/// What goes with a frame and is not in it.
#[derive(Default)]
pub(super) struct Cargo {
    /// Answers that saw an event of this frame, or of one before it that was not durable yet.
    pub(super) waiters: Vec<Waiter>,
    /// Counted refusals that this frame records: they come back should it be refused.
    pub(super) minutes: Vec<Minute>,
}

impl Batch {
    /// An empty batch after `head`, with room for as much text as the last one had.
    pub(super) fn open(head: Head, bytes: usize) -> Self {
        let frame = FrameBuilder::open_sized(head.position + 1, head.hash, bytes.max(1024));
        Self { frame, cargo: Cargo::default() }
    }

    /// Where the log ends when this batch is in it.
    pub(super) fn head(&self) -> Head {
        Head { position: self.frame.next_position() - 1, hash: self.frame.last() }
    }
}

/// An answer that must not be heard yet.
pub(super) enum Waiter {
    Command(oneshot::Sender<Result<Decided, Failure>>, Decided),
    Read(Box<dyn Reading>),
}

impl Waiter {
    /// What it saw is durable. Whoever asked may have gone away, which is no failure.
    pub(super) fn give(self) {
        match self {
            Self::Command(reply, decided) => {
                let _ = reply.send(Ok(decided));
            }
            Self::Read(reading) => reading.give(Ok(())),
        }
    }

    /// What it saw will never be.
    pub(super) fn fail(self, failure: Failure) {
        match self {
            Self::Command(reply, _) => {
                let _ = reply.send(Err(failure));
            }
            Self::Read(reading) => reading.give(Err(failure)),
        }
    }
}
