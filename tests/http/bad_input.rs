//! Input that is wrong is a problem that names the field: never a 5xx, never a partial effect.

use crate::routes::routes;
use counterfoil_tests::client::Answer;
use counterfoil_tests::sandbox::{GATEWAY, OPERATOR, Sandbox};
use serde_json::{Value, json};

fn world() -> Sandbox {
    let sandbox = Sandbox::start("payg-tokens");
    sandbox.open("acme", &Value::Null);
    sandbox.grant("acme", "100");
    sandbox
}

fn head(sandbox: &Sandbox) -> Value {
    sandbox.operator("GET", "/v1/engine", &Value::Null).expect(200).at("/head")
}

fn is_problem(answer: &Answer) -> bool {
    (400..500).contains(&answer.status)
        && answer.header("content-type") == Some("application/problem+json")
        && answer.at("/status") == json!(answer.status)
        && answer.at("/code").is_string()
}

#[test]
fn every_route_with_a_body_refuses_what_is_no_json_of_its_shape() {
    let sandbox = world();
    let before = head(&sandbox);
    let wrong: [&[u8]; 9] =
        [b"", b"{", b"[]", b"null", b"\"x\"", b"{\"no_such_field\":1}", b"\xff\xfe", b"{}x", &[b'['; 5_000]];
    for route in routes().into_iter().filter(|route| !route.body.is_null()) {
        let token =
            if route.path.contains("decisions") || route.path.contains("noop") { GATEWAY } else { OPERATOR };
        let bearer = format!("Bearer {token}");
        for body in wrong {
            let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
            let answer = sandbox.send(route.method, route.example, &headers, body);
            let shown = String::from_utf8_lossy(&body[..body.len().min(30)]);
            assert!(is_problem(&answer), "{} {} {shown:?}: {answer:?}", route.method, route.path);
        }
    }
    assert_eq!(head(&sandbox), before, "something was recorded");
}

#[test]
fn every_route_with_a_body_refuses_its_members_as_a_list() {
    let sandbox = world();
    let before = head(&sandbox);
    for route in routes() {
        let Value::Object(members) = &route.body else { continue };
        let list = Value::Array(members.values().cloned().collect());
        let token =
            if route.path.contains("decisions") || route.path.contains("noop") { GATEWAY } else { OPERATOR };
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer = sandbox.send(route.method, route.example, &headers, list.to_string().as_bytes());
        let told = (answer.status, answer.at("/detail"));
        let expected = (400, json!("the body must be a JSON object, not a list"));
        assert_eq!(told, expected, "{} {}", route.method, route.path);
    }
    let unpriced = sandbox.operator("POST", "/v1/price-lists", &json!({"prices": []})).expect(400);
    assert_eq!(unpriced.at("/field"), json!("prices"));
    assert_eq!(head(&sandbox), before, "something was recorded");
}

#[test]
fn only_a_refund_makes_credit_of_a_refund() {
    let grant = json!({"amount": "1", "kind": "refund"});
    let answer = world().operator("POST", "/v1/accounts/acme/grants", &grant).expect(400);
    assert_eq!(answer.at("/field"), json!("kind"));
}

#[test]
fn every_route_with_a_body_refuses_one_that_is_too_long_or_no_json() {
    let sandbox = world();
    for route in routes().into_iter().filter(|route| !route.body.is_null()) {
        let token =
            if route.path.contains("decisions") || route.path.contains("noop") { GATEWAY } else { OPERATOR };
        let bearer = format!("Bearer {token}");
        let text = [("authorization", bearer.as_str()), ("content-type", "text/plain")];
        let answer = sandbox.send(route.method, route.example, &text, route.body.to_string().as_bytes());
        assert_eq!(answer.status, 415, "{} {}", route.method, route.path);
        let json = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("connection", "close"),
        ];
        let answer = sandbox.send(route.method, route.example, &json, &vec![b' '; 1_048_577]);
        assert_eq!(answer.status, 413, "{} {}", route.method, route.path);
    }
}

#[test]
fn an_unknown_path_and_a_wrong_method_are_problems() {
    let sandbox = world();
    assert!(is_problem(&sandbox.operator("GET", "/v1/nothing", &Value::Null).expect(404)));
    assert!(is_problem(&sandbox.operator("DELETE", "/v1/accounts", &Value::Null).expect(405)));
    assert!(is_problem(&sandbox.operator("GET", "/v1/accounts/%ff", &Value::Null).expect(400)));
}

fn decision(change: &Value) -> Value {
    let mut ask = json!({"request_id": "r", "account": "acme", "endpoint": "/api/v1/ai/chat"});
    for (name, value) in change.as_object().expect("an object") {
        ask[name] = value.clone();
    }
    ask
}

