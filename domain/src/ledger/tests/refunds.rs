//! Refunds: how much, in which order, and into what.

use super::super::{Draw, Ledger, LotKind, NewLot, RefundError, Refundable, Refunded};
use super::{at, charge, credits, grant, ledger, lot, shown, until};
use crate::money::Credits;
use crate::time::Span;

const MONTH: i64 = 30 * 86_400;

fn refund(ledger: &mut Ledger, charged: &[Draw], refunded: &str, amount: &str, second: i64) -> Refunded {
    let charge = Refundable { charged, refunded: credits(refunded) };
    let validity = Some(Span::from_secs(MONTH));
    let plan = ledger.plan_refund(charge, credits(amount), validity, at(second)).expect("possible");
    ledger.apply_refund(&plan, 50, at(second)).expect("a plan fits its ledger");
    plan
}

#[test]
fn a_refund_returns_to_what_was_drawn_last() {
    let mut ledger = ledger([lot("5"), lot("5")]);
    let charged = charge(&mut ledger, "8", at(1));
    assert_eq!(shown(&refund(&mut ledger, &charged, "0", "4", 2).returned), "2: 3, 1: 1");
    assert_eq!(shown(&refund(&mut ledger, &charged, "4", "4", 3).returned), "1: 4");
    assert_eq!(ledger.available(at(3)), credits("10"));
}

#[test]
fn refunds_never_exceed_the_charge() {
    let mut ledger = ledger([lot("5")]);
    let charged = charge(&mut ledger, "5", at(1));
    let plan = |refunded: &str, amount: &str| {
        let charge = Refundable { charged: &charged, refunded: credits(refunded) };
        ledger.plan_refund(charge, credits(amount), None, at(2)).map(|plan| plan.total())
    };
    assert_eq!(plan("3", "2"), Ok(credits("2")));
    assert_eq!(plan("3", "2.000001"), Err(RefundError::Exceeds { refundable: credits("2") }));
    assert_eq!(plan("3", "0"), Err(RefundError::NotPositive));
}

#[test]
fn a_refund_reduces_debt_first() {
    let mut ledger = ledger([lot("5")]);
    let charged = charge(&mut ledger, "8", at(1));
    let plan = refund(&mut ledger, &charged, "0", "4", 2);
    assert_eq!((shown(&plan.to_debt), shown(&plan.returned)), ("overdraft: 3".into(), "1: 1".into()));
    assert_eq!((ledger.debt(), ledger.available(at(2))), (Credits::ZERO, credits("1")));
}

#[test]
fn a_refund_reduces_the_debt_of_another_charge_too() {
    let mut ledger = ledger([lot("5")]);
    let charged = charge(&mut ledger, "5", at(1));
    charge(&mut ledger, "2", at(1));
    let plan = refund(&mut ledger, &charged, "0", "5", 2);
    assert_eq!((shown(&plan.to_debt), shown(&plan.returned)), ("1: 2".into(), "1: 3".into()));
}

#[test]
fn a_lot_that_was_used_up_opens_again_with_its_own_expiry() {
    let bought =
        NewLot { kind: LotKind::Purchase, unit_value: Some(credits("0.001")), priority: 3, ..until("5", 90) };
    let mut ledger = ledger([bought]);
    let charged = charge(&mut ledger, "5", at(1));
    assert!(ledger.lots().is_empty());
    refund(&mut ledger, &charged, "0", "2", 2);
    let [lot] = ledger.lots() else { panic!("one lot") };
    assert_eq!((lot.id.to_string(), lot.left, lot.expires), ("1".into(), credits("2"), Some(at(90))));
    assert_eq!((lot.kind, lot.priority, lot.unit_value), (LotKind::Purchase, 3, Some(credits("0.001"))));
}

#[test]
fn a_refund_to_an_expired_lot_becomes_a_new_lot_of_that_kind_with_its_own_validity() {
    let allowance = NewLot { kind: LotKind::Allowance, priority: 2, ..until("5", 20) };
    let mut ledger = ledger([allowance]);
    let charged = charge(&mut ledger, "5", at(1));
    let plan = refund(&mut ledger, &charged, "0", "2", 20);
    assert_eq!((shown(&plan.renewed), plan.renewed_until), ("1: 2".into(), Some(at(20 + MONTH))));
    let [lot] = ledger.lots() else { panic!("one lot") };
    assert_eq!((lot.id.to_string(), lot.kind, lot.priority), ("50".into(), LotKind::Allowance, 2));
    assert_eq!((lot.left, lot.expires), (credits("2"), Some(at(20 + MONTH))));
}

#[test]
fn overdraft_that_was_repaid_since_comes_back_as_a_refund_lot() {
    let mut ledger = ledger([until("1", 20)]);
    let charged = charge(&mut ledger, "4", at(1));
    grant(&mut ledger, 9, lot("3"), at(2));
    let plan = refund(&mut ledger, &charged, "0", "4", 30);
    assert_eq!(shown(&plan.renewed), "overdraft: 3, 1: 1");
    let lots: Vec<_> = ledger.lots().iter().map(|lot| (lot.id.to_string(), lot.kind, lot.left)).collect();
    assert_eq!(
        lots,
        [("50".into(), LotKind::Refund, credits("3")), ("50.1".into(), LotKind::Grant, credits("1"))]
    );
}
