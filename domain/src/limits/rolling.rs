//! An exact sliding log.

use super::{Ask, Verdict};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most that one rolling window can count; a higher figure acts as this one.
const MOST: u64 = u32::MAX as u64;
/// Rings up to this many slots are never given back while in use.
const SMALL: usize = 32;

/// The admissions of one subject in the trailing window, oldest first, in a ring.
///
/// A stamp holds the running total up to and with it, modulo 2³². Differences of two totals are
/// exact, since at most 2³² − 1 is ever alive: what a window holds and when enough of it has left
/// are binary searches, nothing is summed up. The slot before the oldest stamp is never used by a
/// stamp: it keeps the total that came before.
#[derive(Clone, Default)]
pub struct Rolling {
    slots: Vec<Stamp>,
    /// The slot of the oldest stamp.
    head: u32,
    /// How many stamps there are, always fewer than slots once there are slots.
    live: u32,
}

/// 12 bytes: a subject has one per admission, and there are millions of subjects.
#[derive(Clone, Copy, Default)]
struct Stamp {
    time: [u8; 8],
    upto: u32,
}

impl Stamp {
    fn new(time: i64, upto: u32) -> Self {
        Self { time: time.to_ne_bytes(), upto }
    }

    fn time(self) -> i64 {
        i64::from_ne_bytes(self.time)
    }

    fn left_by(self, window: Span, now: Timestamp) -> bool {
        self.time().saturating_add(window.micros()) <= now.micros()
    }

    fn wait(self, window: Span, now: Timestamp) -> Span {
        Span::from_micros(self.time().saturating_add(window.micros()).saturating_sub(now.micros()))
    }
}

impl Rolling {
    /// Refuses when `(now − window, now]` would hold more than the figure, this request included.
    pub fn check(&self, window: Span, ask: &Ask<'_>) -> Verdict {
        let left = self.first(|stamp| !stamp.left_by(window, ask.now));
        let count = u64::from(self.total().wrapping_sub(self.before(left)));
        let verdict = Verdict::of(ask, count, ask.figure.min(MOST));
        let retry_after = verdict.may_wait(ask).then(|| self.wait(window, ask, verdict.limit)).flatten();
        let resets_at = if verdict.admitted && ask.weight > 0 {
            ask.now.plus(window)
        } else {
            self.newest().map_or(ask.now, |stamp| ask.now.plus(stamp.wait(window, ask.now)))
        };
        Verdict { resets_at, retry_after, ..verdict }
    }

    /// Forgets what has left the window and counts the weight.
    pub fn admit(&mut self, window: Span, ask: &Ask<'_>) {
        if ask.weight > 0 {
            let left = self.first(|stamp| !stamp.left_by(window, ask.now));
            self.forget(left);
            self.push(ask.now.micros(), ask.weight);
        }
    }

    /// Whether nothing counts any more.
    pub fn is_idle(&self, window: Span, now: Timestamp) -> bool {
        self.newest().is_none_or(|stamp| stamp.left_by(window, now))
    }

    /// Until so much has left that the weight fits.
    fn wait(&self, window: Span, ask: &Ask<'_>, limit: u64) -> Option<Span> {
        let (total, room) = (self.total(), limit.saturating_sub(ask.weight));
        let last = self.first(|stamp| u64::from(total.wrapping_sub(stamp.upto)) <= room);
        (last < self.live).then(|| self.stamp(last).wait(window, ask.now))
    }

