//! How credit is held, charged and given back.

use crate::ledger::{LotKind, Overdraft};
use crate::pricing::OutcomeRules;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How credit is held, charged and given back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditRules {
    /// When the charge is made. What an admission reserves is said by the price list's `hold`.
    pub charge: ChargeAt,
    /// How long a hold stays open without an outcome.
    #[serde(default = "default_hold")]
    pub hold_for: Span,
    #[serde(default)]
    pub on_expiry: OnExpiry,
    /// How far a settle may draw the account below zero.
    #[serde(default)]
    pub overdraft: Overdraft,
    /// Whether a grant of promotional credit pays debt back.
    #[serde(default)]
    pub promotions_repay_debt: bool,
    /// How long credit lasts that is given back to an expired lot.
    #[serde(default = "default_refund_validity")]
    pub refund_validity: Span,
    /// How long granted credit lasts, by kind; for ever unless given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub validity: BTreeMap<LotKind, Span>,
    #[serde(default)]
    pub outcomes: OutcomeRules,
}

pub(super) fn default_hold() -> Span {
    Span::from_secs(86_400)
}

fn default_refund_validity() -> Span {
    Span::from_secs(365 * 86_400)
}

/// When the charge is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeAt {
    Admission,
    Begin,
    Settle,
}

/// What becomes of a hold that nobody settles.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExpiry {
    #[default]
    Release,
    Charge,
}
