use super::{GENERATIONS, STATUS, account, ask, job, world};
use crate::world::{Key, World, changed};
use serde_json::{Value, json};

/// A list with one price for every generation.
fn list(base: u32) -> Value {
    json!({"default": {"free": true}, "endpoints": {GENERATIONS: {"base": base}}})
}

fn funded(world: &World) -> Key {
    let key = account(world, "acme", "pro");
    world.grant("acme", "1000");
    key
}

#[test]
fn changes_of_prices_take_effect_at_least_30_days_after_their_announcement() {
    let world = world();
    let key = funded(&world);
    let publish = |effective: &str| {
        world.operator("POST", "/v1/price-lists", &json!({"prices": list(7), "effective": effective}))
    };
    let early = publish("2026-04-01T09:59:59.999999Z").expect(409);
    assert_eq!((&early["code"], &early["field"]), (&json!("NOTICE_TOO_SHORT"), &json!("effective")));
    publish("2026-04-01T10:00:00Z").expect(200);
    world.at("2026-04-01T09:59:59Z");
    assert_eq!(world.ask(&job(&key, &json!(1)))["held"], "15");
    world.at("2026-04-01T10:00:00Z");
    assert_eq!(world.ask(&job(&key, &json!(1)))["held"], "7");
}

#[test]
fn changes_of_limits_take_effect_at_least_30_days_after_their_announcement() {
    let world = world();
    let key = account(&world, "acme", "free");
    let tighter =
        changed("plan-tiers", r#"plans = ["free"], limit = 10 }"#, r#"plans = ["free"], limit = 5 }"#);
    let early = json!({"toml": tighter, "effective": "2026-03-31T10:00:00Z"});
    assert_eq!(world.operator("POST", "/v1/policies", &early).expect(409)["code"], "NOTICE_TOO_SHORT");
    let event = world.act("POST", "/v1/policies", &json!({"toml": tighter}));
    assert_eq!(event["data"]["effective"], "2026-04-01T10:00:00Z", "as early as the notice allows");
    world.at("2026-04-01T09:58:00Z");
    assert_eq!(world.burst(&ask(&key), 12), 10);
    world.at("2026-04-01T10:00:00Z");
    assert_eq!(world.burst(&ask(&key), 12), 5);
}

#[test]
fn changes_marked_as_an_emergency_with_a_reason_take_effect_at_once() {
    let world = world();
    let key = funded(&world);
    let publish = |reason: &str| {
        world.operator("POST", "/v1/price-lists", &json!({"prices": list(7), "emergency": reason}))
    };
    assert_eq!(publish("").status, 400, "a reason is needed");
    let event = publish("the supplier doubled its price").expect(200);
    assert_eq!(event["data"]["emergency"], "the supplier doubled its price");
    assert_eq!(world.ask(&job(&key, &json!(1)))["held"], "7");
}

#[test]
fn changes_do_not_touch_a_request_that_was_admitted_before() {
    let world = world();
    let key = funded(&world);
    let decision = world.ask(&job(&key, &json!(2)));
    world.act("POST", "/v1/price-lists", &json!({"prices": list(7), "emergency": "a mistake in the list"}));
    assert_eq!(
        world.settle(&decision, "succeeded", &json!({}))["charged"],
        "30",
        "rated with the list at its admission"
    );
}

#[test]
fn changes_of_one_accounts_own_figure_work_at_once() {
    let world = world();
    let key = account(&world, "big", "enterprise");
    world.act("PUT", "/v1/accounts/big/limits/minute-account", &json!({"figure": 2, "reason": "contract 7"}));
    assert_eq!(world.burst(&ask(&key), 5), 2);
    world.act("PUT", "/v1/accounts/big/limits/minute-account", &json!({"figure": 4, "reason": "contract 8"}));
    assert_eq!(world.burst(&ask(&key), 5), 2);
}

#[test]
fn changes_are_announced_with_their_least_lead_times_and_consumers_read_them() {
    let world = world();
    let key = account(&world, "acme", "free");
    let announce = |kind: &str, effective: &str| {
        let body = json!({"kind": kind, "effective": effective, "text": format!("about {kind}")});
        world.operator("POST", "/v1/notices", &body)
    };
    for (kind, short, enough) in [
        ("maintenance", "2026-03-04T09:59:59Z", "2026-03-04T10:00:00Z"),
        ("terms", "2026-04-01T09:59:59Z", "2026-04-01T10:00:00Z"),
        ("removal", "2026-05-31T09:59:59Z", "2026-05-31T10:00:00Z"),
    ] {
        assert_eq!(announce(kind, short).expect(409)["code"], "NOTICE_TOO_SHORT", "{kind}");
        announce(kind, enough).expect(200);
        assert_eq!(world.last_event("NoticeAnnounced")["data"]["effective"], enough);
    }
    let notices = world.read(&key, "/v1/notices")["notices"].clone();
    let newest = &notices.as_array().expect("notices")[0];
    assert_eq!((&newest["kind"], &newest["text"]), (&json!("removal"), &json!("about removal")));
    assert_eq!(world.ask(&json!({"key": key.text, "endpoint": STATUS, "settle": "now"}))["allowed"], true);
}
