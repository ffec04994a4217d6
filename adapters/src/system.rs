//! Time and randomness from the operating system. Nothing else may ask for them.

use domain::log::{BookId, BookInfo, BookKind};
use domain::time::{Span, Timestamp};
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Random bytes fit for secrets.
pub fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(bytes)
}

/// Lets this thread, and those that it starts, run where the processors have nothing else to do.
pub fn stand_back() {
    // By a low priority alone it would still finish its turn before whoever wakes up. Only Linux has a policy for it.
    #[cfg(target_os = "linux")]
    {
        use thread_priority::{NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, unix};
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let this = unix::thread_native_id();
        if let Err(error) = unix::set_thread_priority_and_policy(this, ThreadPriority::Min, idle) {
            tracing::warn!(%error, "the read models run beside the decisions with the same right");
        }
    }
}

/// The identity of a book that is founded now.
pub fn new_book(kind: BookKind, created: Timestamp) -> io::Result<BookInfo> {
    Ok(BookInfo { id: BookId(random()?), kind, created, store: None })
}

/// What time it is for a book. No clock ever goes back.
pub trait Clock: Send + Sync {
    /// The present instant, or that it is not known for sure.
    fn now(&self) -> Result<Timestamp, ClockJump>;

    /// Takes the present time for right after a jump. A clock that cannot jump has nothing to confirm.
    fn confirm(&self) {}

    /// For pauses and durations: the monotonic clock, which nobody can set.
    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

/// The two clocks that a [`SystemClock`] holds against each other.
pub trait TimeSource: Send + Sync {
    /// What the calendar says; it may be set, forth and back.
    fn wall(&self) -> Timestamp;
    /// What has passed; it never goes back.
    fn monotonic(&self) -> Instant;
}

/// The clocks of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct Machine;

impl TimeSource for Machine {
    fn wall(&self) -> Timestamp {
        wall()
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}

/// How far the wall clock may run ahead of the monotonic one between two looks.
const JUMP_SECONDS: i64 = 5;

/// The wall clock jumped ahead: deciding by it would let quotas reset and holds expire before their time.
/// An operator looks and confirms, or the clock is put right.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the wall clock says {wall} where {expected} was expected; confirm the time or put the clock right")]
pub struct ClockJump {
    pub wall: Timestamp,
    pub expected: Timestamp,
}

/// The machine's clock: wall time, watched by the monotonic clock.
///
/// Ahead by more than five seconds, it stops answering. Behind by up to that, it stands still until wall time has
/// caught up; behind by more, it goes on at the monotonic clock's pace rather than freeze every quota.
pub struct SystemClock<S = Machine> {
    source: S,
    last: Mutex<(Timestamp, Instant)>,
}

impl SystemClock {
    /// Starts the clock; it never answers an instant before `floor`, the time of the log's last event.
    pub fn start(floor: Timestamp) -> Self {
        Self::watch(Machine, floor)
    }
}

impl<S: TimeSource> SystemClock<S> {
    /// As [`SystemClock::start`], over clocks of the caller's own.
    pub fn watch(source: S, floor: Timestamp) -> Self {
        let last = Mutex::new((source.wall().max(floor), source.monotonic()));
        Self { source, last }
    }

    /// Takes wall time for right, however far it jumped ahead, and returns it.
    pub fn confirm(&self) -> Timestamp {
        let mut last = self.last();
        let now = last.0.max(self.source.wall());
        *last = (now, self.source.monotonic());
        now
    }

    // A pair that is only ever replaced whole is right even after a panic elsewhere.
    fn last(&self) -> MutexGuard<'_, (Timestamp, Instant)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: TimeSource> Clock for SystemClock<S> {
    fn now(&self) -> Result<Timestamp, ClockJump> {
        let mut last = self.last();
        let (wall, instant) = (self.source.wall(), self.source.monotonic());
        let passed = span(instant.duration_since(last.1));
        let now = judge(last.0, passed, wall)?;
        *last = (now, instant);
        Ok(now)
    }

