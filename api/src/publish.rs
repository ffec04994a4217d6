//! Putting a policy file in force when a service starts.

use crate::engine::{Answer, Failure, Handle};
use domain::command::{Action, Command, Publish};
use domain::event::Event;
use domain::policy::Policy;
use domain::rejection::Rejection;
use domain::time::Timestamp;
use std::sync::Arc;

/// What became of a policy file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Published {
    /// The newest policy of the log says the same.
    Unchanged,
    /// Published, and in force from this instant on.
    From(Timestamp),
}

/// Why a policy file was not put in force.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("the policy differs from the log's newest, and it is locked")]
    Locked,
    #[error("the policy was refused: {0}")]
    Rejected(Rejection),
    #[error("the engine gives no answer")]
    Failure(#[from] Failure),
}

/// Publishes a policy unless the log's newest says the same. The first needs no notice; a changed one takes effect
/// after the notice period that the policy in force promises, at once only with the reason of an emergency.
///
/// # Errors
/// When the policy is locked or refused, or the engine does not answer.
pub async fn publish(
    engine: &Handle,
    policy: Policy,
    locked: bool,
    emergency: Option<String>,
) -> Result<Published, PublishError> {
    let wanted = policy.hash();
    let newest =
        engine.read(None, |book, _| book.catalogue().policies().last().map(|newest| newest.content.hash()));
    let newest = newest.await?;
    if newest.as_ref() == Some(&wanted) {
        return Ok(Published::Unchanged);
    }
    if locked && newest.is_some() {
        return Err(PublishError::Locked);
    }
    let publish = Publish::Policy { policy: Arc::new(policy), effective: None, emergency };
    let command = Command { actor: "operator:serve".into(), request: None, action: Action::Publish(publish) };
    let committed = engine.submit(command).await?;
    match committed.answer {
        Answer::Rejected(rejection) => Err(PublishError::Rejected(rejection)),
        Answer::Entry(entry) | Answer::Repeat(entry) => match &entry.event {
            Event::PolicyPublished(event) => Ok(Published::From(event.effective)),
            _ => Ok(Published::From(entry.at)),
        },
        Answer::Collapsed(_) => Ok(Published::From(committed.at)),
    }
}
