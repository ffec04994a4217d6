//! What the main answers look like, in full.

use counterfoil_tests::client::Answer;
use counterfoil_tests::sandbox::Sandbox;
use serde_json::{Value, json};

pub(crate) fn world() -> Sandbox {
    let sandbox = Sandbox::start("payg-tokens");
    sandbox.open("acme", &Value::Null);
    sandbox.grant("acme", "10");
    sandbox
}

pub(crate) fn pretty(answer: &Answer) -> String {
    serde_json::to_string_pretty(&answer.json()).expect("JSON")
}

pub(crate) fn image(id: &str) -> Value {
    json!({"request_id": id, "account": "acme", "endpoint": "/api/v1/ai/image-generation", "ip": "203.0.113.7",
        "attributes": {"chars": 1200}, "settle": "later"})
}

#[test]
fn an_admission() {
    insta::assert_snapshot!(pretty(&world().request(image("r")).expect(200)), @r#"
    {
      "allowed": true,
      "balance": {
        "available": "5",
        "held": "5"
      },
      "charged": "0",
      "code": "ALLOWED",
      "decision_id": "d_5",
      "expires_at": "2026-01-02T00:00:00Z",
      "held": "5",
      "limited": null,
      "limits": [
        {
          "limit": 60,
          "name": "per-minute",
          "remaining": 59,
          "resets_at": "2026-01-01T00:01:00Z"
        }
      ],
      "message": null,
      "plan": {
        "attributes": {},
        "contact": null,
        "name": "standard"
      },
      "reason": null,
      "response": {
        "body": null,
        "headers": {
          "RateLimit": "\"per-minute\";r=59;t=60",
          "RateLimit-Policy": "\"per-minute\";q=60;w=60"
        },
        "status": 200
      },
      "retry_after": null,
      "shadow": []
    }
    "#);
}

#[test]
fn a_denial_for_want_of_credit() {
    let sandbox = world();
    sandbox.request(image("one")).expect(200);
    sandbox.request(image("two")).expect(200);
    insta::assert_snapshot!(pretty(&sandbox.request(image("three")).expect(200)), @r#"
    {
      "allowed": false,
      "balance": {
        "available": "0",
        "held": "10"
      },
      "charged": "0",
      "code": "INSUFFICIENT_CREDITS",
      "decision_id": "d_7",
      "expires_at": null,
      "held": "0",
      "limited": null,
      "limits": [
        {
          "limit": 60,
          "name": "per-minute",
          "remaining": 58,
          "resets_at": "2026-01-01T00:01:00Z"
        }
      ],
      "message": "Not enough credits for this request.",
      "plan": {
        "attributes": {},
        "contact": null,
        "name": "standard"
      },
      "reason": "insufficient_credits",
      "response": {
        "body": "{\"error\":{\"code\":\"INSUFFICIENT_CREDITS\",\"message\":\"Not enough credits for this request.\"}}",
        "headers": {
          "Content-Type": "application/json",
          "RateLimit": "\"per-minute\";r=58;t=60",
          "RateLimit-Policy": "\"per-minute\";q=60;w=60"
        },
        "status": 402
      },
      "retry_after": null,
      "shadow": []
    }
    "#);
}

#[test]
fn a_settlement_and_a_refund() {
    let sandbox = world();
    let id = sandbox.request(image("r")).expect(200).at("/decision_id").as_str().expect("an id").to_owned();
    let settled =
        sandbox.settle(&id, &json!({"outcome": "succeeded", "attributes": {"chars": 1200}})).expect(200);
    insta::assert_snapshot!(pretty(&settled), @r#"
    {
      "at": "2026-01-01T00:00:00Z",
      "balance": {
        "available": "3",
        "held": "0"
      },
      "charged": "7",
      "decision_id": "d_5",
      "outcome": "succeeded",
      "refunded": "0",
      "released": "0",
      "state": "settled",
      "uncollected": "0"
    }
    "#);
    let refunded = sandbox.refund(&id, &json!({"refund_id": "f-1", "amount": "2.5"})).expect(200);
    insta::assert_snapshot!(pretty(&refunded), @r#"
    {
      "at": "2026-01-01T00:00:00Z",
      "balance": {
        "available": "5.5",
        "held": "0"
      },
      "charged": "0",
      "decision_id": "d_5",
      "refund": "f-1",
      "refunded": "2.5",
      "released": "0",
      "state": "refunded",
      "uncollected": "0"
    }
    "#);
}

#[test]
fn limits_and_balance_of_an_account() {
    let sandbox = world();
    sandbox.request(image("r")).expect(200);
    let read = |path: &str| pretty(&sandbox.gateway("GET", path, &Value::Null).expect(200));
    insta::assert_snapshot!(read("/v1/limits?account=acme&endpoint=/api/v1/ai/image-generation"), @r#"
    {
      "account": "acme",
      "at": "2026-01-01T00:00:00Z",
      "ban": null,
      "contact": null,
      "limits": [
        {
          "custom": false,
          "limit": 60,
          "name": "per-minute",
          "remaining": 59,
          "resets_at": "2026-01-01T00:01:00Z",
          "rule": {
            "rolling": "1m"
          },
          "used": 1
        }
      ],
      "plan": {
        "attributes": {},
        "contact": null,
        "name": "standard"
      },
      "suspension": null
    }
    "#);
    insta::assert_snapshot!(read("/v1/account/balance?account=acme"), @r#"
    {
      "account": "acme",
      "at": "2026-01-01T00:00:00Z",
      "available": "5",
      "debt": "0",
      "held": "5",
      "lots": [
        {
          "effective": "2026-01-01T00:00:00Z",
          "expires": null,
          "kind": "grant",
          "left": "5",
          "lot": "4",
          "reserved": "5"
        }
      ],
      "test": {
        "available": "0",
        "held": "0"
      }
    }
    "#);
}

#[test]
fn a_write_answers_with_its_event() {
    let sandbox = world();
    let suspended = sandbox.operator("POST", "/v1/accounts/acme/suspend", &json!({"reason": "payment"}));
    insta::assert_snapshot!(pretty(&suspended.expect(200)), @r#"
    {
      "actor": "operator:olga",
      "at": "2026-01-01T00:00:00Z",
      "data": {
        "reason": "payment"
      },
      "position": 5,
      "schema": 1,
      "stream": "account-acme",
      "type": "AccountSuspended",
      "version": 3
    }
    "#);
}

#[test]
fn a_problem() {
    let answer = world().request(json!({"account": "acme", "endpoint": "/a", "colour": "red"}));
    insta::assert_snapshot!(pretty(&answer.expect(400)), @r#"
    {
      "code": "MALFORMED_BODY",
      "detail": "unknown field `colour`, expected one of `request_id`, `key`, `account`, `ip`, `forwarded_for`, `endpoint`, `method`, `channel`, `end_user`, `body_hash`, `attributes`, `units`, `items`, `settle`, `outcome` at line 1 column 26",
      "field": "colour",
      "status": 400,
      "title": "Bad Request",
      "type": "about:blank"
    }
    "#);
}
