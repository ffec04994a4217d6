//! A standby: the book of another process's log, kept warm, read from, and led when that process is gone.

use super::health::State;
use super::sequencer::{End, Sequencer};
use domain::book::Away;
use domain::log::{Frame, Head, codec};
use std::sync::Arc;

impl Sequencer {
    /// Decides nothing from now on; reads show the book as it is.
    pub(super) fn stand_by(&mut self) {
        self.standby = Some(Arc::from("another counterfoil writes this book"));
        self.shared.gauges.become_state(State::Standby);
    }

    /// Folds what the writer appended. What is not a continuation of the log can be no standby's state.
    pub(super) fn follow(&mut self, frames: &[Frame]) -> Result<(), End> {
        for frame in frames {
            let head = self.writer.committed;
            if self.standby.is_none() || frame.first() != head.position + 1 || frame.previous() != head.hash {
                return Err(End::Failed(
                    format!("the log does not go on at position {} where it ended before", head.position + 1)
                        .into(),
                ));
            }
            self.fold(frame)?;
            self.writer.stand_at(Head { position: frame.end(), hash: frame.last() });
        }
        self.shared.gauges.head.send_replace(self.writer.committed.position);
        self.keep();
        Ok(())
    }

    fn fold(&mut self, frame: &Frame) -> Result<(), End> {
        let failed = |position: u64, error: &dyn std::error::Error| {
            End::Failed(format!("the event at position {position} cannot be folded: {error}").into())
        };
        let events = frame.events().map_err(|error| failed(frame.first(), &error))?;
        for (position, text) in events {
            let entry = codec::decode(text).map_err(|error| failed(position, &error))?;
            self.book.apply(&entry).map_err(|error| failed(position, &error))?;
        }
        Ok(())
    }

    /// Decides from now on, if this store is where the book goes on.
    pub(super) fn lead(&mut self) -> Result<(), End> {
        self.at_home().map_err(|away| End::Failed(away.to_string().into()))?;
        if self.standby.take().is_some() {
            self.shared.gauges.become_state(State::Running);
        }
        Ok(())
    }

    /// Whether the book may be written to in the store that the engine has.
    pub(super) fn at_home(&self) -> Result<(), Away> {
        self.book.at_home(self.source.store.book().store)
    }
}
