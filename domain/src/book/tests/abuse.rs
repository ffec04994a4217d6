//! Signals gathered against a caller: bans and suspensions, in steps, and refusals that are only counted.

use super::Scene;
use super::harness::{at_once, from, hidden, name, of};
use crate::book::{Reply, Who};
use crate::command::{AccountAct, Action, Ask};
use crate::event::{AccountDetailed, DenialsCollapsed};
use crate::policy::Dimension;
use crate::pricing::Outcome;

const FIVE_GATES: &str = include_str!("../../../../policies/five-gates.toml");

fn hammer(scene: &mut Scene, times: usize) -> Vec<String> {
    (0..times).map(|_| scene.ask(from("1.1.1.1", "/api/v1/x")).short()).collect()
}

#[test]
fn the_tenth_429_within_an_hour_starts_a_ban_and_is_still_its_own_429() {
    let mut scene = Scene::with(FIVE_GATES);
    let answers = hammer(&mut scene, 12);
    assert_eq!(answers[0], "allowed");
    assert!(answers[1..11].iter().all(|answer| answer == "RATE_LIMITED cooldown"), "{answers:?}");
    assert_eq!(answers[11], "BANNED banned");
    assert_eq!(scene.count("BanStarted"), 1);
    assert_eq!(scene.ask(from("1.1.1.1", "/x")).wait(), Some(86_400));
    scene.ask(from("2.2.2.2", "/x")).admitted();
}

#[test]
fn nine_429s_in_an_hour_are_no_ban_and_the_window_rolls() {
    let mut scene = Scene::with(FIVE_GATES);
    hammer(&mut scene, 10);
    scene.wait("1h");
    assert_eq!(hammer(&mut scene, 10).last().map(String::as_str), Some("RATE_LIMITED cooldown"));
    assert_eq!(scene.count("BanStarted"), 0);
}

#[test]
fn refusals_during_a_ban_do_not_count_and_afterwards_the_count_starts_at_nothing() {
    let mut scene = Scene::with(FIVE_GATES);
    hammer(&mut scene, 11);
    scene.wait("23h");
    hammer(&mut scene, 20);
    scene.wait("1h");
    assert_eq!(hammer(&mut scene, 10).last().map(String::as_str), Some("RATE_LIMITED cooldown"));
    assert_eq!(scene.count("BanStarted"), 1);
    assert_eq!(hammer(&mut scene, 2), ["RATE_LIMITED cooldown", "BANNED banned"]);
}

#[test]
fn lifting_a_ban_zeroes_the_count() {
    let mut scene = Scene::with(FIVE_GATES);
    hammer(&mut scene, 11);
    let policy = scene.book.catalogue().in_force(scene.now).expect("a policy").policy;
    let who = Who { ip: Some(hidden("1.1.1.1").digest), ..Who::default() };
    let by = vec![Dimension::Ip];
    let subject = scene.book.ban_subject(&who, &by, policy).expect("a subject");
    scene.act(Action::LiftBan { by, subject, reason: "appeal".into() }).expect("lifted");
    scene.wait("1s");
    assert_eq!(hammer(&mut scene, 10)[9], "RATE_LIMITED cooldown");
    assert_eq!(scene.count("BanStarted"), 1);
}

#[test]
fn refusals_of_other_gates_are_no_signal() {
    let mut scene = Scene::with(FIVE_GATES);
    let large =
        Ask { attributes: super::harness::number("file_bytes", 200_000_001), ..from("1.1.1.1", "/x") };
    for _ in 0..20 {
        assert_eq!(scene.ask(large.clone()).short(), "TOO_LARGE file-size");
    }
    scene.ask(from("1.1.1.1", "/x")).admitted();
}

const POLICY: &str = r#"
name = "abuse"
title = "Every signal"
[callers]
[classes]
status = ["/status"]
[[limits]]
name = "burst"
rule = { rolling = "1s" }
limit = 1
by = ["account"]
only = { endpoints = ["/x"] }
[[limits]]
name = "queue"
rule = "concurrent"
limit = 1
by = ["account"]
only = { endpoints = ["/job"] }
[credit]
charge = "settle"
[prices]
[prices.default]
free = true
[prices.endpoints]
"/paid" = { base = 1 }
[[escalations]]
name = "rate"
signal = "rate_denial"
by = ["owner"]
count = 2
window = "1h"
steps = [{ suspend = { for = "1h", reason = "first" } }, { suspend = { for = "2h" } }, { suspend = { reason = "last" } }]
[[escalations]]
name = "queue-full"
signal = "queue_denial"
by = ["account"]
count = 2
window = "1h"
steps = [{ suspend = { for = "1h", reason = "queue_full" } }]
[[escalations]]
name = "polls"
signal = "status_poll"
by = ["account"]
count = 3
window = "1h"
only = { classes = ["status"] }
steps = [{ suspend = { for = "1h", reason = "status_polls" } }]
[[escalations]]
name = "errors"
signal = "client_error"
by = ["account", "endpoint", "body"]
count = 2
window = "1h"
steps = [{ suspend = { for = "1h", reason = "repeated_errors" } }]
[[escalations]]
name = "no-credit"
signal = "insufficient_credit"
by = ["account"]
count = 2
window = "1h"
steps = [{ suspend = { for = "1h", reason = "insufficient_credit" } }]
"#;

fn scene() -> Scene {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None).open("twin", None).open("other", None);
    let owner = AccountDetailed { owner: Some(name("acme")), ..AccountDetailed::default() };
    scene.account("twin", AccountAct::Detail(Box::new(owner)));
    scene
}

fn suspension(scene: &Scene, account: &str) -> Option<(String, bool)> {
    let suspension = scene.book.account(account).expect("an account").suspension(scene.now)?;
    Some((suspension.reason.clone(), suspension.until.is_some()))
}

