//! One subject's count under one rule.

use super::{Ask, Bucket, Cooldown, Gcra, Open, Rolling, Rule, Verdict};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What one subject has used under one rule.
///
/// The rule is given at each call, since a policy may change in the middle: another figure, window,
/// period or burst works at once on what was used; a rule of another kind starts with nothing used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meter {
    Cooldown(Cooldown),
    Rolling(Rolling),
    Bucket(Bucket),
    Open(Open),
    Gcra(Gcra),
}

impl Meter {
    /// Nothing used yet. Takes no memory beyond itself.
    pub fn new(rule: &Rule) -> Self {
        match rule {
            Rule::Cooldown { .. } => Self::Cooldown(Cooldown::default()),
            Rule::Rolling { .. } => Self::Rolling(Rolling::default()),
            Rule::Bucket { .. } => Self::Bucket(Bucket::default()),
            Rule::Concurrency => Self::Open(Open::default()),
            Rule::TokenBucket { .. } => Self::Gcra(Gcra::default()),
        }
    }

    /// Whether the ask would pass. Changes nothing.
    pub fn check(&self, rule: &Rule, ask: &Ask<'_>) -> Verdict {
        match (self, *rule) {
            (Self::Cooldown(meter), Rule::Cooldown { every }) => meter.check(every, ask),
            (Self::Rolling(meter), Rule::Rolling { window }) => meter.check(window, ask),
            (Self::Bucket(meter), Rule::Bucket { period }) => meter.check(period, ask),
            (Self::Open(meter), Rule::Concurrency) => meter.check(ask),
            (Self::Gcra(meter), Rule::TokenBucket { period, burst }) => meter.check(period, burst, ask),
            (
                Self::Cooldown(_) | Self::Rolling(_) | Self::Bucket(_) | Self::Open(_) | Self::Gcra(_),
                other,
            ) => Self::new(&other).check(&other, ask),
        }
    }

    /// Records an ask that passed every gate. Does not check: what was decided is counted.
    pub fn admit(&mut self, rule: &Rule, ask: &Ask<'_>) {
        match (&mut *self, *rule) {
            (Self::Cooldown(meter), Rule::Cooldown { .. }) => meter.admit(ask),
            (Self::Rolling(meter), Rule::Rolling { window }) => meter.admit(window, ask),
            (Self::Bucket(meter), Rule::Bucket { period }) => meter.admit(period, ask),
            (Self::Open(meter), Rule::Concurrency) => meter.admit(ask),
            (Self::Gcra(meter), Rule::TokenBucket { period, .. }) => meter.admit(period, ask),
            (
                Self::Cooldown(_) | Self::Rolling(_) | Self::Bucket(_) | Self::Open(_) | Self::Gcra(_),
                other,
            ) => {
                *self = Self::new(&other);
                self.admit(&other, ask);
            }
        }
    }

    /// Closes `n` open jobs. Other rules give nothing back: what was admitted stays used.
    pub fn release(&mut self, n: u64) {
        match self {
            Self::Open(meter) => meter.release(n),
            Self::Cooldown(_) | Self::Rolling(_) | Self::Bucket(_) | Self::Gcra(_) => {}
        }
    }

    /// Forgets what was used: the operator's act. Open jobs stay open: they are a fact, not a tally.
    pub fn reset(&mut self) {
        match self {
            Self::Cooldown(meter) => *meter = Cooldown::default(),
            Self::Rolling(meter) => *meter = Rolling::default(),
            Self::Bucket(meter) => *meter = Bucket::default(),
            Self::Open(_) => {}
            Self::Gcra(meter) => *meter = Gcra::default(),
        }
    }

    /// Whether a new meter would answer every ask from `now` on the same way, so this one may be dropped.
    ///
    /// True as long as rule and figure stay as they are: what an idle meter still remembers matters only to a
    /// rule that looks back further.
    pub fn is_idle(&self, rule: &Rule, now: Timestamp, figure: u64) -> bool {
        match (self, *rule) {
            (Self::Cooldown(meter), Rule::Cooldown { every }) => meter.is_idle(every, now),
            (Self::Rolling(meter), Rule::Rolling { window }) => meter.is_idle(window, now),
            (Self::Bucket(meter), Rule::Bucket { .. }) => meter.is_idle(now),
            (Self::Open(meter), Rule::Concurrency) => meter.is_idle(),
            (Self::Gcra(meter), Rule::TokenBucket { period, .. }) => meter.is_idle(period, now, figure),
            (Self::Cooldown(_) | Self::Rolling(_) | Self::Bucket(_) | Self::Open(_) | Self::Gcra(_), _) => {
                true
            }
        }
    }
}
