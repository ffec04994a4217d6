//! Jobs open at once.

use super::{Ask, Verdict};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How many jobs of the subject are open.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Open {
    count: u64,
}

impl Open {
    /// Refuses when the jobs would not fit beside the open ones.
    ///
    /// Time alone frees no place, so `retry_after` is `None`: only the caller knows the policy's hint
    /// and when the earliest hold expires.
    pub fn check(&self, ask: &Ask<'_>) -> Verdict {
        let verdict = Verdict::of(ask, self.count, ask.figure);
        let open = self.count > 0 || (verdict.admitted && ask.weight > 0);
        Verdict { resets_at: if open { Timestamp::FAR } else { ask.now }, ..verdict }
    }

    /// Opens the jobs.
    pub fn admit(&mut self, ask: &Ask<'_>) {
        self.count = self.count.saturating_add(ask.weight);
    }

    /// Closes `n` jobs, however they ended.
    ///
    /// Jobs that were opened before the rule existed end as well, so more may be closed than was counted.
    pub fn release(&mut self, n: u64) {
        self.count = self.count.saturating_sub(n);
    }

    /// Whether nothing is open.
    pub fn is_idle(&self) -> bool {
        self.count == 0
    }
}
