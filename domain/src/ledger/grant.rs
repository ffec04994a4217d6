//! Credit that comes in, and credit whose time is over.

use super::lot::is_zero;
use super::{Draw, Draws, LOTS_MAX, Ledger, Lot, LotId, LotKind, Mismatch};
use crate::money::Credits;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The terms of credit that comes in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewLot {
    pub kind: LotKind,
    /// Above zero.
    pub amount: Credits,
    /// From this instant on it can be drawn; it may lie ahead.
    pub effective: Timestamp,
    /// From this instant on what is left is void; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Lower is drawn first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i16,
    /// Money paid for one credit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_value: Option<Credits>,
}

/// Credit that came in, and how much of it went to debt. The rest is a lot.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Granted {
    pub lot: NewLot,
    /// At most the lot's amount.
    pub debt_repaid: Credits,
}

/// Why credit cannot come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GrantError {
    #[error("the amount must be above zero")]
    NotPositive,
    #[error("the credit would expire before it can be used")]
    Expired,
    #[error("the account has {LOTS_MAX} lots already")]
    TooManyLots,
    #[error("the account would hold more than 10^15 credits")]
    Range,
}

impl Ledger {
    /// How credit comes in: it repays debt first, unless it is a promotion and `promotions_repay` is false, or
    /// it is not effective yet.
    pub fn plan_grant(
        &self,
        lot: NewLot,
        promotions_repay: bool,
        now: Timestamp,
    ) -> Result<Granted, GrantError> {
        if !lot.amount.is_positive() {
            return Err(GrantError::NotPositive);
        }
        if lot.expires.is_some_and(|expires| expires <= lot.effective.max(now)) {
            return Err(GrantError::Expired);
        }
        if self.lots.len() >= LOTS_MAX {
            return Err(GrantError::TooManyLots);
        }
        if !self.has_room_for(lot.amount) {
            return Err(GrantError::Range);
        }
        let repays = lot.effective <= now && (promotions_repay || lot.kind != LotKind::Promotion);
        let debt_repaid = if repays { self.debt.min(lot.amount) } else { Credits::ZERO };
        Ok(Granted { lot, debt_repaid })
    }

    /// Repays what was recorded, and keeps the rest as a lot of that id.
    pub fn apply_grant(&mut self, id: LotId, granted: &Granted) -> Result<(), Mismatch> {
        self.repay(granted.debt_repaid)?;
        let NewLot { kind, amount, effective, expires, priority, unit_value } = granted.lot;
        let left = super::less(amount, granted.debt_repaid).ok_or(Mismatch::Debt)?;
        if left.is_positive() {
            let reserved = Credits::ZERO;
            self.insert(Lot { id, kind, amount, left, reserved, effective, expires, priority, unit_value });
        }
        Ok(())
    }

    /// What expires by `now`: the unreserved part of every lot whose time is over.
    pub fn plan_expiry(&self, now: Timestamp) -> Draws {
        self.due(now).map(|lot| lot.draw(lot.left)).collect()
    }

    /// Voids what an expiry recorded.
    pub fn apply_expiry(&mut self, expired: &[Draw]) -> Result<(), Mismatch> {
        for draw in expired {
            if let Some(lot) = &draw.lot {
                self.take(lot.id, draw.amount)?;
            }
        }
        Ok(())
    }
}
