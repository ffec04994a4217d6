//! The one append in flight: polled on the engine's own thread, sent again while nobody knows what became of it.

use super::batch::{Batch, Cargo, Waiter};
use adapters::system::Clock;
use domain::event::Entry;
use domain::log::{AppendOutcome, EventStore, Frame, Head, StoreError, codec};
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

type Append = Pin<Box<dyn Future<Output = Result<AppendOutcome, StoreError>> + Send>>;

/// Longest pause before an append of unknown outcome is sent again.
const RESEND_MAX: Duration = Duration::from_secs(1);

/// Longest that a frame waits for those who were just answered to ask again.
///
/// A commit costs the same sync and the same wake-ups whether it carries one event or a thousand, so under load a
/// short wait buys more than it costs. After a frame of one event nothing waits: a lone caller is served at once.
const LINGER: Duration = Duration::from_millis(2);

/// Events from which a frame leaves as soon as half of all callers are in it, whoever else waits: then one half is
/// decided while the other is on its way. Fewer are better off in one commit.
const HALF_MIN: u32 = 16;

/// The way to the log: the open batch, and the frame in flight.
pub(super) struct Writer {
    store: Arc<dyn EventStore>,
    clock: Arc<dyn Clock>,
    signal: Arc<Signal>,
    waker: Waker,
    pub(super) open: Batch,
    flight: Option<Flight>,
    /// Where the log durably ends.
    pub(super) committed: Head,
    /// How many events the open frame waits for, and until when.
    gather: (u32, Instant),
}

struct Flight {
    frame: Frame,
    cargo: Cargo,
    append: Option<Append>,
    began: Instant,
    /// Once nobody knows whether it was written, no later "not written" can tell: only an acknowledgement or a conflict does.
    unsure: bool,
    resend: Backoff,
}

/// What became of the frame in flight.
pub(super) enum Landed {
    Durable {
        cargo: Cargo,
        events: u64,
        took: Duration,
    },
    /// Certainly not written.
    Refused(StoreError),
    /// Somebody else writes this book.
    Rival(Head),
    /// The store can't be trusted any more.
    Dead(StoreError),
}

impl Writer {
    /// Must be called on the thread that will poll.
    pub(super) fn new(store: Arc<dyn EventStore>, clock: Arc<dyn Clock>, head: Head) -> Self {
        let signal = Arc::new(Signal { ready: AtomicBool::new(false), thread: thread::current() });
        let (waker, now) = (signal.clone().into(), clock.monotonic());
        Self {
            store,
            clock,
            signal,
            waker,
            open: Batch::open(head, 0),
            flight: None,
            committed: head,
            gather: (0, now),
        }
    }

    /// Goes on behind what another process wrote.
    pub(super) fn stand_at(&mut self, head: Head) {
        debug_assert!(self.is_clear(), "a standby has nothing to write");
        self.committed = head;
        self.open = Batch::open(head, 0);
    }

    /// Encodes events into the open frame.
    pub(super) fn write(&mut self, entries: &[Entry]) -> Result<(), codec::CodecError> {
        for entry in entries {
            let position = self.open.frame.push_with(|text| codec::encode(entry, text))?;
            debug_assert_eq!(position, entry.position, "the book and the log count alike");
        }
        Ok(())
    }

    /// Keeps an answer until all that was decided before it is durable; gives it back when it is already.
    pub(super) fn hold(&mut self, waiter: Waiter) -> Option<Waiter> {
        if !self.open.frame.is_empty() {
            self.open.cargo.waiters.push(waiter);
        } else if let Some(flight) = &mut self.flight {
            flight.cargo.waiters.push(waiter);
        } else {
            return Some(waiter);
        }
        None
    }

    /// Whether the append in flight has something to tell.
    pub(super) fn is_ready(&self) -> bool {
        self.flight.is_some() && self.signal.ready.load(Ordering::Acquire)
    }

    /// When the frame in flight is to be sent again, if it waits for that.
    pub(super) fn resend_at(&self) -> Option<Instant> {
        self.flight.as_ref().and_then(|flight| flight.resend.at)
    }

    /// How often the frame in flight came back without an outcome.
    pub(super) fn unsure_sends(&self) -> u32 {
        self.flight.as_ref().map_or(0, |flight| flight.resend.failures)
    }

    /// Whether everything that was decided is durable.
    pub(super) fn is_clear(&self) -> bool {
        self.flight.is_none() && self.open.frame.is_empty()
    }

    /// Until when the open frame waits for more, when nothing else holds it back.
    pub(super) fn lingers_until(&self) -> Option<Instant> {
        let (size, until) = self.gather;
        let waits = self.flight.is_none() && (1..size).contains(&self.open.frame.len());
        Some(until).filter(|until| waits && self.clock.monotonic() < *until)
    }

    /// How many jobs are worth waking up for: what the open frame waits for, or half of the frame in flight, behind
    /// which nobody is answered.
    pub(super) fn wants(&self) -> usize {
        let wanted = match &self.flight {
            Some(flight) if flight.unsure => 1,
            Some(flight) => flight.frame.count() / 2,
            None if self.open.frame.is_empty() => 1,
            None => self.gather.0.saturating_sub(self.open.frame.len()),
        };
        usize::try_from(wanted).unwrap_or(1).max(1)
    }

