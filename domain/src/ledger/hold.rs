//! Reserving credit, charging it at once, and giving a reservation back.

use super::{Draw, Draws, Ledger, Mismatch};
use crate::money::Credits;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a movement may take the available credit down.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overdraft {
    /// Never below zero.
    #[default]
    None,
    /// Not below this figure, which is usually negative: `-100` lets an account owe 100.
    ToFloor(Credits),
    /// As far as a balance reaches: −10¹⁵.
    Unlimited,
}

impl Overdraft {
    /// The lowest available credit that it allows.
    pub fn floor(self) -> Credits {
        match self {
            Self::None => Credits::ZERO,
            Self::ToFloor(floor) => floor,
            Self::Unlimited => Credits::LOWEST,
        }
    }

    /// What a movement may take at most of what is available; below zero when the account is beyond it already.
    pub fn room(self, available: Credits) -> Credits {
        available.minus(self.floor())
    }

    /// Whether a movement may take this amount of what is available. One of zero is always possible.
    pub fn covers(self, amount: Credits, available: Credits) -> bool {
        !amount.is_positive() || amount <= self.room(available)
    }
}

/// What the end of a hold gives back. `released + expired` = what it had reserved.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Release {
    /// Back to lots that can be used, or to overdraft.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub released: Draws,
    /// Of lots that expired meanwhile: void at once.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub expired: Draws,
}

impl Release {
    /// Gives back one reserved draw.
    pub(super) fn push(&mut self, draw: Draw, now: Timestamp) {
        if draw.is_expired(now) { self.expired.push(draw) } else { self.released.push(draw) }
    }
}

impl Ledger {
    /// Which lots a hold reserves, all of it or none: none when it would take the available credit too low.
    /// A hold of zero is always possible and reserves nothing.
    pub fn plan_hold(&self, amount: Credits, overdraft: Overdraft, now: Timestamp) -> Option<Draws> {
        overdraft.covers(amount, self.available(now)).then(|| self.draw(amount.or_zero(), now))
    }

    /// Which lots a charge without a hold takes, all of it or none, as for a hold. A charge that takes what it
    /// can get is [`Ledger::plan_settle`] without reservations.
    pub fn plan_charge(&self, amount: Credits, overdraft: Overdraft, now: Timestamp) -> Option<Draws> {
        self.plan_hold(amount, overdraft, now)
    }

    /// What becomes of a hold's reservations when nothing is charged: the draws themselves say when their lots
    /// expire, so no ledger is needed.
    pub fn plan_release(reservations: &[Draw], now: Timestamp) -> Release {
        let mut release = Release::default();
        for draw in reservations {
            release.push(*draw, now);
        }
        release
    }

    /// Reserves what a hold recorded.
    pub fn apply_hold(&mut self, reservations: &[Draw]) -> Result<(), Mismatch> {
        for draw in reservations {
            let Some(lot) = &draw.lot else {
                self.promised = self.promised.plus(draw.amount);
                continue;
            };
            self.change(lot.id, |lot| {
                lot.left = super::less(lot.left, draw.amount).ok_or(Mismatch::Short(lot.id))?;
                lot.reserved = lot.reserved.plus(draw.amount);
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Takes what a charge recorded; what no lot covered becomes debt.
    pub fn apply_charge(&mut self, draws: &[Draw]) -> Result<(), Mismatch> {
        for draw in draws {
            match &draw.lot {
                Some(lot) => self.take(lot.id, draw.amount)?,
                None => self.debt = self.debt.plus(draw.amount),
            }
        }
        Ok(())
    }

    /// Gives back what a release recorded.
    pub fn apply_release(&mut self, release: &Release) -> Result<(), Mismatch> {
        for draw in &release.released {
            let Some(lot) = &draw.lot else {
                self.end_promise(draw.amount)?;
                continue;
            };
            self.change(lot.id, |lot| {
                lot.reserved = super::less(lot.reserved, draw.amount).ok_or(Mismatch::Short(lot.id))?;
                lot.left = lot.left.plus(draw.amount);
                Ok(())
            })?;
        }
        for draw in &release.expired {
            self.end_reservation(draw)?;
        }
        Ok(())
    }

    /// Takes a reservation off the ledger, wherever it goes.
    pub(super) fn end_reservation(&mut self, draw: &Draw) -> Result<(), Mismatch> {
        match &draw.lot {
            Some(lot) => self.take_reserved(lot.id, draw.amount),
            None => self.end_promise(draw.amount),
        }
    }
}
