use crate::world::{World, header, text, verdict};
use counterfoil_tests::sandbox::{Sandbox, shipped};
use serde_json::{Value, json};

const TOOL: &str = "/api/v1/tools/trim-video";

fn at(ip: &str, id: &str) -> Value {
    json!({"request_id": id, "ip": ip, "endpoint": TOOL, "settle": "now"})
}

#[test]
fn request_id_a_repeat_gets_the_stored_decision_word_for_word_also_a_denial() {
    let world = World::of("five-gates");
    let asks = [at("203.0.113.7", "first"), at("203.0.113.7", "second")];
    let answers = asks.each_ref().map(|ask| world.ask_raw(ask).body);
    assert!(answers[1].contains("cooldown"));
    world.pass("10m");
    let head = world.look("/v1/engine")["head"].clone();
    for (ask, answer) in asks.iter().zip(&answers) {
        assert_eq!(world.ask_raw(ask).body, *answer);
    }
    assert_eq!(world.look("/v1/engine")["head"], head, "nothing is counted twice");
}

#[test]
fn request_id_with_another_body_is_409() {
    let world = World::of("five-gates");
    world.ask(&at("203.0.113.7", "first"));
    let reply = world.ask_raw(&at("203.0.113.8", "first"));
    assert_eq!(reply.expect(409)["code"], "REQUEST_ID_REUSED");
}

#[test]
fn request_id_is_remembered_for_24_hours() {
    let world = World::of("five-gates");
    let first = world.ask_raw(&at("203.0.113.7", "first")).body;
    world.pass("23h");
    world.ask(&at("203.0.113.8", "another"));
    assert_eq!(world.ask_raw(&at("203.0.113.7", "first")).body, first);
    world.pass("1h");
    world.pass("1s");
    world.ask(&at("203.0.113.8", "later"));
    assert_ne!(world.ask_raw(&at("203.0.113.7", "first")).body, first, "decided anew");
}

#[test]
fn request_id_is_remembered_across_restarts() {
    let folder = tempfile::tempdir().expect("a folder");
    let start = || World::on(Sandbox::in_folder(&shipped("five-gates"), folder.path()));
    let asks = [at("203.0.113.7", "first"), at("203.0.113.7", "second")];
    let before = {
        let world = start();
        asks.each_ref().map(|ask| world.ask_raw(ask).body)
    };
    let world = start();
    assert_eq!(asks.each_ref().map(|ask| world.ask_raw(ask).body), before);
    let mut other = asks[0].clone();
    other["channel"] = json!("web");
    assert_eq!(world.ask_raw(&other).status, 409);
    assert_eq!(world.ask(&at("203.0.113.7", "third"))["reason"], "cooldown", "and so are the counts");
}

#[test]
fn request_id_belongs_to_the_gateways_credential() {
    let second = "second-gateway-token";
    let world = World::on(Sandbox::configured(&shipped("five-gates"), |config| {
        config.gateways.insert("second".parse().expect("a name"), second.parse().expect("a token"));
    }));
    world.ask(&at("203.0.113.7", "same"));
    let body = at("203.0.113.8", "same").to_string();
    let answer = world.send("POST", "/v1/decisions", Some(second), Some(&body)).expect(200);
    assert_eq!(answer["allowed"], true, "another credential's id is another id");
}

#[test]
fn reading_never_costs_and_does_not_count_here() {
    let world = World::of("payg-tokens");
    world.open("acme", &json!({}));
    world.grant("acme", "5");
    let key = world.key("acme", "live");
    let head = world.look("/v1/engine")["head"].clone();
    for path in [
        "/v1/limits",
        "/v1/account/balance",
        "/v1/account/usage",
        "/v1/account/usage-summary",
        "/v1/account/api-key/current",
        "/v1/pricing/costs",
    ] {
        (0..3).for_each(|_| drop(world.read(&key, path)));
    }
    assert_eq!(world.balance("acme"), ("5".into(), "0".into()));
    assert_eq!(world.look("/v1/engine")["head"], head);
}

#[test]
fn every_outcome_is_an_event_with_its_inputs() {
    let world = World::of("five-gates");
    world.ask(&at("203.0.113.7", "first"));
    world.ask(&at("203.0.113.7", "second"));
    let denied = world.last_event("RequestDenied");
    assert_eq!((&denied["request_id"], &denied["actor"]), (&json!("second"), &json!("gateway:main")));
    let data = &denied["data"];
    assert_eq!(
        (&data["gate"], &data["kind"], &data["under"]["policy"]),
        (&json!("cooldown"), &json!("rate_limited"), &json!(1))
    );
    assert_eq!((&data["count"], &data["limit"]), (&json!(1), &json!(1)));
    assert_eq!(data["retry_at"], "2026-03-02T10:00:01Z");
    assert!(!denied.to_string().contains("203.0.113.7"), "an address stands nowhere in clear");
}

