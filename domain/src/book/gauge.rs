//! What the limits say of a request, and counting it once it was admitted.

use super::Walk;
use super::count::{Count, Counters};
use crate::event::{LimitState, Limited};
use crate::ids::{Digest, Name};
use crate::limits::{self, Rule};
use crate::policy::Counts;

/// What the limits said.
#[derive(Default)]
pub(super) struct Gauge {
    pub(super) limits: Vec<LimitState>,
    /// What each of them would have counted: given back when a later gate refuses.
    pub(super) weights: Vec<u64>,
    pub(super) limited: Option<Limited>,
    pub(super) shadow: Vec<Name>,
    pub(super) counters: Counters,
}

/// Shows a limit in the answer; of several counters of one limit the one with the least left.
pub(super) fn show(gauge: &mut Gauge, count: &Count<'_>, verdict: &limits::Verdict, weight: u64) {
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
    /// Of so many limits.
    pub(super) fn of(limits: usize) -> Self {
        let (states, weights) = (Vec::with_capacity(limits), Vec::with_capacity(limits));
        Self { limits: states, weights, counters: vec![None; limits], ..Self::default() }
    }

    /// Puts the items into an error state that do not fit into what is left, in the order of the request; a
    /// call that counts as one goes there as a whole.
    pub(super) fn limit(&mut self, count: &Count<'_>, mut left: u64) {
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
pub(super) fn record(
    walk: &Walk<'_>,
    meters: &mut super::Meters,
    limited_and_open: (Option<&Limited>, bool),
) -> Vec<(Digest, u64)> {
    let mut opened = Vec::new();
    walk.counted(limited_and_open, |count, ask| {
        meters.admit(count.counter, &count.rule, ask);
        if count.rule == Rule::Concurrency {
            opened.push((count.counter, ask.weight));
        }
    });
    opened
}
