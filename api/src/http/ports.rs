//! What this API needs of the world besides the engine; `service.rs` says what stands behind it.

use domain::ids::{Digest, Name};
use domain::time::{Span, Timestamp};
use std::sync::Arc;

/// Encrypts personal values before they reach the log.
pub trait Sealing: Send + Sync {
    /// The value encrypted under today's key. The same value may give the same text again.
    ///
    /// # Errors
    /// When the day's key cannot be kept: what nobody could read later must not be logged.
    fn seal(&self, clear: &str) -> Result<Arc<str>, SealingFailed>;

    /// The clear value of what was sealed for an event of `at`, as long as its key exists.
    fn open(&self, sealed: &str, at: Timestamp) -> Option<String>;
}

/// The keys of personal values cannot be read or kept.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the keys of personal values are not available: {0}")]
pub struct SealingFailed(pub String);

/// Makes API keys.
pub trait KeyMaker: Send + Sync {
    /// A new random key with a prefix and a checksum, to be shown once.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    fn make(&self, prefix: &str) -> Result<NewKeyText, SealingFailed>;

    /// What a key is looked up by. A text that is no key has a digest, too, that no key has.
    fn digest(&self, text: &str) -> Digest;
}

/// A key's text and the name by which it is spoken of afterwards.
pub struct NewKeyText {
    pub text: String,
    pub name: Name,
}

/// The time of this service, for what is not decided by the book.
pub trait Time: Send + Sync {
    /// Now, by the clock that the book runs on.
    fn now(&self) -> Timestamp;

    /// Accepts the clock as it is now, after a jump.
    fn confirm(&self);

    /// The clock that a test moves; none on real time.
    fn sandbox(&self) -> Option<&dyn Sandbox>;
}

/// A clock that only moves when told to.
pub trait Sandbox: Send + Sync {
    /// Moves forward and returns the new time.
    fn advance(&self, span: Span) -> Timestamp;

    /// Moves forward to an instant; `None` when it lies in the past.
    fn set(&self, at: Timestamp) -> Option<Timestamp>;
}
