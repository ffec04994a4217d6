//! What an account did in the current month: the part of the reports that decisions keep at hand.

use crate::money::Credits;
use crate::policy::Mode;
use crate::time::{Calendar, Period, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most endpoints told apart; what comes after counts under [`OTHER`].
const ENDPOINTS_MAX: usize = 100;
/// The name that further endpoints share.
pub(super) const OTHER: &str = "(other)";

/// Counts of one calendar month of the account, by mode and endpoint.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Usage {
    pub from: Timestamp,
    pub to: Timestamp,
    pub endpoints: Vec<(Mode, Arc<str>, Tally)>,
}

/// What was counted at one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Tally {
    pub requests: u64,
    pub refused: u64,
    pub units: u64,
    pub charged: Credits,
    pub refunded: Credits,
}

impl Usage {
    /// The tally of an endpoint in the month of `at`; a new month starts with nothing.
    pub(super) fn at(
        &mut self,
        at: Timestamp,
        calendar: &Calendar,
        mode: Mode,
        endpoint: &Arc<str>,
    ) -> &mut Tally {
        if at >= self.to {
            let (from, to) = calendar.period(Period::Month, at);
            *self = Self { from, to, endpoints: Vec::new() };
        }
        let known = self.endpoints.iter().position(|(of, name, _)| *of == mode && name == endpoint);
        let place = known.unwrap_or_else(|| self.add(mode, endpoint));
        &mut self.endpoints[place].2
    }

    fn add(&mut self, mode: Mode, endpoint: &Arc<str>) -> usize {
        let full = self.endpoints.len() >= ENDPOINTS_MAX;
        if full
            && let Some(other) =
                self.endpoints.iter().position(|(of, name, _)| *of == mode && &**name == OTHER)
        {
            return other;
        }
        let name = if full { OTHER.into() } else { endpoint.clone() };
        if self.endpoints.is_empty() {
            // Most accounts use one endpoint, and a million of them live in memory.
            self.endpoints.reserve_exact(1);
        }
        self.endpoints.push((mode, name, Tally::default()));
        self.endpoints.len() - 1
    }
}
