//! Batches: what an item weighs, all or nothing, and items that a limit puts into an error state.

use super::Scene;
use super::harness::{at_once, from, hidden, of, with_items};
use crate::command::{Action, Ask, Value};
use crate::event::RequestAdmitted;
use crate::rejection::Rejection;

const FIVE_GATES: &str = include_str!("../../../../policies/five-gates.toml");
const ENHANCEMENT: &str = include_str!("../../../../policies/enhancement-quotas.toml");

fn batch(endpoints: &[&str]) -> Ask {
    with_items(from("1.1.1.1", "/api/v1/batch"), endpoints)
}

#[test]
fn a_batch_weighs_one_for_the_hour_and_its_files_for_the_day_and_each_file_counts_at_its_tool() {
    let mut scene = Scene::with(FIVE_GATES);
    let answer =
        scene.ask(batch(&["tools/upscale-image", "tools/upscale-image", "/api/v1/tools/trim-video", ""]));
    assert_eq!((answer.left("hourly"), answer.left("daily"), answer.left("burst")), (149, 996, 19));
    assert_eq!(answer.left("endpoint"), 48, "the tool with the least left");
    assert_eq!(scene.wait("1s").ask(from("1.1.1.1", "/api/v1/tools/trim-video")).left("endpoint"), 98);
    assert_eq!(scene.wait("1s").ask(from("1.1.1.1", "/api/v1/batch")).left("endpoint"), 998);
}

#[test]
fn a_batch_passes_whole_or_not_at_all() {
    let mut scene = Scene::with(FIVE_GATES);
    let twenty = vec!["tools/upscale-image"; 20];
    for _ in 0..2 {
        scene.wait("1s").ask(batch(&twenty)).admitted();
    }
    let mut mixed = vec!["tools/upscale-image"; 11];
    mixed.push("tools/trim-video");
    let denied = scene.wait("1s").ask(batch(&mixed));
    assert_eq!(denied.short(), "RATE_LIMITED endpoint:tools/upscale-image");
    assert_eq!(denied.left("daily"), 960);
    assert_eq!(scene.ask(batch(&mixed[1..])).left("daily"), 949);
}

#[test]
fn twenty_files_pass_and_twenty_one_are_no_request() {
    let mut scene = Scene::with(FIVE_GATES);
    let files = vec![""; 21];
    let rejection = scene.rejected(Action::Request(Box::new(batch(&files))));
    assert!(matches!(rejection, Rejection::Invalid { field: "items", .. }));
    scene.ask(batch(&files[1..])).admitted();
}

#[test]
fn as_units_no_more_pass_than_as_items() {
    let mut scene = Scene::with(FIVE_GATES);
    let files = |units| Ask { units, ..from("1.1.1.1", "/api/v1/batch") };
    let rejection = scene.rejected(Action::Request(Box::new(files(21))));
    assert!(matches!(rejection, Rejection::Invalid { field: "units", .. }));
    scene.ask(files(20)).admitted();
}

#[test]
fn what_a_batch_says_of_itself_holds_for_every_file_that_says_nothing_else() {
    let mut scene = Scene::with(FIVE_GATES);
    let mut files = batch(&["tools/upscale-image", "tools/upscale-image"]);
    files.attributes = super::harness::number("file_bytes", 20_000_001);
    files.items[0].attributes = super::harness::number("file_bytes", 1);
    assert_eq!(scene.ask(files.clone()).short(), "TOO_LARGE upscale-size");
    files.items[1].attributes = super::harness::number("file_bytes", 1);
    scene.ask(files).admitted();
}

#[test]
fn an_amount_of_the_batch_counts_for_every_item_without_one() {
    let policy = "name = \"n\"\ntitle = \"N\"\n[callers]\nanonymous = true\n[items]\nmax = 5\n[attributes]\n\
        pages = \"number\"\n[[limits]]\nname = \"pages\"\nrule = { rolling = \"1h\" }\nlimit = 20\nby = [\"ip\"]\n\
        counts = { attribute = \"pages\" }\n";
    let mut scene = Scene::with(policy);
    let mut ask = with_items(from("1.1.1.1", "/x"), &["", ""]);
    ask.attributes = super::harness::number("pages", 7);
    ask.items[1].attributes = super::harness::number("pages", 2);
    assert_eq!(scene.ask(ask.clone()).left("pages"), 11);
    assert_eq!(scene.ask(ask.clone()).left("pages"), 2);
    assert_eq!(scene.ask(ask).short(), "RATE_LIMITED pages");
}

