//! Holds: reserved, charged once at the moment the policy names, given back, or run out.

use super::Scene;
use super::harness::{at_once, from, number, of};
use crate::book::Reply;
use crate::command::{Action, Ask};
use crate::event::{Event, HoldExpired};
use crate::ids::Position;
use crate::ledger::Settlement;
use crate::pricing::Outcome;
use crate::rejection::Rejection;

const POLICY: &str = r#"
name = "holds"
title = "A base of 5 and 1 a piece"
[callers]
[attributes]
pieces = "number"
[credit]
charge = "settle"
hold_for = "1h"
[credit.outcomes]
client_error = { percent = 50 }
system_error = "refund"
cancelled = "base"
[prices]
[prices.default]
base = 5
per = [{ attribute = "pieces", price = 1, per = 1 }]
[prices.endpoints]
"/free" = { free = true }
"#;

fn scene(change: (&str, &str)) -> Scene {
    let mut scene = Scene::with(&POLICY.replace(change.0, change.1));
    scene.open("acme", None).grant("acme", "20");
    scene
}

fn charged_at(moment: &str) -> Scene {
    let mut scene = Scene::with(
        &POLICY
            .replace("charge = \"settle\"", &format!("charge = \"{moment}\""))
            .replace("[prices]", "[prices]\nhold = \"estimate\""),
    );
    scene.open("acme", None).grant("acme", "20");
    scene
}

fn admit(scene: &mut Scene) -> Position {
    let mut ask = of("acme", "/x");
    ask.attributes = number("pieces", 0);
    scene.ask(ask).position()
}

fn begin(scene: &mut Scene, decision: Position) -> Result<Reply, Rejection> {
    scene.act(Action::Begin { decision })
}

#[test]
fn what_begins_for_a_caller_without_an_account_costs_nothing() {
    let policy = POLICY.replace("[callers]", "[callers]\nanonymous = true");
    let policy = policy.replace("charge = \"settle\"", "charge = \"begin\"");
    let mut scene = Scene::with(&policy.replace("[prices]", "[prices]\nhold = \"estimate\""));
    let ask = Ask { settle: None, attributes: number("pieces", 0), ..from("203.0.113.7", "/x") };
    let decision = scene.ask(ask).position();
    begin(&mut scene, decision).expect("begun");
    let Event::RequestBegun(begun) = scene.last() else { panic!("not begun") };
    assert_eq!(begun.settlement, Settlement::default(), "nothing is charged, and nothing left uncollected");
}

fn balance(available: &str, held: &str) -> (String, String) {
    (available.to_owned(), held.to_owned())
}

fn expired(scene: &Scene) -> &HoldExpired {
    let event = scene.log.iter().rev().find_map(|entry| match &entry.event {
        Event::HoldExpired(event) => Some(event),
        _ => None,
    });
    event.expect("an expiry")
}

#[test]
fn each_outcome_costs_what_its_rule_says() {
    for (outcome, left) in [
        (Outcome::Succeeded, "12"),
        (Outcome::ClientError, "16"),
        (Outcome::SystemError, "20"),
        (Outcome::Cancelled, "15"),
    ] {
        let mut scene = scene(("", ""));
        let decision = admit(&mut scene);
        assert_eq!(scene.balance("acme"), balance("15", "5"));
        let settled = scene.settle_as(decision, outcome, number("pieces", 3));
        assert_eq!(scene.balance("acme"), balance(left, "0"), "{outcome:?}");
        assert_eq!(settled.balance.expect("a balance").0.to_string(), left);
    }
}

#[test]
fn settling_twice_gives_the_first_result_again() {
    let mut scene = scene(("", ""));
    let decision = admit(&mut scene);
    let first = scene.settle(decision, number("pieces", 3)).position;
    let again = Action::Settle { decision, outcome: Outcome::SystemError, attributes: Vec::new() };
    assert_eq!(scene.act(again), Ok(Reply::Repeat(first)));
    assert_eq!(scene.balance("acme"), balance("12", "0"));
}

#[test]
fn a_request_with_its_outcome_is_charged_at_once_and_has_nothing_to_settle() {
    let mut scene = scene(("", ""));
    let mut ask = at_once(of("acme", "/x"));
    ask.attributes = number("pieces", 3);
    let decision = scene.ask(ask).position();
    assert_eq!(scene.balance("acme"), balance("12", "0"));
    let settle = Action::Settle { decision, outcome: Outcome::Succeeded, attributes: Vec::new() };
    assert!(matches!(scene.rejected(settle), Rejection::WrongState(_, "was settled when it was admitted")));
}

