//! The credit of one account, in the dumbest way: a list of lots, gone through from the front every time.

use crate::spec::{Micro, Micros};
use crate::wish::{Back, Balance, Draw, LotRef, Moved, total};

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Lot {
    pub(crate) what: LotRef,
    pub(crate) left: Micro,
    pub(crate) reserved: Micro,
    pub(crate) effective: Micros,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) lots: Vec<Lot>,
    pub(crate) debt: Micro,
}

fn is_over(lot: LotRef, now: Micros) -> bool {
    lot.expires.is_some_and(|expires| expires <= now)
}

impl Ledger {
    pub(crate) fn balance(&self, now: Micros) -> Balance {
        (self.available(now), self.lots.iter().map(|lot| lot.reserved).sum())
    }

    pub(crate) fn available(&self, now: Micros) -> Micro {
        let usable = self.lots.iter().filter(|lot| lot.effective <= now && !is_over(lot.what, now));
        usable.map(|lot| lot.left).sum::<Micro>() - self.debt
    }

    /// Priority first, then the earliest expiry, then the oldest.
    fn sort(&mut self) {
        self.lots.retain(|lot| lot.left > 0 || lot.reserved > 0);
        self.lots
            .sort_by_key(|lot| (lot.what.priority, lot.what.expires.unwrap_or(Micros::MAX), lot.what.id));
    }

    /// Which lots an amount comes from; what they lack comes from no lot.
    pub(crate) fn draw(&self, amount: Micro, now: Micros) -> Vec<Draw> {
        let (mut draws, mut rest) = (Vec::new(), amount);
        for lot in &self.lots {
            let part = lot.left.min(rest);
            if lot.effective <= now && !is_over(lot.what, now) && part > 0 {
                draws.push(Draw { lot: Some(lot.what), amount: part });
                rest -= part;
            }
        }
        if rest > 0 {
            draws.push(Draw { lot: None, amount: rest });
        }
        draws
    }

    fn lot(&mut self, id: (u64, u64)) -> &mut Lot {
        self.lots.iter_mut().find(|lot| lot.what.id == id).expect("a lot that is drawn on is there")
    }

    pub(crate) fn grant(&mut self, lot: Lot, repaid: Micro) {
        self.debt -= repaid;
        let left = lot.left - repaid;
        self.lots.push(Lot { left, ..lot });
        self.sort();
    }

    pub(crate) fn reserve(&mut self, draws: &[Draw]) {
        for draw in draws {
            let lot = self.lot(draw.lot.expect("a hold never goes beyond the lots").id);
            lot.left -= draw.amount;
            lot.reserved += draw.amount;
        }
    }

    pub(crate) fn charge(&mut self, draws: &[Draw]) {
        for draw in draws {
            match draw.lot {
                Some(lot) => self.lot(lot.id).left -= draw.amount,
                None => self.debt += draw.amount,
            }
        }
        self.sort();
    }

    /// How a cost is collected: from the hold, then from other lots, then from below zero as far as the floor.
    pub(crate) fn plan(&self, hold: &[Draw], cost: Micro, floor: Micro, now: Micros) -> Moved {
        let (mut moved, mut owed) = (Moved::default(), cost);
        for draw in hold {
            let part = draw.amount.min(owed);
            owed -= part;
            push(&mut moved.from_hold, draw.lot, part);
            let gone = draw.lot.is_some_and(|lot| is_over(lot, now));
            let rest = if gone { &mut moved.expired } else { &mut moved.released };
            push(rest, draw.lot, draw.amount - part);
        }
        let further = owed.min((self.available(now) + floor).max(0));
        moved.further = self.draw(further, now);
        moved.uncollected = owed - further;
        moved
    }

    pub(crate) fn settle(&mut self, moved: &Moved) {
        for draw in moved.from_hold.iter().chain(&moved.released).chain(&moved.expired) {
            self.lot(draw.lot.expect("a hold never goes beyond the lots").id).reserved -= draw.amount;
        }
        for draw in &moved.released {
            self.lot(draw.lot.expect("a hold never goes beyond the lots").id).left += draw.amount;
        }
        self.charge(&moved.further);
    }

    /// The unreserved part of every lot whose time is over, and when the first of them ended.
    pub(crate) fn expired(&self, now: Micros) -> Option<(Vec<Draw>, Micros)> {
        let over: Vec<_> = self.lots.iter().filter(|lot| is_over(lot.what, now) && lot.left > 0).collect();
        let due = over.iter().filter_map(|lot| lot.what.expires).min()?;
        Some((over.iter().map(|lot| Draw { lot: Some(lot.what), amount: lot.left }).collect(), due))
    }

    /// Undoes the last part of a charge that is not undone yet.
    pub(crate) fn plan_refund(
        &self,
        (charged, refunded): (&[Draw], Micro),
        amount: Micro,
        until: Option<Micros>,
        now: Micros,
    ) -> Back {
        let mut back = Back::default();
        // One by one from the end: skip what was refunded before, then debt, then the lots.
        let (mut skip, mut want, mut debt) = (refunded, amount, self.debt.min(amount));
        for draw in charged.iter().rev() {
            let skipped = draw.amount.min(skip);
            skip -= skipped;
            let part = (draw.amount - skipped).min(want);
            want -= part;
            let repaid = part.min(debt);
            debt -= repaid;
            push(&mut back.to_debt, draw.lot, repaid);
            let gone = draw.lot.is_none_or(|lot| is_over(lot, now));
            push(if gone { &mut back.renewed } else { &mut back.returned }, draw.lot, part - repaid);
        }
        back.until = until.filter(|_| !back.renewed.is_empty());
        back
    }

    pub(crate) fn refund(&mut self, back: &Back, position: u64, now: Micros) {
        self.debt -= total(&back.to_debt);
        for draw in &back.returned {
            let what = draw.lot.expect("returned to a lot");
            match self.lots.iter_mut().find(|lot| lot.what.id == what.id) {
                Some(lot) => lot.left += draw.amount,
                None => self.lots.push(Lot { what, left: draw.amount, reserved: 0, effective: now }),
            }
        }
        for (index, draw) in (0..).zip(&back.renewed) {
            let priority = draw.lot.map_or(0, |lot| lot.priority);
            let what = LotRef { id: (position, index), expires: back.until, priority };
            self.lots.push(Lot { what, left: draw.amount, reserved: 0, effective: now });
        }
        self.sort();
    }
}

fn push(draws: &mut Vec<Draw>, lot: Option<LotRef>, amount: Micro) {
    if amount > 0 {
        draws.push(Draw { lot, amount });
    }
}
