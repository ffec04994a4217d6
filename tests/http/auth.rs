//! Who may call what: every route of the document, every kind of caller.

use crate::routes::{Open, Route, routes};
use counterfoil_tests::client::Answer;
use counterfoil_tests::sandbox::{GATEWAY, OPERATOR, Sandbox};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn world() -> (Sandbox, String) {
    let sandbox = Sandbox::start("payg-tokens");
    sandbox.open("acme", &json!({"plan": "enterprise"}));
    sandbox.grant("acme", "100");
    let key = sandbox.issue_key("acme", "live").secret;
    (sandbox, key)
}

fn status(sandbox: &Sandbox, route: &Route, token: Option<&str>) -> u16 {
    answer(sandbox, route, token).status
}

fn answer(sandbox: &Sandbox, route: &Route, token: Option<&str>) -> Answer {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers = vec![("content-type", "application/json")];
    if let Some(bearer) = &bearer {
        headers.push(("authorization", bearer));
    }
    let body = if route.body.is_null() { String::new() } else { route.body.to_string() };
    sandbox.send(route.method, route.example, &headers, body.as_bytes())
}

#[test]
fn every_route_of_the_document_has_a_case_here() {
    let document = serde_json::to_value(api::http::document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let served: BTreeSet<_> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("operations").keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let listed: BTreeSet<_> = routes().iter().map(|route| (route.method.into(), route.path.into())).collect();
    assert_eq!(served, listed);
}

#[test]
fn nothing_is_open_without_a_token_but_health_prices_and_limits() {
    let (sandbox, _) = world();
    for route in routes() {
        let status = status(&sandbox, &route, None);
        let open = matches!(route.open, Open::Everyone | Open::Anonymous);
        assert_eq!(status == 401, !open, "{} {} gave {status}", route.method, route.path);
    }
}

#[test]
fn a_token_that_nobody_was_given_opens_nothing() {
    let (sandbox, _) = world();
    for route in routes().into_iter().filter(|route| route.open != Open::Everyone) {
        let status = status(&sandbox, &route, Some("no-such-token-at-all"));
        assert_eq!(status, 401, "{} {}", route.method, route.path);
    }
}

#[test]
fn each_kind_of_caller_passes_where_it_may_and_nowhere_else() {
    for route in routes() {
        let (sandbox, key) = world();
        for (who, token) in [("gateway", GATEWAY), ("operator", OPERATOR), ("account", &*key)] {
            let may = match route.open {
                Open::Everyone | Open::Anonymous | Open::Reader => true,
                Open::Gateway => who == "gateway",
                Open::Operator => who == "operator",
                Open::Staff => who != "account",
                Open::Account => who == "account",
            };
            let answer = answer(&sandbox, &route, Some(token));
            let status = answer.status;
            // A book that does not allow an act (`NOT_ALLOWED`) was asked all the same.
            let passed = status != 401 && !answer.body.contains(r#""code":"FORBIDDEN""#);
            assert_eq!(passed, may, "{who} {} {} gave {status}", route.method, route.path);
            assert!(status < 500, "{who} {} {} gave {status}", route.method, route.path);
        }
    }
}

#[test]
fn a_key_reads_its_own_account_only() {
    let (sandbox, key) = world();
    sandbox.open("rival", &Value::Null);
    let of_account = ["balance", "usage", "usage-summary", "statement", "holds", "denials"];
    let of_account = of_account.map(|list| format!("/v1/account/{list}"));
    for path in of_account.iter().map(String::as_str).chain(["/v1/limits"]) {
        assert_eq!(sandbox.consumer(&key, &format!("{path}?account=rival")).status, 403, "{path}");
        assert_eq!(sandbox.consumer(&key, path).expect(200).at("/account"), json!("acme"), "{path}");
    }
}

#[test]
fn a_key_may_come_in_either_header() {
    let (sandbox, key) = world();
    let answer = sandbox.send("GET", "/v1/account/balance", &[("x-api-key", &key)], b"").expect(200);
    assert_eq!(answer.at("/available"), json!("100"));
}

#[test]
fn a_revoked_key_opens_nothing_from_the_next_call_on() {
    let (sandbox, _) = world();
    let key = sandbox.issue_key("acme", "live");
    let path = format!("/v1/account/api-keys/{}", key.name);
    sandbox.call(&key.secret, "DELETE", &path, &Value::Null).expect(200);
    assert_eq!(sandbox.consumer(&key.secret, "/v1/account/balance").status, 401);
    let denied =
        sandbox.request(json!({"key": key.secret, "endpoint": "/api/v1/ai/chat", "ip": "203.0.113.7"}));
    assert_eq!(denied.expect(200).at("/response/status"), json!(401));
}

#[test]
fn an_account_rotates_its_own_key() {
    let (sandbox, key) = world();
    let current = sandbox.consumer(&key, "/v1/account/api-key/current").expect(200);
    let name = current.at("/key").as_str().expect("a name").to_owned();
    let rotated = sandbox.call(&key, "POST", &format!("/v1/account/api-keys/{name}/rotate"), &Value::Null);
    let new = rotated.expect(200).at("/secret").as_str().expect("a text").to_owned();
    assert_eq!(sandbox.consumer(&key, "/v1/account/balance").status, 401);
    assert_eq!(sandbox.consumer(&new, "/v1/account/balance").status, 200);
}

#[test]
fn callers_without_a_key_have_a_limit_of_their_own() {
    let (sandbox, key) = world();
    let anonymous = || sandbox.send("GET", "/v1/pricing/costs", &[], b"");
    assert!((0..60).all(|_| anonymous().status == 200));
    let refused = anonymous().expect(429);
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(sandbox.consumer(&key, "/v1/pricing/costs").status, 200);
    sandbox.advance("60s");
    assert_eq!(anonymous().status, 200);
}

#[test]
fn without_https_nothing_is_answered_where_it_is_required() {
    let policy = counterfoil_tests::sandbox::shipped("payg-tokens");
    let sandbox = Sandbox::configured(&policy, |config| {
        config.require_https = true;
        config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a block")];
    });
    let live = |headers: &[(&str, &str)]| sandbox.send("GET", "/health/live", headers, b"").status;
    assert_eq!(live(&[]), 403);
    assert_eq!(live(&[("x-forwarded-proto", "http")]), 403);
    assert_eq!(live(&[("x-forwarded-proto", "https")]), 200);
}
