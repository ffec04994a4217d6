//! Refunds: by an id of their own, never more than was charged, back to where the credit came from.

use super::Scene;
use super::harness::{at_once, credits, granted, of};
use crate::book::Reply;
use crate::command::{AccountAct, Grant};
use crate::event::{CreditRefunded, Event};
use crate::ids::Position;
use crate::rejection::Rejection;

const POLICY: &str = r#"
name = "refunds"
title = "A request costs 10"
[callers]
[[limits]]
name = "daily"
rule = { bucket = "day" }
limit = 2
by = ["account"]
[credit]
charge = "settle"
overdraft = "unlimited"
refund_validity = "10d"
[prices]
hold = "base"
[prices.default]
base = 10
per = [{ attribute = "pieces", price = 1, per = 1 }]
[attributes]
pieces = "number"
"#;

fn scene(grant: Grant) -> (Scene, Position) {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None).account("acme", AccountAct::Grant(grant));
    let mut ask = at_once(of("acme", "/x"));
    ask.attributes = super::harness::number("pieces", 5);
    let decision = scene.ask(ask).position();
    (scene, decision)
}

fn event(scene: &Scene) -> CreditRefunded {
    match scene.last() {
        Event::CreditRefunded(event) => (**event).clone(),
        other => panic!("not refunded: {other:?}"),
    }
}

fn balance(available: &str) -> (String, String) {
    (available.to_owned(), "0".to_owned())
}

#[test]
fn a_refund_returns_to_the_lot_it_was_drawn_from_and_the_same_id_gets_the_first_result() {
    let (mut scene, decision) = scene(granted("20"));
    assert_eq!(scene.balance("acme"), balance("5"));
    scene.refund(decision, "r1", Some("4")).expect("refunded");
    let first = scene.book.head();
    assert_eq!(scene.balance("acme"), balance("9"));
    assert_eq!(scene.refund(decision, "r1", Some("4")), Ok(Reply::Repeat(first)));
    assert_eq!(event(&scene).returned.returned.total().to_string(), "4");
    assert_eq!(scene.refund(decision, "r1", None), Ok(Reply::Repeat(first)));
    assert_eq!(scene.refund(decision, "r1", Some("5")), Err(Rejection::RequestIdReused));
    scene.refund(decision, "r2", None).expect("the rest");
    assert_eq!(scene.balance("acme"), balance("20"));
}

#[test]
fn refunds_never_exceed_the_charge() {
    let (mut scene, decision) = scene(granted("20"));
    let left = |left: &str| Err(Rejection::RefundTooLarge { left: credits(left) });
    assert_eq!(scene.refund(decision, "r1", Some("15.000001")), left("15"));
    scene.refund(decision, "r1", Some("10")).expect("refunded");
    assert_eq!(scene.refund(decision, "r2", Some("6")), left("5"));
    scene.refund(decision, "r2", Some("5")).expect("refunded");
    assert_eq!(scene.refund(decision, "r3", None), left("0"));
    let (mut scene, decision) = self::scene(granted("20"));
    let zero = scene.refund(decision, "r1", Some("0"));
    assert!(matches!(zero, Err(Rejection::Invalid { field: "amount", .. })));
}

#[test]
fn a_refund_to_an_expired_lot_becomes_a_new_lot_of_that_kind_with_the_refunds_validity() {
    let (mut scene, decision) = {
        let expires = Some(super::harness::time("2026-03-02T12:00:00Z"));
        scene(Grant { expires, ..granted("20") })
    };
    scene.wait("48h").refund(decision, "r1", None).expect("refunded");
    let returned = event(&scene).returned;
    assert_eq!(returned.renewed.total().to_string(), "15");
    assert_eq!(returned.renewed_until, Some(scene.now.plus("10d".parse().expect("a span"))));
    assert_eq!(scene.balance("acme"), balance("15"));
    scene.wait("10d").sweep();
    assert_eq!(scene.balance("acme"), balance("0"));
}

#[test]
fn a_refund_reduces_debt_first() {
    let (mut scene, decision) = scene(granted("12"));
    assert_eq!(scene.balance("acme"), balance("-3"));
    scene.refund(decision, "r1", Some("5")).expect("refunded");
    let returned = event(&scene).returned;
    assert_eq!(
        (returned.to_debt.total().to_string(), returned.returned.total().to_string()),
        ("3".into(), "2".into())
    );
    assert_eq!(scene.balance("acme"), balance("2"));
}

#[test]
fn a_refund_gives_no_count_back() {
    let (mut scene, decision) = scene(granted("40"));
    scene.ask(at_once_free()).admitted();
    scene.refund(decision, "r1", None).expect("refunded");
    assert_eq!(scene.ask(at_once_free()).short(), "RATE_LIMITED daily");
}

fn at_once_free() -> crate::command::Ask {
    let mut ask = at_once(of("acme", "/x"));
    ask.attributes = super::harness::number("pieces", 0);
    ask
}

#[test]
fn a_closed_accounts_charges_can_still_be_refunded() {
    let (mut scene, decision) = scene(granted("20"));
    scene.account("acme", AccountAct::Terminate { reason: "left".into() });
    scene.refund(decision, "r1", None).expect("refunded");
    assert_eq!(scene.balance("acme"), balance("20"));
}
