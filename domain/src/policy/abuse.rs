//! What repeated signals lead to.

use super::{Dimension, Scope};
use crate::ids::Name;
use crate::time::Span;
use serde::{Deserialize, Serialize};

/// A signal that, repeated, leads to a ban or a suspension.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    pub name: Name,
    pub signal: Signal,
    /// Whose signals are counted together.
    pub by: Vec<Dimension>,
    /// The signal that makes this many within the window starts the action.
    pub count: u64,
    /// A rolling window.
    pub window: Span,
    /// Only signals of these requests.
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    pub only: Scope,
    /// What happens at the first, second, … time; the last stands for all later ones.
    pub steps: Vec<Action>,
}

/// What may be gathered against a caller.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    RateDenial,
    QueueDenial,
    /// A settle with outcome `client_error`.
    ClientError,
    /// An admitted request; give `only` the endpoints that poll a status.
    StatusPoll,
    InsufficientCredit,
}

/// What an escalation does.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Refuses the subject (the escalation's `by`) with 403 `BANNED`.
    Ban(Term),
    /// Suspends the account, or every account of the owner when `by` is the owner.
    Suspend(Term),
}

/// How long an action lasts.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Term {
    /// For good, until an operator lifts it, unless given.
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