#[test]
fn a_decision_names_the_field_that_is_wrong() {
    let sandbox = world();
    let before = head(&sandbox);
    let many: serde_json::Map<_, _> = (0..33).map(|n| (format!("a{n}"), json!(n))).collect();
    for (change, field) in [
        (json!({"request_id": ""}), "request_id"),
        (json!({"request_id": "a b"}), "request_id"),
        (json!({"request_id": "\u{1}"}), "request_id"),
        (json!({"request_id": "x".repeat(129)}), "request_id"),
        (json!({"request_id": 7}), "request_id"),
        (json!({"account": "a/b"}), "account"),
        (json!({"key": "sk_x"}), "account"),
        (json!({"endpoint": ""}), "endpoint"),
        (json!({"endpoint": "/a\nb"}), "endpoint"),
        (json!({"endpoint": "x".repeat(10_240)}), "endpoint"),
        (json!({"endpoint": ["/a"]}), "endpoint"),
        (json!({"ip": "300.1.1.1"}), "ip"),
        (json!({"forwarded_for": "1.1.1.1"}), "forwarded_for"),
        (json!({"method": "PO ST"}), "method"),
        (json!({"channel": "web site"}), "channel"),
        (json!({"end_user": ""}), "end_user"),
        (json!({"body_hash": "x".repeat(257)}), "body_hash"),
        (json!({"attributes": {"chars": -1}}), "attributes.chars"),
        (json!({"attributes": {"chars": true}}), "attributes.chars"),
        (json!({"attributes": {"chars": [1]}}), "attributes.chars"),
        (json!({"attributes": {"chars": 1e300}}), "attributes.chars"),
        (json!({"attributes": {"a b": 1}}), "attributes"),
        (json!({"attributes": {"name": "x".repeat(1_025)}}), "attributes.name"),
        (json!({"attributes": many}), "attributes"),
        (json!({"units": 0}), "units"),
        (json!({"units": -1}), "units"),
        (json!({"units": 1.5}), "units"),
        (json!({"units": 2, "items": [{}]}), "units"),
        (json!({"items": [{"endpoint": "\u{7f}"}]}), "items[0].endpoint"),
        (json!({"settle": "sometime"}), "settle"),
        (json!({"outcome": "succeeded"}), "outcome"),
        (json!({"settle": "now", "outcome": "maybe"}), "outcome"),
    ] {
        let answer = sandbox.gateway("POST", "/v1/decisions", &decision(&change));
        assert!(is_problem(&answer), "{change}: {answer:?}");
        assert_eq!(answer.at("/field"), json!(field), "{change}: {answer:?}");
    }
    assert_eq!(head(&sandbox), before, "something was recorded");
}

/// The field of the problem that a body of a decision is, and what it says.
fn refused(sandbox: &Sandbox, body: &str) -> (Value, Value) {
    let bearer = format!("Bearer {GATEWAY}");
    let answer = sandbox.send("POST", "/v1/decisions", &[("authorization", &bearer)], body.as_bytes());
    assert!(is_problem(&answer), "{body}: {answer:?}");
    (answer.at("/field"), answer.at("/detail"))
}

