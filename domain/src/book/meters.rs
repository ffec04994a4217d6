//! The counters of every subject of every limit, dropped when they equal fresh ones.

use crate::chunked::{Chunked, Frozen};
use crate::ids::Digest;
use crate::limits::{Ask, Meter, Rule, Verdict};
use crate::map::{Places, hash};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Meters by counter, in slots that a clock hand reuses.
///
/// Each new subject moves the hand over a few slots and frees the idle ones, so memory follows the live
/// subjects with no sweep over all of them.
#[derive(Clone, Debug, Default)]
pub struct Meters {
    /// The slots in use.
    index: Places,
    slots: Chunked<Slot, CHUNK>,
    /// The others.
    free: Vec<u32>,
    hand: u32,
    /// The few rules in use; a slot names its own by its place here.
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Slot {
    counter: Digest,
    meter: Meter,
    rule: u16,
    used: bool,
}

/// Slots of a chunk: with its head just below 1 KiB, a size that allocators have.
const CHUNK: usize = 15;

/// What a snapshot keeps of them.
#[derive(Serialize, Deserialize)]
pub(super) struct FrozenMeters {
    slots: Frozen<Slot, CHUNK>,
    hand: u32,
    rules: Vec<Rule>,
}

impl From<FrozenMeters> for Meters {
    fn from(FrozenMeters { slots, hand, rules }: FrozenMeters) -> Self {
        let slots = slots.thaw();
        let (mut index, mut free) = (Places::with_capacity(slots.len()), Vec::new());
        for (place, slot) in (0..).zip(slots.iter()) {
            if slot.used { index.add(hash(slot.counter), place) } else { free.push(place) }
        }
        Self { index, slots, free, hand, rules }
    }
}

/// Slots looked at for each new subject.
const STEP: usize = 2;

impl Meters {
    pub(super) fn freeze(&self) -> FrozenMeters {
        FrozenMeters { slots: self.slots.freeze(), hand: self.hand, rules: self.rules.clone() }
    }

    /// Subjects counted now.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    pub fn contains(&self, counter: Digest) -> bool {
        self.place(counter).is_some()
    }

    fn place(&self, counter: Digest) -> Option<u32> {
        self.index.find(hash(counter), |place| self.slots[place as usize].counter == counter)
    }

    /// What the counter says of an ask; an unknown one says what a fresh one would.
    pub fn check(&self, counter: Digest, rule: &Rule, ask: &Ask<'_>) -> Verdict {
        match self.place(counter) {
            Some(place) => self.slots[place as usize].meter.check(rule, ask),
            None => Meter::new(rule).check(rule, ask),
        }
    }

    /// Counts what was admitted.
    pub fn admit(&mut self, counter: Digest, rule: &Rule, ask: &Ask<'_>) {
        let place = self.place(counter).unwrap_or_else(|| self.add(counter, rule, ask.now));
        let named = self.name(rule);
        let slot = &mut self.slots[place as usize];
        slot.rule = named;
        slot.meter.admit(rule, ask);
    }

    /// Closes open jobs.
    pub fn release(&mut self, counter: Digest, jobs: u64) {
        if let Some(place) = self.place(counter) {
            self.slots[place as usize].meter.release(jobs);
        }
    }

    /// Forgets what was counted.
    pub fn reset(&mut self, counter: Digest) {
        if let Some(place) = self.place(counter) {
            self.slots[place as usize].meter.reset();
        }
    }

    fn add(&mut self, counter: Digest, rule: &Rule, now: Timestamp) -> u32 {
        self.advance(now);
        let slot = Slot { counter, meter: Meter::new(rule), rule: self.name(rule), used: true };
        let place = if let Some(place) = self.free.pop() {
            self.slots[place as usize] = slot;
            place
        } else {
            self.slots.push(slot);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        };
        self.index.add(hash(counter), place);
        place
    }

    fn advance(&mut self, now: Timestamp) {
        for _ in 0..STEP.min(self.slots.len()) {
            let next = (self.hand as usize + 1) % self.slots.len();
            self.hand = u32::try_from(next).unwrap_or(0);
            let slot = &self.slots[next];
            if slot.used && slot.meter.is_idle(&self.rules[slot.rule as usize], now, 1) {
                let slot = &mut self.slots[next];
                slot.used = false;
                slot.meter = Meter::new(&Rule::Concurrency);
                self.index.remove(hash(slot.counter), self.hand);
                self.free.push(self.hand);
            }
        }
    }

    fn name(&mut self, rule: &Rule) -> u16 {
        let place = self.rules.iter().position(|known| known == rule).unwrap_or_else(|| {
            self.rules.push(*rule);
            self.rules.len() - 1
        });
        u16::try_from(place).unwrap_or(u16::MAX)
    }

    /// The meters that a fresh one does not equal, in a fixed order: what two folds must agree on.
    pub fn live(&self, now: Timestamp) -> Vec<(Digest, &Meter)> {
        let busy = |slot: &&Slot| slot.used && !slot.meter.is_idle(&self.rules[slot.rule as usize], now, 1);
        let mut live: Vec<_> =
            self.slots.iter().filter(busy).map(|slot| (slot.counter, &slot.meter)).collect();
        live.sort_unstable_by_key(|(counter, _)| *counter);
        live
    }
}
