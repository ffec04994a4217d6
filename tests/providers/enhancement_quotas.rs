//! `policies/enhancement-quotas.toml`.

use crate::world::{Key, World, changed, limit, path_of, text, verdict};
use counterfoil_tests::sandbox::shipped;
use serde_json::{Value, json};

const IMAGES: &str = "/v3/images";
const BRACKETS: &str = "/v3/brackets";
const PROCESS: &str = "/v3/images/7/process";

/// An account of a plan, and its key.
fn world(plan: &str) -> (World, Key) {
    let world = World::of("enhancement-quotas");
    let key = account(&world, "acme", &json!({"plan": plan}));
    (world, key)
}

fn account(world: &World, name: &str, more: &Value) -> Key {
    world.open(name, more);
    world.key(name, "live")
}

fn ask(key: &Key, endpoint: &str) -> Value {
    json!({"key": key.text, "ip": "203.0.113.7", "endpoint": endpoint, "settle": "now"})
}

fn file(key: &Key, endpoint: &str, name: &str) -> Value {
    let mut ask = ask(key, endpoint);
    ask["attributes"] = json!({"file_name": name});
    ask
}

/// Gives the account a small figure of its own, so that a day is soon used up.
fn own_figure(world: &World, account: &str, figure: u64) {
    let body = json!({"figure": figure, "reason": "agreed"});
    world.act("PUT", &format!("/v1/accounts/{account}/limits/enhancements"), &body);
}

fn used(world: &World, key: &Key) -> u64 {
    let limits = world.read(key, &format!("/v1/limits?endpoint={PROCESS}"));
    limit(&limits, "enhancements")["used"].as_u64().expect("a count")
}

/// An item that was accepted and put into an error state.
fn assert_limited(answer: &Value) {
    assert_eq!(
        (answer["allowed"].clone(), verdict(answer)),
        (json!(true), (200, "LIMITED".into())),
        "{answer}"
    );
    assert_eq!(answer["limited"]["status_reason"], "rate_limited");
}

#[test]
fn global_rate_is_300_a_second_per_ip_over_all_endpoints() {
    let (world, key) = world("enterprise");
    assert_eq!(world.burst(&ask(&key, "/v3/orders"), 200), 200);
    let other = account(&world, "other", &json!({}));
    assert_eq!(world.burst(&ask(&other, "/v3/status"), 101), 100, "one address, whoever asks for whatever");
    let denied = world.ask(&ask(&key, IMAGES));
    assert_eq!((verdict(&denied).0, text(&denied["reason"])), (429, "global-rate".into()));
    let mut elsewhere = ask(&key, IMAGES);
    elsewhere["ip"] = json!("203.0.113.8");
    assert_eq!(world.ask(&elsewhere)["allowed"], true);
    world.pass("1s");
    assert_eq!(world.ask(&ask(&key, IMAGES))["allowed"], true, "passes as soon as traffic slows");
}

#[test]
fn duplicates_pass_30_times_an_hour_and_the_31st_is_429_until_the_hour_is_over() {
    let (world, key) = world("standard");
    let register = |endpoint: &str| world.ask(&file(&key, endpoint, "a.jpg"));
    for endpoint in [IMAGES, BRACKETS].into_iter().cycle().take(30) {
        assert_eq!(register(endpoint)["allowed"], true, "images and brackets share one count");
    }
    for endpoint in [IMAGES, BRACKETS] {
        let denied = register(endpoint);
        assert_eq!((verdict(&denied).0, text(&denied["reason"])), (429, "duplicates".into()));
        assert_eq!(crate::world::header(&denied, "Retry-After"), "3600");
    }
    assert_eq!(world.ask(&file(&key, PROCESS, "a.jpg"))["allowed"], true, "processing is no registration");
    let other = account(&world, "other", &json!({}));
    assert_eq!(
        world.ask(&file(&other, IMAGES, "a.jpg"))["allowed"],
        true,
        "another account has its own count"
    );
    world.at("2026-03-02T11:00:00Z");
    assert_eq!(register(IMAGES)["allowed"], true);
}

#[test]
fn duplicates_compare_file_names_byte_for_byte() {
    let (world, key) = world("standard");
    assert_eq!(world.burst(&file(&key, IMAGES, "é.jpg"), 31), 30);
    for name in ["É.jpg", "e\u{301}.jpg", "é.jpg ", "é.JPG"] {
        assert_eq!(world.ask(&file(&key, IMAGES, name))["allowed"], true, "{name:?}");
    }
}

