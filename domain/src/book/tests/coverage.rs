//! Coverage by list: every rejection and every event type happens here, or this does not compile or fails.

use super::Scene;
use super::harness::{at_once, credits, from, granted, hidden, name, new_key, of};
use crate::book::Bounds;
use crate::command::{AccountAct, Action, Ask, Caller, DimensionValue, Grant, NewKey, Publish};
use crate::event::{AccountDetailed, Event, KeyChange, Subject};
use crate::ids::Digest;
use crate::ledger::LotKind;
use crate::policy::{Dimension, Mode};
use crate::pricing::Outcome;
use crate::rejection::Rejection;
use crate::time::Calendar;
use std::collections::BTreeSet;

const POLICY: &str = r#"
name = "tour"
title = "Something of everything"
[callers]
anonymous = true
[[limits]]
name = "burst"
rule = { rolling = "60s" }
limit = 100
by = ["account"]
[[limits]]
name = "ip"
rule = { rolling = "60s" }
limit = 1
by = ["ip"]
[requests]
denials_per_minute = 1
open_holds_max = 3
retention = "10d"
[credit]
charge = "begin"
hold_for = "1h"
[prices]
[prices.default]
base = 5
[keys]
max = 1
[keys.kinds.live]
prefix = "k_"
[notice]
changes = "1d"
"#;

/// The place of a rejection in the list below; a new one needs a new place, and a step that earns it.
fn place(rejection: &Rejection) -> usize {
    match rejection {
        Rejection::RequestIdReused => 0,
        Rejection::RequestIdTooOld => 1,
        Rejection::NoPolicy => 2,
        Rejection::Invalid { .. } => 3,
        Rejection::Amount { .. } => 4,
        Rejection::UnknownAccount(_) => 5,
        Rejection::AccountExists(_) => 6,
        Rejection::AccountClosed(_) => 7,
        Rejection::AccountSuspended(_) => 8,
        Rejection::UnknownKey(_) => 9,
        Rejection::UnknownDecision(_) => 10,
        Rejection::Retired(_) => 11,
        Rejection::WrongState(..) => 12,
        Rejection::NothingToChange(_) => 13,
        Rejection::NotAllowed(_) => 14,
        Rejection::RefundTooLarge { .. } => 15,
        Rejection::NotEnough { .. } => 16,
        Rejection::NoticeTooShort(_) => 17,
        Rejection::TooManySubjects => 18,
        Rejection::TooManyHolds(_) => 19,
    }
}

const REJECTIONS: usize = 20;

fn request(ask: Ask) -> Action {
    Action::Request(Box::new(ask))
}

fn settle(decision: u64) -> Action {
    Action::Settle { decision, outcome: Outcome::Succeeded, attributes: Vec::new() }
}

fn on(account: &str, act: AccountAct) -> Action {
    Action::Account { account: name(account), act }
}

fn scene() -> Scene {
    let mut scene = Scene::bounded(POLICY, Bounds { ids_max: 1, ..Bounds::default() });
    scene.open("acme", None).open("gone", None).open("held", None).grant("acme", "100");
    scene.account("gone", AccountAct::Terminate { reason: "left".into() });
    scene.account("held", AccountAct::Suspend { reason: "x".into(), until: None });
    scene
}

fn of_ids_and_bounds() -> Vec<Rejection> {
    let mut scene = scene();
    let old = "01900000-0000-7000-8000-000000000000";
    scene.tagged("a", 1, request(at_once(of("acme", "/x")))).expect("admitted");
    let reused = scene.tagged("a", 2, request(of("acme", "/x"))).expect_err("reused");
    scene.tagged("b", 1, request(at_once(of("acme", "/x")))).expect("admitted");
    let old = scene.tagged(old, 1, request(of("acme", "/x"))).expect_err("too old");
    let done = scene.book.head();
    for _ in 0..3 {
        scene.ask(of("acme", "/x")).admitted();
    }
    let holds = scene.rejected(request(of("acme", "/x")));
    scene.wait("11d").sweep();
    let retired = scene.rejected(settle(done));
    let mut full = Scene::bounded(POLICY, Bounds { subjects_max: 0, ..Bounds::default() });
    let subjects = full.rejected(request(from("1.1.1.1", "/x")));
    let mut empty = Scene::empty(Bounds::default());
    vec![reused, old, holds, retired, subjects, empty.rejected(request(of("acme", "/x")))]
}

fn of_acts() -> Vec<Rejection> {
    let mut scene = scene();
    let decision = scene.key("acme", "first", "live").ask(at_once(of("acme", "/x"))).position();
    let effective = Some(scene.now);
    let policy = std::sync::Arc::new(super::harness::read(POLICY));
    let refund = scene.refund(decision, "r", Some("9")).expect_err("too much");
    let acts = [
        request(Ask { units: 0, ..of("acme", "/x") }),
        request(of("nobody", "/x")),
        on("acme", AccountAct::Open { plan: None, owner: None, calendar: Calendar::default(), opened: None }),
        on("gone", AccountAct::Terminate { reason: "again".into() }),
        on("held", AccountAct::IssueKey(new_key("k", "live"))),
        on("acme", AccountAct::ChangeKey { key: name("none"), change: KeyChange::Revoked, reason: None }),
        settle(9_999),
        settle(decision),
        on("acme", AccountAct::Reinstate { reason: "x".into() }),
        on("acme", AccountAct::IssueKey(new_key("second", "live"))),
        on("acme", AccountAct::Deduct { mode: Mode::Live, amount: credits("999"), reason: "x".into() }),
        on("acme", AccountAct::Grant(granted("0"))),
        Action::Publish(Publish::Policy { policy, effective, emergency: None }),
    ];
    acts.into_iter().map(|act| scene.rejected(act)).chain([refund]).collect()
}

