//! Credit at a past moment is what was answered then, lot by lot.

use crate::home::Home;
use crate::traffic::{ENDPOINT, opened};
use counterfoil_tests::sandbox::Sandbox;
use serde_json::{Value, json};

on_every_database!(
    the_credit_of_any_past_instant_is_what_was_answered_then,
    what_fell_due_counts_though_it_was_written_down_later,
    a_position_is_a_moment_too,
    a_moment_that_is_none_is_refused,
);

fn balance(sandbox: &Sandbox, query: &str) -> Value {
    let path = format!("/v1/account/balance?account=acme{query}");
    if !query.is_empty() {
        sandbox.catch_up();
    }
    let mut balance = sandbox.gateway("GET", &path, &Value::Null).expect(200).json();
    balance.as_object_mut().expect("an object").remove("position");
    balance
}

/// Requests, grants that expire, holds that nobody settles; after each the credit as it stands.
fn lived(sandbox: &Sandbox, steps: usize) -> Vec<(String, Value)> {
    let mut lived = Vec::new();
    let mut open: Vec<String> = Vec::new();
    for step in 0..steps {
        let now = sandbox.advance("5400s");
        match step % 6 {
            0 | 3 | 4 => {
                let ask = json!({"account": "acme", "endpoint": ENDPOINT, "attributes": {"chars": 1_200}});
                open.extend(sandbox.request(ask).at("/decision_id").as_str().map(str::to_owned));
            }
            1 => {
                let expires = format!("2026-{:02}-20T00:30:00Z", 1 + step % 4);
                let grant = json!({"amount": "40", "expires": expires});
                sandbox.operator("POST", "/v1/accounts/acme/grants", &grant);
            }
            2 => {
                let outcome = json!({"outcome": "succeeded", "attributes": {"chars": 900 + step}});
                open.pop().into_iter().for_each(|decision| drop(sandbox.settle(&decision, &outcome)));
            }
            _ => {
                let outcome = json!({"outcome": "system_error"});
                open.pop().into_iter().for_each(|decision| drop(sandbox.settle(&decision, &outcome)));
            }
        }
        lived.push((now, balance(sandbox, "")));
    }
    lived
}

fn the_credit_of_any_past_instant_is_what_was_answered_then(home: &Home) {
    let sandbox = opened(home);
    let lived = lived(&sandbox, 240);
    for (at, then) in &lived {
        assert_eq!(&balance(&sandbox, &format!("&as_of={at}")), then, "{at}");
    }
    let ends = sandbox.events("stream=account-acme&type=CreditExpired").len()
        + sandbox.events("stream=account-acme&type=HoldExpired").len();
    assert!(ends > 5, "things ran out: {ends}");
    drop(sandbox);
    home.throw_views_away();
    let sandbox = home.payg();
    sandbox.set(&lived.last().expect("a step").0);
    for (at, then) in lived.iter().step_by(7) {
        assert_eq!(&balance(&sandbox, &format!("&as_of={at}")), then, "{at}, of views that were made again");
    }
}

fn what_fell_due_counts_though_it_was_written_down_later(home: &Home) {
    let sandbox = opened(home);
    let grant = json!({"amount": "40", "expires": "2026-01-10T00:00:00Z"});
    sandbox.operator("POST", "/v1/accounts/acme/grants", &grant).expect(200);
    sandbox.set("2026-02-01T00:00:00Z");
    let available = |at: &str| balance(&sandbox, &format!("&as_of={at}"))["available"].clone();
    assert_eq!(available("2026-01-09T23:59:59Z"), "540");
    assert_eq!(available("2026-01-10T00:00:00Z"), "500");
}

fn a_position_is_a_moment_too(home: &Home) {
    let sandbox = opened(home);
    let grants = sandbox.events("stream=account-acme&type=CreditGranted");
    let first = grants[0]["position"].as_u64().expect("a position");
    sandbox.grant("acme", "11");
    let at = |position: u64| balance(&sandbox, &format!("&as_of={position}"))["available"].clone();
    assert_eq!((at(first - 1), at(first)), (json!("0"), json!("500")));
}

fn a_moment_that_is_none_is_refused(home: &Home) {
    let sandbox = opened(home);
    for moment in ["yesterday", "2026-01-01", "999999", "2027-01-01T00:00:00Z", "-1"] {
        let path = format!("/v1/account/balance?account=acme&as_of={moment}");
        let answer = sandbox.gateway("GET", &path, &Value::Null).expect(400);
        assert_eq!(answer.at("/field"), "as_of", "{moment}");
    }
}