#[test]
fn hard_limit_is_500_enhancements_a_day() {
    let (world, key) = world("standard");
    assert_eq!(world.burst(&ask(&key, PROCESS), 299), 299);
    world.pass("1s");
    for _ in 0..201 {
        assert_eq!(world.ask(&ask(&key, PROCESS))["limited"], Value::Null);
    }
    assert_limited(&world.ask(&ask(&key, PROCESS)));
    world.at("2026-03-03T00:00:00Z");
    assert_eq!(world.ask(&ask(&key, PROCESS))["limited"], Value::Null);
}

#[test]
fn hard_limit_may_be_an_accounts_own_and_is_raised_in_the_middle_of_the_day() {
    let (world, key) = world("standard");
    own_figure(&world, "acme", 2);
    assert_eq!(world.burst(&ask(&key, PROCESS), 2), 2);
    assert_limited(&world.ask(&ask(&key, PROCESS)));
    own_figure(&world, "acme", 3);
    assert_eq!(world.ask(&ask(&key, PROCESS))["limited"], Value::Null, "what was used stays used");
    assert_limited(&world.ask(&ask(&key, PROCESS)));
}

#[test]
fn hard_limit_resets_at_the_accounts_zone_and_hour() {
    let world = World::of("enhancement-quotas");
    for (name, calendar, reset) in [
        ("utc", json!({}), "2026-03-03T00:00:00Z"),
        ("tokyo", json!({"zone": "Asia/Tokyo"}), "2026-03-02T15:00:00Z"),
        ("early", json!({"reset_hour": 6}), "2026-03-03T06:00:00Z"),
        ("new-york", json!({"zone": "America/New_York", "reset_hour": 6}), "2026-03-02T11:00:00Z"),
    ] {
        let key = account(&world, name, &calendar);
        let limits = world.ask(&ask(&key, PROCESS));
        assert_eq!(limit(&limits, "enhancements")["resets_at"], reset, "{name}");
    }
}

#[test]
fn beyond_the_hard_limit_the_item_is_limited_with_an_event_and_costs_nothing() {
    let (world, key) = world("standard");
    own_figure(&world, "acme", 1);
    world.ask(&ask(&key, PROCESS));
    let answer = world.ask(&ask(&key, PROCESS));
    assert_limited(&answer);
    assert_eq!([&answer["charged"], &answer["held"]], ["0", "0"]);
    assert_eq!(answer["limited"]["items"], json!([0]));
    let event = world.last_event("RequestAdmitted");
    assert_eq!(event["data"]["limited"], json!({"gate": "enhancements", "items": [0]}));
    assert!(world.events("RequestDenied").is_empty(), "it is no denial");
    let decision = text(&answer["decision_id"]);
    assert_eq!(format!("d_{}", event["position"]), decision, "and it has an id of its own");
}

#[test]
fn beyond_the_hard_limit_it_counts_in_rate_and_duplicates_but_not_in_the_quota() {
    let (world, key) = world("standard");
    own_figure(&world, "acme", 1);
    assert_eq!(world.burst(&file(&key, IMAGES, "a.jpg"), 31), 30, "30 duplicates, limited or not");
    let limits = world.look("/v1/limits?ip=203.0.113.7&account=acme");
    assert_eq!(limit(&limits, "global-rate")["used"], 30);
    assert_eq!(used(&world, &key), 1);
}

#[test]
fn reprocessing_counts_once_in_the_quota_and_never_in_duplicates() {
    let (world, key) = world("standard");
    own_figure(&world, "acme", 1);
    world.ask(&file(&key, IMAGES, "a.jpg"));
    let limited = world.ask(&file(&key, IMAGES, "a.jpg"));
    assert_limited(&limited);
    let again = |decision: &Value| world.step(decision, "reprocess", &json!({"request_id": world.new_id()}));
    let second = again(&limited);
    assert_limited(&second);
    assert_eq!(used(&world, &key), 1, "limited again");
    own_figure(&world, "acme", 2);
    let third = again(&second);
    assert_eq!((&third["allowed"], &third["limited"]), (&json!(true), &Value::Null));
    assert_eq!(used(&world, &key), 2);
    assert_eq!(world.burst(&file(&key, IMAGES, "a.jpg"), 29), 28, "two registrations were counted");
}

#[test]
fn reprocessing_after_the_reset_takes_up_what_was_limited_and_only_that() {
    let (world, key) = world("standard");
    own_figure(&world, "acme", 1);
    let fine = world.ask(&ask(&key, PROCESS));
    let limited = world.ask(&ask(&key, PROCESS));
    world.at("2026-03-03T00:00:00Z");
    let body = json!({"request_id": "again"});
    assert_eq!(world.step(&limited, "reprocess", &body)["limited"], Value::Null);
    assert_eq!(
        world.step(&limited, "reprocess", &body)["limited"],
        Value::Null,
        "a repeat is the same answer"
    );
    assert_eq!(used(&world, &key), 1);
    for decision in [&fine, &limited] {
        let reply =
            world.gateway("POST", &path_of(decision, "reprocess"), &json!({"request_id": world.new_id()}));
        assert_eq!(reply.expect(409)["code"], "WRONG_STATE");
    }
}

