//! What the rest of the process holds of an engine.

use super::failure::Failure;
use super::health::{Gauges, Health, State};
use super::job::{Decided, Job, Read, Verdict};
use super::queue::{Queue, Refused};
use crate::told;
use adapters::system::Clock;
use domain::book::Book;
use domain::command::Command;
use domain::event::{Entry, Event, RequestDenied};
use domain::ids::{Name, Position};
use domain::log::{EventStore, Frame, StoreError, codec};
use domain::policy::Policy;
use domain::rejection::Rejection;
use domain::time::{Span, Timestamp};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{oneshot, watch};

/// Most entries that one call reads.
pub const ENTRIES_MAX: usize = 10_000;

/// What the rest of the process holds of an engine. A clone is the same engine.
#[derive(Clone)]
pub struct Handle(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) gauges: Gauges,
    pub(super) store: Arc<dyn EventStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) thread: Mutex<Option<JoinHandle<()>>>,
}

impl Shared {
    /// Ends the engine when a failed reading shows that the log is damaged.
    pub(super) fn heed(&self, failure: &Failure) {
        if failure.is_damage() {
            // Closed already: it is ending.
            let _ = self.queue.push(Job::GiveUp(told(failure).into()));
        }
    }
}

/// An answer, durable.
#[derive(Clone, Debug)]
pub struct Committed {
    pub answer: Answer,
    /// The policy version that the answer's event names; the one in force where it names none.
    pub policy: Option<Arc<Policy>>,
    /// The position of the answer's event; for an answer without one, of the last event that it saw.
    pub position: Position,
    /// When the answer's event was stamped; for an answer without one, when it was given.
    pub at: Timestamp,
}

/// What the book answered to a command.
#[derive(Clone, Debug)]
pub enum Answer {
    Entry(Arc<Entry>),
    /// The same request came before: its event, as the log has it.
    Repeat(Arc<Entry>),
    /// Refused like many before it in the same minute: counted, and recorded with the others when the minute is over.
    Collapsed(Box<RequestDenied>),
    Rejected(Rejection),
}

impl Handle {
    /// Decides a command. The answer comes when it is durable.
    pub async fn submit(&self, command: Command) -> Result<Committed, Failure> {
        let (job, answer) = job(command);
        self.push(job)?;
        self.committed(answer).await
    }

    /// Decides commands one after another, each for itself: one that is refused does not touch the others, and those
    /// that find no room in the queue are answered as overload. The answers stand in the order of the commands.
    pub async fn submit_all(&self, commands: Vec<Command>) -> Vec<Result<Committed, Failure>> {
        let (jobs, waiting): (Vec<_>, Vec<_>) = commands.into_iter().map(job).unzip();
        let wanted = jobs.len();
        let (taken, missed) = match self.0.queue.push_all(jobs) {
            Ok(dropped) => (wanted - dropped, Refused::Full),
            Err(refused) => (0, refused),
        };
        let mut answers = Vec::with_capacity(wanted);
        for (place, answer) in waiting.into_iter().enumerate() {
            let answer = if place < taken { self.committed(answer).await } else { Err(missed.into()) };
            answers.push(answer);
        }
        answers
    }

    async fn committed(&self, answer: Awaited) -> Result<Committed, Failure> {
        let Decided { verdict, policy, position, at } = answer.await.unwrap_or(Err(Failure::Stopped))?;
        let answer = match verdict {
            Verdict::Entry(entry) => Answer::Entry(entry),
            Verdict::Repeat(first) => return self.repeat(first).await,
            Verdict::Collapsed(denied, _) => Answer::Collapsed(denied),
            Verdict::Rejected(rejection) => Answer::Rejected(rejection),
        };
        Ok(Committed { answer, policy, position, at })
    }

    /// Looks at the book in turn with the commands, once the dues of `account` are settled.
    ///
    /// `look` runs on the engine's thread, so it should copy what it needs and go. Its value comes when
    /// everything that it saw is durable. The instant is the read's own, not earlier than any event's.
    pub async fn read<T, F>(&self, account: Option<Name>, look: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&Book, Timestamp) -> T + Send + 'static,
    {
        let (reply, value) = oneshot::channel();
        self.push(Job::Read(account, Box::new(Read::new(look, reply))))?;
        value.await.unwrap_or(Err(Failure::Stopped))
    }

    /// The event at a position, from the log; `None` past its end.
    pub async fn entry(&self, position: Position) -> Result<Option<Entry>, Failure> {
        if position == 0 {
            return Ok(None);
        }
        Ok(self.decoded(position, 1).await?.pop())
    }

    /// At most `max` (and [`ENTRIES_MAX`]) events from a position on, from the log.
    pub async fn entries(&self, from: Position, max: usize) -> Result<Vec<Entry>, Failure> {
        let (from, max) = (from.max(1), max.min(ENTRIES_MAX));
        if max == 0 {
            return Ok(Vec::new());
        }
        self.decoded(from, max).await
    }

    /// Events from the log. One that is not what was written ends the engine: nobody may be served from such a book.
    async fn decoded(&self, from: Position, max: usize) -> Result<Vec<Entry>, Failure> {
        let read = match self.0.store.read(from, max).await {
            Ok(frames) => decode_range(&frames, from, max),
            Err(error) => Err(error.into()),
        };
        read.inspect_err(|failure| self.0.heed(failure))
    }

