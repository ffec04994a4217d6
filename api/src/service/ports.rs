//! What the HTTP API needs of the world besides the engine: time, sealing, keys.

use super::TimeKind;
use crate::engine::Handle;
use crate::http::ports::{KeyMaker, NewKeyText, Sandbox, Sealing, SealingFailed, Time};
use adapters::api_key::ApiKey;
use adapters::system::{self, Clock, SandboxClock, SystemClock};
use adapters::vault::{Under, Vault};
use domain::ids::{Digest, HashKey, Name};
use domain::time::{Span, Timestamp};
use std::io;
use std::sync::Arc;

/// The clock of a book, and whether it can be moved.
#[derive(Clone)]
pub(super) enum Clocks {
    Wall(Arc<SystemClock>),
    Sandbox(Arc<SandboxClock>),
}

impl Clocks {
    pub(super) fn new(time: TimeKind, floor: Timestamp) -> Self {
        match time {
            TimeKind::Wall => Self::Wall(Arc::new(SystemClock::start(floor))),
            TimeKind::Sandbox(start) => Self::Sandbox(Arc::new(SandboxClock::new(start.max(floor)))),
        }
    }

    pub(super) fn as_clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Wall(clock) => clock.clone(),
            Self::Sandbox(clock) => clock.clone(),
        }
    }
}

pub(super) struct BookTime {
    pub(super) clock: Clocks,
    pub(super) engine: Handle,
}

impl Time for BookTime {
    fn now(&self) -> Timestamp {
        // While a jump is unconfirmed nothing is decided; what is left to time goes on where it was.
        self.clock.as_clock().now().unwrap_or_else(|jump| jump.expected)
    }

    fn confirm(&self) {
        self.engine.confirm_clock();
    }

    fn sandbox(&self) -> Option<&dyn Sandbox> {
        match self.clock {
            Clocks::Wall(_) => None,
            Clocks::Sandbox(_) => Some(self),
        }
    }
}

impl Sandbox for BookTime {
    fn advance(&self, span: Span) -> Timestamp {
        let now = match &self.clock {
            Clocks::Wall(_) => self.now(),
            Clocks::Sandbox(clock) => clock.advance(span),
        };
        self.engine.wake();
        now
    }

    fn set(&self, at: Timestamp) -> Option<Timestamp> {
        let now = match &self.clock {
            Clocks::Wall(_) => None,
            Clocks::Sandbox(clock) => clock.set(at).ok(),
        };
        self.engine.wake();
        now
    }
}

/// Seals under the key of the day.
pub(super) struct DaySealing {
    pub(super) vault: Arc<Vault>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Sealing for DaySealing {
    fn seal(&self, clear: &str) -> Result<Arc<str>, SealingFailed> {
        let now = self.clock.now().unwrap_or_else(|jump| jump.expected);
        self.vault.seal(Under::Day(now), clear).map_err(|error| SealingFailed(error.to_string()))
    }

    fn open(&self, sealed: &str, at: Timestamp) -> Option<String> {
        // Sealed just before the event was stamped, perhaps on the day before.
        let days = [at, at.minus(Span::from_secs(60))];
        days.into_iter().find_map(|day| self.vault.open_sealed(Under::Day(day), sealed).ok().flatten())
    }
}

pub(super) struct Keys(pub(super) HashKey);

impl KeyMaker for Keys {
    fn make(&self, prefix: &str) -> Result<NewKeyText, SealingFailed> {
        let failed = |error: io::Error| SealingFailed(error.to_string());
        let prefix = prefix.trim_end_matches('_');
        let prefix = if prefix.is_empty() { "key" } else { prefix };
        let prefix: Name = prefix.parse().map_err(|_| SealingFailed("the prefix is no name".to_owned()))?;
        let key = ApiKey::generate(&prefix).map_err(failed)?;
        let name = format!("k_{:016x}", u64::from_be_bytes(system::random().map_err(failed)?));
        let name = name.parse().map_err(|_| SealingFailed("the key's name is no name".to_owned()))?;
        Ok(NewKeyText { text: key.expose().to_owned(), name })
    }

    fn digest(&self, text: &str) -> Digest {
        match ApiKey::parse(text) {
            Ok(key) => key.digest(&self.0),
            Err(_) => self.0.digest([b"no-api-key".as_slice(), text.as_bytes()]),
        }
    }
}
