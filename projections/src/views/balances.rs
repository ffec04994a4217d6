//! The credit of every account as its own events left it, so that a past instant can be reached from near by.

use crate::origins::{Origins, UnknownDecision, decision_of};
use domain::event::{Entry, Event};
use domain::ids::Position;
use domain::ledger::{Ledger, LotId, Mismatch};
use domain::policy::Mode;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Events of a stream from one checkpoint to the next, at least. Whoever looks back reads those after one from the log,
/// each with its whole frame.
pub const OFTEN: u64 = 8;

/// Events of a stream from one checkpoint to the next, at most.
const SELDOM: u64 = 64;

/// Bytes of checkpoints that an event may cost: larger ones are kept after more events, up to [`SELDOM`].
const BYTES: u64 = 128;

/// Whether the event with this version of its stream is followed by a checkpoint, which would take up so many bytes.
pub fn is_kept(version: u64, bytes: usize) -> bool {
    let every = (bytes as u64).div_ceil(BYTES).next_power_of_two().clamp(OFTEN, SELDOM);
    version.is_multiple_of(every)
}

/// Both ledgers of an account.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Ledgers {
    pub live: Ledger,
    pub test: Ledger,
}

/// Why an event does not fit the credit before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Misfit {
    #[error(transparent)]
    Unknown(#[from] UnknownDecision),
    #[error("the event at position {position} contradicts the account's credit")]
    Credit {
        position: Position,
        #[source]
        cause: Mismatch,
    },
}

impl Ledgers {
    pub fn of(&self, mode: Mode) -> &Ledger {
        match mode {
            Mode::Live => &self.live,
            Mode::Test => &self.test,
        }
    }

    fn of_mut(&mut self, mode: Mode) -> &mut Ledger {
        match mode {
            Mode::Live => &mut self.live,
            Mode::Test => &mut self.test,
        }
    }

    /// Folds the next event of the account's stream.
    ///
    /// # Errors
    /// When the event contradicts those before it, or speaks of a decision that nobody made.
    pub fn fold(&mut self, entry: &Entry, origins: &Origins) -> Result<(), Misfit> {
        let mode = match decision_of(&entry.event) {
            Some(decision) => origins.of(decision)?.mode,
            None => mode(&entry.event),
        };
        let position = entry.position;
        apply(self.of_mut(mode), entry).map_err(|cause| Misfit::Credit { position, cause })
    }
}

/// The mode of an event that says it itself.
fn mode(event: &Event) -> Mode {
    if let Event::RequestAdmitted(event) = event {
        event.ask.mode
    } else if let Event::CreditGranted(event) = event {
        event.mode
    } else if let Event::CreditAdjusted(event) = event {
        event.mode
    } else if let Event::CreditExpired(event) = event {
        event.mode
    } else {
        Mode::Live
    }
}

fn apply(ledger: &mut Ledger, entry: &Entry) -> Result<(), Mismatch> {
    if let Event::RequestAdmitted(event) = &entry.event {
        ledger.apply_hold(&event.hold)?;
        ledger.apply_charge(&event.charge)
    } else if let Event::RequestBegun(event) = &entry.event {
        ledger.apply_settle(&event.settlement)
    } else if let Event::HoldExpired(event) = &entry.event {
        ledger.apply_settle(&event.settlement)
    } else if let Event::RequestSettled(event) = &entry.event {
        if let Some(settlement) = &event.settlement {
            ledger.apply_settle(settlement)?;
        }
        let refund = event.refund.as_ref();
        refund.map_or(Ok(()), |refund| ledger.apply_refund(refund, entry.position, entry.at))
    } else if let Event::CreditRefunded(event) = &entry.event {
        ledger.apply_refund(&event.returned, entry.position, entry.at)
    } else if let Event::CreditGranted(event) = &entry.event {
        ledger.apply_grant(LotId::new(entry.position, 0), &event.granted)
    } else if let Event::CreditAdjusted(event) = &entry.event {
        ledger.apply_charge(&event.draws)
    } else if let Event::CreditExpired(event) = &entry.event {
        ledger.apply_expiry(&event.draws)
    } else {
        Ok(())
    }
}

/// When what an event records fell due: it had happened by then, whenever it was written down.
pub fn due(event: &Event) -> Option<Timestamp> {
    if let Event::HoldExpired(event) = event {
        Some(event.due)
    } else if let Event::CreditExpired(event) = event {
        Some(event.due)
    } else if let Event::AccountReinstated(event) = event {
        event.due
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_room_credit_takes_up_the_seldomer_it_is_kept() {
        let kept = |bytes| (1..=128).filter(|version| is_kept(*version, bytes)).count();
        assert_eq!([0, 1_024, 1_025, 2_048, 2_049, 4_097, 1_000_000].map(kept), [16, 16, 8, 8, 4, 2, 2]);
    }
}
