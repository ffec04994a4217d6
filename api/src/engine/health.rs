//! What can be seen of an engine from outside: its state and its figures.

use domain::ids::Position;
use domain::time::Span;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Whether the engine decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum State {
    /// It decides.
    Running,
    /// The event store takes nothing; commands get 503, and the engine tries again by itself.
    Refusing { why: Arc<str> },
    /// Another process writes the book; this one follows, answers reads, and takes over when that one is gone.
    Standby,
    /// It has ended for good. `failed` is false when it was asked to; otherwise the process should exit with an error.
    Stopped { why: Arc<str>, failed: bool },
}

/// The figures of an engine at an instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Health {
    pub state: State,
    /// The last durable event.
    pub head: Position,
    /// How long ago a standby had last folded all that the log held; absent on the writer.
    pub lag: Option<Duration>,
    /// Commands and reads that wait to be taken up.
    pub queue_depth: usize,
    /// Appends that succeeded since the start, and the events in them.
    pub commits: u64,
    pub events: u64,
    /// Events in the last append, and the most in one.
    pub last_batch: u64,
    pub largest_batch: u64,
    /// How long the last append took, and all of them together, in microseconds.
    pub last_commit_micros: u64,
    pub commit_micros: u64,
    /// The last event that a snapshot holds.
    pub snapshot: Position,
    /// Refusals that are counted and not yet recorded.
    pub collapsed: u64,
    /// How old the oldest request id is that is remembered; absent while there is none.
    pub id_retention: Option<Span>,
}

/// The live figures: written by the engine's thread only.
pub(super) struct Gauges {
    pub(super) state: watch::Sender<State>,
    pub(super) head: watch::Sender<Position>,
    /// When a standby had folded all that there was.
    caught_up: Mutex<Option<Instant>>,
    commits: AtomicU64,
    events: AtomicU64,
    last_batch: AtomicU64,
    largest_batch: AtomicU64,
    last_commit_micros: AtomicU64,
    commit_micros: AtomicU64,
    pub(super) snapshot: AtomicU64,
    pub(super) collapsed: AtomicU64,
    /// Microseconds; negative: no id is remembered.
    id_retention: AtomicI64,
}

impl Gauges {
    pub(super) fn new() -> Self {
        Self {
            state: watch::Sender::new(State::Running),
            head: watch::Sender::new(0),
            caught_up: Mutex::new(None),
            commits: AtomicU64::new(0),
            events: AtomicU64::new(0),
            last_batch: AtomicU64::new(0),
            largest_batch: AtomicU64::new(0),
            last_commit_micros: AtomicU64::new(0),
            commit_micros: AtomicU64::new(0),
            snapshot: AtomicU64::new(0),
            collapsed: AtomicU64::new(0),
            id_retention: AtomicI64::new(-1),
        }
    }

    /// Counts an append that succeeded.
    pub(super) fn committed(&self, head: Position, events: u64, micros: u64) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.events.fetch_add(events, Ordering::Relaxed);
        self.last_batch.store(events, Ordering::Relaxed);
        self.largest_batch.fetch_max(events, Ordering::Relaxed);
        self.last_commit_micros.store(micros, Ordering::Relaxed);
        self.commit_micros.fetch_add(micros, Ordering::Relaxed);
        self.head.send_replace(head);
    }

    /// A standby has folded all that there was at this moment.
    pub(super) fn catch_up(&self, at: Instant) {
        *self.caught_up.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// Tells how far back request ids are remembered.
    pub(super) fn remembers(&self, back: Option<Span>) {
        self.id_retention.store(back.map_or(-1, Span::micros), Ordering::Relaxed);
    }

    /// Tells a state to whoever watches, once.
    pub(super) fn become_state(&self, state: State) {
        self.state.send_if_modified(|old| {
            let changed = *old != state;
            *old = state;
            changed
        });
    }

    pub(super) fn read(&self, queue_depth: usize, now: Instant) -> Health {
        let figure = |value: &AtomicU64| value.load(Ordering::Relaxed);
        let retention = self.id_retention.load(Ordering::Relaxed);
        let state = self.state.borrow().clone();
        let caught_up = *self.caught_up.lock().unwrap_or_else(PoisonError::into_inner);
        let lag = caught_up.filter(|_| state == State::Standby).map(|at| now.saturating_duration_since(at));
        Health {
            state,
            lag,
            head: *self.head.borrow(),
            queue_depth,
            commits: figure(&self.commits),
            events: figure(&self.events),
            last_batch: figure(&self.last_batch),
            largest_batch: figure(&self.largest_batch),
            last_commit_micros: figure(&self.last_commit_micros),
            commit_micros: figure(&self.commit_micros),
            snapshot: figure(&self.snapshot),
            collapsed: figure(&self.collapsed),
            id_retention: (retention >= 0).then(|| Span::from_micros(retention)),
        }
    }
}
