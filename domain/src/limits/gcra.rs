//! A token bucket in exact integers.
//!
//! Each unit admitted raises the level by one; the level sinks by the figure per period, evenly.
//! It is GCRA turned from time to tokens: the theoretical arrival time is `at + level × period ÷
//! figure`. Keeping the level, as whole tokens and a remainder in 1 ÷ period of a token, never needs
//! rounding, and a raised or lowered figure leaves what was used as it is.

use super::{Ask, Verdict};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// The level of one token bucket as it stood at its last admission.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Gcra {
    tokens: u64,
    /// Below the period in microseconds.
    fraction: u64,
    at: Timestamp,
}

impl Gcra {
    /// Refuses when the weight would not fit under the burst. A figure of 0 admits nothing, not even a burst: a
    /// level that never sinks could not be told from one that was let go.
    pub fn check(&self, period: Span, burst: u64, ask: &Ask<'_>) -> Verdict {
        let burst = if ask.figure == 0 { 0 } else { burst };
        let token = token(period);
        let level = self.level(period, ask.now, ask.figure);
        let verdict = Verdict::of(ask, whole(level.div_ceil(token)), burst);
        let after = if verdict.admitted { raised(level, token, ask.weight) } else { level };
        let resets_at = drained(after, ask.figure).map_or(Timestamp::FAR, |wait| ask.now.plus(wait));
        if verdict.may_wait(ask) {
            let room = u128::from(burst - ask.weight).saturating_mul(token);
            let retry_after = drained(level.saturating_sub(room), ask.figure);
            return Verdict { resets_at, retry_after, ..verdict };
        }
        Verdict { resets_at, ..verdict }
    }

    /// Raises the level by the weight.
    pub fn admit(&mut self, period: Span, ask: &Ask<'_>) {
        if ask.weight > 0 {
            let token = token(period);
            let level = raised(self.level(period, ask.now, ask.figure), token, ask.weight);
            *self = Self { tokens: whole(level / token), fraction: whole(level % token), at: ask.now };
        }
    }

    /// Whether the level has sunk to nothing at `now`, with this figure.
    pub fn is_idle(&self, period: Span, now: Timestamp, figure: u64) -> bool {
        self.level(period, now, figure) == 0
    }

    /// The level at `now`, in 1 ÷ period of a token.
    ///
    /// A remainder kept under a longer period is cut to one token, so a changed period moves the
    /// level by no more than that.
    fn level(&self, period: Span, now: Timestamp, figure: u64) -> u128 {
        let token = token(period);
        let kept = raised(u128::from(self.fraction).min(token), token, self.tokens);
        kept.saturating_sub(u128::from(figure).saturating_mul(micros(now.since(self.at))))
    }
}

/// The microseconds until `level` has sunk to nothing; `None` when that never comes.
fn drained(level: u128, figure: u64) -> Option<Span> {
    if level == 0 {
        return Some(Span::ZERO);
    }
    let wait = level.div_ceil(u128::from((figure > 0).then_some(figure)?));
    i64::try_from(wait).ok().map(Span::from_micros)
}

fn raised(level: u128, token: u128, by: u64) -> u128 {
    level.saturating_add(u128::from(by).saturating_mul(token))
}

fn micros(span: Span) -> u128 {
    u128::from(span.micros().unsigned_abs())
}

/// What one token weighs in the level: one for each microsecond of the period.
fn token(period: Span) -> u128 {
    micros(period).max(1)
}

fn whole(tokens: u128) -> u64 {
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

/// The compact form of a snapshot: tokens, fraction, time.
type Stored = (u64, u64, Timestamp);

impl From<Stored> for Gcra {
    fn from((tokens, fraction, at): Stored) -> Self {
        Self { tokens, fraction, at }
    }
}

impl From<Gcra> for Stored {
    fn from(gcra: Gcra) -> Self {
        (gcra.tokens, gcra.fraction, gcra.at)
    }
}
