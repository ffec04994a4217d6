//! What the main answers look like, in full.

use counterfoil_tests::client::Answer;
use counterfoil_tests::sandbox::Sandbox;
use serde_json::{Value, json};

fn world() -> Sandbox {
    let sandbox = Sandbox::start("payg-tokens");
    sandbox.open("acme", &Value::Null);
    sandbox.grant("acme", "10");
    sandbox
}

fn pretty(answer: &Answer) -> String {
    serde_json::to_string_pretty(&answer.json()).expect("JSON")
}

fn image(id: &str) -> Value {
    json!({"request_id": id, "account": "acme", "endpoint": "/api/v1/ai/image-generation", "ip": "203.0.113.7",
        "attributes": {"chars": 1200}, "settle": "later"})
}

#[test]
fn an_admission() {
    insta::assert_snapshot!(pretty(&world().request(image("r")).expect(200)), @"");
}

#[test]
fn a_denial_for_want_of_credit() {
    let sandbox = world();
    sandbox.request(image("one")).expect(200);
    sandbox.request(image("two")).expect(200);
    insta::assert_snapshot!(pretty(&sandbox.request(image("three")).expect(200)), @"");
}

#[test]
fn a_settlement_and_a_refund() {
    let sandbox = world();
    let id = sandbox.request(image("r")).expect(200).at("/decision_id").as_str().expect("an id").to_owned();
    let settled =
        sandbox.settle(&id, &json!({"outcome": "succeeded", "attributes": {"chars": 1200}})).expect(200);
    insta::assert_snapshot!(pretty(&settled), @"");
    let refunded = sandbox.refund(&id, &json!({"refund_id": "f-1", "amount": "2.5"})).expect(200);
    insta::assert_snapshot!(pretty(&refunded), @"");
}

#[test]
fn limits_balance_usage_and_key_of_an_account() {
    let sandbox = world();
    sandbox.request(image("r")).expect(200);
    let read = |path: &str| pretty(&sandbox.gateway("GET", path, &Value::Null).expect(200));
    insta::assert_snapshot!(read("/v1/limits?account=acme&endpoint=/api/v1/ai/image-generation"), @"");
    insta::assert_snapshot!(read("/v1/account/balance?account=acme"), @"");
    insta::assert_snapshot!(read("/v1/account/usage?account=acme"), @"");
    insta::assert_snapshot!(read("/v1/account/usage-summary?account=acme"), @"");
}

#[test]
fn a_write_answers_with_its_event() {
    let sandbox = world();
    let suspended = sandbox.operator("POST", "/v1/accounts/acme/suspend", &json!({"reason": "payment"}));
    insta::assert_snapshot!(pretty(&suspended.expect(200)), @"");
}

#[test]
fn a_problem() {
    let answer = world().request(json!({"account": "acme", "endpoint": "/a", "colour": "red"}));
    insta::assert_snapshot!(pretty(&answer.expect(400)), @"");
}
