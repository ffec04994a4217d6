//! Accounts: opened, planned, keyed, credited, suspended, closed.

use super::Balance;
use crate::ids::{Digest, Name};
use crate::ledger::{Draws, Granted};
use crate::policy::{Dimension, Mode};
use crate::time::{Calendar, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An account was opened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountOpened {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Name>,
    /// Accounts of one owner may be counted together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Name>,
    #[serde(default)]
    pub calendar: Calendar,
    /// When the account was opened with the provider, which may be before the book knew it.
    pub opened: Timestamp,
}

/// What the provider knows of an account changed; what is absent stays.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccountDetailed {
    /// Whether contact data is on file (the data itself is not kept here).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<bool>,
    /// The version of the terms that was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calendar: Option<Calendar>,
    /// Plan attributes of this account's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Name, String>,
    /// End users that are blocked (`true`) or no longer blocked (`false`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub blocked: BTreeMap<Digest, bool>,
}

/// The account has another plan.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanChanged {
    pub plan: Name,
}

/// A key was issued. Its text was shown once; only its hash is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyIssued {
    pub key: Name,
    pub hash: Digest,
    /// The policy's kind of key.
    pub kind: Name,
    #[serde(default, skip_serializing_if = "Mode::is_live")]
    pub mode: Mode,
    /// The terms that an operator's approval named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// The key that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Name>,
}

/// A key's standing changed; it counts from the next decision on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyChanged {
    pub key: Name,
    pub change: KeyChange,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What may happen to a key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyChange {
    Revoked,
    Suspended,
    Resumed,
    /// Known to others. A new key then needs an operator's recorded verification.
    Compromised {
        suspected: Timestamp,
        reported: Timestamp,
        within_a_day: bool,
    },
    /// An operator verified the account after a compromise.
    Verified,
}

/// Credit was granted.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditGranted {
    pub granted: Granted,
    #[serde(default, skip_serializing_if = "Mode::is_live")]
    pub mode: Mode,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub balance: Balance,
}

/// An operator corrected a balance downwards; upwards is a grant.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditAdjusted {
    #[serde(default, skip_serializing_if = "Mode::is_live")]
    pub mode: Mode,
    pub draws: Draws,
    pub reason: String,
    pub balance: Balance,
}

/// What was left unreserved of a lot expired.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditExpired {
    #[serde(default, skip_serializing_if = "Mode::is_live")]
    pub mode: Mode,
    pub draws: Draws,
    /// When it expired; this event may come later.
    pub due: Timestamp,
}

/// An operator gave a subject a figure of its own, or took it back. Also on client streams.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FigureSet {
    pub limit: Name,
    pub subject: Subject,
    /// Absent: the policy's figure again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figure: Option<u64>,
    pub reason: String,
}

/// Whom an operator's act speaks of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    Account(Name),
    Key(Name),
    Owner(Name),
    Ip(Digest),
}

/// An operator set what a limit has counted for a subject back to nothing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountReset {
    pub limit: Name,
    /// The values of the limit's dimensions, in the limit's order, as they are hashed.
    pub counter: Digest,
    pub subject: Subject,
    pub reason: String,
}

/// The account is refused until reinstated.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountSuspended {
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The escalation that led here, with its count; absent for an operator's act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Fired>,
}

/// An escalation that fired.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fired {
    pub name: Name,
    pub count: u64,
    /// 1 for the first time.
    pub step: u32,
    /// The counter of the subject, whose count starts again.
    pub counter: Digest,
}

/// The suspension ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountReinstated {
    pub reason: String,
    /// When a temporary suspension ran out; absent for an operator's act.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
}

/// The account was closed for good; its keys are revoked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountTerminated {
    pub reason: String,
}

/// A subject is refused everywhere until the ban ends.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BanStarted {
    /// What the subject's values are, in order.
    pub by: Vec<Dimension>,
    /// The hash of those values.
    pub subject: Digest,
    pub name: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalation: Option<Fired>,
}

/// An operator lifted a ban, which also starts the count of denials at nothing.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BanLifted {
    pub by: Vec<Dimension>,
    pub subject: Digest,
    pub reason: String,
}