    /// State and figures.
    pub fn health(&self) -> Health {
        self.0.gauges.read(self.0.queue.depth(), self.0.clock.monotonic())
    }

    /// The last durable position, as it moves: what projections follow.
    pub fn head(&self) -> watch::Receiver<Position> {
        self.0.gauges.head.subscribe()
    }

    /// Accepts the wall clock as it now is, after it jumped.
    pub fn confirm_clock(&self) {
        self.0.clock.confirm();
        self.wake();
    }

    /// Lets the engine look at the clock: for a sandbox, whose time was moved.
    pub fn wake(&self) {
        self.0.queue.wake();
    }

    /// Folds frames that another process appended, on a standby; returns when they are folded.
    pub async fn follow(&self, frames: Vec<Frame>) -> Result<(), Failure> {
        let (done, folded) = oneshot::channel();
        self.push(Job::Follow(frames, done))?;
        folded.await.map_err(|_| Failure::Stopped)
    }

    /// Notes that a standby has folded all that the log held a moment ago.
    pub fn caught_up(&self) {
        self.0.gauges.catch_up(self.0.clock.monotonic());
    }

    /// Makes a standby the one that decides. Nobody else may append any more, and all that was must be folded.
    pub fn lead(&self) -> Result<(), Failure> {
        self.push(Job::Lead)
    }

    /// Waits until this engine decides; `false` when it ended before.
    pub async fn led(&self) -> bool {
        let mut states = self.0.gauges.state.subscribe();
        let left = states.wait_for(|state| *state != State::Standby).await;
        left.is_ok_and(|state| !matches!(*state, State::Stopped { .. }))
    }

    /// Ends the engine, which may answer nobody any more, for this reason.
    pub fn give_up(&self, why: &str) {
        // Closed already: it is ending.
        let _ = self.0.queue.push(Job::GiveUp(why.into()));
    }

    /// Carries out what waits, takes a last snapshot and ends the engine. Its thread is gone then, and holds the
    /// store no more.
    pub async fn stop(&self) {
        // Closed already: it is ending, and there is only the end to wait for.
        let _ = self.0.queue.push(Job::Stop);
        self.ended().await;
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // It has nothing left to do but to return.
        drop(thread.map(JoinHandle::join));
    }

    /// Waits until the engine has ended, whatever the cause, and says why and whether it failed.
    pub async fn ended(&self) -> (Arc<str>, bool) {
        let mut states = self.0.gauges.state.subscribe();
        let ended = states.wait_for(|state| matches!(state, State::Stopped { .. })).await;
        match ended.as_deref() {
            Ok(State::Stopped { why, failed }) => (why.clone(), *failed),
            Ok(State::Running | State::Refusing { .. } | State::Standby) | Err(_) => ("".into(), true),
        }
    }

    fn push(&self, job: Job) -> Result<(), Failure> {
        self.0.queue.push(job).map_err(Failure::from)
    }

    /// The first answer, from the event as it was stored: never from memory, which may know more by now.
    async fn repeat(&self, first: Position) -> Result<Committed, Failure> {
        let Some(entry) = self.entry(first).await? else {
            let missing = missing(first).into();
            self.0.heed(&missing);
            return Err(missing);
        };
        let named = policy_number(&entry);
        let policy = self.read(None, move |book, now| policy_of(book, named, now)).await?;
        let (position, at) = (entry.position, entry.at);
        Ok(Committed { answer: Answer::Repeat(Arc::new(entry)), policy, position, at })
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Full => Self::Overloaded { retry_after: Span::from_secs(1) },
            Refused::Closed => Self::Stopped,
        }
    }
}

/// Where the answer to a command arrives.
type Awaited = oneshot::Receiver<Result<Decided, Failure>>;

fn job(command: Command) -> (Job, Awaited) {
    let (reply, answer) = oneshot::channel();
    (Job::Command(Box::new(command), reply), answer)
}

/// The number of the policy that an event says it was decided under.
pub(super) fn policy_number(entry: &Entry) -> Option<u32> {
    if let Event::RequestAdmitted(event) = &entry.event {
        Some(event.under.policy())
    } else if let Event::RequestDenied(event) = &entry.event {
        Some(event.under.policy())
    } else if let Event::DenialsCollapsed(event) = &entry.event {
        Some(event.first.under.policy())
    } else {
        None
    }
}

/// The policy with a number, or the one in force.
pub(super) fn policy_of(book: &Book, number: Option<u32>, now: Timestamp) -> Option<Arc<Policy>> {
    match number {
        Some(number) => book.catalogue().policy(number).cloned(),
        None => book.catalogue().in_force(now).map(|rules| rules.policy.clone()),
    }
}

fn decode_range(frames: &[Frame], from: Position, max: usize) -> Result<Vec<Entry>, Failure> {
    let mut entries = Vec::with_capacity(max.min(ENTRIES_MAX));
    for frame in frames {
        let first = frame.first();
        let damaged = |error| StoreError::Damaged { position: first, cause: Box::new(error) };
        for (position, text) in frame.events().map_err(damaged)? {
            if position >= from && entries.len() < max {
                let unreadable = |cause| Failure::Unreadable { position, cause: Arc::new(cause) };
                entries.push(codec::decode(text).map_err(unreadable)?);
            }
        }
    }
    Ok(entries)
}

fn missing(position: Position) -> StoreError {
    StoreError::Damaged { position, cause: "the event of an answer is gone".into() }
}