#[test]
fn a_hold_that_runs_out_is_released_and_a_later_settle_still_charges_once() {
    let mut scene = scene(("", ""));
    let decision = admit(&mut scene);
    let due = scene.now.plus("1h".parse().expect("a span"));
    scene.wait("2h").sweep();
    assert_eq!((expired(&scene).due, expired(&scene).decision), (due, decision));
    assert_eq!(scene.balance("acme"), balance("20", "0"));
    scene.settle(decision, number("pieces", 1));
    assert_eq!(scene.balance("acme"), balance("14", "0"));
    scene.settle_as_again(decision);
    assert_eq!(scene.balance("acme"), balance("14", "0"));
}

#[test]
fn a_hold_that_runs_out_may_be_charged_and_then_neither_begins_nor_is_charged_again() {
    let mut scene = scene(("hold_for", "on_expiry = \"charge\"\nhold_for"));
    let decision = admit(&mut scene);
    scene.wait("1h").sweep();
    assert_eq!(expired(&scene).settlement.charged().to_string(), "5");
    assert_eq!(scene.balance("acme"), balance("15", "0"));
    let settled = scene.settle_as(decision, Outcome::Succeeded, number("pieces", 2));
    assert_eq!(settled.settlement.expect("uncollected").uncollected.to_string(), "2");
    assert_eq!(scene.balance("acme"), balance("15", "0"));
    let mut scene = charged_at("begin\"\non_expiry = \"charge");
    let decision = admit(&mut scene);
    scene.wait("1h").sweep();
    assert!(matches!(
        begin(&mut scene, decision),
        Err(Rejection::WrongState(_, "was charged when its hold ran out"))
    ));
    assert_eq!(scene.balance("acme"), balance("15", "0"));
}

#[test]
fn the_dues_of_an_account_come_before_its_command_and_before_a_read() {
    let mut scene = scene(("", ""));
    admit(&mut scene);
    scene.wait("1h");
    let (before, now) = (scene.log.len(), scene.now);
    scene.book.settle_dues(&super::harness::name("acme"), now, &mut scene.log);
    assert_eq!((scene.log.len() - before, scene.count("HoldExpired")), (1, 1));
    admit(&mut scene);
    scene.wait("1h");
    let decision = admit(&mut scene);
    assert_eq!(scene.log[scene.log.len() - 2].event.kind(), "HoldExpired");
    assert_eq!(decision, scene.book.head());
}

#[test]
fn a_job_is_charged_when_it_begins_and_once() {
    let mut scene = charged_at("begin");
    let decision = admit(&mut scene);
    assert_eq!(scene.balance("acme"), balance("15", "5"));
    begin(&mut scene, decision).expect("begun");
    assert_eq!(scene.balance("acme"), balance("15", "0"));
    let begun = scene.book.head();
    assert_eq!(begin(&mut scene, decision), Ok(Reply::Repeat(begun)));
    let settled = scene.settle_as(decision, Outcome::Succeeded, number("pieces", 0));
    assert_eq!((settled.settlement, settled.refund), (None, None));
    assert_eq!(scene.balance("acme"), balance("15", "0"));
    assert_eq!(begin(&mut scene, decision), Ok(Reply::Repeat(begun)));
}

#[test]
fn a_begun_job_that_fails_by_the_provider_is_refunded_by_itself() {
    let mut scene = charged_at("begin");
    let decision = admit(&mut scene);
    begin(&mut scene, decision).expect("begun");
    let settled = scene.settle_as(decision, Outcome::SystemError, Vec::new());
    assert_eq!(settled.refund.expect("a refund").total().to_string(), "5");
    assert_eq!(scene.balance("acme"), balance("20", "0"));
}

#[test]
fn where_an_outcome_charges_nothing_now_what_was_charged_stays_charged() {
    let mut scene = charged_at("begin");
    scene.republish(|policy| {
        policy.credit.as_mut().expect("credit").outcomes.client_error = crate::pricing::Charge::None;
    });
    let decision = admit(&mut scene);
    begin(&mut scene, decision).expect("begun");
    assert_eq!(scene.settle_as(decision, Outcome::ClientError, Vec::new()).refund, None);
    assert_eq!(scene.balance("acme"), balance("15", "0"));
}

#[test]
fn a_job_cancelled_before_it_begins_gets_its_hold_back() {
    let mut scene = charged_at("begin");
    let decision = admit(&mut scene);
    scene.settle_as(decision, Outcome::SystemError, Vec::new());
    assert_eq!(scene.balance("acme"), balance("20", "0"));
    assert!(matches!(begin(&mut scene, decision), Err(Rejection::WrongState(_, "has its outcome already"))));
}

