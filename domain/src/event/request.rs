//! Requests: admitted, denied, begun, settled, expired, refunded.

use crate::ids::{Digest, Name, Position};
use crate::ledger::{Draws, Refunded, Settlement};
use crate::money::Credits;
use crate::policy::{Kind, Mode};
use crate::pricing::Outcome;
use crate::time::Timestamp;
use litemap::LiteMap;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was asked, as the log keeps it: hashes in place of anything personal.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Facts {
    /// The endpoint's name, after the policy's `strip`.
    #[serde(deserialize_with = "crate::reading::text")]
    pub endpoint: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Name>,
    #[serde(skip_serializing_if = "Mode::is_live")]
    pub mode: Mode,
    /// The caller's plan, when the policy knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Name>,
    /// Plan attributes of the account's own, which the answer showed in place of the plan's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub own: BTreeMap<Name, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_user: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Digest>,
    #[serde(skip_serializing_if = "Details::is_empty")]
    pub details: Details,
    /// How many units one call carries, when it names no items.
    #[serde(skip_serializing_if = "is_one")]
    pub units: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemFacts>,
}

impl Default for Facts {
    /// One unit of nothing in particular.
    fn default() -> Self {
        Self {
            endpoint: Arc::default(),
            key: None,
            mode: Mode::Live,
            plan: None,
            own: BTreeMap::new(),
            ip: None,
            channel: None,
            end_user: None,
            body: None,
            details: Details::default(),
            units: 1,
            items: Vec::new(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_one(units: &u32) -> bool {
    *units == 1
}

/// The attributes of a request or an item, by what they are. Maps of a few, each in one piece of memory.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Details {
    #[serde(skip_serializing_if = "LiteMap::is_empty")]
    pub numbers: LiteMap<Name, Decimal>,
    #[serde(skip_serializing_if = "LiteMap::is_empty")]
    pub labels: LiteMap<Name, Arc<str>>,
    #[serde(skip_serializing_if = "LiteMap::is_empty")]
    pub hashes: LiteMap<Name, Digest>,
}

impl Details {
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.labels.is_empty() && self.hashes.is_empty()
    }
}

/// One item of a request.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ItemFacts {
    /// The endpoint that the item counts at.
    #[serde(deserialize_with = "crate::reading::text")]
    pub endpoint: Arc<str>,
    #[serde(skip_serializing_if = "Details::is_empty")]
    pub details: Details,
}

/// A limit as an answer showed it: name, figure, what remains after the request, and when it is whole again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LimitState(pub Name, pub u64, pub u64, pub Timestamp);

/// An account's credit as an answer showed it: available, and held.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Balance(pub Credits, pub Credits);

/// The versions of the catalogue that a request was decided under; 0 where there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Under(pub u32, pub u32);

impl Under {
    pub fn policy(self) -> u32 {
        self.0
    }

    pub fn prices(self) -> u32 {
        self.1
    }
}

/// A request passed every gate.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestAdmitted {
    #[serde(deserialize_with = "crate::reading::value")]
    pub ask: Arc<Facts>,
    pub under: Under,
    /// Open until its outcome, or until this instant; absent when it was settled at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What was reserved, lot by lot.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub hold: Draws,
    /// What was charged at once, lot by lot.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub charge: Draws,
    /// The price of what was charged at once, when not all of it could be collected.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub uncollected: Credits,
    /// The outcome that the request came with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitState>,
    /// The limit that put items into an error state, and which items (from 0).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited: Option<Limited>,
    /// Limits in shadow mode that would have refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shadow: Vec<Name>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
    /// The decision whose limited items this one takes up again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reprocesses: Option<Position>,
}

/// Items that were accepted but put into an error state.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limited {
    pub gate: Name,
    /// Indices of items from 0; a request without items is its own item 0.
    pub items: Vec<u32>,
}

/// A gate refused a request. Nothing moved but the count of denials.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestDenied {
    #[serde(deserialize_with = "crate::reading::value")]
    pub ask: Arc<Facts>,
    pub under: Under,
    pub kind: Kind,
    /// The limit, size, ban or price that refused, by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Name>,
    #[serde(deserialize_with = "crate::reading::text")]
    pub reason: Arc<str>,
    /// What was counted before this request, and the figure it met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// When the same request could pass this gate; absent where waiting cannot help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// What the request would have had to reserve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Credits>,
    /// The limits asked up to and including the one that refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitState>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
}

/// Refusals of one subject and kind beyond the figure that is recorded one by one in a minute. None of them counts
/// for a ban or a suspension: those that do are recorded one by one, up to a bound of their own.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenialsCollapsed {
    /// The first of them; stands for all.
    pub first: RequestDenied,
    /// How many, the first included.
    pub count: u64,
    /// The minute `[from, to)`.
    pub from: Timestamp,
    pub to: Timestamp,
}

/// A job began, and what was held for it was charged.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestBegun {
    pub decision: Position,
    pub settlement: Settlement,
    pub balance: Balance,
}

/// The outcome of a request: its final price charged, the rest of its hold given back.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSettled {
    pub decision: Position,
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub details: Details,
    /// What this step charged and gave back; absent when nothing moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settlement: Option<Settlement>,
    /// What the outcome gives back of an earlier charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund: Option<Box<Refunded>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Balance>,
}

/// Nobody settled in time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldExpired {
    pub decision: Position,
    /// When it ran out; this event may come later.
    pub due: Timestamp,
    pub settlement: Settlement,
}

/// Charged credit was given back.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditRefunded {
    pub decision: Position,
    /// The refund's own id: the same id gives the first result again.
    pub refund: Name,
    pub amount: Credits,
    pub returned: Refunded,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub balance: Balance,
}
