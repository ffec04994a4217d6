//! Credit: lots, overdraft and debt, test mode, and what an operator may take away.

use super::Scene;
use super::harness::{at_once, by_key, credits, granted, number, of};
use crate::command::{AccountAct, Grant};
use crate::event::{CreditGranted, Event};
use crate::ledger::LotKind;
use crate::policy::Mode;
use crate::rejection::Rejection;

const POLICY: &str = r#"
name = "credit"
title = "A base of 5 and 1 a piece"
[callers]
[attributes]
pieces = "number"
[credit]
charge = "settle"
hold_for = "2h"
refund_validity = "10d"
[credit.validity]
purchase = "30d"
[prices]
[prices.default]
base = 5
per = [{ attribute = "pieces", price = 1, per = 1 }]
[keys.kinds.live]
prefix = "k_"
[keys.kinds.test]
prefix = "t_"
mode = "test"
"#;

fn scene(more: &str) -> Scene {
    let mut scene = Scene::with(&POLICY.replace("[credit]", &format!("[credit]\n{more}")));
    scene.open("acme", None);
    scene
}

fn give(scene: &mut Scene, grant: Grant) -> CreditGranted {
    scene.account("acme", AccountAct::Grant(grant));
    match scene.last() {
        Event::CreditGranted(event) => (**event).clone(),
        other => panic!("not granted: {other:?}"),
    }
}

fn spend(scene: &mut Scene, pieces: u32) -> crate::event::RequestAdmitted {
    let mut ask = at_once(of("acme", "/x"));
    ask.attributes = number("pieces", pieces);
    scene.ask(ask).admitted().1.clone()
}

fn balance(available: &str, held: &str) -> (String, String) {
    (available.to_owned(), held.to_owned())
}

#[test]
fn lots_are_drawn_by_priority_then_earliest_expiry_then_age() {
    let mut scene = scene("");
    let soon = Some(scene.now.plus("1d".parse().expect("a span")));
    give(&mut scene, granted("5"));
    give(&mut scene, Grant { expires: soon, ..granted("5") });
    give(&mut scene, Grant { priority: -1, kind: LotKind::Promotion, ..granted("5") });
    let charge = spend(&mut scene, 8).charge;
    let drawn: Vec<_> =
        charge.iter().map(|draw| (draw.lot.expect("a lot").id.position(), draw.amount.to_string())).collect();
    assert_eq!(drawn, [(6, "5".to_owned()), (5, "5".to_owned()), (4, "3".to_owned())]);
}

#[test]
fn bought_credit_expires_after_the_validity_period_and_only_its_unreserved_part() {
    let mut scene = scene("");
    let bought = give(
        &mut scene,
        Grant { kind: LotKind::Purchase, unit_value: Some(credits("0.001")), ..granted("20") },
    );
    assert_eq!(bought.granted.lot.expires, Some(scene.now.plus("30d".parse().expect("a span"))));
    scene.wait("30d");
    scene.now = scene.now.minus("1h".parse().expect("a span"));
    let decision = scene.ask(of("acme", "/x")).position();
    scene.wait("1h").sweep();
    let Event::CreditExpired(expired) = scene.last() else { panic!("not expired: {:?}", scene.last()) };
    assert_eq!(expired.draws.total().to_string(), "15");
    assert_eq!(scene.balance("acme"), balance("0", "5"));
    let settled = scene.settle_as(decision, crate::pricing::Outcome::SystemError, Vec::new());
    assert_eq!(settled.settlement.expect("a release").rest.expired.total().to_string(), "5");
    assert_eq!(scene.balance("acme"), balance("0", "0"));
}

#[test]
fn credit_that_is_not_effective_yet_cannot_be_used() {
    let mut scene = scene("");
    let effective = Some(scene.now.plus("1h".parse().expect("a span")));
    give(&mut scene, Grant { effective, ..granted("5") });
    scene.ask(of("acme", "/x")).denied();
    scene.wait("1h").ask(of("acme", "/x")).admitted();
}

#[test]
fn a_heavy_request_may_end_below_zero_and_then_every_pre_flight_fails_until_the_base_is_there_again() {
    let mut scene = scene("overdraft = \"unlimited\"");
    scene.grant("acme", "10");
    spend(&mut scene, 20);
    assert_eq!(scene.balance("acme"), balance("-15", "0"));
    scene.ask(of("acme", "/x")).denied();
    scene.grant("acme", "19").ask(of("acme", "/x")).denied();
    assert_eq!(scene.balance("acme"), balance("4", "0"));
    scene.grant("acme", "1").ask(of("acme", "/x")).admitted();
}

#[test]
fn what_no_rule_lets_a_settle_collect_is_uncollected() {
    let mut scene = scene("");
    scene.grant("acme", "10");
    let admitted = spend(&mut scene, 20);
    assert_eq!(
        (admitted.charge.total().to_string(), admitted.uncollected.to_string()),
        ("10".into(), "15".into())
    );
    assert_eq!(scene.balance("acme"), balance("0", "0"));
    let mut scene = self::scene("overdraft = { to_floor = \"-3\" }");
    scene.grant("acme", "10");
    let admitted = spend(&mut scene, 20);
    assert_eq!(
        (admitted.charge.total().to_string(), admitted.uncollected.to_string()),
        ("13".into(), "12".into())
    );
    assert_eq!(scene.balance("acme"), balance("-3", "0"));
}