#[test]
fn telling_is_the_items_status_and_nothing_else() {
    let (world, key) = world("standard");
    own_figure(&world, "acme", 1);
    world.ask(&ask(&key, PROCESS));
    let before = world.look("/v1/engine")["head"].as_u64().expect("a position");
    let limited = world.ask(&ask(&key, PROCESS));
    let body = r#"{"status":"error","status_reason":"rate_limited","contact":"Write to support to raise your limit."}"#;
    assert_eq!(text(&limited["response"]["body"]), body);
    assert_eq!(world.look("/v1/engine")["head"], before + 1, "the decision and nothing that would be sent");
    let read = world.look(&format!("/v1/decisions/{}", text(&limited["decision_id"])));
    assert_eq!(read["decision"]["limited"]["status_reason"], "rate_limited");
}

#[test]
fn tiers_have_figures_and_contact_texts_of_their_own() {
    let world = World::of("enhancement-quotas");
    for (plan, figure, contact) in [
        ("testing", 100, "You are testing: write to support to take out a plan with a higher limit."),
        ("trial", 100, "You are on trial: write to support to take out a plan with a higher limit."),
        ("essential", 500, "Write to support to raise your limit."),
        ("standard", 500, "Write to support to raise your limit."),
        ("enterprise", 5_000, "Write to your account manager to raise your limit."),
    ] {
        let key = account(&world, plan, &json!({"plan": plan}));
        let read = world.read(&key, &format!("/v1/limits?endpoint={PROCESS}"));
        assert_eq!(limit(&read, "enhancements")["limit"], figure, "{plan}");
        assert_eq!(read["contact"], contact);
        assert_eq!(world.burst(&file(&key, IMAGES, "a.jpg"), 31), 30);
        let denied = text(&world.ask(&file(&key, IMAGES, "a.jpg"))["response"]["body"]);
        assert!(denied.contains(contact), "the 429 of {plan}: {denied}");
        own_figure(&world, plan, 1);
        let limited = text(&world.ask(&ask(&key, PROCESS))["response"]["body"]);
        assert!(limited.contains(contact), "the error state of {plan}: {limited}");
        world.pass("1s");
    }
}

#[test]
fn tiers_an_account_reads_its_own_figure_and_whether_it_is_custom() {
    let (world, key) = world("standard");
    let read = || limit(&world.read(&key, &format!("/v1/limits?endpoint={PROCESS}")), "enhancements").clone();
    assert_eq!((&read()["limit"], &read()["custom"]), (&json!(500), &json!(false)));
    own_figure(&world, "acme", 750);
    assert_eq!((&read()["limit"], &read()["custom"]), (&json!(750), &json!(true)));
}

#[test]
fn who_accounts_opened_before_the_date_are_neither_gated_nor_counted() {
    let (world, _) = world("standard");
    let early = account(&world, "early", &json!({"opened": "2025-12-31T23:59:59Z"}));
    assert_eq!(world.burst(&file(&early, IMAGES, "a.jpg"), 600), 600);
    let limits = world.look("/v1/limits?ip=203.0.113.7&account=acme");
    assert_eq!(limit(&limits, "global-rate")["used"], 0, "nothing was counted");
    let late = account(&world, "late", &json!({"opened": "2026-01-01T00:00:00Z"}));
    assert_eq!(world.burst(&file(&late, IMAGES, "a.jpg"), 31), 30);
}

#[test]
fn who_everyone_from_a_switch_over_date_on() {
    let opened = r#"opened_from = "2026-01-01T00:00:00Z""#;
    let switched = format!(r#"{opened}, everyone_from = "2026-03-02T12:00:00Z""#);
    assert!(shipped("enhancement-quotas").contains(opened));
    let world = World::under(&changed("enhancement-quotas", opened, &switched));
    let early = account(&world, "early", &json!({"opened": "2025-06-01T00:00:00Z"}));
    world.at("2026-03-02T11:59:59Z");
    assert_eq!(world.burst(&file(&early, IMAGES, "a.jpg"), 100), 100);
    world.at("2026-03-02T12:00:00Z");
    assert_eq!(world.burst(&file(&early, IMAGES, "a.jpg"), 31), 30, "what went before was not counted");
}
