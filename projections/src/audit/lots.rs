//! A dumb ledger of one account in one mode: what each lot has left, from the events' draws alone.

use domain::ledger::{Draw, LotId, LotRef, NewLot, Refunded, Settlement};
use domain::money::Credits;
use domain::time::Timestamp;
use std::collections::BTreeMap;

/// What is left of a lot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    pub free: Credits,
    pub reserved: Credits,
    effective: Timestamp,
    expires: Option<Timestamp>,
}

/// One account's credit in one mode.
#[derive(Clone, Debug, Default)]
pub(super) struct Purse {
    pub lots: BTreeMap<LotId, Left>,
    pub debt: Credits,
    /// Reserved beyond every lot.
    pub promised: Credits,
}

/// What a movement may not do, as `(what, expected, found)`.
pub(super) type Trouble = (String, String, String);

impl Purse {
    /// Unreserved credit that can be used at `now`, less debt and promises.
    pub(super) fn available(&self, now: Timestamp) -> Credits {
        let usable = |lot: &&Left| lot.effective <= now && lot.expires.is_none_or(|expires| now < expires);
        let free: Credits = self.lots.values().filter(usable).map(|lot| lot.free).sum();
        free.minus(self.debt).minus(self.promised)
    }

    pub(super) fn held(&self) -> Credits {
        self.lots.values().map(|lot| lot.reserved).sum::<Credits>().plus(self.promised)
    }

    pub(super) fn grant(&mut self, id: LotId, lot: &NewLot, repaid: Credits) {
        self.debt = self.debt.minus(repaid);
        let free = lot.amount.minus(repaid);
        if !free.is_zero() {
            let (effective, expires) = (lot.effective, lot.expires);
            self.lots.insert(id, Left { free, reserved: Credits::ZERO, effective, expires });
        }
    }

    /// Reserves each draw.
    pub(super) fn hold(&mut self, draws: &[Draw], at: Timestamp) {
        for draw in draws {
            match draw.lot {
                Some(lot) => {
                    let lot = self.lot(lot, at);
                    lot.free = lot.free.minus(draw.amount);
                    lot.reserved = lot.reserved.plus(draw.amount);
                }
                None => self.promised = self.promised.plus(draw.amount),
            }
        }
    }

    /// Takes each draw from what is unreserved; beyond every lot it is debt.
    pub(super) fn take(&mut self, draws: &[Draw], at: Timestamp) {
        for draw in draws {
            match draw.lot {
                Some(lot) => {
                    let lot = self.lot(lot, at);
                    lot.free = lot.free.minus(draw.amount);
                }
                None => self.debt = self.debt.plus(draw.amount),
            }
        }
    }

    pub(super) fn settle(&mut self, settlement: &Settlement, at: Timestamp) {
        for draw in &settlement.from_hold {
            self.unreserve(draw, at);
            if draw.lot.is_none() {
                self.debt = self.debt.plus(draw.amount);
            }
        }
        self.take(&settlement.further, at);
        for draw in &settlement.rest.released {
            self.unreserve(draw, at);
            if let Some(lot) = draw.lot {
                let lot = self.lot(lot, at);
                lot.free = lot.free.plus(draw.amount);
            }
        }
        for draw in &settlement.rest.expired {
            self.unreserve(draw, at);
        }
    }

    pub(super) fn refund(&mut self, refund: &Refunded, position: u64, at: Timestamp) {
        self.debt = self.debt.minus(refund.to_debt.total());
        for draw in &refund.returned {
            if let Some(lot) = draw.lot {
                let lot = self.lot(lot, at);
                lot.free = lot.free.plus(draw.amount);
            }
        }
        for (draw, index) in refund.renewed.iter().zip(0..) {
            let lot = Left {
                free: draw.amount,
                reserved: Credits::ZERO,
                effective: at,
                expires: refund.renewed_until,
            };
            self.lots.insert(LotId::new(position, index), lot);
        }
    }

    /// Forgets what is used up, and says what went below zero.
    pub(super) fn trouble(&mut self) -> Option<Trouble> {
        self.lots.retain(|_, lot| !(lot.free.is_zero() && lot.reserved.is_zero()));
        let below = |amount: Credits| amount < Credits::ZERO;
        let lots = self.lots.iter().flat_map(|(id, lot)| {
            let free = (format!("unreserved credit of lot {id}"), lot.free);
            [free, (format!("reserved credit of lot {id}"), lot.reserved)]
        });
        let mut all =
            lots.chain([("debt".to_owned(), self.debt), ("holds on overdraft".to_owned(), self.promised)]);
        let (what, amount) = all.find(|(_, amount)| below(*amount))?;
        Some((what, "0 or more".to_owned(), amount.to_string()))
    }

    fn unreserve(&mut self, draw: &Draw, at: Timestamp) {
        match draw.lot {
            Some(lot) => {
                let lot = self.lot(lot, at);
                lot.reserved = lot.reserved.minus(draw.amount);
            }
            None => self.promised = self.promised.minus(draw.amount),
        }
    }

    /// The lot that a draw names; one that was used up, or never was, stands at nothing.
    fn lot(&mut self, lot: LotRef, at: Timestamp) -> &mut Left {
        let (free, reserved) = (Credits::ZERO, Credits::ZERO);
        self.lots.entry(lot.id).or_insert(Left { free, reserved, effective: at, expires: lot.expires })
    }
}
