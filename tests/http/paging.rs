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

/// All events of a query, a few at a time.
fn pages(sandbox: &Sandbox, query: &str) -> Vec<Value> {
    let (mut after, mut found) = (0, Vec::new());
    loop {
        let page = page(sandbox, &format!("{query}&limit=3&after={after}"));
        found.extend(page["events"].as_array().expect("events").clone());
        after = page["cursor"].as_u64().expect("a cursor");
        if page["end"] == json!(true) {
            return found;
        }
    }
}

fn positions(events: &[Value]) -> Vec<u64> {
    events.iter().filter_map(|event| event["position"].as_u64()).collect()
}

#[test]
fn pages_follow_one_another_without_gap_or_overlap() {
    let sandbox = world();
    let positions = positions(&pages(&sandbox, ""));
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

/// Free of charge and without limits, so that a log grows long.
const FREE: &str = "name = \"free\"\ntitle = \"Free\"\n[callers]\nanonymous = false\n[credit]\ncharge = \"admission\"\n\
    [prices.endpoints.\"/x\"]\nbase = 0\n";

#[test]
fn of_a_stream_or_a_subject_a_page_has_what_lies_far_apart() {
    let sandbox = Sandbox::with_policy(FREE);
    let ask = |n: u64, account: &str, ip: &str| json!({"request_id": format!("r-{n}"), "account": account, "endpoint": "/x", "ip": ip, "settle": "now"});
    for account in ["acme", "beta"] {
        sandbox.open(account, &Value::Null);
    }
    for part in 0..3 {
        let one = ask(part, "acme", "203.0.113.1");
        sandbox.gateway("POST", "/v1/decisions", &one).expect(200);
        for batch in 0..5 {
            let decisions: Vec<_> = (0..1_000)
                .map(|n| ask(10_000 * (part + 1) + 1_000 * batch + n, "beta", "203.0.113.2"))
                .collect();
            sandbox.gateway("POST", "/v1/decisions/batch", &json!({"decisions": decisions})).expect(200);
        }
    }
    let far = [5, 5_006, 10_007];
    let places = |query: &str| {
        let page = page(&sandbox, query);
        (positions(page["events"].as_array().expect("events")), page["end"].clone())
    };
    assert_eq!(places("type=RequestAdmitted&stream=account-acme"), (far.to_vec(), json!(true)));
    assert_eq!(places("subject=ip:203.0.113.1"), (far.to_vec(), json!(true)));
    assert_eq!(places("subject=ip:203.0.113.1&limit=2&after=5"), (far[1..].to_vec(), json!(false)));
    assert_eq!(places("subject=ip:203.0.113.1&after=10007"), (Vec::new(), json!(true)));
    // Without an index a page ends after 10,000 positions.
    assert_eq!(places("type=AccountOpened&after=4"), (Vec::new(), json!(false)));
}

#[test]
fn an_index_leads_to_the_same_events_as_the_log() {
    let sandbox = world();
    let key = sandbox.issue_key("acme", "live");
    for _ in 0..5 {
        let ask = json!({"key": key.secret, "endpoint": "/api/v1/ai/chat", "ip": "203.0.113.4"});
        sandbox.request(ask).expect(200);
    }
    let all = sandbox.events("");
    let speaks = |text: &str| {
        positions(&all.iter().filter(|event| event.to_string().contains(text)).cloned().collect::<Vec<_>>())
    };
    let of = |field: &str| {
        let last = all.last().expect("events");
        last["data"]["ask"][field].as_str().unwrap_or_else(|| panic!("no {field} in {last}")).to_owned()
    };
    let (hash, name) = (of("ip"), of("key"));
    for (query, text) in [
        (format!("subject=key:{name}"), name.as_str()),
        ("subject=ip:203.0.113.4".to_owned(), hash.as_str()),
        ("stream=account-beta".to_owned(), "account-beta"),
        ("subject=account:acme".to_owned(), "account-acme"),
    ] {
        let found = positions(&pages(&sandbox, &query));
        assert_eq!(found, speaks(text), "{query}");
        assert!(found.len() > 3, "{query}");
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
        ("after=-1", "after"),
        ("colour=red", "colour"),
    ] {
        let answer = sandbox.operator("GET", &format!("/v1/events?{query}"), &Value::Null).expect(400);
        assert_eq!(answer.at("/field"), json!(field), "{query}");
    }
}
