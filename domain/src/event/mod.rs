//! What happened: every event of a book, one struct each, past tense.
//!
//! A stored event is never changed. A new shape is a new schema version with an upcaster in
//! [`crate::log::codec`], and a golden file keeps every old version readable.

mod account;
mod book;
mod catalogue;
mod request;

pub use account::*;
pub use book::*;
pub use catalogue::*;
pub use request::*;

use crate::ids::{Digest, Name, Position};
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The stream that an event belongs to: one aggregate's own history.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Stream {
    Account(Name),
    /// An anonymous caller, by the keyed hash of its address.
    Client(Digest),
    Catalogue,
    /// The book as a whole.
    Book,
}

impl fmt::Display for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(name) => write!(out, "account-{name}"),
            Self::Client(digest) => write!(out, "client-{digest}"),
            Self::Catalogue => out.write_str("catalogue"),
            Self::Book => out.write_str("book"),
        }
    }
}

impl FromStr for Stream {
    type Err = StreamError;

    fn from_str(text: &str) -> Result<Self, StreamError> {
        if let Some(name) = text.strip_prefix("account-") {
            return name.parse().map(Self::Account).map_err(|_| StreamError);
        }
        if let Some(digest) = text.strip_prefix("client-") {
            return digest.parse().map(Self::Client).map_err(|_| StreamError);
        }
        match text {
            "catalogue" => Ok(Self::Catalogue),
            "book" => Ok(Self::Book),
            _ => Err(StreamError),
        }
    }
}

impl Serialize for Stream {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        crate::reading::parsed(from, "a stream")
    }
}

/// A text that names no stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be account-NAME, client-HASH, catalogue or book")]
pub struct StreamError;

/// An event in its place: what the book folds and the log keeps.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub position: Position,
    pub stream: Stream,
    /// 1, 2, 3 … within the stream.
    pub version: u64,
    /// Stamped once, when the command was sequenced; never decreases.
    pub at: Timestamp,
    /// Who caused it: `gateway:NAME`, `operator:NAME`, `account:NAME` or `book` itself.
    pub actor: Arc<str>,
    /// The request that caused it, on the first event of a command only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestTag>,
    pub event: Event,
    /// Encrypted values by field; readable only with the keys kept beside the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub personal: Personal,
}

/// Encrypted personal values by the name of their field.
pub type Personal = Vec<(Cow<'static, str>, Arc<str>)>;

/// A request id as its sender gave it, and a fingerprint of what it asked.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RequestTag {
    pub id: Arc<str>,
    /// 64 bits of the keyed hash of the body: the same id with another body is refused.
    pub fingerprint: u64,
}

fn is_zero(amount: &crate::money::Credits) -> bool {
    amount.is_zero()
}

macro_rules! events {
    ($($name:ident = $version:literal),+ $(,)?) => {
        /// Every event of a book.
        #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
        pub enum Event { $($name(Box<$name>)),+ }

        $(impl From<$name> for Event {
            fn from(event: $name) -> Self { Self::$name(Box::new(event)) }
        })+

        impl Event {
            /// The name and newest schema version of every event type.
            pub const TYPES: &[(&str, u16)] = &[$((stringify!($name), $version)),+];

            /// The type's stable name.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name)),+ }
            }

            /// The schema version that is written.
            pub fn schema(&self) -> u16 {
                match self { $(Self::$name(_) => $version),+ }
            }

            pub(crate) fn write_data(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
                match self { $(Self::$name(event) => serde_json::to_writer(out, event)),+ }
            }

            /// Reads the newest version of a type that this release knows.
            pub(crate) fn read_data<'de, D: Deserializer<'de>>(kind: &str, from: D) -> Result<Self, D::Error> {
                match kind {
                    $(stringify!($name) => Box::deserialize(from).map(Self::$name),)+
                    _ => Err(serde::de::Error::custom("no event type of this release")),
                }
            }
        }
    };
}

events! {
    RequestAdmitted = 1,
    RequestDenied = 1,
    DenialsCollapsed = 1,
    RequestBegun = 1,
    RequestSettled = 1,
    HoldExpired = 1,
    CreditRefunded = 1,
    AccountOpened = 1,
    AccountDetailed = 1,
    PlanChanged = 1,
    KeyIssued = 1,
    KeyChanged = 1,
    CreditGranted = 1,
    CreditAdjusted = 1,
    CreditExpired = 1,
    FigureSet = 1,
    CountReset = 1,
    AccountSuspended = 1,
    AccountReinstated = 1,
    AccountTerminated = 1,
    BanStarted = 1,
    BanLifted = 1,
    PolicyPublished = 1,
    PricesPublished = 1,
    NoticeAnnounced = 1,
    BookSealed = 1,
}

impl cqrs_es::DomainEvent for Entry {
    fn event_type(&self) -> String {
        self.event.kind().to_owned()
    }

    fn event_version(&self) -> String {
        self.event.schema().to_string()
    }
}
