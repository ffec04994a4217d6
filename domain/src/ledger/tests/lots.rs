//! Lots: ids, drawing order, effect and expiry, grants.

use super::super::{GrantError, Ledger, Lot, LotId, LotKind, NewLot, Overdraft};
use super::{at, charge, credits, grant, ledger, lot, shown, until};
use crate::money::Credits;

#[test]
fn an_empty_ledger_and_a_lot_are_small_enough_for_a_million_accounts() {
    assert!(size_of::<Ledger>() <= 64, "{}", size_of::<Ledger>());
    assert!(size_of::<Lot>() <= 128, "{}", size_of::<Lot>());
    let one = ledger([lot("1")]);
    assert_eq!(one.lots.capacity(), 1);
}

#[test]
fn a_lot_id_is_the_position_and_the_index_within_its_event() {
    for (id, text) in
        [(LotId::new(17, 0), "17"), (LotId::new(17, 2), "17.2"), (LotId::new(1, 65_535), "1.65535")]
    {
        assert_eq!(id.to_string(), text);
        assert_eq!(text.parse(), Ok(id));
    }
    assert!(LotId::new(17, 65_535) < LotId::new(18, 0));
    for text in ["", "x", "17.", "17.65536", "-1", "281474976710656"] {
        assert!(text.parse::<LotId>().is_err(), "{text}");
    }
}

#[test]
fn lots_are_drawn_by_priority_then_by_earliest_expiry_then_by_age() {
    let promotion = NewLot { kind: LotKind::Promotion, priority: -1, ..lot("1") };
    let last = NewLot { priority: 5, ..until("1", 10) };
    let ledger = ledger([lot("1"), lot("1"), until("1", 90), last, until("1", 50), promotion]);
    let draws = ledger.plan_hold(credits("6"), Overdraft::None, at(1)).expect("six lots of one");
    assert_eq!(shown(&draws), "6: 1, 5: 1, 3: 1, 1: 1, 2: 1, 4: 1");
}

#[test]
fn a_lot_cannot_be_used_before_it_is_effective_nor_from_its_expiry_on() {
    let ledger = ledger([NewLot { effective: at(10), ..until("5", 20) }]);
    let available = |second| ledger.available(at(second));
    assert_eq!(
        [available(9), available(10), available(19), available(20)],
        [Credits::ZERO, credits("5"), credits("5"), Credits::ZERO]
    );
    assert_eq!(ledger.dormant(at(9)), credits("5"));
    assert_eq!(ledger.dormant(at(10)), Credits::ZERO);
    assert!(ledger.plan_hold(credits("1"), Overdraft::None, at(9)).is_none());
}

#[test]
fn expiry_takes_only_the_unreserved_part() {
    let mut ledger = ledger([until("10", 20), until("3", 30)]);
    let hold = ledger.plan_hold(credits("4"), Overdraft::None, at(1)).expect("enough");
    ledger.apply_hold(&hold).expect("planned");
    assert_eq!(ledger.next_due(), Some(at(20)));
    assert_eq!(ledger.due(at(19)).count(), 0);

    let expired = ledger.plan_expiry(at(20));
    assert_eq!(shown(&expired), "1: 6");
    ledger.apply_expiry(&expired).expect("planned");
    assert_eq!(ledger.held(), credits("4"));
    assert_eq!(ledger.available(at(20)), credits("3"));
    assert_eq!(ledger.next_due(), Some(at(30)));
    assert!(ledger.plan_expiry(at(20)).is_empty());
}

#[test]
fn a_grant_repays_debt_first_and_keeps_the_rest() {
    let mut ledger = Ledger::default();
    charge(&mut ledger, "7", at(1));
    assert_eq!((ledger.debt(), ledger.available(at(1))), (credits("7"), credits("-7")));

    assert_eq!(grant(&mut ledger, 2, lot("3"), at(2)).debt_repaid, credits("3"));
    assert!(ledger.lots().is_empty());
    assert_eq!(grant(&mut ledger, 3, lot("10"), at(3)).debt_repaid, credits("4"));
    assert_eq!((ledger.debt(), ledger.available(at(3))), (Credits::ZERO, credits("6")));
    assert_eq!((ledger.lots()[0].amount, ledger.lots()[0].left), (credits("10"), credits("6")));
}

#[test]
fn a_promotion_repays_debt_only_if_the_policy_says_so() {
    let mut ledger = Ledger::default();
    charge(&mut ledger, "7", at(1));
    let promotion = NewLot { kind: LotKind::Promotion, ..lot("10") };
    let kept = ledger.plan_grant(promotion, false, at(2)).expect("fits");
    let repaying = ledger.plan_grant(promotion, true, at(2)).expect("fits");
    assert_eq!([kept.debt_repaid, repaying.debt_repaid], [Credits::ZERO, credits("7")]);

    // Kept beside the debt it still lets nobody use more than the difference.
    ledger.apply_grant(LotId::new(2, 0), &kept).expect("planned");
    assert_eq!(ledger.available(at(2)), credits("3"));
    assert!(ledger.plan_hold(credits("3.000001"), Overdraft::None, at(2)).is_none());
}

#[test]
fn a_grant_that_is_not_effective_yet_repays_nothing() {
    let mut ledger = Ledger::default();
    charge(&mut ledger, "7", at(1));
    let later = NewLot { effective: at(50), ..lot("10") };
    assert_eq!(grant(&mut ledger, 2, later, at(2)).debt_repaid, Credits::ZERO);
    assert_eq!(ledger.available(at(50)), credits("3"));
}

#[test]
fn a_grant_that_cannot_work_is_refused() {
    let ledger = ledger([lot("1000000000000000")]);
    let refused = |lot| ledger.plan_grant(lot, false, at(10)).expect_err("refused");
    assert_eq!(refused(lot("0")), GrantError::NotPositive);
    assert_eq!(refused(lot("-1")), GrantError::NotPositive);
    assert_eq!(refused(until("1", 10)), GrantError::Expired);
    assert_eq!(refused(NewLot { effective: at(30), ..until("1", 30) }), GrantError::Expired);
    assert_eq!(refused(lot("0.000001")), GrantError::Range);
    let full = super::ledger(vec![lot("1"); super::super::LOTS_MAX]);
    assert_eq!(full.plan_grant(lot("1"), false, at(10)), Err(GrantError::TooManyLots));
}
