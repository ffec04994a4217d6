//! What a policy file says, field by field.
//!
//! Everything that is serialized is ordered (`Vec`, `BTreeMap`), so that the same policy always has
//! the same JSON and the same hash.

use super::{Patterns, Responses};
use crate::ids::Name;
use crate::ledger::{LotKind, Overdraft};
use crate::limits::Rule;
use crate::money::Credits;
use crate::pricing::{OutcomeRules, PriceList};
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
}

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

/// What a limit counts by, and what a signal is gathered by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Dimension {
    Ip,
    Key,
    Account,
    /// The owner of several linked accounts; an account without one is its own owner.
    Owner,
    Endpoint,
    /// The first class that has the endpoint.
    Class,
    Plan,
    EndUser,
    /// Live or test, so that test keys have windows of their own.
    Mode,
    /// The hash of the request's own body that a gateway passes as `body_hash`.
    Body,
    /// A request attribute, such as `attribute:file_name`.
    Attribute(Name),
}

const DIMENSIONS: [(&str, Dimension); 10] = [
    ("ip", Dimension::Ip),
    ("key", Dimension::Key),
    ("account", Dimension::Account),
    ("owner", Dimension::Owner),
    ("endpoint", Dimension::Endpoint),
    ("class", Dimension::Class),
    ("plan", Dimension::Plan),
    ("end_user", Dimension::EndUser),
    ("mode", Dimension::Mode),
    ("body", Dimension::Body),
];

impl From<Dimension> for String {
    fn from(dimension: Dimension) -> Self {
        if let Dimension::Attribute(name) = &dimension {
            return format!("attribute:{name}");
        }
        let known = DIMENSIONS.iter().find(|(_, known)| *known == dimension);
        known.map(|(text, _)| (*text).to_owned()).unwrap_or_default()
    }
}

impl TryFrom<String> for Dimension {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("attribute:") {
            return name
                .parse()
                .map(Self::Attribute)
                .map_err(|error| format!("the attribute's name {error}"));
        }
        let known = DIMENSIONS.iter().find(|(known, _)| *known == text);
        known.map(|(_, dimension)| dimension.clone()).ok_or_else(|| {
            let known: Vec<_> = DIMENSIONS.iter().map(|(text, _)| *text).collect();
            format!("`{text}` is nothing to count by; use {} or attribute:NAME", known.join(", "))
        })
    }
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

fn default_hold() -> Span {
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
    /// Refusals of one subject that are recorded one by one in a minute; the rest of the minute is one event.
    pub denials_per_minute: u32,
    /// Open holds of one account.
    pub open_holds_max: u32,
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
