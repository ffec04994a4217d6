use crate::world::{Key, World, header, limit, text, verdict};
use serde_json::{Value, json};

/// A policy with one rule, so that a test sees that rule alone.
fn one_limit(rule: &str) -> World {
    World::under(&format!(
        "name = \"one\"\ntitle = \"One limit\"\n[callers]\nanonymous = true\n[items]\nmax = 10\n[[limits]]\nname = \"only\"\nby = [\"ip\"]\n{rule}"
    ))
}

fn call() -> Value {
    json!({"ip": "203.0.113.7", "endpoint": "/a", "settle": "now"})
}

fn units(count: u32) -> Value {
    json!({"ip": "203.0.113.7", "endpoint": "/a", "settle": "now", "units": count})
}

fn payg(credits: &str) -> (World, Key) {
    let world = World::of("payg-tokens");
    world.open("acme", &json!({"plan": "enterprise"}));
    world.grant("acme", credits);
    let key = world.key("acme", "live");
    (world, key)
}

fn own_figure(world: &World, figure: u64) {
    let body = json!({"figure": figure, "reason": "agreed"});
    world.act("PUT", "/v1/accounts/acme/limits/per-minute", &body);
}

#[test]
fn rolling_window_never_holds_more_than_its_limit_and_ends_to_the_microsecond() {
    let world = one_limit("rule = { rolling = \"10s\" }\nlimit = 2");
    assert_eq!(world.ask(&call())["allowed"], true);
    world.pass("4s");
    assert_eq!(world.burst(&call(), 2), 1);
    world.at("2026-03-02T10:00:09.999999Z");
    let denied = world.ask(&call());
    assert_eq!((verdict(&denied).0, header(&denied, "Retry-After")), (429, "1"));
    world.at("2026-03-02T10:00:10Z");
    assert_eq!(world.burst(&call(), 2), 1, "the first has left, the second has not");
}

#[test]
fn bucket_is_a_calendar_window() {
    let world = one_limit("rule = { bucket = \"hour\" }\nlimit = 2");
    world.at("2026-03-02T10:59:59.999999Z");
    assert_eq!(world.burst(&call(), 3), 2);
    world.at("2026-03-02T11:00:00Z");
    assert_eq!(world.burst(&call(), 3), 2);
}

#[test]
fn cooldown_denies_while_less_than_its_length_has_passed() {
    let world = one_limit("rule = { cooldown = \"5s\" }");
    assert_eq!(world.ask(&call())["allowed"], true);
    world.pass("3500ms");
    assert_eq!(header(&world.ask(&call()), "Retry-After"), "2", "whole seconds, rounded up");
    world.pass("1500ms");
    assert_eq!(world.ask(&call())["allowed"], true);
}

#[test]
fn concurrent_counts_open_jobs_until_their_outcome_or_their_expiry() {
    let world = one_limit("rule = \"concurrent\"\nlimit = 1\nretry_hint = \"30s\"");
    let job = json!({"ip": "203.0.113.7", "endpoint": "/a"});
    let open = world.ask(&job);
    let full = world.ask(&job);
    assert_eq!((verdict(&full), header(&full, "Retry-After")), ((429, "QUEUE_FULL".into()), "30"));
    world.settle(&open, "succeeded", &json!({}));
    assert_eq!(world.ask(&job)["allowed"], true);
}

#[test]
fn weight_is_all_or_nothing() {
    let world = one_limit("rule = { rolling = \"10s\" }\nlimit = 5\ncounts = \"items\"");
    assert_eq!(world.ask(&units(3))["allowed"], true);
    let denied = world.ask(&units(3));
    assert_eq!(denied["allowed"], false);
    assert_eq!(limit(&denied, "only")["remaining"], 2, "a refusal moved nothing");
    assert_eq!(world.ask(&units(2))["allowed"], true);
    let never = world.ask(&units(6));
    assert_eq!(
        (&never["allowed"], &never["retry_after"]),
        (&json!(false), &Value::Null),
        "waiting cannot help"
    );
}

#[test]
fn weight_of_a_call_may_be_1_whatever_it_carries() {
    let world = one_limit("rule = { rolling = \"10s\" }\nlimit = 2");
    assert_eq!(world.burst(&units(9), 3), 2);
}