#[test]
fn a_grant_repays_debt_first_and_a_promotion_only_if_the_policy_says_so() {
    for (rule, repaid) in [("promotions_repay_debt = false", "0"), ("promotions_repay_debt = true", "4")] {
        let mut scene = scene(&format!("overdraft = \"unlimited\"\n{rule}"));
        scene.grant("acme", "10");
        spend(&mut scene, 9);
        let promotion = give(&mut scene, Grant { kind: LotKind::Promotion, ..granted("6") });
        assert_eq!(
            (promotion.granted.debt_repaid.to_string().as_str(), promotion.balance.0.to_string().as_str()),
            (repaid, "2")
        );
        assert_eq!(scene.balance("acme"), balance("2", "0"));
        let grant = give(&mut scene, granted("10"));
        assert_eq!(grant.granted.debt_repaid.plus(promotion.granted.debt_repaid).to_string(), "4");
        assert_eq!(scene.balance("acme"), balance("12", "0"));
    }
}

#[test]
fn test_keys_never_move_live_credit() {
    let mut scene = scene("");
    scene.grant("acme", "10").key("acme", "t", "test").key("acme", "k", "live");
    assert_eq!(scene.ask(by_key("t", "/x")).denied().kind.code(), "INSUFFICIENT_CREDITS");
    give(&mut scene, Grant { mode: Mode::Test, ..granted("100") });
    let decision = scene.ask(by_key("t", "/x")).position();
    scene.settle(decision, number("pieces", 7));
    assert_eq!(scene.balance("acme"), balance("10", "0"));
    let account = scene.book.account("acme").expect("acme");
    assert_eq!(account.balance(Mode::Test, scene.now).0.to_string(), "88");
    scene.ask(by_key("k", "/x")).admitted();
    assert_eq!(scene.balance("acme"), balance("5", "5"));
    let deduct = AccountAct::Deduct { mode: Mode::Test, amount: credits("88"), reason: "cleared".into() };
    scene.account("acme", deduct);
    assert_eq!(scene.balance("acme"), balance("5", "5"));
}

#[test]
fn an_operator_takes_away_only_what_is_available() {
    let mut scene = scene("");
    scene.grant("acme", "10").ask(of("acme", "/x")).admitted();
    let deduct = |amount| AccountAct::Deduct {
        mode: Mode::Live,
        amount: credits(amount),
        reason: "chargeback".into(),
    };
    assert_eq!(scene.rejected_act("acme", deduct("6")), Rejection::NotEnough { available: credits("5") });
    scene.account("acme", deduct("4.5"));
    let Event::CreditAdjusted(adjusted) = scene.last() else { panic!("not adjusted") };
    assert_eq!(
        (adjusted.draws.total().to_string(), adjusted.balance.0.to_string()),
        ("4.5".into(), "0.5".into())
    );
}

#[test]
fn an_amount_is_above_zero_and_at_most_a_million_million() {
    let mut scene = scene("");
    for amount in ["0", "-1", "1000000000000.000001"] {
        let amount = credits(amount);
        let grant = AccountAct::Grant(Grant { amount, ..granted("1") });
        assert!(matches!(scene.rejected_act("acme", grant), Rejection::Amount { field: "amount", .. }));
        let deduct = AccountAct::Deduct { mode: Mode::Live, amount, reason: "x".into() };
        assert!(matches!(scene.rejected_act("acme", deduct), Rejection::Amount { field: "amount", .. }));
    }
    let grant = AccountAct::Grant(Grant { unit_value: Some(credits("-1")), ..granted("1") });
    assert!(matches!(scene.rejected_act("acme", grant), Rejection::Invalid { field: "unit_value", .. }));
}

#[test]
fn credit_that_would_expire_unused_or_that_the_policy_does_not_know_is_refused() {
    let mut scene = scene("");
    let expires = Some(scene.now);
    let grant = AccountAct::Grant(Grant { expires, ..granted("1") });
    assert!(matches!(scene.rejected_act("acme", grant), Rejection::Invalid { field: "expires", .. }));
    let mut scene = Scene::with("name = \"n\"\ntitle = \"N\"\n[callers]\n");
    scene.open("acme", None);
    assert!(matches!(scene.rejected_act("acme", AccountAct::Grant(granted("1"))), Rejection::NotAllowed(_)));
    scene.ask(of("acme", "/x")).admitted();
}

#[test]
fn costs_with_decimals_never_drift() {
    let mut scene = Scene::with(&POLICY.replace("base = 5", "base = \"0.1\""));
    scene.open("acme", None).grant("acme", "100");
    for _ in 0..333 {
        spend(&mut scene, 0);
    }
    assert_eq!(scene.balance("acme"), balance("66.7", "0"));
}
