//! One limit of a policy: algorithm, figures, subject and what happens beyond.

use super::{Dimension, Patterns, Scope};
use crate::ids::Name;
use crate::limits::Rule;
use crate::time::Span;
use serde::{Deserialize, Serialize};

/// One limit: an algorithm, a figure, and whom it counts.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub name: Name,
    pub rule: Rule,
    /// Absent: only subjects with a figure from `figures` or an operator are limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The subject is the tuple of these.
    pub by: Vec<Dimension>,
    #[serde(default)]
    pub counts: Counts,
    /// Other figures for some; the first that speaks of the request wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub figures: Vec<Figure>,
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    pub only: Scope,
    /// Whose clock says when a bucket begins.
    #[serde(default, skip_serializing_if = "Calendars::is_utc")]
    pub calendar: Calendars,
    #[serde(default)]
    pub excess: Excess,
    /// `shadow`: counts and reports what it would have refused, but never refuses.
    #[serde(default, skip_serializing_if = "Enforcement::is_enforced")]
    pub mode: Enforcement,
    /// What a denial (or the state of a limited item) is called; `{endpoint}` stands for the endpoint's name. The limit's own name unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a caller at a concurrency limit is told to wait, at most the time to the earliest expiry of a hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_hint: Option<Span>,
}

impl Limit {
    /// What a denial (or the state of a limited item) is called; may have `{endpoint}` in it.
    pub fn reason(&self) -> &str {
        self.reason.as_deref().unwrap_or(self.name.as_str())
    }
}

/// Whose calendar the periods of a bucket follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calendars {
    #[default]
    Utc,
    /// The account's own zone and reset hour; UTC for callers without an account.
    Account,
}

impl Calendars {
    pub fn is_utc(&self) -> bool {
        *self == Self::Utc
    }
}

/// A figure that replaces the limit's own for some requests.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<Name>,
    #[serde(default, skip_serializing_if = "Patterns::is_empty")]
    pub endpoints: Patterns,
    pub limit: u64,
}

/// What one request weighs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// 1, whatever it carries.
    #[default]
    Calls,
    /// Its units, or its items.
    Items,
    /// A number attribute, rounded up to a whole.
    Attribute(Name),
}

/// What a limit does with a request beyond it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Excess {
    /// Refuses it.
    #[default]
    Deny,
    /// Accepts it and puts the items beyond the limit into an error state, free of charge.
    Limit,
}

/// Whether a limit acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    #[default]
    Enforced,
    Shadow,
}

impl Enforcement {
    pub fn is_enforced(&self) -> bool {
        *self == Self::Enforced
    }
}