#[test]
fn order_is_key_ban_suspension_size_limits_credit() {
    let text_of = "name = \"order\"\ntitle = \"All gates\"\n[callers]\nanonymous = false\n[attributes]\nsize = \"number\"\n\
        [[sizes]]\nname = \"size\"\nattribute = \"size\"\nmax = 1\n\
        [[limits]]\nname = \"first\"\nrule = { bucket = \"day\" }\nlimit = 1\nby = [\"account\"]\n\
        [[limits]]\nname = \"second\"\nrule = { bucket = \"day\" }\nlimit = 1\nby = [\"account\"]\n\
        [credit]\ncharge = \"settle\"\nhold_for = \"24h\"\n[prices.endpoints]\n\"/a\" = { base = 1 }\n\
        [keys.kinds.live]\nprefix = \"lk_\"\n";
    let world = World::under(text_of);
    world.open("acme", &json!({}));
    world.grant("acme", "1");
    let key = world.key("acme", "live");
    let ask = json!({"key": key.text, "endpoint": "/a", "attributes": {"size": 2}});
    let fits = json!({"key": key.text, "endpoint": "/a", "attributes": {"size": 1}});
    assert_eq!(world.ask(&fits)["allowed"], true);
    // Everything refuses now; what stands first is taken away one after the other.
    world.act("POST", "/v1/accounts/acme/suspend", &json!({"reason": "protection"}));
    world.act("POST", "/v1/bans", &json!({"account": "acme", "reason": "a test"}));
    world.change_key("acme", &key, "suspend");
    let gate = |ask: &Value| (verdict(&world.ask(ask)).0, text(&world.ask(ask)["reason"]));
    assert_eq!(gate(&ask), (401, "key_suspended".into()));
    world.change_key("acme", &key, "resume");
    assert_eq!(gate(&ask), (403, "banned".into()));
    world.act("POST", "/v1/bans/lift", &json!({"account": "acme", "reason": "a test"}));
    assert_eq!(gate(&ask), (403, "protection".into()));
    world.act("POST", "/v1/accounts/acme/reinstate", &json!({"reason": "a test"}));
    assert_eq!(gate(&ask), (413, "size".into()));
    assert_eq!(gate(&fits), (429, "first".into()));
    world.act("POST", "/v1/limits/first/reset", &json!({"account": "acme", "reason": "a test"}));
    assert_eq!(gate(&fits), (429, "second".into()));
    world.act("POST", "/v1/limits/second/reset", &json!({"account": "acme", "reason": "a test"}));
    assert_eq!(gate(&fits), (402, "insufficient_credits".into()));
}

#[test]
fn denied_requests_use_up_nothing() {
    let (world, key) = payg("1");
    let broke = json!({"key": key.text, "endpoint": "/api/v1/ai/image-generation"});
    assert_eq!(world.burst(&broke, 50), 0);
    let limits = world.read(&key, "/v1/limits?endpoint=/api/v1/ai/image-generation");
    assert_eq!(limit(&limits, "per-minute")["used"], 0);
    assert_eq!(world.balance("acme"), ("1".into(), "0".into()));
    assert_eq!(
        world.read(&key, "/v1/account/usage-summary")["live"]["refused"],
        50,
        "except the count of denials"
    );
}

#[test]
fn raising_a_limit_works_in_the_middle_of_a_window_up_and_down() {
    let (world, key) = payg("1");
    let ask = json!({"key": key.text, "endpoint": "/api/v1/account/usage", "settle": "now"});
    own_figure(&world, 500);
    assert_eq!(world.burst(&ask, 501), 500);
    own_figure(&world, 1_000);
    assert_eq!(limit(&world.ask(&ask), "per-minute")["remaining"], 499, "500 left, less this one");
    own_figure(&world, 100);
    let denied = world.ask(&ask);
    assert_eq!((&denied["allowed"], &limit(&denied, "per-minute")["remaining"]), (&json!(false), &json!(0)));
    own_figure(&world, 502);
    assert_eq!(world.burst(&ask, 5), 1);
}

#[test]
fn resetting_the_count_is_a_separate_act() {
    let (world, key) = payg("1");
    let ask = json!({"key": key.text, "endpoint": "/api/v1/account/usage", "settle": "now"});
    assert_eq!(world.burst(&ask, 61), 60);
    let reset =
        json!({"account": "acme", "values": {"endpoint": "/api/v1/account/usage"}, "reason": "our mistake"});
    world.act("POST", "/v1/limits/per-minute/reset", &reset);
    let event = world.last_event("CountReset");
    assert_eq!(
        (text(&event["actor"]), text(&event["data"]["reason"])),
        ("operator:olga".into(), "our mistake".into())
    );
    assert_eq!(world.burst(&ask, 61), 60);
}

#[test]
fn retry_after_is_the_earliest_moment_at_which_the_same_request_passes() {
    let world = one_limit("rule = { rolling = \"60s\" }\nlimit = 5\ncounts = \"items\"");
    for pause in ["1s", "10s", "10s"] {
        world.pass(pause);
        world.ask(&units(1));
    }
    world.pass("1s");
    // Three are used; four more fit when two have left.
    let wait = header(&world.ask(&units(4)), "Retry-After").to_owned();
    assert_eq!(wait, "49");
    world.pass("48s");
    assert_eq!(world.ask(&units(4))["allowed"], false);
    world.pass("1s");
    assert_eq!(world.ask(&units(4))["allowed"], true);
}

#[test]
fn operators_figure_is_refused_where_the_plan_may_not_have_one() {
    let world = World::of("payg-tokens");
    world.open("acme", &json!({"plan": "standard"}));
    let body = json!({"figure": 1_000, "reason": "please"});
    let reply = world.operator("PUT", "/v1/accounts/acme/limits/per-minute", &body);
    assert_eq!(reply.expect(403)["code"], "NOT_ALLOWED");
    assert!(world.events("FigureSet").is_empty());
}