#[test]
fn an_escalation_goes_up_its_steps_and_the_last_stands_for_all_later_ones() {
    let mut scene = scene();
    for (reason, temporary, wait) in [("first", true, "1h"), ("rate", true, "2h"), ("last", false, "9d")] {
        assert_eq!(scene.admitted_of(3, &at_once(of("other", "/x"))), 1);
        assert_eq!(suspension(&scene, "other"), Some((reason.to_owned(), temporary)));
        scene.wait(wait);
    }
    assert_eq!(scene.ask(of("other", "/x")).short(), "SUSPENDED last");
    scene.account("other", AccountAct::Reinstate { reason: "settled".into() });
    assert_eq!(scene.admitted_of(3, &at_once(of("other", "/x"))), 1);
    assert_eq!(suspension(&scene, "other"), Some(("last".to_owned(), false)));
}

#[test]
fn accounts_of_one_owner_are_counted_and_suspended_together() {
    let mut scene = scene();
    for account in ["acme", "twin"] {
        assert_eq!(scene.admitted_of(2, &at_once(of(account, "/x"))), 1);
    }
    for account in ["acme", "twin"] {
        assert_eq!(suspension(&scene, account), Some(("first".to_owned(), true)));
    }
    assert_eq!(suspension(&scene, "other"), None);
}

#[test]
fn each_signal_has_a_count_of_its_own() {
    let mut scene = scene();
    scene.ask(of("acme", "/job")).admitted();
    scene.ask(of("acme", "/job")).denied();
    assert_eq!(suspension(&scene, "acme"), None);
    scene.ask(of("acme", "/job")).denied();
    assert_eq!(suspension(&scene, "acme"), Some(("queue_full".to_owned(), true)));
    assert_eq!(scene.admitted_of(4, &at_once(of("twin", "/status"))), 3, "the third poll is still answered");
    assert_eq!(suspension(&scene, "twin"), Some(("status_polls".to_owned(), true)));
    assert_eq!(scene.admitted_of(2, &at_once(of("other", "/paid"))), 0);
    assert_eq!(suspension(&scene, "other"), Some(("insufficient_credit".to_owned(), true)));
}

#[test]
fn the_same_broken_request_over_and_over_suspends_whether_settled_at_once_or_later() {
    let mut scene = scene();
    let broken = |body: &str| Ask { body: Some(hidden(body).digest), ..of("acme", "/y") };
    for body in ["one", "two", "one"] {
        assert_eq!(suspension(&scene, "acme"), None);
        let decision = scene.ask(broken(body)).position();
        scene.settle_as(decision, Outcome::ClientError, Vec::new());
    }
    assert_eq!(suspension(&scene, "acme"), Some(("repeated_errors".to_owned(), true)));
    let failed = Ask { settle: Some(Outcome::ClientError), ..of("other", "/y") };
    for _ in 0..3 {
        scene.ask(failed.clone()).admitted();
    }
    assert_eq!(suspension(&scene, "other"), None, "without a body hash nothing is counted");
}

#[test]
fn many_refusals_of_a_minute_are_counted_and_recorded_as_one_event() {
    let mut scene = Scene::with(FIVE_GATES);
    scene.republish(|policy| policy.requests.denials_per_minute = 5);
    let mut large = from("1.1.1.1", "/api/v1/tools/upscale-image");
    large.attributes = super::harness::number("file_bytes", 20_000_001);
    for _ in 0..5 {
        scene.ask(large.clone()).denied();
    }
    let reply = scene.act(Action::Request(Box::new(large))).expect("an answer");
    let Reply::Collapsed(first, stream) = reply else { panic!("not collapsed: {reply:?}") };
    scene.wait("60s");
    let (from, to) = (scene.now.minus("60s".parse().expect("a span")), scene.now);
    let collapsed = DenialsCollapsed { first: *first, count: 300, from, to };
    scene.book.collapse(stream, collapsed, to, &mut scene.log);
    assert_eq!((scene.count("RequestDenied"), scene.count("DenialsCollapsed")), (5, 1));
    assert_eq!(hammer(&mut scene, 10)[9], "RATE_LIMITED cooldown", "what was counted leads to no ban");
    assert_eq!(scene.count("BanStarted"), 0);
}

#[test]
fn a_refusal_that_leads_to_a_ban_is_recorded_however_many_of_the_minute_came_before() {
    let mut scene = Scene::with(FIVE_GATES);
    scene.republish(|policy| policy.requests.denials_per_minute = 5);
    hammer(&mut scene, 11);
    assert_eq!((scene.count("RequestDenied"), scene.count("BanStarted")), (10, 1));
    let reply = scene.act(Action::Request(Box::new(from("1.1.1.1", "/api/v1/x")))).expect("an answer");
    assert!(matches!(reply, Reply::Collapsed(denied, _) if denied.kind == crate::policy::Kind::Banned));
    scene.ask(from("2.2.2.2", "/api/v1/x")).admitted();
}

#[test]
fn signals_of_one_subject_are_recorded_a_hundred_times_as_many_as_other_refusals() {
    let mut scene = Scene::with(&FIVE_GATES.replace("count = 10", "count = 300"));
    scene.republish(|policy| policy.requests.denials_per_minute = 1);
    hammer(&mut scene, 101);
    assert_eq!(scene.count("RequestDenied"), 100);
    let reply = scene.act(Action::Request(Box::new(from("1.1.1.1", "/api/v1/x")))).expect("an answer");
    assert!(matches!(reply, Reply::Collapsed(denied, _) if denied.kind == crate::policy::Kind::RateLimited));
}
