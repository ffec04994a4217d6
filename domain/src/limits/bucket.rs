//! A count per calendar period.

use super::{Ask, Verdict};
use crate::time::{Period, Timestamp};
use serde::{Deserialize, Serialize};

/// What was used in the running period.
///
/// The end of the period is kept, so the calendar is asked only when a new one begins. It also means
/// that moving a subject to another zone or reset hour works from the next reset on: nobody gains a
/// second allowance by moving, and what `resets_at` once promised stays true.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Bucket {
    running: Option<Running>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Running {
    period: Period,
    ends: Timestamp,
    used: u64,
}

impl Bucket {
    /// Refuses when the weight would not fit in what is left of the period.
    pub fn check(&self, period: Period, ask: &Ask<'_>) -> Verdict {
        let running = self.at(period, ask);
        let verdict = Verdict::of(ask, running.used, ask.figure);
        let wait = running.ends.since(ask.now);
        let retry_after = verdict.may_wait(ask).then_some(wait);
        Verdict { resets_at: running.ends, retry_after, ..verdict }
    }

    /// Counts the weight in the period that holds `now`.
    pub fn admit(&mut self, period: Period, ask: &Ask<'_>) {
        if ask.weight > 0 {
            let mut running = self.at(period, ask);
            running.used = running.used.saturating_add(ask.weight);
            self.running = Some(running);
        }
    }

    /// Whether nothing was used in the running period.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.running.is_none_or(|running| running.ends <= now)
    }

    /// The period that holds `now`. When the rule went over to another period, what was used goes along.
    fn at(&self, period: Period, ask: &Ask<'_>) -> Running {
        match self.running.filter(|running| ask.now < running.ends) {
            Some(running) if running.period == period => running,
            kept => {
                let (_, ends) = ask.calendar.period(period, ask.now);
                Running { period, ends, used: kept.map_or(0, |running| running.used) }
            }
        }
    }
}

/// The compact form of a snapshot: period, end, used.
type Stored = Option<(Period, Timestamp, u64)>;

impl From<Stored> for Bucket {
    fn from(stored: Stored) -> Self {
        Self { running: stored.map(|(period, ends, used)| Running { period, ends, used }) }
    }
}

impl From<Bucket> for Stored {
    fn from(bucket: Bucket) -> Self {
        bucket.running.map(|running| (running.period, running.ends, running.used))
    }
}
