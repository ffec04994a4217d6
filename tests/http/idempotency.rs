//! The same id gives the same answer, word for word, and nothing is done twice.

use counterfoil_tests::sandbox::{GATEWAY, OPERATOR, Sandbox};
use serde_json::{Value, json};

fn world() -> Sandbox {
    let sandbox = Sandbox::start("payg-tokens");
    sandbox.open("acme", &Value::Null);
    sandbox.grant("acme", "100");
    sandbox
}

fn chat(id: &str) -> Value {
    json!({"request_id": id, "account": "acme", "endpoint": "/api/v1/ai/chat", "ip": "203.0.113.7"})
}

#[test]
fn a_repeat_of_an_admission_is_word_for_word_also_after_time_and_plan_changed() {
    let sandbox = world();
    let first = sandbox.request(chat("r")).expect(200);
    sandbox.advance("30s");
    sandbox.operator("PUT", "/v1/accounts/acme/plan", &json!({"plan": "enterprise"})).expect(200);
    sandbox
        .settle(first.at("/decision_id").as_str().expect("an id"), &json!({"outcome": "cancelled"}))
        .expect(200);
    assert_eq!(sandbox.request(chat("r")).expect(200).body, first.body);
}

#[test]
fn a_repeat_of_a_denial_is_word_for_word_though_it_would_pass_now() {
    let sandbox = world();
    for _ in 0..60 {
        sandbox.request(json!({"account": "acme", "endpoint": "/api/v1/account/usage"})).expect(200);
    }
    let ask = json!({"request_id": "late", "account": "acme", "endpoint": "/api/v1/account/usage"});
    let denied = sandbox.request(ask.clone()).expect(200);
    assert_eq!(denied.at("/allowed"), json!(false));
    sandbox.advance("2m");
    assert_eq!(sandbox.request(ask).expect(200).body, denied.body);
}

#[test]
fn the_same_id_with_another_body_is_a_conflict() {
    let sandbox = world();
    sandbox.request(chat("r")).expect(200);
    let mut other = chat("r");
    other["endpoint"] = json!("/api/v1/ai/translation");
    assert_eq!(sandbox.request(other).expect(409).at("/code"), json!("REQUEST_ID_REUSED"));
}

#[test]
fn a_decision_is_shown_again_as_it_was_answered_with_what_became_of_it() {
    let sandbox = world();
    let answer = sandbox.request(chat("r")).expect(200);
    let id = answer.at("/decision_id").as_str().expect("an id").to_owned();
    sandbox.settle(&id, &json!({"outcome": "succeeded", "attributes": {"chars": 100}})).expect(200);
    sandbox.refund(&id, &json!({"refund_id": "f1", "amount": "1"})).expect(200);
    let shown = sandbox.gateway("GET", &format!("/v1/decisions/{id}"), &Value::Null).expect(200);
    assert!(shown.body.contains(&answer.body), "{} lacks {}", shown.body, answer.body);
    assert_eq!(shown.at("/state"), json!("closed"));
    let types: Vec<_> = (0..3).map(|place| shown.at(&format!("/events/{place}/type"))).collect();
    assert_eq!(types, [json!("RequestAdmitted"), json!("RequestSettled"), json!("CreditRefunded")]);
}

#[test]
fn a_decision_whose_time_ran_out_shows_that_and_its_late_outcome() {
    let sandbox = world();
    let id = sandbox.request(chat("r")).expect(200).at("/decision_id").as_str().expect("an id").to_owned();
    sandbox.advance("48h");
    let shown = || sandbox.gateway("GET", &format!("/v1/decisions/{id}"), &Value::Null).expect(200);
    sandbox.gateway("GET", "/v1/account/balance?account=acme", &Value::Null).expect(200);
    assert_eq!(shown().at("/events/1/type"), json!("HoldExpired"));
    sandbox.settle(&id, &json!({"outcome": "succeeded", "attributes": {"chars": 100}})).expect(200);
    let types: Vec<_> = (0..3).map(|place| shown().at(&format!("/events/{place}/type"))).collect();
    assert_eq!(types, [json!("RequestAdmitted"), json!("HoldExpired"), json!("RequestSettled")]);
}

#[test]
fn settling_and_refunding_twice_give_the_first_result() {
    let sandbox = world();
    let id = sandbox.request(chat("r")).expect(200).at("/decision_id").as_str().expect("an id").to_owned();
    let settled =
        sandbox.settle(&id, &json!({"outcome": "succeeded", "attributes": {"chars": 100}})).expect(200);
    sandbox.advance("1m");
    let again = sandbox.settle(&id, &json!({"outcome": "cancelled"})).expect(200);
    assert_eq!(again.body, settled.body);
    let refunded = sandbox.refund(&id, &json!({"refund_id": "f", "amount": "1"})).expect(200);
    assert_eq!(
        sandbox.refund(&id, &json!({"refund_id": "f", "amount": "1"})).expect(200).body,
        refunded.body
    );
    let other = sandbox.refund(&id, &json!({"refund_id": "f", "amount": "2"})).expect(409);
    assert_eq!(other.at("/code"), json!("REQUEST_ID_REUSED"));
}

#[test]
fn an_operators_write_with_an_idempotency_key_is_done_once() {
    let sandbox = world();
    let bearer = format!("Bearer {OPERATOR}");
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "grant-1")];
    let grant = |body: &str| sandbox.send("POST", "/v1/accounts/acme/grants", &headers, body.as_bytes());
    let first = grant(r#"{"amount":"5"}"#).expect(200);
    assert_eq!(grant(r#"{"amount":"5"}"#).expect(200).body, first.body);
    assert_eq!(grant(r#"{"amount":"6"}"#).expect(409).at("/code"), json!("REQUEST_ID_REUSED"));
    let balance = sandbox.gateway("GET", "/v1/account/balance?account=acme", &Value::Null);
    assert_eq!(balance.expect(200).at("/available"), json!("105"));
}

#[test]
fn a_keys_text_is_shown_once() {
    let sandbox = world();
    let bearer = format!("Bearer {OPERATOR}");
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "key-1")];
    let issue =
        || sandbox.send("POST", "/v1/accounts/acme/keys", &headers, br#"{"kind":"live"}"#).expect(200);
    let (first, second) = (issue(), issue());
    assert!(first.at("/secret").is_string() && second.at("/secret").is_null());
    assert_eq!(first.at("/event"), second.at("/event"));
    let secret = first.at("/secret").as_str().expect("a text").to_owned();
    let log = sandbox.operator("GET", "/v1/events?limit=1000", &Value::Null).body;
    assert!(!log.contains(&secret) && !log.contains(GATEWAY) && !log.contains(OPERATOR));
}
