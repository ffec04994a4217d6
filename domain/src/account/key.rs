//! An account's API keys.

use crate::ids::{Digest, Name};
use crate::policy::Mode;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One key; its text was shown once and is not kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    pub name: Name,
    pub hash: Digest,
    pub kind: Name,
    pub mode: Mode,
    pub issued: Timestamp,
    pub standing: Standing,
    /// Figures of its own by limit; they count where they are lower than the account's.
    #[serde(default)]
    pub figures: Vec<(Name, u64)>,
}

/// Whether a key opens anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Active,
    Suspended,
    Revoked,
    Compromised,
}

impl Key {
    pub fn is_active(&self) -> bool {
        self.standing == Standing::Active
    }

    /// For good: neither revoked nor compromised keys come back.
    pub fn is_dead(&self) -> bool {
        matches!(self.standing, Standing::Revoked | Standing::Compromised)
    }

    pub fn figure(&self, limit: &Name) -> Option<u64> {
        self.figures.iter().find(|(name, _)| name == limit).map(|(_, figure)| *figure)
    }
}