    /// Whether the open frame has the half that it waited for, so that the other half is better decided while it is on
    /// its way.
    pub(super) fn is_half(&self) -> bool {
        self.flight.is_none() && (HALF_MIN..=self.open.frame.len()).contains(&self.gather.0)
    }

    /// Waits for no more events: the frame is full, or the engine is to end.
    pub(super) fn hurry(&mut self) {
        self.gather.0 = 0;
    }

    /// Sends the open frame off, if it has events, waits for no more and none is in flight.
    pub(super) fn depart(&mut self) -> bool {
        if self.flight.is_some() || self.open.frame.is_empty() || self.lingers_until().is_some() {
            return false;
        }
        let next = Batch::open(self.open.head(), self.open.frame.bytes());
        let Batch { frame, cargo } = mem::replace(&mut self.open, next);
        let Some(frame) = frame.finish() else { return false };
        let append = Some(send(&self.store, &frame));
        let (began, resend) = (self.clock.monotonic(), Backoff::default());
        self.flight = Some(Flight { frame, cargo, append, began, unsure: false, resend });
        self.signal.ready.store(true, Ordering::Release);
        true
    }

    /// Polls the append in flight when it asked for it. `Err` is a pause: nobody knows what became of it.
    pub(super) fn poll(&mut self) -> Option<Result<Landed, StoreError>> {
        let flight = self.flight.as_mut()?;
        if flight.resend.is_due(&*self.clock) {
            flight.append = Some(send(&self.store, &flight.frame));
            self.signal.ready.store(true, Ordering::Release);
        }
        if !self.signal.ready.swap(false, Ordering::AcqRel) {
            return None;
        }
        let append = flight.append.as_mut()?;
        let Poll::Ready(outcome) = append.as_mut().poll(&mut Context::from_waker(&self.waker)) else {
            return None;
        };
        flight.append = None;
        Some(self.land(outcome))
    }

    fn land(&mut self, outcome: Result<AppendOutcome, StoreError>) -> Result<Landed, StoreError> {
        let Some(mut flight) = self.flight.take() else {
            return Ok(Landed::Rival(self.committed));
        };
        let end = Head { position: flight.frame.end(), hash: flight.frame.last() };
        match outcome {
            Ok(AppendOutcome::Appended) => Ok(self.durable(end, flight)),
            // The head is what this very frame would make it: an earlier try was written.
            Ok(AppendOutcome::Conflict { head }) if head == end => Ok(self.durable(end, flight)),
            Ok(AppendOutcome::Conflict { head }) => Ok(Landed::Rival(head)),
            Err(error @ StoreError::NotWritten(_)) if !flight.unsure => {
                self.flight = Some(flight);
                Ok(Landed::Refused(error))
            }
            Err(error @ (StoreError::NotWritten(_) | StoreError::MaybeWritten(_))) => {
                flight.unsure = true;
                flight.resend.fail(RESEND_MAX, self.clock.monotonic());
                self.flight = Some(flight);
                Err(error)
            }
            Err(error @ (StoreError::Damaged { .. } | StoreError::Fatal(_))) => Ok(Landed::Dead(error)),
        }
    }

    fn durable(&mut self, end: Head, flight: Flight) -> Landed {
        self.committed = end;
        let waiting = flight.frame.count() + self.open.frame.len();
        let now = self.clock.monotonic();
        self.gather = (waiting / 2, now + LINGER);
        let events = u64::from(flight.frame.count());
        Landed::Durable { cargo: flight.cargo, events, took: now.saturating_duration_since(flight.began) }
    }

    /// Forgets all that is not durable and gives back what went with it, oldest first.
    pub(super) fn revert(&mut self) -> Cargo {
        let mut cargo = self.flight.take().map(|flight| flight.cargo).unwrap_or_default();
        let open = mem::replace(&mut self.open, Batch::open(self.committed, 0)).cargo;
        cargo.waiters.extend(open.waiters);
        cargo.minutes.extend(open.minutes);
        cargo
    }
}

/// An append that owns what it needs, so that it can stay in flight while the engine goes on.
fn send(store: &Arc<dyn EventStore>, frame: &Frame) -> Append {
    let (store, frame) = (store.clone(), frame.clone());
    Box::pin(async move { store.append(&frame).await })
}

/// Wakes the engine's thread, and tells it that the append is why.
struct Signal {
    ready: AtomicBool,
    thread: Thread,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ready.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

/// Pauses that double: none after the first failure, then 10 ms, 20 ms …
#[derive(Default)]
pub(super) struct Backoff {
    pub(super) failures: u32,
    pub(super) at: Option<Instant>,
}

impl Backoff {
    pub(super) fn fail(&mut self, longest: Duration, now: Instant) {
        let doubled = Duration::from_millis(5).saturating_mul(1 << self.failures.min(20));
        let pause = if self.failures == 0 { Duration::ZERO } else { doubled.min(longest) };
        self.failures = self.failures.saturating_add(1);
        self.at = Some(now + pause);
    }

    /// Whether a pause has just passed; true once.
    pub(super) fn is_due(&mut self, clock: &dyn Clock) -> bool {
        self.at.take_if(|at| *at <= clock.monotonic()).is_some()
    }

    pub(super) fn is_pausing(&self, clock: &dyn Clock) -> bool {
        self.at.is_some_and(|at| at > clock.monotonic())
    }
}
