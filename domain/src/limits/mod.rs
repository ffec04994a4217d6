//! Counting: may this request pass, how much is left, and when is it worth trying again?
//!
//! Pure algorithms over time and whole figures. Which subject is counted, what the limit in force
//! is and what a refusal looks like is the policy's business; here one [`Meter`] counts one subject
//! by one [`Rule`], exactly and in at most 32 bytes plus the stamps of a rolling window.

mod bucket;
mod concurrency;
mod cooldown;
mod gcra;
mod meter;
mod rolling;
#[cfg(test)]
mod tests;

pub use bucket::Bucket;
pub use concurrency::Open;
pub use cooldown::Cooldown;
pub use gcra::Gcra;
pub use meter::Meter;
pub use rolling::Rolling;

use crate::time::{Calendar, Period, Span, Timestamp};
use serde::{Deserialize, Serialize};

/// How a subject is counted. The figure is no part of it: it may differ per subject and change at any time.
///
/// Written as `{ rolling = "60s" }`, `{ cooldown = "1s" }`, `{ bucket = "day" }`, `"concurrent"` or
/// `{ token_bucket = { period = "1s", burst = 20 } }`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Refused while less than `every` has passed since the last admission. Knows no figure.
    #[serde(serialize_with = "Serialize::serialize", deserialize_with = "Deserialize::deserialize")]
    Cooldown { every: Span },
    /// At most the figure in any `(now − window, now]`, exactly.
    #[serde(serialize_with = "Serialize::serialize", deserialize_with = "Deserialize::deserialize")]
    Rolling { window: Span },
    /// At most the figure in each period of the subject's calendar.
    #[serde(serialize_with = "Serialize::serialize", deserialize_with = "Deserialize::deserialize")]
    Bucket { period: Period },
    /// At most the figure open at once.
    #[serde(rename = "concurrent")]
    Concurrency,
    /// Up to `burst` at once; the figure flows back evenly over each `period`.
    TokenBucket { period: Span, burst: u64 },
}

/// One request put to one meter.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// When the request was sequenced. Never decreases from ask to ask, but may stand still.
    pub now: Timestamp,
    /// What the request counts, all or nothing. 0 only reads: it always passes and records nothing.
    pub weight: u64,
    /// The limit in force for this subject now; a cooldown ignores it.
    pub figure: u64,
    /// Where the subject's periods begin; only a bucket looks at it, when a new period begins.
    pub calendar: &'a Calendar,
}

/// What a meter says about an ask.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// Whether the request passes this gate.
    pub admitted: bool,
    /// Used before this request; above `limit` after the limit was lowered.
    pub count: u64,
    /// The limit in force: the figure; 1 for a cooldown, the burst for a token bucket.
    pub limit: u64,
    /// Left after this request when admitted, else left as it is.
    pub remaining: u64,
    /// When nothing counted so far (this request too, when admitted) counts any more; the end of the
    /// period for a bucket, `now` when nothing is counted, [`Timestamp::FAR`] when time does not help.
    pub resets_at: Timestamp,
    /// Only when refused: how long until the same request would pass if nothing else came between,
    /// to the microsecond. `None` when waiting alone never helps.
    pub retry_after: Option<Span>,
}

impl Verdict {
    /// Admitted when the whole weight fits between `count` and `limit`. The times are still open.
    fn of(ask: &Ask<'_>, count: u64, limit: u64) -> Self {
        let left = limit.saturating_sub(count);
        let admitted = ask.weight <= left;
        let remaining = if admitted { left - ask.weight } else { left };
        Self { admitted, count, limit, remaining, resets_at: ask.now, retry_after: None }
    }

    /// Whether the request is refused now, but not heavier than the limit.
    fn may_wait(&self, ask: &Ask<'_>) -> bool {
        !self.admitted && ask.weight <= self.limit
    }
}
