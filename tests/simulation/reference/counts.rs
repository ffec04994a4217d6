//! Counting by looking at every admission again.

use crate::spec::{DAY, HOUR, Limit, Micros, Rule};
use std::collections::{BTreeMap, BTreeSet};

/// One admission at one counter.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Tick {
    at: Micros,
    weight: u64,
    figure: u64,
}

/// Every admission since the last reset, by limit and subject.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Counts {
    ticks: BTreeMap<(String, String), Vec<Tick>>,
    /// Every counter that ever moved.
    moved: BTreeSet<(String, String)>,
}

/// What a limit says of a request.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Said {
    pub(crate) passes: bool,
    pub(crate) count: u64,
    pub(crate) limit: u64,
    pub(crate) left: u64,
    /// When the same request would pass, where waiting alone helps.
    pub(crate) retry_at: Option<Micros>,
}

impl Counts {
    pub(crate) fn add(&mut self, limit: &str, subject: &str, at: Micros, (weight, figure): (u64, u64)) {
        self.note(limit, subject);
        let ticks = self.ticks.entry((limit.to_owned(), subject.to_owned())).or_default();
        ticks.push(Tick { at, weight, figure });
    }

    /// A counter moved whose count is kept elsewhere.
    pub(crate) fn note(&mut self, limit: &str, subject: &str) {
        self.moved.insert((limit.to_owned(), subject.to_owned()));
    }

    pub(crate) fn reset(&mut self, limit: &str, subject: &str) {
        self.ticks.remove(&(limit.to_owned(), subject.to_owned()));
    }

    /// How many counters ever moved: no fewer than a book may hold.
    pub(crate) fn ever(&self) -> usize {
        self.moved.len()
    }

    fn of(&self, limit: &str, subject: &str) -> &[Tick] {
        self.ticks.get(&(limit.to_owned(), subject.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// The weight within `(now − window, now]`.
    pub(crate) fn trailing(&self, limit: &str, subject: &str, window: Micros, now: Micros) -> u64 {
        weight(self.of(limit, subject).iter().filter(|tick| tick.at > now - window))
    }

    /// Puts one more request of some weight to a limit; `open` is how many jobs of the subject are open.
    pub(crate) fn ask(
        &self,
        (limit, figure): (&Limit, u64),
        subject: &str,
        (weight, open): (u64, u64),
        now: Micros,
    ) -> Said {
        let ticks = self.of(limit.name, subject);
        match limit.rule {
            Rule::Cooldown(every) => cooldown(ticks, every, now),
            Rule::Rolling(window) => rolling(ticks, window, (weight, figure), now),
            Rule::Bucket(period) => bucket(ticks, period, (weight, figure), now),
            Rule::Concurrent(_) => said(open, weight, figure, None),
            Rule::Tokens { period, burst } => tokens(ticks, (period, burst), (weight, figure), now),
        }
    }
}

fn weight<'a>(ticks: impl Iterator<Item = &'a Tick>) -> u64 {
    ticks.map(|tick| tick.weight).sum()
}

fn said(count: u64, weight: u64, limit: u64, retry_at: Option<Micros>) -> Said {
    let left = limit.saturating_sub(count);
    let passes = weight <= left;
    let after = if passes { left - weight } else { left };
    Said { passes, count, limit, left: after, retry_at: retry_at.filter(|_| !passes && weight <= limit) }
}

fn cooldown(ticks: &[Tick], every: Micros, now: Micros) -> Said {
    let until = ticks.last().map(|tick| tick.at + every).filter(|until| *until > now);
    said(u64::from(until.is_some()), 1, 1, until)
}

fn rolling(ticks: &[Tick], window: Micros, (asked, figure): (u64, u64), now: Micros) -> Said {
    let inside: Vec<_> = ticks.iter().filter(|tick| tick.at > now - window).collect();
    let count = weight(inside.iter().copied());
    // Ticks leave one instant after another, until the rest and the request fit.
    let leave = inside.iter().map(|tick| tick.at + window);
    let fits =
        |at: &Micros| weight(inside.iter().copied().filter(|tick| tick.at + window > *at)) + asked <= figure;
    said(count, asked, figure, leave.into_iter().find(fits))
}

fn bucket(ticks: &[Tick], period: Micros, (asked, figure): (u64, u64), now: Micros) -> Said {
    assert!(period == HOUR || period == DAY, "a calendar period in UTC");
    let from = now - now % period;
    let count = weight(ticks.iter().filter(|tick| tick.at >= from));
    said(count, asked, figure, Some(from + period))
}

/// Fills with every admission and drains by the figure per period. The level is in parts of a token, one for each
/// microsecond of the period, so that nothing is ever rounded.
fn tokens(ticks: &[Tick], (period, burst): (Micros, u64), (asked, figure): (u64, u64), now: Micros) -> Said {
    let (token, mut level, mut at) = (i128::from(period), 0, 0);
    for tick in ticks {
        level = drained(level, tick.figure, tick.at - at) + i128::from(tick.weight) * token;
        at = tick.at;
    }
    level = drained(level, figure, now - at);
    let burst = if figure == 0 { 0 } else { burst };
    let count = u64::try_from((level + token - 1) / token).expect("a level above zero");
    let room = (i128::from(burst) - i128::from(asked)) * token;
    let wait = (figure > 0).then(|| (level - room + i128::from(figure) - 1) / i128::from(figure));
    said(count, asked, burst, wait.map(|wait| now + Micros::try_from(wait).expect("a wait of a few periods")))
}

fn drained(level: i128, figure: u64, passed: Micros) -> i128 {
    (level - i128::from(figure) * i128::from(passed)).max(0)
}
