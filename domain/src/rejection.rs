//! Why a command was not carried out: a closed list. A rejection appends nothing.
//!
//! A *denied* request is not here: a denial is an answer, and an event ([`crate::event::RequestDenied`]).

use crate::ids::{Name, Position};
use crate::money::MoneyError;
use crate::time::Span;

/// Why a command was not carried out, in order of precedence.
///
/// An id that was used before is looked for first. Then comes what is wrong whatever the state is, then what the command
/// speaks of, then what that may not do now. What only follows from the decision, the balance or the announced policies
/// (a price that cannot be worked out, a lot that cannot be, a plan that ends) is found after these.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Rejection {
    #[error("the same id was used before with another content")]
    RequestIdReused,
    #[error("the request id is older than this book remembers, so it is not decided anew")]
    RequestIdTooOld,
    #[error("there is no policy yet")]
    NoPolicy,
    #[error("{field} {what}")]
    Invalid { field: &'static str, what: String },
    #[error("{field} {error}")]
    Amount { field: &'static str, error: MoneyError },
    #[error("there is no account `{0}`")]
    UnknownAccount(Name),
    #[error("account `{0}` exists already")]
    AccountExists(Name),
    #[error("account `{0}` is closed")]
    AccountClosed(Name),
    #[error("account `{0}` is suspended")]
    AccountSuspended(Name),
    #[error("there is no key `{0}`")]
    UnknownKey(Name),
    #[error("there is no admitted decision d_{0}")]
    UnknownDecision(Position),
    #[error("decision d_{0} is past its retention; corrections are an operator's adjustment")]
    Retired(Position),
    #[error("decision d_{0} {1}")]
    WrongState(Position, &'static str),
    /// It is so already: there is nothing to lift, reinstate or revoke.
    #[error("{0}")]
    NothingToChange(String),
    #[error("{0}")]
    NotAllowed(String),
    #[error("only {left} of the charge can still be refunded")]
    RefundTooLarge { left: crate::money::Credits },
    #[error("only {available} is available")]
    NotEnough { available: crate::money::Credits },
    #[error(
        "a change must be announced {0} before it takes effect, unless it is marked as an emergency with a reason"
    )]
    NoticeTooShort(Span),
    #[error("this book has as many subjects as it may hold")]
    TooManySubjects,
    #[error("account `{0}` has as many open holds as it may")]
    TooManyHolds(Name),
}

impl Rejection {
    pub fn invalid(field: &'static str, what: impl Into<String>) -> Self {
        Self::Invalid { field, what: what.into() }
    }
}
