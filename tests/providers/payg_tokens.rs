//! `policies/payg-tokens.toml`.

use crate::world::{Key, World, changed, limit, text, verdict};
use serde_json::{Value, json};

const IMAGES: &str = "/api/v1/ai/image-generation";
const USAGE: &str = "/api/v1/account/usage";

/// A standard account with so much credit, and its key.
fn world(credits: &str) -> (World, Key) {
    set_up(World::of("payg-tokens"), credits)
}

fn set_up(world: World, credits: &str) -> (World, Key) {
    world.open("acme", &json!({}));
    world.grant("acme", credits);
    let key = world.key("acme", "live");
    (world, key)
}

fn ask(key: &Key, endpoint: &str) -> Value {
    json!({"key": key.text, "endpoint": endpoint})
}

fn chars(count: u64) -> Value {
    json!({"chars": count})
}

/// What one request costs in the end.
fn charged(world: &World, key: &Key, endpoint: &str, attributes: &Value) -> String {
    let decision = world.ask(&ask(key, endpoint));
    assert_eq!(decision["allowed"], true, "{decision}");
    text(&world.settle(&decision, "succeeded", attributes)["charged"])
}

#[test]
fn rate_is_60_requests_a_minute_per_account_and_endpoint() {
    let (world, key) = world("1000");
    let chat = ask(&key, "/api/v1/ai/chat");
    assert_eq!(world.burst(&chat, 61), 60);
    let denied = world.ask(&chat);
    assert_eq!(verdict(&denied), (429, "RATE_LIMIT_EXCEEDED".into()));
    let body = r#"{"error":{"code":"RATE_LIMIT_EXCEEDED","message":"Rate limit exceeded. Retry after 60 seconds."}}"#;
    assert_eq!(text(&denied["response"]["body"]), body);
    assert_eq!(crate::world::header(&denied, "Retry-After"), "60");
    assert_eq!(world.ask(&ask(&key, "/api/v1/ai/translation"))["allowed"], true);
    world.open("other", &json!({}));
    world.grant("other", "10");
    assert_eq!(world.ask(&ask(&world.key("other", "live"), "/api/v1/ai/chat"))["allowed"], true);
    world.pass("60s");
    assert_eq!(world.ask(&chat)["allowed"], true);
}

#[test]
fn rate_counts_all_keys_of_an_account_together() {
    let (world, key) = world("1000");
    let second = world.key("acme", "live");
    assert_eq!(world.burst(&ask(&key, "/api/v1/ai/chat"), 40), 40);
    assert_eq!(world.burst(&ask(&second, "/api/v1/ai/chat"), 40), 20);
}

#[test]
fn rate_holds_at_the_free_account_endpoints_too() {
    let (world, key) = world("1");
    for endpoint in [USAGE, "/api/v1/account/usage-summary", "/api/v1/account/api-key/current"] {
        assert_eq!(world.burst(&ask(&key, endpoint), 61), 60, "{endpoint}");
    }
}

#[test]
fn rate_of_enterprise_accounts_is_their_own_figure() {
    let (world, _) = world("1");
    world.open("big", &json!({"plan": "enterprise"}));
    world.act("PUT", "/v1/accounts/big/limits/per-minute", &json!({"figure": 1_000, "reason": "contract 7"}));
    let key = world.key("big", "live");
    assert_eq!(world.burst(&ask(&key, USAGE), 999), 999);
    assert_eq!(world.burst(&ask(&key, USAGE), 2), 1);
}

#[test]
fn rate_of_a_standard_account_of_its_own_is_refused() {
    let (world, key) = world("1");
    let body = json!({"figure": 1_000, "reason": "please"});
    let reply = world.operator("PUT", "/v1/accounts/acme/limits/per-minute", &body);
    assert_eq!(reply.expect(403)["code"], "NOT_ALLOWED");
    assert_eq!(limit(&world.read(&key, "/v1/limits"), "per-minute")["limit"], 60);
}

