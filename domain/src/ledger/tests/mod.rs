//! The rules of credit, one example each, and programs of random movements.

mod conservation;
mod lots;
mod movements;
mod refunds;

use super::{Draw, Draws, Granted, Ledger, LotId, LotKind, NewLot};
use crate::ids::Position;
use crate::money::Credits;
use crate::time::{Span, Timestamp};

fn credits(text: &str) -> Credits {
    text.parse().expect("a test's amount")
}

/// `second` seconds after the epoch.
fn at(second: i64) -> Timestamp {
    Timestamp::EPOCH.plus(Span::from_secs(second))
}

/// Terms of a grant that is usable at once, for ever.
fn lot(amount: &str) -> NewLot {
    NewLot {
        kind: LotKind::Grant,
        amount: credits(amount),
        effective: at(0),
        expires: None,
        priority: 0,
        unit_value: None,
    }
}

fn until(amount: &str, second: i64) -> NewLot {
    NewLot { expires: Some(at(second)), ..lot(amount) }
}

/// A ledger granted these lots by the events 1, 2, 3 …
fn ledger(lots: impl IntoIterator<Item = NewLot>) -> Ledger {
    let mut ledger = Ledger::default();
    for (lot, position) in lots.into_iter().zip(1..) {
        grant(&mut ledger, position, lot, at(0));
    }
    ledger
}

fn grant(ledger: &mut Ledger, position: Position, lot: NewLot, now: Timestamp) -> Granted {
    let granted = ledger.plan_grant(lot, false, now).expect("a grant that fits");
    ledger.apply_grant(LotId::new(position, 0), &granted).expect("a plan fits its ledger");
    granted
}

/// Which lots were drawn, and how much of each: `1: 5, overdraft: 2`.
fn shown(draws: &[Draw]) -> String {
    let one = |draw: &Draw| match draw.lot {
        Some(lot) => format!("{}: {}", lot.id, draw.amount),
        None => format!("overdraft: {}", draw.amount),
    };
    draws.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Charges an amount at once, as far below zero as it takes.
fn charge(ledger: &mut Ledger, amount: &str, now: Timestamp) -> Draws {
    let draws =
        ledger.plan_charge(credits(amount), super::Overdraft::Unlimited, now).expect("no floor refuses it");
    ledger.apply_charge(&draws).expect("a plan fits its ledger");
    draws
}
