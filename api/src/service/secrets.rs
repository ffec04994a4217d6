//! Personal values and API keys, as the HTTP side asks for them.

use crate::http::ports::{KeyMaker, NewKeyText, Sealing, SealingFailed};
use adapters::api_key::ApiKey;
use adapters::system::{self, Clock};
use adapters::vault::{Under, Vault};
use domain::ids::{Digest, HashKey, Name};
use domain::time::{Span, Timestamp};
use std::io;
use std::sync::Arc;

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

/// Makes API keys, and knows what they are looked up by.
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
