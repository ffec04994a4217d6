//! Refusals: an account's own, and by whom they were met.

use crate::answers::{image, world};
use counterfoil_tests::sandbox::{GATEWAY, OPERATOR, Sandbox, shipped};
use serde_json::{Value, json};

const OWN: &str = "/v1/account/denials?account=acme";

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON")
}

#[test]
fn a_refusal_for_want_of_credit() {
    let sandbox = world();
    for id in ["one", "two", "three"] {
        sandbox.request(image(id)).expect(200);
    }
    insta::assert_snapshot!(pretty(&sandbox.look(GATEWAY, OWN)), @r#"
    {
      "account": "acme",
      "cursor": null,
      "denials": [
        {
          "at": "2026-01-01T00:00:00Z",
          "code": "INSUFFICIENT_CREDITS",
          "count": 1,
          "counted": null,
          "decision_id": "d_7",
          "endpoint": "/api/v1/ai/image-generation",
          "gate": "credit",
          "key": null,
          "limit": null,
          "position": 7,
          "reason": "insufficient_credits",
          "retry_at": null,
          "since": null
        }
      ],
      "from": "2026-01-01T00:00:00Z",
      "position": 7,
      "to": "2026-02-01T00:00:00Z"
    }
    "#);
}

/// An account without credit that does not stop: two refusals of a minute are events, the others are counted.
fn flooded() -> Sandbox {
    let policy = shipped("payg-tokens") + "\n[requests]\ndenials_per_minute = 2\n";
    let sandbox = Sandbox::with_policy(&policy);
    sandbox.open("acme", &Value::Null);
    sandbox.open("beta", &Value::Null);
    for minute in 0..5 {
        for turn in 0..=3 + minute {
            let account = if turn % 2 == 0 { "acme" } else { "beta" };
            sandbox.request(json!({"account": account, "endpoint": "/api/v1/ai/chat", "ip": "203.0.113.7"}));
        }
        for _ in 0..4 {
            sandbox.request(json!({"account": "acme", "endpoint": "/api/v1/ai/chat"})).expect(200);
        }
        sandbox.advance("61s");
    }
    // Something is decided after the last minute, so that its count is recorded.
    sandbox.grant("acme", "1");
    sandbox
}

#[test]
fn refusals_that_were_only_counted_come_as_one_row_with_their_count() {
    let sandbox = flooded();
    let rows = sandbox.pages(GATEWAY, OWN, "denials", 1_000);
    let counted = rows.iter().find(|row| !row["since"].is_null()).expect("a row of several");
    insta::assert_snapshot!(pretty(counted), @r#"
    {
      "at": "2026-01-01T00:01:01Z",
      "code": "INSUFFICIENT_CREDITS",
      "count": 4,
      "counted": null,
      "decision_id": null,
      "endpoint": "/api/v1/ai/chat",
      "gate": "credit",
      "key": null,
      "limit": null,
      "position": 9,
      "reason": "insufficient_credits",
      "retry_at": null,
      "since": "2026-01-01T00:00:00Z"
    }
    "#);
}

/// The refusals among the events that a query selects, as an answer shows them.
fn of_events(sandbox: &Sandbox, query: &str) -> Vec<[Value; 8]> {
    let events = sandbox.events(query).into_iter();
    let refusals = events.filter_map(|event| {
        let (data, count, since) = match event["type"].as_str() {
            Some("RequestDenied") => (&event["data"], json!(1), Value::Null),
            Some("DenialsCollapsed") => {
                let data = &event["data"];
                (&data["first"], data["count"].clone(), data["from"].clone())
            }
            _ => return None,
        };
        let (position, at) = (event["position"].clone(), event["at"].clone());
        let (reason, gate) = (data["reason"].clone(), data["gate"].clone());
        Some([
            position,
            at,
            reason,
            gate,
            data["ask"]["endpoint"].clone(),
            data["ask"]["key"].clone(),
            count,
            since,
        ])
    });
    refusals.collect()
}

fn shown(rows: &[Value]) -> Vec<[Value; 8]> {
    let members = ["position", "at", "reason", "gate", "endpoint", "key", "count", "since"];
    rows.iter().map(|row| members.map(|name| row[name].clone())).collect()
}

#[test]
fn an_accounts_refusals_are_those_of_its_events_page_by_page() {
    let sandbox = flooded();
    for account in ["acme", "beta"] {
        let path = format!("/v1/account/denials?account={account}");
        let rows = sandbox.pages(GATEWAY, &path, "denials", 2);
        assert!(rows.len() > 4, "{account}: {rows:?}");
        assert_eq!(shown(&rows), of_events(&sandbox, &format!("stream=account-{account}")), "{account}");
        let decisions = rows.iter().filter(|row| !row["decision_id"].is_null());
        for row in decisions {
            let path = format!("/v1/decisions/{}", row["decision_id"].as_str().expect("an id"));
            let decision = sandbox.gateway("GET", &path, &Value::Null).expect(200);
            assert_eq!(decision.at("/decision/code"), row["code"], "as it was answered");
        }
    }
}

#[test]
fn refusals_of_a_time() {
    let sandbox = flooded();
    let time = "from=2026-01-01T00:01:00Z&to=2026-01-01T00:03:00Z";
    let rows = sandbox.pages(GATEWAY, &format!("{OWN}&{time}"), "denials", 1_000);
    let events = of_events(&sandbox, &format!("stream=account-acme&{time}"));
    assert!(!events.is_empty());
    assert_eq!(shown(&rows), events);
    let later = "from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z";
    assert_eq!(sandbox.look(GATEWAY, &format!("{OWN}&{later}"))["denials"], json!([]));
}

#[test]
fn a_key_sees_what_was_refused_to_its_own_account() {
    let sandbox = flooded();
    sandbox.open("rival", &Value::Null);
    let key = sandbox.issue_key("rival", "live");
    sandbox
        .request(json!({"key": key.secret, "endpoint": "/api/v1/ai/chat", "ip": "203.0.113.7"}))
        .expect(200);
    let own = sandbox.look(&key.secret, "/v1/account/denials");
    assert_eq!((&own["account"], &own["denials"][0]["key"]), (&json!("rival"), &json!(key.name)));
    assert_eq!(own["denials"].as_array().map(Vec::len), Some(1));
    assert_eq!(sandbox.consumer(&key.secret, OWN).status, 403);
}

/// Addresses that ask faster than they may.
fn hasty() -> Sandbox {
    let sandbox = Sandbox::start("five-gates");
    for turn in 0..12 {
        let ip = format!("203.0.113.{}", turn % 3);
        sandbox.request(json!({"ip": ip, "endpoint": "/api/v1/tools/other", "settle": "now"})).expect(200);
    }
    sandbox
}

#[test]
fn a_refusal_as_an_operator_sees_it() {
    let sandbox = hasty();
    let mut page = sandbox.look(OPERATOR, "/v1/denials?subject=ip:203.0.113.1&limit=1");
    let hash = page["denials"][0]["ip"].take();
    assert!(hash.as_str().is_some_and(|hash| hash.len() == 32), "{hash}");
    assert_eq!(page["denials"][0]["stream"].take(), json!(format!("client-{}", hash.as_str().unwrap())));
    insta::assert_snapshot!(pretty(&page), @r#"
    {
      "cursor": 6,
      "denials": [
        {
          "at": "2026-01-01T00:00:00Z",
          "code": "RATE_LIMITED",
          "count": 1,
          "counted": 1,
          "decision_id": "d_6",
          "endpoint": "tools/other",
          "gate": "cooldown",
          "ip": null,
          "key": null,
          "limit": 1,
          "position": 6,
          "reason": "cooldown",
          "retry_at": "2026-01-01T00:00:01Z",
          "since": null,
          "stream": null
        }
      ],
      "position": 13
    }
    "#);
}

#[test]
fn an_addresss_refusals_are_those_of_its_events_by_the_address_and_by_its_hash() {
    let sandbox = hasty();
    let path = "/v1/denials?subject=ip:203.0.113.1";
    let rows = sandbox.pages(OPERATOR, path, "denials", 2);
    assert_eq!(rows.len(), 3);
    assert_eq!(shown(&rows), of_events(&sandbox, "subject=ip:203.0.113.1"));
    assert!(!json!(rows).to_string().contains("203.0.113"), "addresses stay hashed");
    let by_hash = format!("/v1/denials?subject=ip:{}", rows[0]["ip"].as_str().expect("a hash"));
    assert_eq!(sandbox.pages(OPERATOR, &by_hash, "denials", 1_000), rows);
    let all = sandbox.pages(OPERATOR, "/v1/denials", "denials", 4);
    assert_eq!(shown(&all), of_events(&sandbox, ""));
}

#[test]
fn an_operator_sees_an_accounts_refusals() {
    let sandbox = flooded();
    let time = "to=2026-01-01T00:03:00Z";
    let rows = sandbox.pages(OPERATOR, &format!("/v1/denials?subject=account:beta&{time}"), "denials", 3);
    assert!(!rows.is_empty());
    assert_eq!(shown(&rows), of_events(&sandbox, &format!("stream=account-beta&{time}")));
    assert_eq!(sandbox.look(OPERATOR, "/v1/denials?subject=account:nobody")["denials"], json!([]));
}

#[test]
fn what_is_wrong_is_named() {
    let sandbox = world();
    for (path, field) in [
        ("/v1/account/denials", "account"),
        ("/v1/account/denials?account=acme&limit=0", "limit"),
        ("/v1/account/denials?account=acme&from=yesterday", "from"),
        ("/v1/account/denials?account=acme&from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("/v1/account/denials?account=acme&cursor=-1", "cursor"),
        ("/v1/account/denials?account=acme&subject=ip:203.0.113.7", "subject"),
        ("/v1/denials?subject=acme", "subject"),
        ("/v1/denials?subject=account:a/b", "subject"),
        ("/v1/denials?subject=ip:300.1.1.1", "subject"),
        ("/v1/denials?subject=key:k", "subject"),
        ("/v1/denials?from=yesterday", "from"),
        ("/v1/denials?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("/v1/events?from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("/v1/denials?limit=1001", "limit"),
        ("/v1/denials?colour=red", "colour"),
    ] {
        let answer = sandbox.operator("GET", path, &Value::Null).expect(400);
        assert_eq!(answer.at("/field"), json!(field), "{path}");
    }
    sandbox.gateway("GET", "/v1/account/denials?account=nobody", &Value::Null).expect(404);
}
