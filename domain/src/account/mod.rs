//! An account of the provider: its plan, keys, credit, open holds and standing.

mod aggregate;
mod apply;
mod check;
mod decide;
mod key;

pub use aggregate::Desk;
pub use apply::Mismatch;
pub(crate) use check::known_limit;
pub use decide::{Setting, decide};
pub use key::{Key, Standing};

use crate::event::Balance;
use crate::ids::{Digest, Name, Position};
use crate::ledger::Ledger;
use crate::policy::Mode;
use crate::time::{Calendar, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What a book knows of one account.
///
/// A million of these live in memory: what most accounts lack is boxed or empty.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Account {
    /// Events of the account's stream so far.
    pub version: u64,
    pub opened: Timestamp,
    pub plan: Option<Name>,
    pub owner: Option<Name>,
    pub calendar: Calendar,
    pub keys: Vec<Key>,
    live: Ledger,
    test: Option<Box<Ledger>>,
    /// Open decisions by the instant at which they run out.
    open: BTreeSet<(Timestamp, Position)>,
    suspension: Option<Box<Suspension>>,
    terminated: bool,
    more: Option<Box<More>>,
}

/// Why and until when an account is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspension {
    pub reason: String,
    pub since: Timestamp,
    pub until: Option<Timestamp>,
}

/// What few accounts have.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct More {
    pub contact: bool,
    pub terms: Option<String>,
    /// Figures of its own by limit.
    pub figures: BTreeMap<Name, u64>,
    pub attributes: BTreeMap<Name, String>,
    pub blocked: BTreeSet<Digest>,
    /// A key was compromised and no operator has verified the account since.
    pub unverified: bool,
}

impl Account {
    pub fn ledger(&self, mode: Mode) -> Option<&Ledger> {
        match mode {
            Mode::Live => Some(&self.live),
            Mode::Test => self.test.as_deref(),
        }
    }

    fn ledger_mut(&mut self, mode: Mode) -> &mut Ledger {
        match mode {
            Mode::Live => &mut self.live,
            Mode::Test => self.test.get_or_insert_default(),
        }
    }

    /// Available and held credit; zero for a test ledger that was never used.
    pub fn balance(&self, mode: Mode, now: Timestamp) -> Balance {
        self.ledger(mode).map(|ledger| Balance(ledger.available(now), ledger.held())).unwrap_or_default()
    }

    pub fn key(&self, name: &Name) -> Option<&Key> {
        self.keys.iter().find(|key| key.name == *name)
    }

    /// The suspension in force at `now`.
    pub fn suspension(&self, now: Timestamp) -> Option<&Suspension> {
        self.suspension.as_deref().filter(|suspension| suspension.until.is_none_or(|until| now < until))
    }

    /// When a temporary suspension ends, whether that is past or not.
    pub fn suspended_until(&self) -> Option<Timestamp> {
        self.suspension.as_ref()?.until
    }

    pub fn is_terminated(&self) -> bool {
        self.terminated
    }

    /// A figure of the account's own.
    pub fn figure(&self, limit: &Name) -> Option<u64> {
        self.more.as_ref()?.figures.get(limit).copied()
    }

    pub fn more(&self) -> Option<&More> {
        self.more.as_deref()
    }

    pub fn blocks(&self, end_user: Option<Digest>) -> bool {
        let Some(more) = self.more.as_deref() else { return false };
        end_user.is_some_and(|end_user| more.blocked.contains(&end_user))
    }

    /// Open decisions by the instant at which they run out.
    pub fn open_decisions(&self) -> &BTreeSet<(Timestamp, Position)> {
        &self.open
    }

    /// The next instant at which something of the account falls due: a hold, a lot, a suspension.
    pub fn next_due(&self) -> Option<Timestamp> {
        let hold = self.open.first().map(|(until, _)| *until);
        let suspension = self.suspended_until();
        let test = self.test.as_ref().and_then(|ledger| ledger.next_due());
        [hold, suspension, self.live.next_due(), test].into_iter().flatten().min()
    }
}
