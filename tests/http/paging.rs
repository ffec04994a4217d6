//! The log by pages, filtered.

use counterfoil_tests::sandbox::Sandbox;
use serde_json::{Value, json};

fn world() -> Sandbox {
    let sandbox = Sandbox::start("payg-tokens");
    for account in ["acme", "beta"] {
        sandbox.open(account, &Value::Null);
        sandbox.grant(account, "100");
    }
    for place in 0..10 {
        sandbox.advance("1s");
        let account = if place % 2 == 0 { "acme" } else { "beta" };
        let ask = json!({"account": account, "endpoint": "/api/v1/ai/chat", "ip": format!("203.0.113.{place}"),
            "end_user": "ann@example.com"});
        sandbox.request(ask).expect(200);
    }
    sandbox
}

fn page(sandbox: &Sandbox, query: &str) -> Value {
    sandbox.operator("GET", &format!("/v1/events?{query}"), &Value::Null).expect(200).json()
}

#[test]
fn pages_follow_one_another_without_gap_or_overlap() {
    let sandbox = world();
    let (mut after, mut positions) = (0, Vec::new());
    loop {
        let page = page(&sandbox, &format!("limit=3&after={after}"));
        let events = page["events"].as_array().expect("events");
        positions.extend(events.iter().filter_map(|event| event["position"].as_u64()));
        after = page["cursor"].as_u64().expect("a cursor");
        if page["end"] == json!(true) {
            break;
        }
    }
    let all: Vec<u64> = (1..=16).collect();
    assert_eq!(positions, all);
    let beyond = page(&sandbox, "after=16");
    assert_eq!((&beyond["cursor"], &beyond["events"]), (&json!(16), &json!([])));
}

#[test]
fn filters_select_by_stream_type_subject_and_time() {
    let sandbox = world();
    for (query, count) in [
        ("stream=account-acme", 7),
        ("stream=catalogue", 2),
        ("type=RequestAdmitted", 10),
        ("type=RequestAdmitted&stream=account-beta", 5),
        ("subject=ip:203.0.113.4", 1),
        ("subject=account:beta", 7),
        ("subject=end_user:ann@example.com", 10),
        ("type=RequestAdmitted&from=2026-01-01T00:00:03Z&to=2026-01-01T00:00:05Z", 2),
        ("type=RequestDenied", 0),
    ] {
        let events = page(&sandbox, &format!("limit=1000&{query}"))["events"].as_array().map(Vec::len);
        assert_eq!(events, Some(count), "{query}");
    }
}

#[test]
fn personal_values_are_only_shown_when_asked_for() {
    let sandbox = world();
    let hidden = page(&sandbox, "type=RequestAdmitted&limit=1").to_string();
    assert!(!hidden.contains("ann@example.com") && !hidden.contains("203.0.113"));
    let shown = page(&sandbox, "type=RequestAdmitted&limit=1&reveal=true");
    assert_eq!(shown["events"][0]["personal"], json!({"ip": "203.0.113.0", "end_user": "ann@example.com"}));
}

#[test]
fn a_wrong_filter_is_named() {
    let sandbox = world();
    for (query, field) in [
        ("type=Nothing", "type"),
        ("stream=nobody", "stream"),
        ("subject=acme", "subject"),
        ("from=yesterday", "from"),
        ("limit=0", "limit"),
        ("after=-1", "query"),
        ("colour=red", "query"),
    ] {
        let answer = sandbox.operator("GET", &format!("/v1/events?{query}"), &Value::Null).expect(400);
        assert_eq!(answer.at("/field"), json!(field), "{query}");
    }
}