#[test]
fn pre_flight_needs_the_base_available_and_holds_it() {
    let (world, key) = world("5");
    let decision = world.ask(&ask(&key, IMAGES));
    assert_eq!(decision["held"], "5");
    assert_eq!(world.balance("acme"), ("0".into(), "5".into()));
    let denied = world.ask(&ask(&key, "/api/v1/ai/translation"));
    assert_eq!(verdict(&denied), (402, "INSUFFICIENT_CREDITS".into()), "open holds count");
    let body =
        r#"{"error":{"code":"INSUFFICIENT_CREDITS","message":"Not enough credits for this request."}}"#;
    assert_eq!(text(&denied["response"]["body"]), body);
    assert_eq!(denied["balance"], json!({"available": "0", "held": "5"}));
}

#[test]
fn pre_flight_without_a_base_checks_no_credit() {
    let (world, key) = world("5");
    world.ask(&ask(&key, IMAGES));
    let free = world.ask(&ask(&key, USAGE));
    assert_eq!((&free["allowed"], &free["held"]), (&json!(true), &json!("0")));
}

#[test]
fn post_flight_costs_base_and_size_in_steps() {
    let (world, key) = world("10000");
    // Base 3, so that the minimum of 2 plays no part.
    for (size, cost) in [
        (0, "4"),
        (500, "4"),
        (501, "5"),
        (2_000, "5"),
        (2_001, "7"),
        (5_000, "7"),
        (5_001, "8"),
        (6_000, "8"),
        (6_001, "9"),
        (105_000, "107"),
    ] {
        assert_eq!(
            charged(&world, &key, "/api/v1/ai/text-summarize", &chars(size)),
            cost,
            "{size} characters"
        );
    }
}

#[test]
fn post_flight_costs_at_least_2() {
    let (world, key) = world("100");
    assert_eq!(charged(&world, &key, "/api/v1/ai/translation", &chars(1)), "2");
    let list = json!({"minimum": 2, "endpoints": {"/cheap": {"base": "0.5"}, "/nothing": {"base": 0}}});
    world.act("POST", "/v1/price-lists", &json!({"prices": list}));
    assert_eq!(charged(&world, &key, "/cheap", &json!({})), "2", "what costs, costs at least 2");
    assert_eq!(charged(&world, &key, "/nothing", &json!({})), "0");
}

#[test]
fn post_flight_has_no_size_cost_and_no_minimum_at_free_endpoints() {
    let (world, key) = world("10");
    assert_eq!(charged(&world, &key, USAGE, &chars(9_000)), "0");
    assert_eq!(world.balance("acme"), ("10".into(), "0".into()));
}

