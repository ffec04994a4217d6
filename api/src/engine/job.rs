//! What waits for the engine: a command or a read, and where its answer goes.

use super::failure::Failure;
use domain::book::Book;
use domain::command::Command;
use domain::event::{Entry, RequestDenied, Stream};
use domain::ids::{Name, Position};
use domain::log::Frame;
use domain::policy::Policy;
use domain::rejection::Rejection;
use domain::time::Timestamp;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Something for the engine to do.
pub(super) enum Job {
    Command(Box<Command>, oneshot::Sender<Result<Decided, Failure>>),
    /// A read of the book, after the dues of an account are settled.
    Read(Option<Name>, Box<dyn Reading>),
    /// On a standby: frames that another process appended, to be folded.
    Follow(Vec<Frame>, oneshot::Sender<()>),
    /// On a standby: it is this process's turn, and all that came before it is folded.
    Lead,
    /// Nothing more may be answered: the log is damaged, or another writes it.
    GiveUp(Arc<str>),
    /// The last job: what came before it is carried out, what comes after is refused.
    Stop,
}

/// What the book answered, before anybody may hear of it.
pub(super) struct Decided {
    pub(super) verdict: Verdict,
    pub(super) policy: Option<Arc<Policy>>,
    /// The answer's event; for an answer without one, the last event that it saw.
    pub(super) position: Position,
    pub(super) at: Timestamp,
}

pub(super) enum Verdict {
    Entry(Arc<Entry>),
    /// The answer is the event that stands here.
    Repeat(Position),
    /// Counted only, for the minute of this stream.
    Collapsed(Box<RequestDenied>, Stream),
    Rejected(Rejection),
}

/// A read in two steps: the value is taken in its turn, and given away when what it saw is durable.
pub(super) trait Reading: Send {
    fn take(&mut self, book: &Book, now: Timestamp);
    fn give(self: Box<Self>, outcome: Result<(), Failure>);
}

/// A closure over the book and where its value goes.
pub(super) struct Read<F, T> {
    look: Option<F>,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, Failure>>,
}

impl<F, T> Read<F, T> {
    pub(super) fn new(look: F, reply: oneshot::Sender<Result<T, Failure>>) -> Self {
        Self { look: Some(look), value: None, reply }
    }
}

impl<F, T> Reading for Read<F, T>
where
    F: FnOnce(&Book, Timestamp) -> T + Send,
    T: Send,
{
    fn take(&mut self, book: &Book, now: Timestamp) {
        self.value = self.look.take().map(|look| look(book, now));
    }

    fn give(self: Box<Self>, outcome: Result<(), Failure>) {
        let Self { value, reply, .. } = *self;
        // Whoever asked may have gone away.
        let _ = reply.send(outcome.and_then(|()| value.ok_or(Failure::Stopped)));
    }
}