#[test]
fn attributes_of_the_outcome_are_those_of_items_that_said_nothing_themselves() {
    let policy = "name = \"n\"\ntitle = \"N\"\n[callers]\n[items]\nmax = 5\n[attributes]\npages = \"number\"\n\
        [credit]\ncharge = \"settle\"\n[prices]\nhold = \"base\"\n[prices.default]\nbase = 1\n\
        per = [{ attribute = \"pages\", price = 1 }]\n";
    let mut scene = Scene::with(policy);
    scene.open("acme", None).grant("acme", "100");
    let mut ask = with_items(of("acme", "/x"), &["", ""]);
    ask.items[0].attributes = super::harness::number("pages", 10);
    let decision = scene.ask(ask).position();
    scene.settle(decision, super::harness::number("pages", 30));
    assert_eq!(scene.balance("acme").0, "58", "1 + 10 and 1 + 30");
}

#[test]
fn one_oversize_file_refuses_the_whole_batch_and_starts_no_cooldown() {
    let mut scene = Scene::with(FIVE_GATES);
    let mut files = batch(&["tools/upscale-image", "tools/upscale-image"]);
    files.items[1].attributes = vec![(super::harness::name("file_bytes"), Value::Number(20_000_001.into()))];
    assert_eq!(scene.ask(files.clone()).short(), "TOO_LARGE upscale-size");
    files.items[1].attributes = vec![(super::harness::name("file_bytes"), Value::Number(20_000_000.into()))];
    scene.ask(files).admitted();
}

#[test]
fn items_need_a_policy_that_knows_them_and_units_are_at_least_one() {
    let invalid = |rejection, field: &str| match rejection {
        Rejection::Invalid { field: found, .. } => assert_eq!(found, field),
        other => panic!("{other:?}"),
    };
    let mut scene = Scene::with(ENHANCEMENT);
    scene.open("acme", None);
    let request = |ask| Action::Request(Box::new(ask));
    invalid(scene.rejected(request(with_items(of("acme", "/x"), &["/x"]))), "items");
    invalid(scene.rejected(request(Ask { units: 0, ..of("acme", "/x") })), "units");
    invalid(scene.rejected(request(Ask { units: 10_001, ..of("acme", "/x") })), "units");
    let mut scene = Scene::with(FIVE_GATES);
    invalid(scene.rejected(request(Ask { units: 2, ..batch(&[""]) })), "units");
}

fn enhance(units: u32) -> Ask {
    Ask { units, ..at_once(of("acme", "/v3/images/7/process")) }
}

fn marked(admitted: &RequestAdmitted) -> Vec<u32> {
    admitted.limited.as_ref().map(|limited| limited.items.clone()).unwrap_or_default()
}

#[test]
fn beyond_the_hard_limit_the_call_is_accepted_and_only_the_items_beyond_it_are_limited() {
    let mut scene = Scene::with(ENHANCEMENT);
    scene.open("acme", None).figure("acme", "enhancements", Some(5));
    assert_eq!(scene.ask(enhance(3)).left("enhancements"), 2);
    let answer = scene.ask(enhance(4));
    assert_eq!((marked(answer.admitted().1), answer.left("enhancements")), (vec![2, 3], 0));
    assert_eq!(marked(scene.ask(enhance(1)).admitted().1), [0]);
    assert_eq!(scene.count("RequestDenied"), 0);
}

#[test]
fn a_limited_item_is_taken_up_again_once_there_is_room_and_may_be_limited_again() {
    let mut scene = Scene::with(ENHANCEMENT);
    scene.open("acme", None).figure("acme", "enhancements", Some(2));
    let decision = scene.ask(enhance(5)).position();
    scene.act(Action::Reprocess { decision }).expect("taken up");
    let again = scene.book.head();
    let taken = super::harness::Answer::of(&scene);
    assert_eq!((taken.admitted().1.reprocesses, marked(taken.admitted().1)), (Some(decision), vec![0, 1, 2]));
    scene.figure("acme", "enhancements", Some(4));
    scene.act(Action::Reprocess { decision: again }).expect("taken up");
    let taken = super::harness::Answer::of(&scene);
    assert_eq!((taken.admitted().1.ask.units, marked(taken.admitted().1)), (3, vec![2]));
    assert_eq!(
        scene.rejected(Action::Reprocess { decision }),
        Rejection::WrongState(decision, "has no items in an error state")
    );
    let last = scene.book.head();
    scene.wait("12h").act(Action::Reprocess { decision: last }).expect("taken up");
    let taken = super::harness::Answer::of(&scene);
    assert_eq!((marked(taken.admitted().1), taken.left("enhancements")), (Vec::new(), 3));
}

