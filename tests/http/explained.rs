//! Why a request was decided so: every gate, the cost, and what came after.

use crate::answers::{image, world};
use counterfoil_tests::sandbox::Sandbox;
use serde_json::{Value, json};

fn explain(sandbox: &Sandbox, decision: &Value) -> Value {
    let path = format!("/v1/decisions/{}/explain", decision.as_str().expect("a decision"));
    sandbox.gateway("GET", &path, &Value::Null).expect(200).json()
}

fn verdicts(explained: &Value) -> Vec<String> {
    let gates = explained["gates"].as_array().expect("gates").iter();
    let said = |gate: &Value, name: &str| gate[name].as_str().expect("a text").to_owned();
    gates.map(|gate| format!("{}: {}", said(gate, "gate"), said(gate, "verdict"))).collect()
}

#[test]
fn a_settled_request() {
    let sandbox = world();
    let decision = sandbox.request(image("r")).expect(200).at("/decision_id");
    let outcome = json!({"outcome": "succeeded", "attributes": {"chars": 1_200}});
    sandbox.settle(decision.as_str().expect("an id"), &outcome).expect(200);
    let mut explained = explain(&sandbox, &decision);
    assert_eq!(
        verdicts(&explained),
        ["key: passed", "ban: passed", "suspension: passed", "per-minute: passed", "credit: passed"]
    );
    explained["gates"] = explained["gates"][3].take();
    let text = serde_json::to_string_pretty(&explained).expect("JSON");
    insta::assert_snapshot!(text, @r#"
    {
      "admitted": true,
      "after": {
        "available": "5",
        "held": "5"
      },
      "at": "2026-01-01T00:00:00Z",
      "before": {
        "available": "10",
        "held": "0"
      },
      "costs": [
        {
          "base": "5",
          "cost": "7",
          "endpoint": "/api/v1/ai/image-generation",
          "markup": "1",
          "per_unit": "0",
          "raised_to_minimum": false,
          "size": "2",
          "table": "0",
          "units": 1
        }
      ],
      "decision_id": "d_5",
      "gates": {
        "counted": 1,
        "gate": "per-minute",
        "limit": 60,
        "means": "At most 60 requests in any 60 seconds per account and endpoint; beyond: 429, reason per-minute.",
        "remaining": 59,
        "resets_at": "2026-01-01T00:01:00Z",
        "verdict": "passed"
      },
      "policy": 1,
      "price_list": 1,
      "steps": [
        {
          "at": "2026-01-01T00:00:00Z",
          "charged": "7",
          "outcome": "succeeded",
          "position": 6,
          "refunded": "0",
          "type": "RequestSettled"
        }
      ]
    }
    "#);
}

#[test]
fn a_refusal_for_want_of_credit_names_all_that_had_passed() {
    let sandbox = world();
    sandbox.request(image("a")).expect(200);
    sandbox.request(image("b")).expect(200);
    let refused = sandbox.request(image("c")).expect(200);
    assert_eq!(refused.at("/allowed"), false);
    let explained = explain(&sandbox, &refused.at("/decision_id"));
    let last = verdicts(&explained).pop();
    assert_eq!(last.as_deref(), Some("credit: refused"));
    assert_eq!(
        (&explained["before"], &explained["after"]),
        (&refused.at("/balance"), &refused.at("/balance"))
    );
    assert!(explained["steps"].as_array().is_some_and(Vec::is_empty));
}

#[test]
fn a_refusal_by_a_limit_shows_its_count_and_asks_no_gate_after_it() {
    let sandbox = world();
    let ask = json!({"account": "acme", "endpoint": "/api/v1/account/usage", "settle": "now"});
    let mut last = Value::Null;
    for _ in 0..=60 {
        last = sandbox.request(ask.clone()).expect(200).json();
    }
    assert_eq!(last["allowed"], false);
    let explained = explain(&sandbox, &last["decision_id"]);
    let gates = explained["gates"].as_array().expect("gates");
    let place = gates.iter().position(|gate| gate["verdict"] == "refused").expect("a gate refused");
    assert_eq!((&gates[place]["counted"], &gates[place]["limit"]), (&json!(60), &json!(60)));
    assert!(gates[place]["means"].as_str().is_some_and(|means| means.contains("60 requests")));
    assert!(gates[place + 1..].iter().all(|gate| gate["verdict"] == "not_asked"));
}

#[test]
fn what_is_no_decision_has_no_reasons() {
    let sandbox = world();
    for decision in ["d_1", "d_999"] {
        sandbox.gateway("GET", &format!("/v1/decisions/{decision}/explain"), &Value::Null).expect(404);
    }
}
