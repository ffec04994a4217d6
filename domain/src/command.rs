//! What callers ask of a book, checked for shape at the edge and decided in order by the book.

use crate::event::{KeyChange, RequestTag, Subject};
use crate::ids::{Digest, Name, Position};
use crate::ledger::LotKind;
use crate::money::Credits;
use crate::policy::{Dimension, Mode, Policy};
use crate::pricing::{Outcome, PriceList};
use crate::time::{Calendar, Timestamp};
use rust_decimal::Decimal;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A command and who sent it.
#[derive(Clone, Debug)]
pub struct Command {
    /// `gateway:NAME`, `operator:NAME`, `account:NAME`.
    pub actor: Arc<str>,
    /// The sender's id for this attempt; a repeat gets the first answer.
    pub request: Option<RequestTag>,
    pub action: Action,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Action {
    Request(Box<Ask>),
    Begin {
        decision: Position,
    },
    Settle {
        decision: Position,
        outcome: Outcome,
        attributes: Attributes,
    },
    Refund(Refund),
    Reprocess {
        decision: Position,
    },
    Account {
        account: Name,
        act: AccountAct,
    },
    Ban {
        by: Vec<Dimension>,
        subject: Digest,
        reason: String,
        until: Option<Timestamp>,
        name: Name,
    },
    LiftBan {
        by: Vec<Dimension>,
        subject: Digest,
        reason: String,
    },
    /// An operator's figure for a subject that is no account: an address or an owner.
    SetFigure {
        limit: Name,
        subject: Subject,
        figure: Option<u64>,
        reason: String,
    },
    ResetCount {
        limit: Name,
        subject: Subject,
        values: BTreeMap<Dimension, DimensionValue>,
        reason: String,
    },
    Publish(Publish),
}

/// The value of one dimension of a counter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DimensionValue {
    /// An account, a key, an endpoint, a label …
    Text(Arc<str>),
    /// An address, an end user, a personal attribute.
    Hash(Digest),
}

/// One request of a caller of the provider.
#[derive(Clone, Debug)]
pub struct Ask {
    pub caller: Caller,
    pub ip: Option<Hidden>,
    /// The path as the gateway saw it, without query.
    pub endpoint: Arc<str>,
    pub channel: Option<Name>,
    pub end_user: Option<Hidden>,
    /// The hash of the request's own body, if the gateway tells it.
    pub body: Option<Digest>,
    pub attributes: Attributes,
    /// ≥ 1; more than 1 only without items.
    pub units: u32,
    pub items: Vec<Item>,
    /// `Some`: settled at the same instant. `None`: open until a settle.
    pub settle: Option<Outcome>,
}

impl Ask {
    /// One unit at an endpoint, of which nothing more is told, settled as a success at once.
    pub fn new(caller: Caller, endpoint: impl Into<Arc<str>>) -> Self {
        Self {
            caller,
            ip: None,
            endpoint: endpoint.into(),
            channel: None,
            end_user: None,
            body: None,
            attributes: Attributes::new(),
            units: 1,
            items: Vec::new(),
            settle: Some(Outcome::Succeeded),
        }
    }
}

/// Who sends a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Caller {
    /// By the hash of an API key.
    Key(Digest),
    Account(Name),
    Anonymous,
}

/// One item of a request.
#[derive(Clone, Debug)]
pub struct Item {
    /// The endpoint that it counts at; the policy's or the request's own unless given.
    pub endpoint: Option<Arc<str>>,
    pub attributes: Attributes,
}

/// Attributes of a request by name, sorted by name.
pub type Attributes = Vec<(Name, Value)>;

/// The value of a request attribute.
#[derive(Clone, Debug)]
pub enum Value {
    Number(Decimal),
    Text {
        /// What a label keeps.
        clear: Arc<str>,
        hidden: Hidden,
    },
}

/// A personal text: hashed for counting, encrypted for the log.
#[derive(Clone, Debug)]
pub struct Hidden {
    pub digest: Digest,
    pub sealed: Arc<str>,
}

/// Charged credit to give back.
#[derive(Clone, Debug)]
pub struct Refund {
    pub decision: Position,
    /// The refund's own id.
    pub refund: Name,
    /// All that is left to refund unless given.
    pub amount: Option<Credits>,
    pub reason: Option<String>,
}

/// What an operator, or an account itself, may do to an account.
#[derive(Clone, Debug)]
pub enum AccountAct {
    Open {
        plan: Option<Name>,
        owner: Option<Name>,
        calendar: Calendar,
        opened: Option<Timestamp>,
    },
    Detail(Box<crate::event::AccountDetailed>),
    ChangePlan {
        plan: Name,
    },
    IssueKey(NewKey),
    ChangeKey {
        key: Name,
        change: KeyChange,
        reason: Option<String>,
    },
    Grant(Grant),
    /// Takes unreserved credit away.
    Deduct {
        mode: Mode,
        amount: Credits,
        reason: String,
    },
    SetFigure {
        limit: Name,
        key: Option<Name>,
        figure: Option<u64>,
        reason: String,
    },
    Suspend {
        reason: String,
        until: Option<Timestamp>,
    },
    Reinstate {
        reason: String,
    },
    Terminate {
        reason: String,
    },
}

/// A key to issue. Its text was made at the edge; the book sees only the hash.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub key: Name,
    pub hash: Digest,
    pub kind: Name,
    pub approval: Option<String>,
    /// The key to revoke in the same step.
    pub replaces: Option<Name>,
}

/// Credit to grant.
#[derive(Clone, Debug)]
pub struct Grant {
    pub kind: LotKind,
    pub amount: Credits,
    pub mode: Mode,
    /// Now unless given.
    pub effective: Option<Timestamp>,
    /// By the policy's validity for the kind unless given.
    pub expires: Option<Timestamp>,
    pub priority: i16,
    pub unit_value: Option<Credits>,
    pub reason: Option<String>,
}

impl Grant {
    /// Live credit that takes effect now, for as long as the policy says.
    pub fn new(kind: LotKind, amount: Credits) -> Self {
        let (mode, effective, expires, unit_value, reason) = (Mode::Live, None, None, None, None);
        Self { kind, amount, mode, effective, expires, priority: 0, unit_value, reason }
    }
}

/// Something to publish in the catalogue.
#[derive(Clone, Debug)]
pub enum Publish {
    Policy { policy: Arc<Policy>, effective: Option<Timestamp>, emergency: Option<String> },
    Prices { prices: Arc<PriceList>, effective: Option<Timestamp>, emergency: Option<String> },
    Notice { kind: Name, effective: Timestamp, text: String, emergency: Option<String> },
}