#[test]
fn taking_up_again_counts_nothing_at_the_duplicates() {
    let mut scene = Scene::with(ENHANCEMENT);
    scene.open("acme", None).figure("acme", "enhancements", Some(1));
    let mut register = at_once(of("acme", "/v3/images"));
    register.attributes = vec![(
        super::harness::name("file_name"),
        Value::Text { clear: "a.png".into(), hidden: hidden("a.png") },
    )];
    scene.ask(register.clone()).admitted();
    let decision = scene.ask(register.clone()).position();
    for _ in 0..28 {
        scene.ask(register.clone()).admitted();
    }
    scene.act(Action::Reprocess { decision }).expect("taken up");
    assert_eq!(scene.ask(register.clone()).short(), "RATE_LIMITED duplicates");
    register.attributes = vec![(
        super::harness::name("file_name"),
        Value::Text { clear: "b.png".into(), hidden: hidden("b.png") },
    )];
    scene.ask(register).admitted();
}

#[test]
fn nothing_is_taken_up_again_for_a_revoked_key() {
    let mut scene = Scene::with(ENHANCEMENT);
    scene.open("acme", None).figure("acme", "enhancements", Some(1)).key("acme", "k", "live");
    let ask = Ask { caller: super::harness::by_key("k", "/x").caller, ..enhance(2) };
    let decision = scene.ask(ask).position();
    scene.change_key("acme", "k", crate::event::KeyChange::Revoked);
    scene.act(Action::Reprocess { decision }).expect("an answer");
    assert_eq!(super::harness::Answer::of(&scene).short(), "UNAUTHENTICATED key_revoked");
}

#[test]
fn nothing_is_taken_up_again_for_a_closed_account() {
    let mut scene = Scene::with(ENHANCEMENT);
    scene.open("acme", None).figure("acme", "enhancements", Some(1));
    let decision = scene.ask(enhance(2)).position();
    scene.account("acme", crate::command::AccountAct::Terminate { reason: "left".into() });
    scene.act(Action::Reprocess { decision }).expect("an answer");
    assert_eq!(super::harness::Answer::of(&scene).short(), "UNAUTHENTICATED account_closed");
}

const WEIGHED: &str = r#"
name = "weighed"
title = "Ten seconds a day, three calls a day, items beyond are limited"
[callers]
[items]
max = 9
[attributes]
seconds = "number"
[[limits]]
name = "seconds"
rule = { bucket = "day" }
limit = 10
by = ["account"]
counts = { attribute = "seconds" }
excess = "limit"
[[limits]]
name = "calls"
rule = { bucket = "day" }
limit = 3
by = ["account"]
excess = "limit"
[credit]
charge = "settle"
[prices]
hold = "base"
[prices.default]
base = 1
"#;

fn seconds(each: &[u32]) -> Ask {
    let mut ask = with_items(at_once(of("acme", "/x")), &vec!["/x"; each.len()]);
    for (item, seconds) in ask.items.iter_mut().zip(each) {
        item.attributes = super::harness::number("seconds", *seconds);
    }
    ask
}

#[test]
fn items_are_limited_by_what_each_weighs_and_cost_nothing() {
    let mut scene = Scene::with(WEIGHED);
    scene.open("acme", None).grant("acme", "100");
    let answer = scene.ask(seconds(&[4, 8, 5, 2]));
    assert_eq!((marked(answer.admitted().1), answer.left("seconds")), (vec![1, 3], 1));
    assert_eq!(answer.admitted().1.charge.total().to_string(), "2");
    assert_eq!(marked(scene.ask(seconds(&[2, 1])).admitted().1), [0]);
}

#[test]
fn a_call_counted_as_one_is_limited_as_a_whole_and_moves_no_quota() {
    let mut scene = Scene::with(WEIGHED);
    scene.open("acme", None).grant("acme", "100");
    for _ in 0..3 {
        assert!(marked(scene.ask(seconds(&[1])).admitted().1).is_empty());
    }
    let answer = scene.ask(seconds(&[1, 2]));
    assert_eq!(
        (marked(answer.admitted().1), answer.admitted().1.charge.total().to_string()),
        (vec![0, 1], "0".into())
    );
    scene.republish(|policy| policy.limits[1].limit = Some(4));
    assert_eq!(scene.ask(seconds(&[7])).left("seconds"), 0, "the limited seconds were not counted");
}