    /// The index of the first stamp, oldest first, for which `found` holds; it must hold from there on.
    ///
    /// It is looked for near the oldest first: mostly few have left the window since the last look.
    fn first(&self, found: impl Fn(Stamp) -> bool) -> u32 {
        let (mut low, mut high) = (0, 0);
        while high < self.live && !found(self.stamp(high)) {
            low = high + 1;
            high = high.saturating_mul(2).saturating_add(1);
        }
        high = high.min(self.live);
        while low < high {
            let middle = low.midpoint(high);
            if found(self.stamp(middle)) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// The slot of the stamp with this index, or of the free one after the newest.
    fn slot(&self, index: u32) -> usize {
        let slot = self.head as usize + index as usize;
        if slot < self.slots.len() { slot } else { slot - self.slots.len() }
    }

    fn stamp(&self, index: u32) -> Stamp {
        self.slots[self.slot(index)]
    }

    /// The running total before the stamp with this index.
    fn before(&self, index: u32) -> u32 {
        match (index, self.head) {
            (0, 0) => self.slots.last().map_or(0, |stamp| stamp.upto),
            (0, head) => self.slots[head as usize - 1].upto,
            (index, _) => self.stamp(index - 1).upto,
        }
    }

    fn total(&self) -> u32 {
        self.before(self.live)
    }

    fn newest(&self) -> Option<Stamp> {
        self.live.checked_sub(1).map(|index| self.stamp(index))
    }

    fn forget(&mut self, left: u32) {
        if left > 0 {
            self.head = narrow(self.slot(left));
            self.live -= left;
            if self.slots.len() > SMALL && (self.live as usize) < self.slots.len() / 8 {
                self.resize(self.slots.len() / 4);
            }
        }
    }

    /// Adds a stamp, or adds to the newest when time stood still.
    fn push(&mut self, now: i64, weight: u64) {
        let room = u32::MAX - self.total().wrapping_sub(self.before(0));
        let weight = u32::try_from(weight).unwrap_or(u32::MAX).min(room);
        let upto = self.total().wrapping_add(weight);
        if let Some(newest) = self.newest().filter(|newest| now <= newest.time()) {
            let slot = self.slot(self.live - 1);
            self.slots[slot] = Stamp::new(newest.time(), upto);
            return;
        }
        if self.live as usize + 1 >= self.slots.len() {
            self.resize(self.slots.len() + (self.slots.len() / 2).max(3));
        }
        let slot = self.slot(self.live);
        self.slots[slot] = Stamp::new(now, upto);
        self.live += 1;
    }

    /// Moves the stamps to a ring of `slots`, the oldest one first and the slot before it last.
    fn resize(&mut self, slots: usize) {
        let before = Stamp::new(0, self.before(0));
        let mut ring = Vec::with_capacity(slots);
        ring.extend((0..self.live).map(|index| self.stamp(index)));
        ring.resize(slots, before);
        self.slots = ring;
        self.head = 0;
    }

    /// Time and weight of each stamp, oldest first.
    fn entries(&self) -> impl ExactSizeIterator<Item = (i64, u32)> {
        (0..self.live).map(|index| {
            let stamp = self.stamp(index);
            (stamp.time(), stamp.upto.wrapping_sub(self.before(index)))
        })
    }
}

fn narrow(slot: usize) -> u32 {
    u32::try_from(slot).unwrap_or(u32::MAX)
}

/// The same admissions, however they lie in the ring.
impl PartialEq for Rolling {
    fn eq(&self, other: &Self) -> bool {
        self.entries().eq(other.entries())
    }
}

impl Eq for Rolling {}

impl std::fmt::Debug for Rolling {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_list().entries(self.entries()).finish()
    }
}

impl Serialize for Rolling {
    /// A flat list, oldest first: for each stamp the microseconds since the one before, and its weight.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut last = 0;
        let mut pair = |(time, weight)| [time - std::mem::replace(&mut last, time), i64::from(weight)];
        to.collect_seq(self.entries().flat_map(&mut pair).collect::<Vec<_>>())
    }
}

impl<'de> Deserialize<'de> for Rolling {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let figures = Vec::<u64>::deserialize(from)?;
        let (pairs, rest) = figures.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(serde::de::Error::custom("a stamp without its weight"));
        }
        let mut log = Self::default();
        if !pairs.is_empty() {
            log.resize(pairs.len() + 1);
        }
        let mut time = Timestamp::EPOCH;
        for &[passed, weight] in pairs {
            time = time.plus(Span::from_micros(i64::try_from(passed).unwrap_or(i64::MAX)));
            log.push(time.micros(), weight);
        }
        Ok(log)
    }
}

/// The ring is no part of the contract, but a book of millions of them must fit.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Calendar;

    fn admit(log: &mut Rolling, window: i64, second: i64) {
        let now = Timestamp::EPOCH.plus(Span::from_secs(second));
        let ask = Ask { now, weight: 1, figure: 0, calendar: &Calendar::default() };
        log.admit(Span::from_secs(window), &ask);
    }

    #[test]
    fn a_stamp_takes_12_bytes_and_eight_of_them_nine_slots() {
        let mut log = Rolling::default();
        (0..8).for_each(|second| admit(&mut log, 60, second));

        assert_eq!((size_of::<Stamp>(), log.slots.len(), log.slots.capacity()), (12, 9, 9));
    }

    #[test]
    fn requests_of_one_instant_share_a_stamp() {
        let mut log = Rolling::default();
        (0..1_000).for_each(|_| admit(&mut log, 60, 0));

        assert_eq!((log.live, log.total()), (1, 1_000));
    }

    #[test]
    fn a_steady_stream_never_grows_the_ring() {
        let mut log = Rolling::default();
        (0..1_000).for_each(|round| admit(&mut log, 60, round * 10));

        assert_eq!((log.live, log.slots.len()), (6, 9));
    }

    #[test]
    fn a_ring_that_was_once_large_is_given_back() {
        let mut log = Rolling::default();
        (0..1_000).for_each(|second| admit(&mut log, 3_600, second));
        (0..10).for_each(|round| admit(&mut log, 60, 5_000 + round * 60));

        assert!(log.slots.len() <= SMALL, "{}", log.slots.len());
    }
}
