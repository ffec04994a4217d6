//! Giving back what was charged.

use super::{Draw, Draws, LOTS_MAX, Ledger, Lot, LotId, LotKind, LotRef, Mismatch};
use crate::ids::Position;
use crate::money::Credits;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Where a refund goes. `to_debt + returned + renewed` = the amount refunded, and every draw in them is a part
/// of the charge that it undoes, so that the books know what kind of credit comes back.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Refunded {
    /// Repays the account's debt.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub to_debt: Draws,
    /// Back to the lots it was drawn from; one that was used up opens again under its id and its own expiry.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub returned: Draws,
    /// Drawn from lots that have expired, or from overdraft repaid since: each becomes a new lot, of the old
    /// lot's kind, priority and unit value, or of kind `refund`.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub renewed: Draws,
    /// When the new lots expire; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewed_until: Option<Timestamp>,
}

impl Refunded {
    /// The whole amount refunded.
    pub fn total(&self) -> Credits {
        self.to_debt.total().plus(self.returned.total()).plus(self.renewed.total())
    }
}

/// Why a refund is impossible.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RefundError {
    #[error("the amount must be above zero")]
    NotPositive,
    #[error("only {refundable} of the charge is left to refund")]
    Exceeds { refundable: Credits },
    #[error("the account would have more than {LOTS_MAX} lots")]
    TooManyLots,
    #[error("the account would hold more than 10^15 credits")]
    Range,
}

/// A charge and what has been refunded of it.
#[derive(Clone, Copy, Debug)]
pub struct Refundable<'a> {
    /// What the charge drew, in its order.
    pub charged: &'a [Draw],
    /// The sum of the refunds before this one.
    pub refunded: Credits,
}

impl Ledger {
    /// Where a refund goes: first to debt, then back to what was drawn last. Earlier refunds of the same charge
    /// have taken their part from its end, so this one begins before them. New lots live for `validity`, or for
    /// ever when that is none.
    pub fn plan_refund(
        &self,
        charge: Refundable<'_>,
        amount: Credits,
        validity: Option<Span>,
        now: Timestamp,
    ) -> Result<Refunded, RefundError> {
        let refundable = super::total(charge.charged).minus(charge.refunded);
        if !amount.is_positive() {
            return Err(RefundError::NotPositive);
        }
        if amount > refundable {
            return Err(RefundError::Exceeds { refundable });
        }
        let (to_debt, back) = split(last(charge, amount).iter().copied(), self.debt.min(amount));
        let mut refunded = Refunded { to_debt, ..Refunded::default() };
        for draw in &back {
            let gone = draw.lot.is_none() || draw.is_expired(now);
            if gone { refunded.renewed.push(*draw) } else { refunded.returned.push(*draw) }
        }
        if !refunded.renewed.is_empty() {
            refunded.renewed_until = validity.map(|validity| now.plus(validity));
        }
        self.check_refund(&refunded)?;
        Ok(refunded)
    }

    fn check_refund(&self, refunded: &Refunded) -> Result<(), RefundError> {
        let known = |draw: &&Draw| draw.lot.is_some_and(|lot| self.lots.iter().any(|own| own.id == lot.id));
        let reopened = refunded.returned.iter().filter(|draw| !known(draw)).count();
        if self.lots.len() + reopened + refunded.renewed.len() > LOTS_MAX {
            return Err(RefundError::TooManyLots);
        }
        let credit = refunded.returned.total().plus(refunded.renewed.total());
        if self.has_room_for(credit) { Ok(()) } else { Err(RefundError::Range) }
    }

    /// Gives back what the refund at `position`, at the time `at`, recorded. New lots are numbered within that
    /// event from 0, in the order of `renewed`.
    pub fn apply_refund(
        &mut self,
        refunded: &Refunded,
        position: Position,
        at: Timestamp,
    ) -> Result<(), Mismatch> {
        self.repay(refunded.to_debt.total())?;
        for draw in &refunded.returned {
            if let Some(lot) = draw.lot {
                self.give_back(lot, draw.amount, at);
            }
        }
        for (draw, index) in refunded.renewed.iter().zip(0..) {
            let id = LotId::new(position, index);
            self.insert(opened(renewed(draw, id, refunded.renewed_until), draw.amount, at));
        }
        Ok(())
    }

    fn give_back(&mut self, lot: LotRef, amount: Credits, at: Timestamp) {
        match self.lots.iter_mut().find(|own| own.id == lot.id) {
            Some(own) => own.left = own.left.plus(amount),
            None => self.insert(opened(lot, amount, at)),
        }
    }
}

/// The part of a charge that the next `amount` of refunds undoes, latest draw first.
fn last(charge: Refundable<'_>, amount: Credits) -> Draws {
    let (_, rest) = split(charge.charged.iter().rev().copied(), charge.refunded);
    split(rest.iter().copied(), amount).0
}

/// Cuts draws after the first `amount` of them.
fn split(draws: impl IntoIterator<Item = Draw>, amount: Credits) -> (Draws, Draws) {
    let (mut first, mut second) = (Draws::default(), Draws::default());
    let mut rest = amount;
    for draw in draws {
        let part = rest.min(draw.amount);
        first.push(draw.of(part));
        second.push(draw.of(draw.amount.minus(part)));
        rest = rest.minus(part);
    }
    (first, second)
}

/// The lot that stands in for one that is gone.
fn renewed(draw: &Draw, id: LotId, expires: Option<Timestamp>) -> LotRef {
    match draw.lot {
        Some(old) => LotRef { id, expires, ..old },
        None => LotRef { id, kind: LotKind::Refund, priority: 0, expires, unit_value: None },
    }
}

fn opened(lot: LotRef, amount: Credits, effective: Timestamp) -> Lot {
    let LotRef { id, kind, priority, expires, unit_value } = lot;
    Lot { id, kind, amount, left: amount, reserved: Credits::ZERO, effective, expires, priority, unit_value }
}