#[test]
fn every_rejection_is_earned_by_a_test() {
    let places: BTreeSet<_> = of_ids_and_bounds().iter().chain(&of_acts()).map(place).collect();
    assert_eq!(places, (0..REJECTIONS).collect());
}

#[test]
fn of_two_rejections_the_first_in_their_order_is_told() {
    let mut scene = scene();
    let decision = scene.ask(at_once(of("acme", "/x"))).position();
    let open = |plan| AccountAct::Open { plan, owner: None, calendar: Calendar::default(), opened: None };
    let late = AccountAct::Suspend { reason: "x".into(), until: Some(scene.now) };
    let replacing = |key: &str| NewKey { replaces: Some(name("none")), ..new_key(key, "live") };
    let invalid = Grant { kind: LotKind::Refund, ..granted("0") };
    let told = [
        on("acme", open(Some(name("none")))),
        on("nobody", late.clone()),
        on("gone", late),
        on("nobody", AccountAct::Grant(invalid)),
        on("nobody", AccountAct::Grant(granted("0"))),
        on("gone", AccountAct::IssueKey(replacing("k"))),
        on("held", AccountAct::IssueKey(replacing("k"))),
        on("acme", AccountAct::IssueKey(replacing("k"))),
        on("acme", AccountAct::Deduct { mode: Mode::Live, amount: credits("-1"), reason: "x".into() }),
        settle(decision),
    ];
    let told: Vec<_> = told.into_iter().map(|act| place(&scene.rejected(act))).collect();
    assert_eq!(told, [3, 3, 3, 3, 4, 7, 8, 9, 4, 12]);
}

fn credit_and_requests(scene: &mut Scene) {
    let expires = Some(scene.now.plus("2h".parse().expect("a span")));
    scene
        .open("acme", None)
        .grant("acme", "100")
        .account("acme", AccountAct::Grant(Grant { expires, ..granted("20") }));
    let begun = scene.ask(of("acme", "/x")).position();
    scene.act(Action::Begin { decision: begun }).expect("begun");
    scene.settle(begun, Vec::new());
    scene.refund(begun, "r", None).expect("refunded");
    scene.ask(of("acme", "/x")).admitted();
    scene.wait("2h").sweep();
    scene.account("acme", AccountAct::Deduct { mode: Mode::Live, amount: credits("1"), reason: "x".into() });
    scene.ask(from("1.1.1.1", "/x")).admitted();
    scene.ask(from("1.1.1.1", "/x")).denied();
    let reply = scene.act(request(from("1.1.1.1", "/x"))).expect("counted");
    let crate::book::Reply::Collapsed(first, stream) = reply else { panic!("recorded: {reply:?}") };
    let (from, to) = (scene.now, scene.now);
    let collapsed = crate::event::DenialsCollapsed { first: *first, count: 1, from, to };
    scene.book.collapse(stream, collapsed, to, &mut scene.log);
}

fn acts(scene: &mut Scene) {
    let detail = AccountDetailed { contact: Some(true), ..AccountDetailed::default() };
    scene.republish(|policy| drop(policy.plans.insert(name("one"), crate::policy::Plan::default())));
    scene.account("acme", AccountAct::Detail(Box::new(detail)));
    scene.account("acme", AccountAct::ChangePlan { plan: name("one") });
    scene.account("acme", AccountAct::IssueKey(NewKey { replaces: None, ..new_key("k", "live") }));
    scene.change_key("acme", "k", KeyChange::Revoked);
    scene.account("acme", AccountAct::Suspend { reason: "x".into(), until: None });
    scene.account("acme", AccountAct::Reinstate { reason: "x".into() });
    scene.account("acme", AccountAct::Terminate { reason: "x".into() });
    let (by, subject, reason) = (vec![Dimension::Ip], Digest(1), "x".to_owned());
    scene
        .act(Action::Ban { by: by.clone(), subject, reason: reason.clone(), until: None, name: name("x") })
        .expect("banned");
    scene.act(Action::LiftBan { by, subject, reason: reason.clone() }).expect("lifted");
    let subject = Subject::Ip(hidden("1.1.1.1").digest);
    let set = Action::SetFigure {
        limit: name("ip"),
        subject: subject.clone(),
        figure: Some(2),
        reason: reason.clone(),
    };
    scene.act(set).expect("a figure");
    let values = [(Dimension::Ip, DimensionValue::Hash(hidden("1.1.1.1").digest))].into_iter().collect();
    scene
        .act(Action::ResetCount { limit: name("ip"), subject, values, reason: reason.clone() })
        .expect("reset");
    let notice = Publish::Notice { kind: name("news"), effective: scene.now, text: reason, emergency: None };
    scene.act(Action::Publish(notice)).expect("announced");
    let unknown = Ask { caller: Caller::Key(Digest(1)), ..from("1.1.1.1", "/x") };
    scene.wait("60s").ask(unknown).denied();
}

#[test]
fn every_event_type_is_recorded_by_a_test() {
    let mut scene = Scene::with(POLICY);
    credit_and_requests(&mut scene);
    acts(&mut scene);
    scene.seal(None, "elsewhere");
    let recorded: BTreeSet<_> = scene.log.iter().map(|entry| entry.event.kind()).collect();
    assert_eq!(recorded, Event::TYPES.iter().map(|(kind, _)| *kind).collect());
}
