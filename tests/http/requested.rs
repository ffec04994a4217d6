//! What was decided under a request id.

use crate::answers::{image, world};
use counterfoil_tests::sandbox::{GATEWAY, OPERATOR, Sandbox, shipped};
use serde_json::{Value, json};

const EDGE: &str = "another-gateway-token";

#[test]
fn a_request_with_every_step() {
    let sandbox = world();
    let decision = sandbox.request(image("r")).expect(200).at("/decision_id");
    let decision = decision.as_str().expect("an id");
    sandbox.advance("10s");
    sandbox.settle(decision, &json!({"outcome": "succeeded", "attributes": {"chars": 1_200}})).expect(200);
    sandbox.refund(decision, &json!({"refund_id": "f", "amount": "2", "reason": "late"})).expect(200);
    let page = serde_json::to_string_pretty(&sandbox.look(GATEWAY, "/v1/requests/r")).expect("JSON");
    insta::assert_snapshot!(page, @r#"
    {
      "cursor": null,
      "decisions": [
        {
          "actor": "gateway:main",
          "admitted": true,
          "at": "2026-01-01T00:00:00Z",
          "charged": "0",
          "decision_id": "d_5",
          "endpoint": "/api/v1/ai/image-generation",
          "expires_at": "2026-01-02T00:00:00Z",
          "gate": null,
          "held": "5",
          "position": 5,
          "refused": null,
          "steps": [
            {
              "at": "2026-01-01T00:00:10Z",
              "charged": "7",
              "outcome": "succeeded",
              "position": 6,
              "refunded": "0",
              "released": "0",
              "type": "RequestSettled"
            },
            {
              "at": "2026-01-01T00:00:10Z",
              "charged": "0",
              "outcome": null,
              "position": 7,
              "refunded": "2",
              "released": "0",
              "type": "CreditRefunded"
            }
          ],
          "stream": "account-acme"
        }
      ],
      "position": 7,
      "request_id": "r"
    }
    "#);
}

#[test]
fn a_hold_that_ran_out_gave_back_what_it_held() {
    let sandbox = world();
    sandbox.request(image("r")).expect(200);
    sandbox.set("2026-01-03T00:00:00Z");
    // Its account's dues are settled before it is read.
    sandbox.gateway("GET", "/v1/account/balance?account=acme", &Value::Null).expect(200);
    let page = sandbox.look(GATEWAY, "/v1/requests/r");
    let step = &page["decisions"][0]["steps"][0];
    assert_eq!((&step["type"], &step["released"]), (&json!("HoldExpired"), &json!("5")));
}

#[test]
fn a_refusal_names_its_gate() {
    let sandbox = world();
    for id in ["one", "two", "three"] {
        sandbox.request(image(id)).expect(200);
    }
    let page = sandbox.look(GATEWAY, "/v1/requests/three");
    let decision = &page["decisions"][0];
    assert_eq!((&decision["admitted"], &decision["steps"]), (&json!(false), &json!([])));
    assert_eq!(decision["refused"], json!("insufficient_credits"));
}

#[test]
fn a_repeat_is_the_same_decision() {
    let sandbox = world();
    for _ in 0..3 {
        sandbox.request(image("r")).expect(200);
    }
    assert_eq!(sandbox.pages(GATEWAY, "/v1/requests/r", "decisions", 10).len(), 1);
}

/// Two gateways that use the same ids.
fn two() -> Sandbox {
    let sandbox = Sandbox::configured(&shipped("payg-tokens"), |config| {
        config.gateways.insert("edge".parse().expect("a name"), EDGE.parse().expect("a token"));
    });
    sandbox.open("acme", &Value::Null);
    sandbox.grant("acme", "100");
    for token in [GATEWAY, EDGE] {
        for id in ["r", "s"] {
            sandbox.call(token, "POST", "/v1/decisions", &image(id)).expect(200);
        }
    }
    sandbox
}

#[test]
fn an_id_is_within_its_senders_ids() {
    let sandbox = two();
    let actors = |token| {
        let rows = sandbox.pages(token, "/v1/requests/r", "decisions", 1);
        rows.iter().map(|row| row["actor"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(actors(GATEWAY), ["gateway:main"]);
    assert_eq!(actors(EDGE), ["gateway:edge"]);
    assert_eq!(actors(OPERATOR), ["gateway:main", "gateway:edge"]);
    sandbox.call(GATEWAY, "POST", "/v1/decisions", &image("mine")).expect(200);
    sandbox.catch_up();
    sandbox.call(EDGE, "GET", "/v1/requests/mine", &Value::Null).expect(404);
}

#[test]
fn every_request_of_the_log_is_found_with_the_events_that_speak_of_it() {
    let sandbox = two();
    let ids = ["r", "s"];
    for event in sandbox.events("type=RequestAdmitted").iter().step_by(2) {
        let decision = format!("d_{}", event["position"]);
        let outcome = json!({"outcome": "succeeded", "attributes": {"chars": 1_200}});
        sandbox.settle(&decision, &outcome).expect(200);
        sandbox.refund(&decision, &json!({"refund_id": "f", "amount": "1", "reason": "late"})).expect(200);
    }
    let events = sandbox.events("");
    for id in ids {
        let decided =
            events.iter().filter(|event| event["request_id"] == id && event["type"] == "RequestAdmitted");
        let expected: Vec<_> = decided
            .map(|event| {
                let later = events.iter().filter(|later| later["data"]["decision"] == event["position"]);
                let later: Vec<_> = later.map(|later| json!([later["position"], later["type"]])).collect();
                json!([event["position"], later])
            })
            .collect();
        let rows = sandbox.pages(OPERATOR, &format!("/v1/requests/{id}"), "decisions", 1);
        let shown = rows.iter().map(|row| {
            let steps = row["steps"].as_array().expect("steps").iter();
            json!([
                row["position"],
                steps.map(|step| json!([step["position"], step["type"]])).collect::<Vec<_>>()
            ])
        });
        assert_eq!(shown.collect::<Vec<_>>(), expected, "{id}");
    }
}

#[test]
fn any_printable_id_can_be_asked_for() {
    let sandbox = world();
    sandbox.request(image("a/b?c#d%e")).expect(200);
    let page = sandbox.look(GATEWAY, "/v1/requests/a%2Fb%3Fc%23d%25e");
    assert_eq!(page["request_id"], json!("a/b?c#d%e"));
}

#[test]
fn what_is_wrong_is_named() {
    let sandbox = world();
    for (path, field) in [
        ("r%20s".to_owned(), "request_id"),
        ("x".repeat(129), "request_id"),
        ("r?limit=0".to_owned(), "limit"),
        ("r?cursor=x".to_owned(), "cursor"),
        ("r?colour=red".to_owned(), "colour"),
    ] {
        let answer = sandbox.gateway("GET", &format!("/v1/requests/{path}"), &Value::Null).expect(400);
        assert_eq!(answer.at("/field"), json!(field), "{path}");
    }
    sandbox.catch_up();
    let unknown = sandbox.gateway("GET", "/v1/requests/r", &Value::Null).expect(404);
    assert_eq!(unknown.at("/code"), json!("NOT_FOUND"));
}
