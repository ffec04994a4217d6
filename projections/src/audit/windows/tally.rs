//! What one subject has used under one limit, counted the dumb way.

use domain::limits::Rule;
use domain::time::{Calendar, Timestamp};
use std::collections::VecDeque;

/// One counter.
#[derive(Debug)]
pub(super) struct Tally {
    rule: Rule,
    used: Used,
    /// Whether the count must be equal to the book's. After a rule changed or an operator reset a count it is
    /// only a lower bound: what is kept across a change is the book's business.
    pub exact: bool,
}

#[derive(Debug)]
enum Used {
    /// Time and weight of every admission that may still count, and the sum of the weights.
    Stamps(VecDeque<(Timestamp, u64)>, u64),
    /// The last admission.
    Last(Timestamp),
    Period {
        ends: Timestamp,
        used: u64,
    },
    /// Tokens used, each as many parts as the period has microseconds.
    Level(u128, Timestamp),
    /// Jobs open now.
    Open(u64),
    Nothing,
}

/// When and by which rule something is counted.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub rule: Rule,
    pub figure: u64,
    pub now: Timestamp,
    pub calendar: &'a Calendar,
}

impl Tally {
    pub(super) fn new(rule: Rule) -> Self {
        Self { rule, used: Used::Nothing, exact: true }
    }

    /// What counts at this moment, before anything is added.
    pub(super) fn count(&mut self, moment: Moment<'_>) -> u64 {
        self.follow(moment);
        match (&mut self.used, moment.rule) {
            (Used::Stamps(stamps, sum), Rule::Rolling { window }) => {
                while let Some((at, weight)) =
                    stamps.front().copied().filter(|(at, _)| moment.now >= at.plus(window))
                {
                    debug_assert!(at <= moment.now);
                    *sum -= weight;
                    stamps.pop_front();
                }
                *sum
            }
            (Used::Last(at), Rule::Cooldown { every }) => u64::from(moment.now < at.plus(every)),
            (Used::Period { ends, used }, Rule::Bucket { .. }) if moment.now < *ends => *used,
            (Used::Level(..), Rule::TokenBucket { period, .. }) => {
                whole(self.level(moment).div_ceil(micros(period.micros())))
            }
            (Used::Open(open), Rule::Concurrency) => *open,
            (
                Used::Stamps(..)
                | Used::Last(_)
                | Used::Period { .. }
                | Used::Level(..)
                | Used::Open(_)
                | Used::Nothing,
                Rule::Rolling { .. }
                | Rule::Cooldown { .. }
                | Rule::Bucket { .. }
                | Rule::TokenBucket { .. }
                | Rule::Concurrency,
            ) => 0,
        }
    }

    /// Adds an admission.
    pub(super) fn add(&mut self, weight: u64, moment: Moment<'_>) {
        let before = self.count(moment);
        match moment.rule {
            Rule::Rolling { .. } => self.stamp(weight, moment.now),
            Rule::Cooldown { .. } => self.used = Used::Last(moment.now),
            Rule::Bucket { period } => {
                let running = self.running(moment.now);
                let ends = running.unwrap_or_else(|| moment.calendar.period(period, moment.now).1);
                self.used = Used::Period { ends, used: before + weight };
            }
            Rule::TokenBucket { period, .. } => {
                let raised = u128::from(weight) * micros(period.micros());
                self.used = Used::Level(self.level(moment) + raised, moment.now);
            }
            Rule::Concurrency => self.used = Used::Open(before + weight),
        }
    }

    /// Jobs ended.
    pub(super) fn close(&mut self, jobs: u64) {
        if let Used::Open(open) = &mut self.used {
            *open = open.saturating_sub(jobs);
        }
    }

    /// An operator set the count back; open jobs stay open.
    pub(super) fn reset(&mut self) {
        if !matches!(self.used, Used::Open(_)) {
            self.used = Used::Nothing;
        }
        self.exact = false;
    }

    /// Whether nothing can count any more under the rule it was last counted by.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        match (&self.used, self.rule) {
            (Used::Stamps(stamps, _), Rule::Rolling { window }) => {
                stamps.back().is_none_or(|(at, _)| now >= at.plus(window))
            }
            (Used::Last(at), Rule::Cooldown { every }) => now >= at.plus(every),
            (Used::Period { ends, .. }, _) => now >= *ends,
            // At one token a period, the slowest that a figure above zero can make it.
            (Used::Level(level, at), _) => *level <= micros(now.since(*at).micros()),
            (Used::Open(open), _) => *open == 0,
            (Used::Nothing, _) => self.exact,
            (Used::Stamps(..) | Used::Last(_), _) => false,
        }
    }

    /// The end of the period that is running.
    fn running(&self, now: Timestamp) -> Option<Timestamp> {
        let Used::Period { ends, .. } = self.used else { return None };
        (now < ends).then_some(ends)
    }

    /// The tokens' level now, in parts: it sinks by the figure in each period.
    fn level(&self, moment: Moment<'_>) -> u128 {
        let Used::Level(level, at) = self.used else { return 0 };
        level.saturating_sub(u128::from(moment.figure) * micros(moment.now.since(at).micros()))
    }

    fn stamp(&mut self, weight: u64, now: Timestamp) {
        match &mut self.used {
            Used::Stamps(stamps, sum) => {
                stamps.push_back((now, weight));
                *sum += weight;
            }
            Used::Last(_) | Used::Period { .. } | Used::Level(..) | Used::Open(_) | Used::Nothing => {
                self.used = Used::Stamps(VecDeque::from([(now, weight)]), weight);
            }
        }
    }

    /// Goes over to another rule. What the old one let go is gone, even if the new one looks back further.
    fn follow(&mut self, moment: Moment<'_>) {
        if self.rule == moment.rule {
            return;
        }
        let old = self.rule;
        self.rule = moment.rule;
        match (&mut self.used, old, moment.rule) {
            (Used::Nothing, _, _)
            // A cooldown's length may be the caller's own, so it changes from request to request.
            | (Used::Last(_), Rule::Cooldown { .. }, Rule::Cooldown { .. }) => return,
            (Used::Stamps(stamps, sum), Rule::Rolling { window }, Rule::Rolling { .. }) => {
                stamps.retain(|(at, _)| moment.now < at.plus(window));
                *sum = stamps.iter().map(|(_, weight)| weight).sum();
            }
            (
                Used::Level(level, _),
                Rule::TokenBucket { period: old, .. },
                Rule::TokenBucket { period, .. },
            ) => {
                *level = *level / micros(old.micros()) * micros(period.micros());
            }
            (Used::Stamps(..) | Used::Last(_) | Used::Period { .. } | Used::Level(..) | Used::Open(_), _, _) => {
                self.used = Used::Nothing;
            }
        }
        self.exact = false;
    }
}

fn micros(micros: i64) -> u128 {
    u128::from(micros.unsigned_abs())
}

fn whole(tokens: u128) -> u64 {
    u64::try_from(tokens).unwrap_or(u64::MAX)
}