#[test]
fn every_outcome_of_credit_is_an_event() {
    let world = World::of("payg-tokens");
    world.open("acme", &json!({}));
    world.grant("acme", "50");
    let ask = json!({"account": "acme", "endpoint": "/api/v1/ai/chat"});
    let decision = world.ask(&ask);
    world.settle(&decision, "succeeded", &json!({"chars": 100}));
    world.step(&decision, "refund", &json!({"refund_id": "a"}));
    world.ask(&ask);
    world.pass("24h");
    world.balance("acme");
    world.act("POST", "/v1/accounts/acme/suspend", &json!({"reason": "a test"}));
    world.act("POST", "/v1/accounts/acme/reinstate", &json!({"reason": "a test"}));
    for kind in [
        "CreditGranted",
        "RequestAdmitted",
        "RequestSettled",
        "CreditRefunded",
        "HoldExpired",
        "AccountSuspended",
        "AccountReinstated",
    ] {
        assert!(!world.events(kind).is_empty(), "{kind}");
    }
    assert_eq!(world.balance("acme"), ("50".into(), "0".into()));
    assert_eq!(text(&world.last_event("HoldExpired")["actor"]), "book");
}

#[test]
fn operators_acts_carry_actor_and_reason() {
    let world = World::of("plan-tiers");
    world.open("acme", &json!({"plan": "enterprise"}));
    let path = "/v1/accounts/acme/limits/day-account";
    assert_eq!(
        world.operator("PUT", path, &json!({"figure": 7})).status,
        400,
        "without a reason it is refused"
    );
    world.act("PUT", path, &json!({"figure": 7, "reason": "contract 7"}));
    let event = world.last_event("FigureSet");
    assert_eq!(
        (text(&event["actor"]), text(&event["data"]["reason"])),
        ("operator:olga".into(), "contract 7".into())
    );
}

#[test]
fn ip_is_the_last_hop_that_no_trusted_proxy_made() {
    let world = World::on(Sandbox::configured(&shipped("five-gates"), |config| {
        config.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a block")];
    }));
    let mut ask = at("10.0.0.1", "a");
    ask["forwarded_for"] = json!("198.51.100.9, 203.0.113.7");
    assert_eq!(world.ask(&ask)["allowed"], true);
    assert_eq!(world.ask(&at("203.0.113.7", "b"))["reason"], "cooldown", "the hop before the proxy");
    let mut forged = at("203.0.113.8", "c");
    forged["forwarded_for"] = json!("203.0.113.7");
    assert_eq!(world.ask(&forged)["allowed"], true, "a peer that is no proxy is the address itself");
    assert_eq!(world.ask(&at("203.0.113.8", "d"))["reason"], "cooldown");
}

#[test]
fn ip_of_version_6_counts_by_its_64_bit_prefix() {
    let world = World::of("five-gates");
    assert_eq!(world.ask(&at("2001:db8:1:2:aaaa::1", "a"))["allowed"], true);
    assert_eq!(world.ask(&at("2001:db8:1:2:ffff:ffff:ffff:ffff", "b"))["reason"], "cooldown");
    assert_eq!(world.ask(&at("2001:db8:1:3::1", "c"))["allowed"], true);
    assert_eq!(world.ask(&at("::ffff:203.0.113.7", "d"))["allowed"], true);
    assert_eq!(world.ask(&at("203.0.113.7", "e"))["reason"], "cooldown", "IPv4 in IPv6 clothes is IPv4");
}

#[test]
fn outcomes_have_their_statuses() {
    let world = World::of("payg-tokens");
    world.open("acme", &json!({}));
    let ask = json!({"account": "acme", "endpoint": "/api/v1/ai/chat"});
    assert_eq!(verdict(&world.ask(&ask)), (402, "INSUFFICIENT_CREDITS".into()));
    assert_eq!(
        world.burst(&json!({"account": "acme", "endpoint": "/api/v1/account/usage", "settle": "now"}), 61),
        60
    );
    let rate = world.ask(&json!({"account": "acme", "endpoint": "/api/v1/account/usage"}));
    assert_eq!((verdict(&rate).0, header(&rate, "Retry-After")), (429, "60"));
    world.act("POST", "/v1/accounts/acme/suspend", &json!({"reason": "protection"}));
    assert_eq!(verdict(&world.ask(&ask)), (403, "SUSPENDED".into()));
    world.act("POST", "/v1/bans", &json!({"account": "acme", "reason": "a test"}));
    assert_eq!(verdict(&world.ask(&ask)), (403, "BANNED".into()));
    let unknown = json!({"key": "sk_live_x", "ip": "203.0.113.7", "endpoint": "/api/v1/ai/chat"});
    assert_eq!(verdict(&world.ask(&unknown)).0, 401);
}
