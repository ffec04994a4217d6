//! Bounds: nothing grows without end, and what is past its time is gone.

use super::Scene;
use super::harness::{at_once, from, name, of};
use crate::book::Bounds;
use crate::command::{AccountAct, Action, Ask};
use crate::pricing::Outcome;
use crate::rejection::Rejection;
use crate::time::Calendar;

const POLICY: &str = r#"
name = "bounds"
title = "Small"
[callers]
anonymous = true
[[limits]]
name = "burst"
rule = { rolling = "60s" }
limit = 2
by = ["ip", "endpoint"]
[[limits]]
name = "jobs"
rule = "concurrent"
limit = 100
by = ["account"]
[requests]
retention = "10d"
open_holds_max = 2
[credit]
charge = "begin"
hold_for = "9d"
[prices]
[prices.default]
free = true
[keys.kinds.live]
prefix = "k_"
"#;

fn request(ask: Ask) -> Action {
    Action::Request(Box::new(ask))
}

fn settle(decision: u64) -> Action {
    Action::Settle { decision, outcome: Outcome::Succeeded, attributes: Vec::new() }
}

#[test]
fn beyond_subjects_max_new_ones_are_turned_away_and_known_ones_go_on() {
    let mut scene = Scene::bounded(POLICY, Bounds { subjects_max: 4, ..Bounds::default() });
    scene.ask(from("1.1.1.1", "/x")).admitted();
    scene.ask(from("2.2.2.2", "/x")).admitted();
    for new in [from("3.3.3.3", "/x"), from("1.1.1.1", "/y")] {
        assert_eq!(scene.rejected(request(new)), Rejection::TooManySubjects);
    }
    let unknown = Ask { caller: crate::command::Caller::Key(crate::ids::Digest(1)), ..from("3.3.3.3", "/x") };
    assert_eq!(scene.rejected(request(unknown)), Rejection::TooManySubjects, "also of those who are refused");
    let open = AccountAct::Open { plan: None, owner: None, calendar: Calendar::default(), opened: None };
    assert_eq!(scene.rejected_act("acme", open), Rejection::TooManySubjects);
    scene.ask(from("1.1.1.1", "/x")).admitted();
    assert_eq!(scene.ask(from("1.1.1.1", "/x")).short(), "RATE_LIMITED burst");
}

#[test]
fn counters_of_idle_subjects_make_room() {
    let mut scene = Scene::bounded(POLICY, Bounds { subjects_max: 40, ..Bounds::default() });
    for number in 0..15 {
        scene.wait("90s").ask(from("1.1.1.1", &format!("/{number}"))).admitted();
    }
    for number in 0..100 {
        scene.wait("90s").ask(from("1.1.1.1", &format!("/x{number}"))).admitted();
    }
}

#[test]
fn an_account_has_so_many_open_holds() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None);
    let first = scene.ask(of("acme", "/x")).position();
    scene.ask(of("acme", "/x")).admitted();
    assert_eq!(scene.rejected(request(of("acme", "/x"))), Rejection::TooManyHolds(name("acme")));
    scene.ask(at_once(of("acme", "/x"))).admitted();
    scene.settle(first, Vec::new());
    scene.ask(of("acme", "/x")).admitted();
}

#[test]
fn a_decision_can_be_settled_and_refunded_until_its_retention_ends() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None);
    let settled = scene.ask(at_once(of("acme", "/x"))).position();
    let open = scene.ask(of("acme", "/x")).position();
    scene.wait("10d");
    assert!(matches!(scene.refund(settled, "r", None), Err(Rejection::RefundTooLarge { .. })));
    scene.settle(open, Vec::new());
    scene.wait("1s");
    assert_eq!(scene.refund(settled, "r", None), Err(Rejection::Retired(settled)));
    scene.wait("1s").ask(at_once(of("acme", "/x"))).admitted();
    assert_eq!(scene.rejected(settle(settled)), Rejection::Retired(settled));
}

#[test]
fn beyond_decisions_max_the_oldest_go_but_never_one_that_is_open() {
    let mut scene = Scene::bounded(POLICY, Bounds { decisions_max: 3, ..Bounds::default() });
    scene.open("acme", None);
    let open = scene.ask(of("acme", "/x")).position();
    let begun = scene.ask(of("acme", "/x")).position();
    scene.act(Action::Begin { decision: begun }).expect("begun");
    let done = scene.ask(at_once(of("acme", "/x"))).position();
    for _ in 0..9 {
        scene.ask(at_once(of("acme", "/x"))).admitted();
    }
    assert_eq!(scene.rejected(settle(done)), Rejection::Retired(done));
    scene.settle(open, Vec::new());
    scene.wait("9d").sweep();
    assert_eq!(scene.count("HoldExpired"), 1);
    scene.settle(begun, Vec::new());
}

#[test]
fn the_sweeper_does_at_most_so_many_dues_at_once() {
    let mut scene = Scene::with(POLICY);
    for account in ["a", "b", "c"] {
        scene.open(account, None).ask(of(account, "/x")).admitted();
    }
    scene.wait("9d");
    let now = scene.now;
    scene.book.sweep(now, 2, &mut scene.log);
    assert!((1..=2).contains(&scene.count("HoldExpired")));
    scene.sweep();
    assert_eq!((scene.count("HoldExpired"), scene.book.next_due()), (3, None));
}

#[test]
fn bans_that_are_over_are_let_go() {
    let mut scene = Scene::with(POLICY);
    let until = Some(scene.now.plus("1h".parse().expect("a span")));
    let mut ban = |number, until| {
        let (by, subject) = (vec![crate::policy::Dimension::Ip], crate::ids::Digest(number));
        scene.act(Action::Ban { by, subject, reason: "x".into(), until, name: name("x") }).expect("banned");
    };
    (0..1_500).for_each(|number| ban(number, until));
    scene.wait("2h");
    let mut ban = |number| {
        let (by, subject) = (vec![crate::policy::Dimension::Ip], crate::ids::Digest(number));
        scene
            .act(Action::Ban { by, subject, reason: "x".into(), until: None, name: name("x") })
            .expect("banned");
    };
    (2_000..3_000).for_each(&mut ban);
    assert!(scene.book.bans().len() <= 1_600, "{}", scene.book.bans().len());
}
