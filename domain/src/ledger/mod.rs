//! One account's credit in one mode: lots, reservations and debt.
//!
//! Planning and applying are apart. A `plan_*` function reads the ledger and says which lots a movement would
//! touch; decide writes that into the event. An `apply_*` function replays what the event says and decides
//! nothing, so a later change of a rule never changes the past. What the rules are (overdraft, validity,
//! priorities) comes in as arguments: nothing here knows a policy.
//!
//! The identity that always holds, over the whole life of a ledger:
//! `granted + refunded = available + held + dormant + charged + expired`,
//! where what has expired by the clock but not yet by an event counts as expired.

mod draw;
mod grant;
mod hold;
mod lot;
mod refund;
mod settle;
#[cfg(test)]
mod tests;

pub use draw::{Draw, Draws, total};
pub use grant::{GrantError, Granted, NewLot};
pub use hold::{Overdraft, Release};
pub use lot::{Lot, LotId, LotIdError, LotKind, LotRef};
pub use refund::{RefundError, Refundable, Refunded};
pub use settle::Settlement;

use crate::compact::compact;
use crate::money::Credits;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Most lots that an account may have at once in one mode, so that no account makes its own decisions slow.
pub const LOTS_MAX: usize = 1_000;

/// The credit of one account in one mode. Default is an account without any.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Ledger {
    /// In drawing order; none of them spent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lots: Vec<Lot>,
    /// What charges took beyond every lot and nothing has repaid yet. Never below zero.
    #[serde(default, skip_serializing_if = "is_none")]
    debt: Credits,
    /// What open holds have reserved beyond every lot: it turns into debt when they are charged.
    #[serde(default, skip_serializing_if = "is_none")]
    promised: Credits,
}

compact!(Ledger { lots, debt, promised });

fn is_none(amount: &Credits) -> bool {
    amount.is_zero()
}

/// A recorded movement does not fit the ledger: the log, or the code that reads it, is broken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Mismatch {
    #[error("lot {0} is not in the ledger")]
    NoLot(LotId),
    #[error("lot {0} has less than the movement takes")]
    Short(LotId),
    #[error("a hold on overdraft ends that was never made")]
    Promise,
    #[error("more debt is repaid than there is")]
    Debt,
}

impl Ledger {
    /// The lots in drawing order: lower priority first, then earliest expiry ("never" last), then oldest.
    pub fn lots(&self) -> &[Lot] {
        &self.lots
    }

    /// What a request may still use: unreserved usable lots, less debt and less what holds have on overdraft.
    /// Below zero when overdrawn.
    pub fn available(&self, now: Timestamp) -> Credits {
        let lots: Credits = self.usable(now).map(|lot| lot.left).sum();
        lots.minus(self.debt).minus(self.promised)
    }

    /// What open holds have reserved, on lots and on overdraft.
    pub fn held(&self) -> Credits {
        self.lots.iter().map(|lot| lot.reserved).sum::<Credits>().plus(self.promised)
    }

    /// What is owed.
    pub fn debt(&self) -> Credits {
        self.debt
    }

    /// Unreserved credit that is not effective yet.
    pub fn dormant(&self, now: Timestamp) -> Credits {
        self.lots.iter().filter(|lot| lot.effective > now).map(|lot| lot.left).sum()
    }

    /// The lots whose unreserved part is to expire by `now`.
    pub fn due(&self, now: Timestamp) -> impl Iterator<Item = &Lot> {
        self.lots.iter().filter(move |lot| lot.is_expired(now) && lot.left.is_positive())
    }

    /// The instant of the next expiry of unreserved credit.
    pub fn next_due(&self) -> Option<Timestamp> {
        let expiring = self.lots.iter().filter_map(|lot| Some((lot.expires?, lot.left)));
        expiring.filter(|(_, left)| left.is_positive()).map(|(expires, _)| expires).min()
    }

    /// Whether it equals a fresh ledger: no credit, no hold, no debt.
    pub fn is_empty(&self) -> bool {
        self.lots.is_empty() && self.debt.is_zero() && self.promised.is_zero()
    }

    fn usable(&self, now: Timestamp) -> impl Iterator<Item = &Lot> {
        self.lots.iter().filter(move |lot| lot.is_usable(now))
    }

    /// Takes an amount from the lots in drawing order, and what they lack from overdraft.
    fn draw(&self, amount: Credits, now: Timestamp) -> Draws {
        let mut draws = Draws::default();
        let mut rest = amount;
        for lot in self.usable(now) {
            if !rest.is_positive() {
                break;
            }
            let part = rest.min(lot.left);
            draws.push(lot.draw(part));
            rest = rest.minus(part);
        }
        draws.push(Draw::overdraft(rest));
        draws
    }

    /// Whether all credit would stay within one balance after `amount` more of it.
    fn has_room_for(&self, amount: Credits) -> bool {
        let all: Credits = self.lots.iter().map(|lot| lot.left.plus(lot.reserved)).sum();
        all.checked_plus(amount).is_ok()
    }

    fn insert(&mut self, lot: Lot) {
        let place = self.lots.partition_point(|other| other.rank() < lot.rank());
        // Most accounts have one lot for ever: room for exactly that many.
        self.lots.reserve_exact(1);
        self.lots.insert(place, lot);
    }

    /// Changes one lot, and forgets it when that leaves it spent.
    fn change(
        &mut self,
        id: LotId,
        change: impl FnOnce(&mut Lot) -> Result<(), Mismatch>,
    ) -> Result<(), Mismatch> {
        let place = self.lots.iter().position(|lot| lot.id == id).ok_or(Mismatch::NoLot(id))?;
        change(&mut self.lots[place])?;
        if self.lots[place].is_spent() {
            self.lots.remove(place);
            self.lots.shrink_to_fit();
        }
        Ok(())
    }

    /// Takes an unreserved amount from a lot.
    fn take(&mut self, id: LotId, amount: Credits) -> Result<(), Mismatch> {
        self.change(id, |lot| {
            lot.left = less(lot.left, amount).ok_or(Mismatch::Short(id))?;
            Ok(())
        })
    }

    /// Takes a reserved amount from a lot.
    fn take_reserved(&mut self, id: LotId, amount: Credits) -> Result<(), Mismatch> {
        self.change(id, |lot| {
            lot.reserved = less(lot.reserved, amount).ok_or(Mismatch::Short(id))?;
            Ok(())
        })
    }

    fn end_promise(&mut self, amount: Credits) -> Result<(), Mismatch> {
        self.promised = less(self.promised, amount).ok_or(Mismatch::Promise)?;
        Ok(())
    }

    fn repay(&mut self, amount: Credits) -> Result<(), Mismatch> {
        self.debt = less(self.debt, amount).ok_or(Mismatch::Debt)?;
        Ok(())
    }
}

/// The difference, unless it is below zero.
fn less(from: Credits, amount: Credits) -> Option<Credits> {
    (amount <= from).then(|| from.minus(amount))
}
