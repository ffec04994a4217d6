//! The limits of the ladder: what each counter says, and what is shown of it.

use super::{Asked, Refusal};
use crate::account::Account;
use crate::book::count::{self, Count, Walk};
use crate::book::{Book, Meters};
use crate::event::{LimitState, Limited};
use crate::ids::{Digest, Name};
use crate::limits::{self, Rule};
use crate::policy::{Counts, Excess, Kind};
use crate::time::{Calendar, Timestamp};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What the limits said.
#[derive(Default)]
pub(super) struct Gauge {
    pub(super) limits: Vec<LimitState>,
    /// What each of them would have counted: given back when a later gate refuses.
    weights: Vec<u64>,
    pub(super) limited: Option<Limited>,
    pub(super) shadow: Vec<Name>,
}

impl Book {
    pub(super) fn limits(&self, asked: &Asked<'_>, gauge: &mut Gauge) -> Option<Refusal> {
        let walk = self.walk(asked);
        match walk.each(|count| self.gate(asked, &count, gauge)) {
            ControlFlow::Continue(()) => None,
            ControlFlow::Break(refusal) => Some(refusal),
        }
    }

    pub(super) fn walk<'a>(&'a self, asked: &'a Asked<'a>) -> Walk<'a> {
        Walk {
            key: self.key,
            policy: asked.rules.policy,
            who: asked.who,
            facts: &asked.facts,
            now: asked.now,
            figures: &self.state.figures,
            again: asked.again.is_some(),
        }
    }

    fn gate(&self, asked: &Asked<'_>, count: &Count<'_>, gauge: &mut Gauge) -> ControlFlow<Refusal> {
        let limit = count.limit;
        if limit.excess == Excess::Limit && limit.mode.is_enforced() {
            self.mark(asked, count, gauge);
            return ControlFlow::Continue(());
        }
        let verdict = self.check(asked, count, count.weight);
        show(gauge, count, &verdict, count.weight);
        if verdict.admitted {
            return ControlFlow::Continue(());
        }
        if limit.mode.is_enforced() {
            return ControlFlow::Break(Self::denial(asked, count, &verdict));
        }
        if !gauge.shadow.contains(&limit.name) {
            gauge.shadow.push(limit.name.clone());
        }
        ControlFlow::Continue(())
    }

    fn check(&self, asked: &Asked<'_>, count: &Count<'_>, weight: u64) -> limits::Verdict {
        let utc = Calendar::default();
        let calendar = calendar(count.limit, asked.who.account, &utc);
        let ask = limits::Ask { now: asked.now, weight, figure: count.figure, calendar };
        self.state.meters.check(count.counter, &count.rule, &ask)
    }

    /// Puts the items that do not fit into an error state, the last ones first. What an earlier limit has put
    /// there weighs nothing here.
    fn mark(&self, asked: &Asked<'_>, count: &Count<'_>, gauge: &mut Gauge) {
        let weight = count::counted(count, gauge.limited.as_ref());
        let mut verdict = self.check(asked, count, weight);
        if !verdict.admitted {
            let left = verdict.limit.saturating_sub(verdict.count);
            gauge.limit(count, left);
            let fits = count::counted(count, gauge.limited.as_ref());
            verdict = self.check(asked, count, fits);
        }
        show(gauge, count, &verdict, count::counted(count, gauge.limited.as_ref()));
    }

    fn denial(asked: &Asked<'_>, count: &Count<'_>, verdict: &limits::Verdict) -> Refusal {
        let limit = count.limit;
        let jobs = limit.rule == Rule::Concurrency;
        let kind = if jobs { Kind::QueueFull } else { Kind::RateLimited };
        let reason: Arc<str> = match &limit.reason {
            Some(reason) => reason.replace("{endpoint}", count.endpoint).into(),
            None => limit.name.as_str().into(),
        };
        let retry_at = match verdict.retry_after {
            Some(wait) => Some(asked.now.plus(wait)),
            None if jobs && count.weight <= verdict.limit => Some(Self::job_retry(asked, limit)),
            None => None,
        };
        let (gate, counted, figure) = (Some(limit.name.clone()), Some(verdict.count), Some(verdict.limit));
        Refusal { gate, count: counted, limit: figure, retry_at, ..Refusal::new(kind, reason) }
    }

    /// The policy's hint, at most the time to the earliest expiry of one of the account's holds.
    fn job_retry(asked: &Asked<'_>, limit: &crate::policy::Limit) -> Timestamp {
        let first = asked.who.account.and_then(|account| account.open_decisions().first());
        let earliest = first.map_or(Timestamp::FAR, |(until, _)| *until);
        let hint = limit.retry_hint.unwrap_or(crate::time::Span::from_secs(1));
        asked.now.plus(hint).min(earliest)
    }
}

