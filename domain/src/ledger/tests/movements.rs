//! Holds, charges, settlements and releases.

use super::super::{Draws, Ledger, LotId, Mismatch, Overdraft, Release};
use super::{at, charge, credits, grant, ledger, lot, shown, until};
use crate::money::Credits;

fn hold(ledger: &mut Ledger, amount: &str, overdraft: Overdraft) -> Draws {
    let draws = ledger.plan_hold(credits(amount), overdraft, at(1)).expect("the hold is possible");
    ledger.apply_hold(&draws).expect("a plan fits its ledger");
    draws
}

#[test]
fn a_hold_is_made_up_to_the_last_credit_and_not_beyond() {
    let ledger = ledger([lot("2"), lot("3")]);
    let plan = |amount: &str| ledger.plan_hold(credits(amount), Overdraft::None, at(1));
    assert_eq!(plan("5").map(|draws| shown(&draws)), Some("1: 2, 2: 3".into()));
    assert!(plan("5.000001").is_none());
}

#[test]
fn open_holds_count_against_the_next_hold() {
    let mut ledger = ledger([lot("5")]);
    hold(&mut ledger, "3", Overdraft::None);
    assert_eq!((ledger.available(at(1)), ledger.held()), (credits("2"), credits("3")));
    assert!(ledger.plan_hold(credits("3"), Overdraft::None, at(1)).is_none());
}

#[test]
fn a_hold_of_zero_needs_no_credit_even_when_overdrawn() {
    let mut ledger = Ledger::default();
    charge(&mut ledger, "7", at(1));
    let draws = ledger.plan_hold(Credits::ZERO, Overdraft::None, at(1)).expect("nothing to check");
    assert!(draws.is_empty());
}

#[test]
fn a_hold_on_overdraft_counts_until_it_ends() {
    let mut ledger = ledger([lot("2")]);
    let rule = Overdraft::ToFloor(credits("-10"));
    let draws = hold(&mut ledger, "9", rule);
    assert_eq!(shown(&draws), "1: 2, overdraft: 7");
    assert_eq!(
        (ledger.available(at(1)), ledger.held(), ledger.debt()),
        (credits("-7"), credits("9"), Credits::ZERO)
    );
    assert!(ledger.plan_hold(credits("3.000001"), rule, at(1)).is_none());

    ledger.apply_release(&Ledger::plan_release(&draws, at(2))).expect("planned");
    assert_eq!((ledger.available(at(2)), ledger.held()), (credits("2"), Credits::ZERO));
}

#[test]
fn a_settlement_draws_the_hold_first_and_gives_back_the_rest() {
    let mut ledger = ledger([lot("4"), lot("4")]);
    let held = hold(&mut ledger, "6", Overdraft::None);
    let settlement = ledger.plan_settle(&held, credits("1.5"), Overdraft::None, at(2));
    assert_eq!(shown(&settlement.from_hold), "1: 1.5");
    assert_eq!(shown(&settlement.rest.released), "1: 2.5, 2: 2");
    ledger.apply_settle(&settlement).expect("planned");
    assert_eq!((ledger.available(at(2)), ledger.held()), (credits("6.5"), Credits::ZERO));
}

#[test]
fn a_settlement_beyond_the_hold_draws_other_lots_then_overdraft_then_is_uncollected() {
    let cases = [
        (Overdraft::None, "2: 3", "4"),
        (Overdraft::ToFloor(credits("-3")), "2: 3, overdraft: 3", "1"),
        (Overdraft::Unlimited, "2: 3, overdraft: 4", "0"),
    ];
    for (rule, further, uncollected) in cases {
        let mut ledger = ledger([lot("2"), lot("3")]);
        let held = hold(&mut ledger, "2", Overdraft::None);
        let settlement = ledger.plan_settle(&held, credits("9"), rule, at(2));
        assert_eq!(shown(&settlement.from_hold), "1: 2", "{rule:?}");
        assert_eq!(shown(&settlement.further), further, "{rule:?}");
        assert_eq!(settlement.uncollected, credits(uncollected), "{rule:?}");
        assert_eq!(settlement.charged().plus(settlement.uncollected), credits("9"), "{rule:?}");
        ledger.apply_settle(&settlement).expect("planned");
        assert_eq!(ledger.debt(), settlement.debt_added(), "{rule:?}");
    }
}

#[test]
fn an_account_that_a_heavy_request_overdrew_waits_until_a_top_up_covers_the_base_again() {
    let mut ledger = ledger([lot("5")]);
    let held = hold(&mut ledger, "3", Overdraft::None);
    let settlement = ledger.plan_settle(&held, credits("40"), Overdraft::Unlimited, at(2));
    ledger.apply_settle(&settlement).expect("planned");
    assert_eq!(ledger.available(at(2)), credits("-35"));

    let base = |ledger: &Ledger| ledger.plan_hold(credits("3"), Overdraft::None, at(3)).is_some();
    grant(&mut ledger, 8, lot("37"), at(3));
    assert!(!base(&ledger), "2 credits are less than the base");
    grant(&mut ledger, 9, lot("1"), at(3));
    assert!(base(&ledger));
}

#[test]
fn a_hold_keeps_its_credit_after_the_lot_expired_but_gives_nothing_back() {
    let mut ledger = ledger([until("10", 20), lot("1")]);
    let held = hold(&mut ledger, "6", Overdraft::None);
    ledger.apply_expiry(&ledger.plan_expiry(at(20))).expect("planned");
    let settlement = ledger.plan_settle(&held, credits("2"), Overdraft::None, at(21));
    assert_eq!(shown(&settlement.from_hold), "1: 2");
    assert_eq!(
        (shown(&settlement.rest.released), shown(&settlement.rest.expired)),
        (String::new(), "1: 4".into())
    );
    ledger.apply_settle(&settlement).expect("planned");
    assert_eq!((ledger.available(at(21)), ledger.lots().len()), (credits("1"), 1));
}

#[test]
fn settling_twice_is_the_callers_mistake_and_the_replay_says_so() {
    let mut ledger = ledger([lot("5")]);
    let held = hold(&mut ledger, "5", Overdraft::None);
    let settlement = ledger.plan_settle(&held, credits("5"), Overdraft::None, at(2));
    assert_eq!(ledger.apply_settle(&settlement), Ok(()));
    assert_eq!(ledger.apply_settle(&settlement), Err(Mismatch::NoLot(LotId::new(1, 0))));
}

#[test]
fn a_movement_is_recorded_in_few_words() {
    let ledger = ledger([until("5", 20)]);
    let hold = ledger.plan_hold(credits("7"), Overdraft::Unlimited, at(1)).expect("unlimited");
    let text = serde_json::to_string(&hold).expect("plain data");
    assert_eq!(text, r#"[{"lot":{"id":"1","kind":"grant","expires":20000000},"amount":"5"},{"amount":"2"}]"#);
    assert_eq!(serde_json::from_str::<Draws>(&text).expect("own text"), hold);
    assert_eq!(serde_json::to_string(&Release::default()).expect("plain data"), "{}");
    assert_eq!(serde_json::to_string(&Ledger::default()).expect("plain data"), "{}");
}
