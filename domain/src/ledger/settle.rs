//! Charging a hold with its final cost.

use super::{Draw, Draws, Ledger, Mismatch, Overdraft, Release};
use crate::money::Credits;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How a final cost is collected: `from_hold + further + uncollected = cost`, and
/// `from_hold + released + expired` = what the hold had reserved.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Settlement {
    /// Charged out of the hold's reservations.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub from_hold: Draws,
    /// Charged beyond the hold: other lots in drawing order, then overdraft.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub further: Draws,
    /// What the hold gives back.
    #[serde(default)]
    pub rest: Release,
    /// What no rule let it collect.
    pub uncollected: Credits,
}

impl Settlement {
    /// What the account pays.
    pub fn charged(&self) -> Credits {
        self.from_hold.total().plus(self.further.total())
    }

    /// The part of it that becomes debt.
    pub fn debt_added(&self) -> Credits {
        self.from_hold.overdraft().plus(self.further.overdraft())
    }

    /// All that was charged, in the order in which it was drawn: what [`Ledger::plan_refund`] asks for.
    pub fn draws(&self) -> Draws {
        self.from_hold.iter().chain(&self.further).copied().collect()
    }
}

impl Ledger {
    /// How to collect `cost` (zero or more): first the hold's reservations, also those on lots that expired
    /// meanwhile; then other lots, and then overdraft, as far down as the rule allows.
    ///
    /// `reservations` are those of a hold that is still open, or none: that a hold ends once is the caller's care.
    pub fn plan_settle(
        &self,
        reservations: &[Draw],
        cost: Credits,
        overdraft: Overdraft,
        now: Timestamp,
    ) -> Settlement {
        let mut settlement = Settlement::default();
        let mut owed = cost.or_zero();
        for draw in reservations {
            let part = owed.min(draw.amount);
            settlement.from_hold.push(draw.of(part));
            settlement.rest.push(draw.of(draw.amount.minus(part)), now);
            owed = owed.minus(part);
        }
        // Something is owed beyond the hold only if the hold gives nothing back, so the room is that of now.
        if owed.is_positive() {
            let room = overdraft.room(self.available(now));
            (settlement.further, settlement.uncollected) = self.plan_collect(owed, room, now);
        }
        settlement
    }

    /// How to collect `owed` where nothing was held for it and there is so much [room](Overdraft::room), and what of it
    /// no rule lets us collect.
    pub fn plan_collect(&self, owed: Credits, room: Credits, now: Timestamp) -> (Draws, Credits) {
        let part = owed.min(room.or_zero());
        (self.draw(part, now), owed.minus(part))
    }

    /// Ends the hold and takes what the settlement recorded.
    pub fn apply_settle(&mut self, settlement: &Settlement) -> Result<(), Mismatch> {
        for draw in &settlement.from_hold {
            self.end_reservation(draw)?;
        }
        self.debt = self.debt.plus(settlement.from_hold.overdraft());
        self.apply_charge(&settlement.further)?;
        self.apply_release(&settlement.rest)
    }
}
