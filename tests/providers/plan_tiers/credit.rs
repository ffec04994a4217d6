use super::{GENERATIONS, account, ask, job, world};
use crate::world::{path_of, text, verdict};
use serde_json::json;

#[test]
fn credit_costs_by_model_resolution_and_duration_times_one_and_a_half() {
    let world = world();
    let key = account(&world, "acme", "pro");
    world.grant("acme", "10000");
    for (model, resolution, seconds, cost) in [
        ("standard", "720p", "1", "15"),
        ("standard", "1080p", "1", "30"),
        ("premium", "720p", "4", "180"),
        ("premium", "1080p", "10", "900"),
        ("standard", "720p", "1.2", "30"),
    ] {
        let seconds: serde_json::Number = seconds.parse().expect("a figure");
        let attributes = json!({"model": model, "resolution": resolution, "duration": seconds});
        let decision =
            world.ask(&json!({"key": key.text, "endpoint": GENERATIONS, "attributes": attributes}));
        assert_eq!(decision["held"], cost, "{model} {resolution} {seconds} s");
        assert_eq!(world.settle(&decision, "succeeded", &json!({}))["charged"], cost);
    }
}

#[test]
fn credit_is_settled_by_the_duration_that_came_out() {
    let world = world();
    let key = account(&world, "acme", "pro");
    world.grant("acme", "1000");
    let decision = world.ask(&job(&key, &json!(10)));
    assert_eq!(decision["held"], "150");
    let settled = world.settle(&decision, "succeeded", &json!({"duration": 4}));
    assert_eq!((&settled["charged"], &settled["released"]), (&json!("60"), &json!("90")));
}

#[test]
fn credit_a_price_without_a_row_or_an_attribute_is_400() {
    let world = world();
    let key = account(&world, "acme", "pro");
    world.grant("acme", "1000");
    for attributes in
        [json!({"model": "standard", "resolution": "8k", "duration": 1}), json!({"model": "standard"})]
    {
        let reply =
            world.ask_raw(&json!({"key": key.text, "endpoint": GENERATIONS, "attributes": attributes}));
        assert_eq!(reply.expect(400)["field"], "attributes");
    }
    assert_eq!(world.balance("acme"), ("1000".into(), "0".into()));
}

#[test]
fn credit_comes_prepaid_or_from_the_monthly_allowance() {
    let world = world();
    let key = account(&world, "acme", "pro");
    let path = "/v1/accounts/acme/grants";
    world.act("POST", path, &json!({"amount": "100", "kind": "purchase", "unit_value": "0.001"}));
    let allowance =
        json!({"amount": "20", "kind": "allowance", "priority": -1, "expires": "2026-04-01T00:00:00Z"});
    world.act("POST", path, &allowance);
    world.settle(&world.ask(&job(&key, &json!(2))), "succeeded", &json!({}));
    let lots = world.look("/v1/account/balance?account=acme")["lots"].clone();
    let left: Vec<_> = lots.as_array().expect("lots").iter().map(|lot| text(&lot["left"])).collect();
    assert_eq!(left, ["90"], "the allowance is drawn first, then what was paid for: {lots}");
    world.act("POST", path, &allowance);
    world.at("2026-04-01T00:00:00Z");
    assert_eq!(world.balance("acme").0, "90", "what is left of an allowance ends with the month");
}

#[test]
fn failed_requests_cost_what_the_rule_of_their_outcome_says() {
    let world = world();
    let key = account(&world, "acme", "pro");
    world.grant("acme", "1000");
    for (outcome, cost) in
        [("succeeded", "30"), ("client_error", "15"), ("system_error", "0"), ("cancelled", "0")]
    {
        let decision = world.ask(&job(&key, &json!(2)));
        assert_eq!(world.settle(&decision, outcome, &json!({}))["charged"], cost, "{outcome}");
    }
    assert_eq!(world.balance("acme"), ("955".into(), "0".into()));
}

#[test]
fn failed_requests_may_cost_all_or_none() {
    for (rule, cost) in [("\"all\"", "30"), ("\"none\"", "0")] {
        let from = "client_error = { percent = 50 }";
        let world = crate::world::World::under(&crate::world::changed(
            "plan-tiers",
            from,
            &format!("client_error = {rule}"),
        ));
        let key = account(&world, "acme", "pro");
        world.grant("acme", "1000");
        let decision = world.ask(&job(&key, &json!(2)));
        assert_eq!(world.settle(&decision, "client_error", &json!({}))["charged"], cost, "{rule}");
    }
}

#[test]
fn refunds_never_give_back_more_than_was_charged() {
    let world = world();
    let key = account(&world, "acme", "pro");
    world.grant("acme", "1000");
    let decision = world.ask(&job(&key, &json!(2)));
    world.settle(&decision, "succeeded", &json!({}));
    let refund = |id: &str, amount: &str| {
        world.gateway("POST", &path_of(&decision, "refund"), &json!({"refund_id": id, "amount": amount}))
    };
    let first = refund("a", "20").expect(200);
    assert_eq!(first["refunded"], "20");
    assert_eq!(refund("a", "20").expect(200), first, "the same refund is the first result");
    assert_eq!(refund("b", "10.000001").expect(409)["code"], "REFUND_TOO_LARGE");
    refund("b", "10").expect(200);
    assert_eq!(refund("c", "0.000001").status, 409);
    assert_eq!(world.balance("acme").0, "1000");
}

#[test]
fn credit_short_is_402_with_the_codes_of_the_service() {
    let world = world();
    let key = account(&world, "acme", "pro");
    world.grant("acme", "14.999999");
    assert_eq!(verdict(&world.ask(&job(&key, &json!(1)))), (402, "INSUFFICIENT_CREDITS".into()));
    assert_eq!(world.ask(&ask(&key))["allowed"], true, "what is free needs no credit");
}
