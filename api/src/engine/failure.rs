//! Why a command or a read got no answer.

use domain::ids::Position;
use domain::log::StoreError;
use domain::log::codec::CodecError;
use domain::time::Span;
use std::sync::Arc;

/// Why a command or a read got no answer. To a client all of them are "503, ask again later".
///
/// Only [`Failure::Stopped`] leaves open whether a command was carried out, when the engine stopped while
/// the append was under way; in all other cases it was not.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Failure {
    /// More waits than may wait.
    #[error("too many requests wait for a decision")]
    Overloaded { retry_after: Span },
    /// The event store takes no events at the moment. Nothing of this command was kept.
    #[error("no decision can be recorded at the moment: {0}")]
    Refusing(Arc<str>),
    /// Another process writes the book, and decides.
    #[error("this is a standby: another counterfoil writes the book")]
    Standby,
    /// The wall clock left the monotonic one behind; an operator has to confirm it.
    #[error("the clock jumped, and nobody has confirmed it yet")]
    ClockJumped,
    /// The engine has stopped or is about to.
    #[error("the book is closed")]
    Stopped,
    /// The log could not be read.
    #[error("the log cannot be read")]
    Store(#[source] Arc<StoreError>),
    /// The event at this position is not one that this release can read.
    #[error("the event at position {position} cannot be read")]
    Unreadable {
        position: Position,
        #[source]
        cause: Arc<CodecError>,
    },
}

impl Failure {
    /// Whether the log is not what was written: it goes no better later.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Store(error) => matches!(**error, StoreError::Damaged { .. }),
            Self::Unreadable { .. } => true,
            Self::Overloaded { .. }
            | Self::Refusing(_)
            | Self::Standby
            | Self::ClockJumped
            | Self::Stopped => false,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}