#[test]
fn a_field_that_is_missing_given_twice_or_of_a_wrong_type_is_named() {
    let sandbox = world();
    let before = head(&sandbox);
    for (body, field) in [
        (r#"{"account":"acme","endpoint":"/a"}"#, "request_id"),
        (r#"{"request_id":"r","account":"acme"}"#, "endpoint"),
        (r#"{"request_id":"r","endpoint":"/a","endpoint":"/b"}"#, "endpoint"),
        (
            r#"{"request_id":"r","endpoint":"/a","items":[{},{"endpoint":"/a","endpoint":"/b"}]}"#,
            "items[1].endpoint",
        ),
        (r#"{"request_id":"r","endpoint":"/a","settle":true}"#, "settle"),
        (r#"{"request_id":"r","endpoint":"/a","settle":"now","outcome":7}"#, "outcome"),
        (r#"{"request_id":"r","endpoint":"/a","attributes":7}"#, "attributes"),
        (r#"{"request_id":"r","endpoint":"/a","items":{}}"#, "items"),
    ] {
        assert_eq!(refused(&sandbox, body).0, json!(field), "{body}");
    }
    assert_eq!(refused(&sandbox, r#"{"request_id":"r","settle":}"#).0, Value::Null, "no JSON at all");
    let grant = sandbox.operator("POST", "/v1/accounts/acme/grants", &json!({})).expect(400);
    assert_eq!(grant.at("/field"), json!("amount"));
    assert_eq!(head(&sandbox), before, "something was recorded");
}

#[test]
fn times_zones_spans_and_addresses_say_what_is_allowed() {
    let sandbox = world();
    for (path, body, detail) in [
        (
            "/v1/accounts",
            json!({"account": "a", "opened": "yesterday"}),
            "opened must be an RFC 3339 time between 1970 and 9999, such as 2026-01-31T12:00:00Z",
        ),
        (
            "/v1/accounts",
            json!({"account": "a", "zone": "Mars"}),
            "zone must be the IANA name of a time zone, such as UTC or Europe/Berlin",
        ),
        (
            "/v1/sandbox/clock",
            json!({"advance": "soon"}),
            "advance must be a length of time: a whole figure and ms, s, m, h or d, such as 60s or 30d",
        ),
        ("/v1/sandbox/clock", json!({}), "advance or set must be given, and not both"),
        ("/v1/bans", json!({"ip": "1.2.3", "reason": "r"}), "ip must be an IPv4 or IPv6 address"),
    ] {
        assert_eq!(sandbox.operator("POST", path, &body).expect(400).at("/detail"), json!(detail), "{body}");
    }
}

#[test]
fn a_limit_that_there_is_not_is_answered_with_those_that_there_are() {
    let figure = json!({"figure": 5, "reason": "agreed"});
    let answer = world().operator("PUT", "/v1/accounts/acme/limits/minute", &figure).expect(400);
    assert_eq!(answer.at("/detail"), json!("limit must be a limit of the policy in force: per-minute"));
}

#[test]
fn a_query_has_no_member_that_nothing_reads() {
    let sandbox = world();
    let key = sandbox.issue_key("acme", "live").secret;
    for path in ["/v1/engine", "/metrics", "/v1/notices", "/v1/pricing/costs", "/v1/account/balance"] {
        let answer = sandbox.operator("GET", &format!("{path}?nothing=1"), &Value::Null);
        assert_eq!((answer.status, answer.at("/code")), (400, json!("INVALID_FIELD")), "{path}");
    }
    assert_eq!(sandbox.consumer(&key, "/v1/account/api-key/current?nothing=1").status, 400);
}

#[test]
fn a_figure_of_30_digits_or_with_an_exponent_is_refused_as_written() {
    let sandbox = world();
    for figure in ["123456789012345678901234567890", "1e3", "0.12345678901234567890123456789012", "-0.5"] {
        let body = format!(
            r#"{{"request_id":"r","account":"acme","endpoint":"/a","attributes":{{"chars":{figure}}}}}"#
        );
        let bearer = format!("Bearer {GATEWAY}");
        let answer = sandbox.send("POST", "/v1/decisions", &[("authorization", &bearer)], body.as_bytes());
        assert!(is_problem(&answer), "{figure}: {answer:?}");
        assert_eq!(answer.at("/field"), json!("attributes.chars"), "{figure}");
    }
}

#[test]
fn an_operators_amount_is_a_decimal_above_zero_within_bounds() {
    let sandbox = world();
    let before = head(&sandbox);
    for amount in
        ["-5", "0", "1000000000000.1", "1e9", "0.0000001", "NaN", "", "123456789012345678901234567890"]
    {
        let answer = sandbox.operator("POST", "/v1/accounts/acme/grants", &json!({"amount": amount}));
        assert!(is_problem(&answer), "{amount}: {answer:?}");
        assert_eq!(answer.at("/field"), json!("amount"), "{amount}");
    }
    assert_eq!(head(&sandbox), before, "something was recorded");
}

#[test]
fn a_broken_policy_is_refused_with_every_mistake() {
    let sandbox = world();
    let answer = sandbox.operator(
        "POST",
        "/v1/policies",
        &json!({"toml": "name = \"x\"\n[callers]\nanonymus = true\n"}),
    );
    assert!(is_problem(&answer), "{answer:?}");
    let detail = answer.at("/detail").to_string();
    assert!(detail.contains("anonymus") && detail.contains("line"), "{detail}");
}

#[test]
fn in_a_batch_each_answer_stands_for_itself() {
    let sandbox = world();
    let batch = json!({"decisions": [
        decision(&json!({"request_id": "one"})),
        decision(&json!({"request_id": ""})),
        decision(&json!({"request_id": "two", "account": "nobody"})),
        decision(&json!({"request_id": "three"})),
    ]});
    let answer = sandbox.gateway("POST", "/v1/decisions/batch", &batch).expect(200);
    assert_eq!(answer.at("/answers/0/decision/allowed"), json!(true));
    assert_eq!(answer.at("/answers/1/problem/field"), json!("request_id"));
    assert_eq!(answer.at("/answers/2/problem/code"), json!("UNKNOWN_ACCOUNT"));
    assert_eq!(answer.at("/answers/3/decision/allowed"), json!(true));
    let many: Vec<_> = (0..1_001).map(|n| decision(&json!({"request_id": format!("m{n}")}))).collect();
    assert!(is_problem(&sandbox.gateway("POST", "/v1/decisions/batch", &json!({"decisions": many}))));
}
