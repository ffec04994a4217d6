//! The port of every event store: append at the head, read forward, nothing else.

use super::chain::unhex;
use super::{ChainHash, Frame};
use crate::ids::Position;
use crate::time::Timestamp;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where a log ends: the position and hash of its last event; 0 and [`ChainHash::ZERO`] when it is empty.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Head {
    pub position: Position,
    pub hash: ChainHash,
}

/// Keeps the frames of one book, in order, for ever.
///
/// A store takes one append at a time: a caller waits for the outcome before the next. What it
/// acknowledged survives the loss of power.
#[async_trait]
pub trait EventStore: Send + Sync {
    /// The book this store holds; settled when the store was created.
    fn book(&self) -> BookInfo;

    /// Where the log ends now.
    async fn head(&self) -> Result<Head, StoreError>;

    /// Adds a frame that begins right after the head, whole or not at all.
    ///
    /// Repeating a frame that already stands at exactly its place is `Appended` again, however late,
    /// so a frame whose first try ended in [`StoreError::MaybeWritten`] may simply be sent again.
    async fn append(&self, frame: &Frame) -> Result<AppendOutcome, StoreError>;

    /// The frames that hold the `max_events` positions beginning with `from`, as far as they exist, in order.
    ///
    /// Frames come whole, so the first may begin before `from` and the last may reach further. None when
    /// `from` lies past the head. Every frame was verified and follows the one before.
    async fn read(&self, from: Position, max_events: usize) -> Result<Vec<Frame>, StoreError>;

    /// Moves what was written ahead to where the log is kept for good; at the end, so that a copy of that is whole. A store
    /// that is merely dropped loses nothing either.
    async fn checkpoint(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What became of an append that the store could judge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum AppendOutcome {
    /// The frame is in the log, durably.
    Appended,
    /// The frame does not follow the head, which is here; nothing was kept. Whoever decided it worked on
    /// an old state: rebuild from the log and decide again.
    Conflict { head: Head },
}

/// What a store's failure came from.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// A failure that says whether the append may have happened.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Nothing was kept (disk full, log busy or locked, read-only). The log is whole; try again later,
    /// with this frame or another. A failed read is this too: it changed nothing.
    #[error("the event store refused and kept nothing")]
    NotWritten(#[source] Cause),
    /// The frame may or may not be in the log (interrupted, an I/O error, a lost connection).
    /// Send the same frame again, or read the head, before anything else is appended.
    #[error("the event store failed and may have kept the frame")]
    MaybeWritten(#[source] Cause),
    /// What the store holds at this position (0: not known where) is not what was written. Stop, restore, audit.
    #[error("the log is damaged {}: audit it, and restore it from a copy", place(*position))]
    Damaged {
        position: Position,
        #[source]
        cause: Cause,
    },
    /// A sync to disk failed: the system may have dropped the pages and would report success next time,
    /// so no later answer of this process can be trusted. Stop it; the next start reads what is really there.
    #[error(
        "the event store cannot make data durable: mend the disk and start again, what was answered is in the log"
    )]
    Fatal(#[source] Cause),
}

fn place(position: Position) -> String {
    match position {
        0 => "at a place that cannot be told".to_owned(),
        position => format!("at position {position}"),
    }
}

/// Who a book is; never changes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BookInfo {
    pub id: BookId,
    pub kind: BookKind,
    pub created: Timestamp,
    /// Tells a copy from all other stores that hold the book; `None` in the one where it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreId>,
}

/// Names one store of a book among all that hold it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoreId(pub BookId);

impl fmt::Display for StoreId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// 16 random bytes, shown as 32 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BookId(pub [u8; 16]);

impl fmt::Display for BookId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for BookId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for BookId {
    type Err = BookIdError;

    fn from_str(text: &str) -> Result<Self, BookIdError> {
        unhex(text).map(Self).ok_or(BookIdError)
    }
}

impl Serialize for BookId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BookId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is no [`BookId`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be 32 hexadecimal digits")]
pub struct BookIdError;

/// Whose time a book runs on: real time, or a clock that an integrator's test moves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BookKind {
    Wall,
    Sandbox,
}

impl BookKind {
    /// `wall` or `sandbox`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Wall => "wall",
            Self::Sandbox => "sandbox",
        }
    }
}

impl fmt::Display for BookKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl FromStr for BookKind {
    type Err = BookKindError;

    fn from_str(text: &str) -> Result<Self, BookKindError> {
        match text {
            "wall" => Ok(Self::Wall),
            "sandbox" => Ok(Self::Sandbox),
            _ => Err(BookKindError),
        }
    }
}

/// A text that is no [`BookKind`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be wall or sandbox")]
pub struct BookKindError;