#[test]
fn a_job_may_begin_after_its_hold_ran_out_and_is_charged_then() {
    let mut scene = charged_at("begin");
    let decision = admit(&mut scene);
    scene.wait("1h").sweep();
    begin(&mut scene, decision).expect("begun");
    assert_eq!(scene.balance("acme"), balance("15", "0"));
}

#[test]
fn only_a_policy_that_charges_at_the_beginning_knows_one() {
    let mut scene = scene(("", ""));
    let decision = admit(&mut scene);
    let rejection = scene.rejected(Action::Begin { decision });
    assert_eq!(rejection, Rejection::WrongState(decision, "is not charged when it begins"));
}

#[test]
fn charged_at_admission_nothing_is_held_and_the_outcome_corrects_it() {
    let mut scene = charged_at("admission");
    let decision = admit(&mut scene);
    assert_eq!(scene.balance("acme"), balance("15", "0"));
    let settled = scene.settle_as(decision, Outcome::Succeeded, number("pieces", 2));
    assert_eq!(settled.settlement.expect("uncollected").uncollected.to_string(), "2");
    let decision = admit(&mut scene);
    scene.refund(decision, "r1", Some("2")).expect("refunded");
    let settled = scene.settle_as(decision, Outcome::Succeeded, number("pieces", 0));
    assert_eq!((settled.settlement, settled.refund), (None, None), "5 were charged for a price of 5");
    assert_eq!(scene.balance("acme"), balance("12", "0"));
    let decision = admit(&mut scene);
    scene.wait("1h").sweep();
    assert_eq!(scene.balance("acme"), balance("7", "0"), "what was charged stays charged when it runs out");
    scene.settle_as(decision, Outcome::SystemError, Vec::new());
    assert_eq!(scene.balance("acme"), balance("12", "0"));
}

#[test]
fn a_free_endpoint_needs_no_credit_and_still_stays_open_until_its_outcome() {
    let mut scene = scene(("", ""));
    scene.open("poor", None);
    let decision = scene.ask(of("poor", "/free")).position();
    assert_eq!(scene.book.account("poor").expect("poor").open_decisions().len(), 1);
    assert_eq!(scene.settle_as(decision, Outcome::Succeeded, Vec::new()).settlement, None);
    assert_eq!(scene.book.account("poor").expect("poor").open_decisions().len(), 0);
}

#[test]
fn what_cannot_be_priced_is_no_request_and_no_outcome() {
    let mut scene = scene((
        "base = 5",
        "base = 5\nby = { attributes = [\"pieces\"], rows = [{ labels = [\"many\"], price = 1 }] }",
    ));
    let rejection = scene.rejected(Action::Request(Box::new(at_once(of("acme", "/x")))));
    assert!(matches!(rejection, Rejection::Invalid { field: "attributes", .. }), "{rejection:?}");
    let told = Ask { attributes: number("pieces", 0), ..of("acme", "/x") };
    let rejection = scene.rejected(Action::Request(Box::new(told)));
    assert!(matches!(rejection, Rejection::Invalid { field: "attributes", .. }), "{rejection:?}");
    let decision = scene.ask(of("acme", "/x")).position();
    for attributes in [Vec::new(), number("pieces", 0)] {
        let settle = Action::Settle { decision, outcome: Outcome::Succeeded, attributes };
        assert!(matches!(scene.rejected(settle), Rejection::Invalid { field: "attributes", .. }));
    }
    assert_eq!(scene.balance("acme"), balance("15", "5"));
}

#[test]
fn an_unknown_decision_can_be_neither_settled_nor_begun_nor_refunded() {
    let mut scene = scene(("", ""));
    let unknown = Rejection::UnknownDecision(99);
    let settle = Action::Settle { decision: 99, outcome: Outcome::Succeeded, attributes: Vec::new() };
    assert_eq!(scene.rejected(settle), unknown);
    assert_eq!(scene.rejected(Action::Begin { decision: 99 }), unknown);
    assert_eq!(scene.refund(99, "r", None), Err(unknown.clone()));
    assert_eq!(scene.rejected(Action::Reprocess { decision: 99 }), unknown);
}

impl Scene {
    fn settle_as_again(&mut self, decision: Position) {
        let again = Action::Settle { decision, outcome: Outcome::Succeeded, attributes: number("pieces", 9) };
        assert!(matches!(self.act(again), Ok(Reply::Repeat(_))));
    }
}