    fn confirm(&self) {
        Self::confirm(self);
    }

    fn monotonic(&self) -> Instant {
        self.source.monotonic()
    }
}

/// The instant after `passed` has gone by since `last` on the monotonic clock and the wall clock says `wall`.
fn judge(last: Timestamp, passed: Span, wall: Timestamp) -> Result<Timestamp, ClockJump> {
    let (expected, jump) = (last.plus(passed), Span::from_secs(JUMP_SECONDS));
    if wall.since(expected) > jump {
        return Err(ClockJump { wall, expected });
    }
    if expected.since(wall) > jump {
        return Ok(expected);
    }
    Ok(wall.max(last))
}

fn wall() -> Timestamp {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::EPOCH.plus(span(passed))
}

fn span(passed: std::time::Duration) -> Span {
    Span::from_micros(i64::try_from(passed.as_micros()).unwrap_or(i64::MAX))
}

/// A clock that moves only when it is told to: for integrators' tests and ours.
#[derive(Debug)]
pub struct SandboxClock(Mutex<Timestamp>);

impl SandboxClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self(Mutex::new(start))
    }

    /// Moves the clock on and returns where it stands.
    pub fn advance(&self, by: Span) -> Timestamp {
        let mut now = self.hand();
        *now = now.plus(by);
        *now
    }

    /// Puts the clock at `to`, which must not lie before where it stands.
    pub fn set(&self, to: Timestamp) -> Result<Timestamp, NotBack> {
        let mut now = self.hand();
        if to < *now {
            return Err(NotBack { now: *now, to });
        }
        *now = to;
        Ok(to)
    }

    fn hand(&self) -> MutexGuard<'_, Timestamp> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for SandboxClock {
    fn now(&self) -> Result<Timestamp, ClockJump> {
        Ok(*self.hand())
    }
}

/// The sandbox clock was to be put back.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the clock stands at {now} and cannot be put back to {to}")]
pub struct NotBack {
    pub now: Timestamp,
    pub to: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn wall_time_that_keeps_pace_is_the_time() {
        assert_eq!(judge(at(100), Span::from_secs(10), at(110)), Ok(at(110)));
        assert_eq!(judge(at(100), Span::from_secs(10), at(115)), Ok(at(115)), "5 s ahead is allowed");
    }

    #[test]
    fn a_jump_ahead_stops_the_clock() {
        let wall = Timestamp::from_micros(115_000_001);
        let jump = ClockJump { wall, expected: at(110) };
        assert_eq!(judge(at(100), Span::from_secs(10), wall), Err(jump));
    }

    #[test]
    fn a_clock_put_back_a_little_stands_still() {
        assert_eq!(judge(at(100), Span::from_secs(1), at(98)), Ok(at(100)));
    }

    #[test]
    fn a_clock_put_back_far_goes_on_at_the_monotonic_pace() {
        assert_eq!(judge(at(10_000), Span::from_secs(7), at(100)), Ok(at(10_007)));
    }

    #[test]
    fn the_machines_clock_never_answers_before_the_log() {
        let ahead = wall().plus(Span::from_secs(3_600));
        let clock = SystemClock::start(ahead);
        assert!(clock.now().unwrap() >= ahead);
        assert!(clock.confirm() >= ahead);
    }

    #[test]
    fn the_sandbox_clock_moves_only_forward_and_only_when_told() {
        let clock = SandboxClock::new(at(100));
        assert_eq!(clock.advance(Span::from_secs(61)), at(161));
        assert_eq!(clock.set(at(160)), Err(NotBack { now: at(161), to: at(160) }));
        assert_eq!(clock.set(at(200)), Ok(at(200)));
        assert_eq!(clock.now(), Ok(at(200)));
    }

    #[test]
    fn two_books_have_two_ids() {
        let book = || new_book(BookKind::Wall, at(1)).unwrap().id;
        assert_ne!(book(), book());
    }
}
