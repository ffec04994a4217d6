//! Jobs at once: a place is taken by an open decision and freed by its outcome or its expiry.

use super::Scene;
use super::harness::{at_once, from, of};
use crate::command::{Action, Ask};
use crate::event::Event;
use crate::pricing::Outcome;

const POLICY: &str = r#"
name = "jobs"
title = "Two jobs at once"
[callers]
anonymous = true
[[limits]]
name = "queue"
rule = "concurrent"
limit = 2
by = ["account"]
retry_hint = "30s"
[[limits]]
name = "queue-ip"
rule = "concurrent"
limit = 2
by = ["ip"]
"#;

fn full() -> (Scene, u64) {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None).open("other", None);
    let first = scene.ask(of("acme", "/job")).position();
    scene.ask(of("acme", "/job")).admitted();
    (scene, first)
}

#[test]
fn a_full_queue_refuses_new_jobs_with_the_policys_hint() {
    let (mut scene, _) = full();
    let denied = scene.ask(of("acme", "/job"));
    assert_eq!((denied.short().as_str(), denied.wait()), ("QUEUE_FULL queue", Some(30)));
    assert_eq!((denied.denied().count, denied.denied().limit), (Some(2), Some(2)));
    scene.ask(of("other", "/job")).admitted();
}

#[test]
fn the_hint_is_at_most_the_time_to_the_earliest_expiry() {
    let (mut scene, _) = full();
    assert_eq!(scene.wait("23h").wait("59m").wait("50s").ask(of("acme", "/job")).wait(), Some(10));
}

#[test]
fn every_outcome_frees_the_place() {
    for outcome in [Outcome::Succeeded, Outcome::ClientError, Outcome::SystemError, Outcome::Cancelled] {
        let (mut scene, first) = full();
        scene.settle_as(first, outcome, Vec::new());
        scene.ask(of("acme", "/job")).admitted();
        scene.ask(of("acme", "/job")).denied();
    }
}

#[test]
fn a_job_that_nobody_settles_frees_its_place_when_it_runs_out_and_settles_late_once() {
    let (mut scene, first) = full();
    scene.wait("24h").ask(of("acme", "/job")).admitted();
    assert_eq!(scene.count("HoldExpired"), 2);
    scene.settle(first, Vec::new());
    scene.ask(of("acme", "/job")).admitted();
    assert_eq!(
        scene.ask(of("acme", "/job")).short(),
        "QUEUE_FULL queue",
        "the late settle freed nothing more"
    );
}

#[test]
fn a_request_with_its_outcome_takes_no_place_but_finds_none_in_a_full_queue() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None);
    assert_eq!(scene.admitted_of(5, &at_once(of("acme", "/job"))), 5);
    let (mut scene, _) = full();
    scene.ask(at_once(of("acme", "/job"))).denied();
}

#[test]
fn jobs_of_callers_without_an_account_run_out_as_well() {
    let mut scene = Scene::with(POLICY);
    let job = Ask { settle: None, ..from("1.1.1.1", "/job") };
    assert_eq!(scene.admitted_of(3, &job), 2);
    assert_eq!(scene.book.next_due(), Some(scene.now.plus("24h".parse().expect("a span"))));
    scene.wait("24h").sweep();
    assert_eq!(scene.count("HoldExpired"), 2);
    assert_eq!(scene.admitted_of(3, &job), 2);
    let (decision, outcome) = (scene.log.last().expect("an entry").position - 1, Outcome::Succeeded);
    scene.act(Action::Settle { decision, outcome, attributes: Vec::new() }).expect("settled");
    assert!(matches!(scene.last(), Event::RequestSettled(_)));
    scene.ask(job).admitted();
}

#[test]
fn a_call_of_several_units_takes_as_many_places_when_the_limit_says_so() {
    let mut scene =
        Scene::with(&POLICY.replace("by = [\"account\"]", "by = [\"account\"]\ncounts = \"items\""));
    scene.open("acme", None);
    let units = |units| Ask { units, ..of("acme", "/job") };
    let never = scene.ask(units(3));
    assert_eq!((never.short().as_str(), never.wait()), ("QUEUE_FULL queue", None));
    let two = scene.ask(units(2)).position();
    scene.ask(units(1)).denied();
    scene.settle(two, Vec::new());
    scene.ask(units(1)).admitted();
    scene.ask(units(1)).admitted();
}