/// The calendar that a limit's periods follow.
pub(in crate::book) fn calendar<'a>(
    limit: &crate::policy::Limit,
    account: Option<&'a Account>,
    utc: &'a Calendar,
) -> &'a Calendar {
    match account {
        Some(account) if !limit.calendar.is_utc() => &account.calendar,
        Some(_) | None => utc,
    }
}

/// Shows a limit in the answer; of several counters of one limit the one with the least left.
fn show(gauge: &mut Gauge, count: &Count<'_>, verdict: &limits::Verdict, weight: u64) {
    if let Rule::Cooldown { .. } = count.rule {
        return;
    }
    let state = LimitState(count.limit.name.clone(), verdict.limit, verdict.remaining, verdict.resets_at);
    let weight = if verdict.admitted { weight } else { 0 };
    match gauge.limits.iter().position(|known| known.0 == state.0) {
        Some(place) if gauge.limits[place].2 <= state.2 => {}
        Some(place) => (gauge.limits[place], gauge.weights[place]) = (state, weight),
        None => {
            gauge.limits.push(state);
            gauge.weights.push(weight);
        }
    }
}

impl Gauge {
    /// Puts the items into an error state that do not fit into what is left, in the order of the request; a
    /// call that counts as one goes there as a whole.
    fn limit(&mut self, count: &Count<'_>, mut left: u64) {
        let calls = count.limit.counts == Counts::Calls;
        let gate = &count.limit.name;
        let limited = self.limited.get_or_insert_with(|| Limited { gate: gate.clone(), items: Vec::new() });
        let mut marked = Vec::new();
        for (item, weight) in &count.parts {
            let fits = !calls && *weight <= left;
            if limited.items.binary_search(item).is_ok() {
                continue;
            }
            if fits { left -= weight } else { marked.push(*item) }
        }
        limited.items.extend(marked);
        limited.items.sort_unstable();
    }

    /// The limits as they stand after a refusal: nothing was counted.
    pub(super) fn unmoved(mut self) -> Vec<LimitState> {
        for (state, weight) in self.limits.iter_mut().zip(self.weights) {
            state.2 = state.2.saturating_add(weight).min(state.1);
        }
        self.limits
    }
}

/// Counts what was admitted, and returns the jobs that the request opened, by counter.
pub(in crate::book) fn record(
    walk: &Walk<'_>,
    meters: &mut Meters,
    (limited, open): (Option<&Limited>, bool),
) -> Vec<(Digest, u64)> {
    let mut opened = Vec::new();
    let utc = Calendar::default();
    let _ = walk.each(|count| {
        let jobs = count.rule == Rule::Concurrency;
        let weight = count::counted(&count, limited);
        if weight == 0 || jobs && !open {
            return ControlFlow::<()>::Continue(());
        }
        let calendar = calendar(count.limit, walk.who.account, &utc);
        let ask = limits::Ask { now: walk.now, weight, figure: count.figure, calendar };
        meters.admit(count.counter, &count.rule, &ask);
        if jobs {
            opened.push((count.counter, weight));
        }
        ControlFlow::Continue(())
    });
    opened
}