#[test]
fn post_flight_may_count_full_or_exact_thousands() {
    for (counting, cost) in [("full", "8"), ("exact", "8.001")] {
        let policy =
            changed("payg-tokens", r#"counting = "started""#, &format!(r#"counting = "{counting}""#));
        let (world, key) = set_up(World::under(&policy), "100");
        assert_eq!(charged(&world, &key, "/api/v1/ai/text-summarize", &chars(6_001)), cost, "{counting}");
    }
}

#[test]
fn post_flight_may_price_tokens_with_decimals() {
    let (world, key) = world("100");
    let per = json!([
        {"attribute": "input_tokens", "price": "0.1", "per": 1000},
        {"attribute": "output_tokens", "price": "0.25", "per": 1000},
    ]);
    let list = json!({"endpoints": {"/api/v1/ai/chat": {"base": 1, "per": per}}});
    world.act("POST", "/v1/price-lists", &json!({"prices": list}));
    let tokens = json!({"input_tokens": 1_500, "output_tokens": 333});
    assert_eq!(charged(&world, &key, "/api/v1/ai/chat", &tokens), "1.23325");
    let missing = world.ask(&ask(&key, "/api/v1/ai/chat"));
    let body = json!({"outcome": "succeeded", "attributes": {"input_tokens": 1}});
    let reply = world.gateway("POST", &crate::world::path_of(&missing, "settle"), &body);
    assert_eq!(reply.status, 400, "a priced attribute is missing: {}", reply.body);
}

#[test]
fn worked_example_base_5_and_1200_characters_cost_7_credits() {
    let (world, key) = world("100");
    let decision = world.ask(&ask(&key, IMAGES));
    let settled = world.settle(&decision, "succeeded", &chars(1_200));
    assert_eq!(settled["charged"], "7");
    assert_eq!(settled["balance"], json!({"available": "93", "held": "0"}));
    assert_eq!(world.balance("acme"), ("93".into(), "0".into()));
}

#[test]
fn base_credits_are_those_of_the_table() {
    let (world, key) = world("1000");
    for (name, base) in [
        ("intent-detection", 1),
        ("translation", 1),
        ("chat", 2),
        ("email-reply", 2),
        ("content-generation", 3),
        ("image-generation", 5),
        ("json-extractor", 3),
        ("email-classification", 2),
        ("sentiment-analysis", 1),
        ("spam-detection", 2),
        ("text-summarize", 3),
        ("grammar-fix", 1),
        ("pii-redaction", 2),
    ] {
        let decision = world.ask(&ask(&key, &format!("/api/v1/ai/{name}")));
        assert_eq!(decision["held"], base.to_string(), "{name}");
    }
    for name in ["usage", "usage-summary", "api-key/current"] {
        assert_eq!(world.ask(&ask(&key, &format!("/api/v1/account/{name}")))["held"], "0", "{name}");
    }
}

#[test]
fn overdraft_ends_below_zero_and_every_pre_flight_fails_until_the_base_is_there_again() {
    let (world, key) = world("10");
    let decision = world.ask(&ask(&key, "/api/v1/ai/chat"));
    let settled = world.settle(&decision, "succeeded", &chars(16_000));
    assert_eq!((&settled["charged"], &settled["uncollected"]), (&json!("17"), &json!("0")));
    assert_eq!(world.balance("acme").0, "-7");
    let chat = || verdict(&world.ask(&ask(&key, "/api/v1/ai/chat"))).0;
    assert_eq!(chat(), 402);
    world.grant("acme", "7");
    assert_eq!((world.balance("acme").0.as_str(), chat()), ("0", 402));
    world.grant("acme", "1.999999");
    assert_eq!(chat(), 402, "a top-up that leaves it below still fails");
    world.grant("acme", "0.000001");
    assert_eq!(chat(), 200);
}

#[test]
fn failed_generation_releases_the_hold_and_charges_nothing() {
    let (world, key) = world("10");
    for outcome in ["client_error", "system_error", "cancelled"] {
        let decision = world.ask(&ask(&key, IMAGES));
        let settled = world.settle(&decision, outcome, &json!({}));
        assert_eq!((&settled["charged"], &settled["released"]), (&json!("0"), &json!("5")), "{outcome}");
        assert_eq!(world.balance("acme"), ("10".into(), "0".into()));
    }
}

#[test]
fn latency_the_next_pre_flight_after_a_settle_sees_the_new_balance() {
    let (world, key) = world("7");
    let decision = world.ask(&ask(&key, IMAGES));
    world.settle(&decision, "succeeded", &chars(1_200));
    let denied = world.ask(&ask(&key, "/api/v1/ai/translation"));
    assert_eq!(verdict(&denied).0, 402);
    assert_eq!(denied["balance"]["available"], "0");
}

#[test]
fn exactness_costs_with_decimals_never_drift() {
    let (world, key) = world("1000");
    let list = json!({"endpoints": {"/tenth": {"base": "0.1"}, "/fine": {"base": "0.000001"}}});
    world.act("POST", "/v1/price-lists", &json!({"prices": list}));
    for endpoint in ["/tenth", "/fine"] {
        let mut body = ask(&key, endpoint);
        body["settle"] = json!("now");
        for _ in 0..20 {
            assert_eq!(world.burst(&body, 50), 50);
            world.pass("60s");
        }
    }
    assert_eq!(world.balance("acme").0, "899.999");
}
