//! Open holds: what is admitted and waits for its outcome.

use crate::answers::{image, world};
use counterfoil_tests::sandbox::{GATEWAY, OPERATOR, Sandbox};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const HOLDS: &str = "/v1/account/holds?account=acme";

#[test]
fn an_open_hold() {
    let sandbox = world();
    sandbox.request(image("r")).expect(200);
    let page = serde_json::to_string_pretty(&sandbox.look(GATEWAY, HOLDS)).expect("JSON");
    insta::assert_snapshot!(page, @r#"
    {
      "account": "acme",
      "cursor": null,
      "holds": [
        {
          "decision_id": "d_5",
          "endpoint": "/api/v1/ai/image-generation",
          "expires_at": "2026-01-02T00:00:00Z",
          "held": "5",
          "key": null,
          "mode": "live",
          "since": "2026-01-01T00:00:00Z"
        }
      ],
      "position": 5
    }
    "#);
}

/// Two accounts whose requests end in every way there is, or wait.
fn lived() -> Sandbox {
    let sandbox = Sandbox::start("payg-tokens");
    for account in ["acme", "beta"] {
        sandbox.open(account, &Value::Null);
        sandbox.grant(account, "1000");
    }
    for turn in 0..40 {
        let account = if turn % 4 == 0 { "beta" } else { "acme" };
        let ask = json!({"account": account, "endpoint": "/api/v1/ai/image-generation",
            "attributes": {"chars": 1_200}, "settle": if turn % 7 == 0 { "now" } else { "later" }});
        let decision = sandbox.request(ask).expect(200).at("/decision_id");
        let outcome = ["succeeded", "client_error", "system_error"].get(turn % 5);
        if turn % 7 != 0
            && let Some(outcome) = outcome
        {
            sandbox
                .settle(
                    decision.as_str().expect("an id"),
                    &json!({"outcome": outcome, "attributes": {"chars": 1_200}}),
                )
                .expect(200);
        }
        // The first of them run out before the last are made.
        sandbox.advance("45m");
    }
    sandbox
}

/// What the events of an account leave open, by decision.
fn of_events(sandbox: &Sandbox, account: &str) -> BTreeMap<u64, [Value; 4]> {
    let mut open = BTreeMap::new();
    for event in sandbox.events(&format!("stream=account-{account}")) {
        let data = &event["data"];
        match event["type"].as_str() {
            Some("RequestAdmitted") if !data["until"].is_null() => {
                let position = event["position"].as_u64().expect("a position");
                let row =
                    [&data["hold"][0]["amount"], &data["ask"]["endpoint"], &event["at"], &data["until"]];
                open.insert(position, row.map(Clone::clone));
            }
            Some("RequestSettled" | "HoldExpired") => {
                open.remove(&data["decision"].as_u64().expect("a decision"));
            }
            _ => {}
        }
    }
    open
}

#[test]
fn what_was_admitted_and_not_ended_is_open_page_by_page() {
    let sandbox = lived();
    for account in ["acme", "beta"] {
        let path = format!("/v1/account/holds?account={account}");
        let rows = sandbox.pages(OPERATOR, &path, "holds", 2);
        assert_eq!(rows, sandbox.pages(OPERATOR, &path, "holds", 1_000), "{account}");
        let events = of_events(&sandbox, account);
        let shown: Vec<_> = rows
            .iter()
            .map(|row| {
                let decision = row["decision_id"].as_str().expect("an id");
                let said = [&row["held"], &row["endpoint"], &row["since"], &row["expires_at"]];
                (decision[2..].parse().expect("a position"), said.map(Clone::clone))
            })
            .collect();
        assert!(!shown.is_empty(), "{account} has some");
        assert_eq!(shown, events.into_iter().collect::<Vec<_>>(), "{account}");
    }
    let expired = sandbox.events("type=HoldExpired");
    assert!(!expired.is_empty(), "some ran out");
}

#[test]
fn what_ran_out_is_open_no_more_though_nobody_had_looked() {
    let sandbox = world();
    sandbox.request(image("r")).expect(200);
    sandbox.set("2026-01-01T23:59:59Z");
    assert_eq!(sandbox.look(GATEWAY, HOLDS)["holds"].as_array().map(Vec::len), Some(1));
    sandbox.advance("1s");
    assert_eq!(sandbox.look(GATEWAY, HOLDS)["holds"], json!([]));
}

#[test]
fn a_key_sees_the_holds_of_its_account_with_the_key_that_asked() {
    let sandbox = world();
    sandbox.open("rival", &Value::Null);
    let (own, rival) = (sandbox.issue_key("acme", "live"), sandbox.issue_key("rival", "live"));
    sandbox
        .request(json!({"key": own.secret, "endpoint": "/api/v1/ai/chat", "ip": "203.0.113.7"}))
        .expect(200);
    let holds = sandbox.look(&own.secret, "/v1/account/holds");
    assert_eq!((&holds["account"], &holds["holds"][0]["key"]), (&json!("acme"), &json!(own.name)));
    assert_eq!(sandbox.look(&rival.secret, "/v1/account/holds")["holds"], json!([]));
    assert_eq!(sandbox.consumer(&rival.secret, HOLDS).status, 403);
}

#[test]
fn what_is_wrong_is_named() {
    let sandbox = world();
    for (query, field) in [
        ("", "account"),
        ("?account=a/b", "account"),
        ("?account=acme&limit=0", "limit"),
        ("?account=acme&limit=1001", "limit"),
        ("?account=acme&cursor=x", "cursor"),
        ("?account=acme&colour=red", "colour"),
    ] {
        let answer = sandbox.gateway("GET", &format!("/v1/account/holds{query}"), &Value::Null).expect(400);
        assert_eq!(answer.at("/field"), json!(field), "{query}");
    }
    sandbox.gateway("GET", "/v1/account/holds?account=nobody", &Value::Null).expect(404);
}
