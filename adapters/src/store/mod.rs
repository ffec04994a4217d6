//! The event stores. Each runs the same contract suite, so none is kinder than another.

#[cfg(feature = "eventstore")]
pub mod kurrentdb;
pub mod memory;
pub mod postgres;
pub mod sqlite;

use domain::ids::Position;
use domain::log::{Frame, StoreError};

/// Verifies frames read from a store, each alone and against the one before.
fn verified(frames: Vec<Frame>) -> Result<Vec<Frame>, StoreError> {
    for frame in &frames {
        frame.verify().map_err(|cause| damaged(frame.first(), cause))?;
    }
    for pair in frames.windows(2) {
        let expected = pair[0].end() + 1;
        if pair[1].first() != expected || pair[1].previous() != pair[0].last() {
            return Err(damaged(expected, Broken));
        }
    }
    Ok(frames)
}

/// The positions a read asks for, `from .. until`; at least one.
fn span(from: Position, max_events: usize) -> std::ops::Range<Position> {
    let from = from.max(1);
    from..from.saturating_add(Position::try_from(max_events).unwrap_or(Position::MAX).max(1))
}

fn damaged(position: Position, cause: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::Damaged { position, cause: Box::new(cause) }
}

/// What lies in the store at a position does not follow what lies before.
#[derive(Debug, thiserror::Error)]
#[error("no frame continues the log here")]
struct Broken;

fn read_only() -> StoreError {
    StoreError::NotWritten(Box::new(ReadOnly))
}

#[derive(Debug, thiserror::Error)]
#[error("the log was opened to be read only")]
struct ReadOnly;
