//! An append that failed: refuse what was decided on it, go back to what the log says, try again after a pause.

use super::append::Backoff;
use super::batch::{Cargo, Waiter};
use super::failure::Failure;
use super::health::State;
use super::job::{Decided, Verdict};
use super::load::load;
use super::sequencer::{End, Sequencer};
use crate::told;
use domain::log::StoreError;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest pause between two tries of a store that takes nothing.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What is known of a store that takes nothing.
#[derive(Default)]
pub(super) struct Trouble {
    pause: Backoff,
    why: Option<Arc<str>>,
    /// The book has decided what the log does not hold, and could not be rebuilt yet.
    stale: bool,
}

impl Trouble {
    /// An append succeeded.
    pub(super) fn clear(&mut self) {
        if self.why.is_some() || self.pause.failures > 0 {
            *self = Self::default();
        }
    }

    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// When the pause ends, if there is one.
    pub(super) fn until(&self) -> Option<Instant> {
        self.pause.at
    }

    fn fail(&mut self, why: &str, now: Instant) {
        self.pause.fail(PAUSE_MAX, now);
        self.why = Some(why.into());
    }
}

impl Sequencer {
    /// Why no command is decided now. After the pause commands are decided again: the first frame is the probe.
    pub(super) fn refusal(&self) -> Option<Arc<str>> {
        if let Some(why) = &self.standby {
            return Some(why.clone());
        }
        let pausing = self.trouble.stale || self.trouble.pause.is_pausing(&*self.shared.clock);
        if pausing { self.trouble.why.clone() } else { None }
    }

    /// Answers all that rests on a refused frame with 503 and rebuilds the book from the log.
    ///
    /// The first failure is followed by a new try at once, further ones by pauses that double: every failed
    /// probe costs a rebuild, and there must be no loop of them.
    pub(super) fn roll_back(&mut self, error: &StoreError) -> Result<(), End> {
        let why: Arc<str> = told(error).into();
        tracing::error!(%why, "an append failed; nothing of it was kept");
        self.trouble.fail(&why, self.shared.clock.monotonic());
        let Cargo { waiters, minutes } = self.writer.revert();
        self.keeper.discard();
        self.collapsed.restore(minutes);
        for waiter in waiters {
            self.refuse(waiter, &why);
        }
        self.count_collapsed();
        self.shared.gauges.become_state(State::Refusing { why });
        self.trouble.stale = true;
        self.rebuild()
    }

    fn refuse(&mut self, waiter: Waiter, why: &Arc<str>) {
        if let Waiter::Command(_, Decided { verdict: Verdict::Collapsed(denied, stream), at, .. }) = &waiter {
            self.collapsed.forget(stream, denied.kind, *at);
        }
        waiter.fail(Failure::Refusing(why.clone()));
    }

    /// Nobody knows what became of the frame in flight. Its answers wait; new commands are decided as long as there is room.
    pub(super) fn unsure(&mut self, error: &StoreError) {
        let why: Arc<str> = told(error).into();
        tracing::warn!(%why, "it is unknown whether an append was written; it is sent again");
        self.shared.gauges.become_state(State::Refusing { why });
    }

    /// Once a pause is over: rebuilds what could not be rebuilt, and lets commands in again.
    pub(super) fn recover(&mut self) -> Result<(), End> {
        if self.trouble.pause.is_due(&*self.shared.clock) {
            if self.trouble.stale {
                self.rebuild()?;
            }
            if !self.trouble.stale {
                self.shared.gauges.become_state(State::Running);
            }
        }
        Ok(())
    }

    fn rebuild(&mut self) -> Result<(), End> {
        match load(&self.source) {
            Ok(loaded) if loaded.head == self.writer.committed => {
                self.book = loaded.book;
                self.trouble.stale = false;
                Ok(())
            }
            Ok(loaded) => Err(End::Failed(
                format!(
                    "the log ends at {} and this engine has written to {}: another writer has the book; stepping down",
                    loaded.head.position, self.writer.committed.position
                )
                .into(),
            )),
            Err(error) if error.is_passing() => {
                self.trouble.fail(&told(&error), self.shared.clock.monotonic());
                Ok(())
            }
            Err(error) => Err(End::Failed(told(&error).into())),
        }
    }
}
