//! A pause between two admissions.

use super::{Ask, Verdict};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// When the subject was last admitted.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cooldown {
    last: Option<Timestamp>,
}

impl Cooldown {
    /// Refuses while `now − last < every`. A request counts once, whatever its weight.
    pub fn check(&self, every: Span, ask: &Ask<'_>) -> Verdict {
        let left = self.left(every, ask.now);
        let once = Ask { weight: ask.weight.min(1), ..*ask };
        let verdict = Verdict::of(&once, u64::from(left > Span::ZERO), 1);
        let started = verdict.admitted && ask.weight > 0;
        Verdict {
            resets_at: ask.now.plus(if started { every } else { left }),
            retry_after: (!verdict.admitted).then_some(left),
            ..verdict
        }
    }

    /// Starts the pause anew.
    pub fn admit(&mut self, ask: &Ask<'_>) {
        if ask.weight > 0 {
            self.last = Some(ask.now);
        }
    }

    /// Whether no pause is running.
    pub fn is_idle(&self, every: Span, now: Timestamp) -> bool {
        self.left(every, now) == Span::ZERO
    }

    fn left(&self, every: Span, now: Timestamp) -> Span {
        let passed = |last| Span::from_micros(every.micros() - now.since(last).micros());
        self.last.map_or(Span::ZERO, passed)
    }
}
