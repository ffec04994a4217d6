//! What a policy file says, field by field.
//!
//! Everything that is serialized is ordered (`Vec`, `BTreeMap`), so that the same policy always has
//! the same JSON and the same hash.

use super::{CreditRules, Escalation, Limit, Patterns, Responses};
use crate::ids::Name;
use crate::pricing::PriceList;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A provider's policy.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub name: Name,
    /// One line for people.
    pub title: String,
    /// Taken off the front of a path before an endpoint is named: `/api/v1/` makes `tools/x` of `/api/v1/tools/x`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub strip: String,
    /// Where a refused caller may turn to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    pub callers: Callers,
    /// Named groups of endpoints.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<Name, Patterns>,
    /// What request attributes are. One that is not named here is a number, or a text that is personal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Name, AttributeKind>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub plans: BTreeMap<Name, Plan>,
    /// In the order in which they are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<Size>,
    /// In the order in which they are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Limit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<Items>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credit: Option<CreditRules>,
    /// The price list in force from the policy's own date, until a later list is published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prices: Option<PriceList>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalations: Vec<Escalation>,
    #[serde(default)]
    pub keys: KeyRules,
    #[serde(default)]
    pub notice: Notice,
    #[serde(default)]
    pub requests: Requests,
    /// How long after a job's end its result can be fetched, by kind of result.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub results: BTreeMap<Name, Span>,
    #[serde(default, skip_serializing_if = "Responses::is_empty")]
    pub responses: Responses,
}

/// Who may send requests.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Callers {
    /// A request with neither key nor account passes as its address.
    #[serde(default)]
    pub anonymous: bool,
    /// Length in bits of the IPv6 prefix that counts as one address.
    #[serde(default = "default_prefix")]
    pub ipv6_prefix: u8,
    /// The plan of an account that is opened without one, and of anonymous callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_plan: Option<Name>,
}

fn default_prefix() -> u8 {
    64
}

/// What a request attribute is, which decides whether the log may show it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttributeKind {
    /// A decimal ≥ 0; recorded in clear.
    Number,
    /// A word of the provider's own vocabulary (model, resolution); recorded in clear.
    Label,
    /// Text that may tell of a person (file name); recorded as a keyed hash and encrypted.
    Personal,
}

/// One plan of the provider.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Plan {
    /// Whether an operator may give one account of this plan figures of its own.
    pub own_figures: bool,
    /// What the decision returns about the plan, such as `commercial_use = "false"`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Name, String>,
    /// Whom to ask for more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// The largest value of a request attribute.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Size {
    pub name: Name,
    /// A number attribute; of each item when the request has items.
    pub attribute: Name,
    /// The largest value that passes.
    pub max: u64,
    #[serde(default, skip_serializing_if = "Scope::is_everything")]
    pub only: Scope,
}

/// Which requests a rule speaks of; what is empty says nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    #[serde(skip_serializing_if = "Patterns::is_empty")]
    pub endpoints: Patterns,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plans: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Name>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub modes: Vec<Mode>,
    /// Accounts opened at or after this instant; earlier ones are neither gated nor counted …
    #[serde(with = "super::rfc3339", skip_serializing_if = "Option::is_none")]
    pub opened_from: Option<Timestamp>,
    /// … until this instant.
    #[serde(with = "super::rfc3339", skip_serializing_if = "Option::is_none")]
    pub everyone_from: Option<Timestamp>,
}

impl Scope {
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

/// Live credit or a ledger of its own for tests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Live,
    Test,
}

impl Mode {
    pub fn is_live(&self) -> bool {
        *self == Self::Live
    }

    /// `live` or `test`, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

/// What a request with several items may be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Items {
    /// Most items in one request.
    pub max: u32,
    /// The endpoint that an item without one of its own counts at; the request's own unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// What keys an account may have.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeyRules {
    pub kinds: BTreeMap<Name, KeyKind>,
    /// A key is only issued to an account with contact data.
    pub needs_contact: bool,
    /// A key is only issued to an account that accepted the terms.
    pub needs_terms: bool,
    /// Most keys of one account that are not revoked.
    pub max: u32,
}

impl Default for KeyRules {
    fn default() -> Self {
        Self { kinds: BTreeMap::new(), needs_contact: false, needs_terms: false, max: 100 }
    }
}

/// One kind of key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyKind {
    /// What the key's text begins with, such as `pk_`.
    pub prefix: String,
    #[serde(default, skip_serializing_if = "Mode::is_live")]
    pub mode: Mode,
    /// The terms that an operator's recorded approval must name before such a key exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
}

/// How long before it takes effect a change must be announced.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Notice {
    /// Price lists and policies.
    pub changes: Span,
    /// Announcements, by kind: `maintenance`, `terms`, `removal` …
    pub announcements: BTreeMap<Name, Span>,
}

/// How long what is remembered about requests.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Requests {
    /// A repeat within this time gets the first answer.
    pub remember: Span,
    /// A decision can be settled and refunded this long.
    pub retention: Span,
    /// Refusals of one subject that are recorded one by one in a minute; the rest of the minute is one event of each
    /// kind.
    pub denials_per_minute: u32,
    /// Open holds of one account.
    pub open_holds_max: u32,
}

impl Requests {
    /// Refusals of one subject that are recorded one by one in a minute where an escalation listens to them: a hundred
    /// times as many as others.
    pub fn signals_per_minute(&self) -> u32 {
        self.denials_per_minute.saturating_mul(100)
    }
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            remember: Span::from_secs(86_400),
            retention: Span::from_secs(30 * 86_400),
            denials_per_minute: 60,
            open_holds_max: 10_000,
        }
    }
}

impl Policy {
    /// How long an admission stays open without an outcome, also where no credit is held.
    pub fn hold_for(&self) -> Span {
        self.credit.as_ref().map_or_else(super::credit::default_hold, |credit| credit.hold_for)
    }
}
