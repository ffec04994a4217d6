//! Bans: of a subject, from when until when, and whether one was lifted.

use counterfoil_tests::sandbox::{OPERATOR, Sandbox};
use serde_json::{Value, json};

fn ban(sandbox: &Sandbox, whom: &Value) {
    let mut body = whom.clone();
    body["reason"] = json!("a test");
    sandbox.operator("POST", "/v1/bans", &body).expect(200);
}

fn lift(sandbox: &Sandbox, whom: &Value) {
    let mut body = whom.clone();
    body["reason"] = json!("a mistake");
    sandbox.operator("POST", "/v1/bans/lift", &body).expect(200);
}

fn bans(sandbox: &Sandbox, subject: &str) -> Vec<Value> {
    sandbox.pages(OPERATOR, &format!("/v1/bans?subject={subject}"), "bans", 2)
}

fn world() -> Sandbox {
    let sandbox = Sandbox::start("payg-tokens");
    sandbox.open("acme", &Value::Null);
    sandbox
}

#[test]
fn a_ban_that_was_lifted() {
    let sandbox = world();
    let whom = json!({"ip": "203.0.113.9"});
    ban(&sandbox, &json!({"ip": "203.0.113.9", "until": "2026-01-02T00:00:00Z", "name": "flood"}));
    sandbox.advance("1h");
    lift(&sandbox, &whom);
    let mut page = sandbox.look(OPERATOR, "/v1/bans?subject=ip:203.0.113.9");
    let hash = page["bans"][0]["subject"].take();
    assert!(hash.as_str().is_some_and(|hash| hash.len() == 32), "{hash}");
    insta::assert_snapshot!(serde_json::to_string_pretty(&page).expect("JSON"), @r#"
    {
      "bans": [
        {
          "by": [
            "ip"
          ],
          "from": "2026-01-01T00:00:00Z",
          "lifted": {
            "at": "2026-01-01T01:00:00Z",
            "position": 5
          },
          "name": "flood",
          "position": 4,
          "reason": "a test",
          "subject": null,
          "until": "2026-01-02T00:00:00Z"
        }
      ],
      "cursor": null,
      "position": 5
    }
    "#);
}

#[test]
fn a_ban_that_ended_by_itself_is_not_one_that_was_lifted_later() {
    let sandbox = world();
    let whom = json!({"account": "acme"});
    ban(&sandbox, &json!({"account": "acme", "until": "2026-01-01T01:00:00Z"}));
    sandbox.advance("2h");
    ban(&sandbox, &whom);
    sandbox.advance("2h");
    lift(&sandbox, &whom);
    let bans = bans(&sandbox, "account:acme");
    assert_eq!(
        bans.iter().map(|ban| ban["lifted"]["at"].clone()).collect::<Vec<_>>(),
        [Value::Null, json!("2026-01-01T04:00:00Z")]
    );
}

#[test]
fn a_subject_is_found_by_what_it_is_and_by_its_hash_only() {
    let sandbox = world();
    for whom in [
        json!({"account": "acme"}),
        json!({"owner": "acme"}),
        json!({"key": "acme"}),
        json!({"end_user": "ann@example.com"}),
        json!({"ip": "203.0.113.9"}),
        json!({"ip": "203.0.113.9", "account": "acme"}),
    ] {
        ban(&sandbox, &whom);
    }
    let found =
        |subject: &str| bans(&sandbox, subject).iter().map(|ban| ban["by"].clone()).collect::<Vec<_>>();
    for (subject, by) in [
        ("account:acme", "account"),
        ("owner:acme", "owner"),
        ("key:acme", "key"),
        ("end_user:ann@example.com", "end_user"),
        ("ip:203.0.113.9", "ip"),
    ] {
        assert_eq!(found(subject), [json!([by])], "{subject}");
    }
    assert_eq!(found("account:other"), Vec::<Value>::new());
    let all = sandbox.pages(OPERATOR, "/v1/bans", "bans", 4);
    let of_events = sandbox.events("type=BanStarted");
    let placed = |rows: &[Value]| rows.iter().map(|row| row["position"].clone()).collect::<Vec<_>>();
    assert_eq!(placed(&all), placed(&of_events));
    let both = &all[5];
    assert_eq!(both["by"], json!(["ip", "account"]));
    assert_eq!(bans(&sandbox, &format!("hash:{}", both["subject"].as_str().expect("a hash"))), all[5..]);
}

#[test]
fn bans_that_refusals_led_to_name_their_end() {
    let sandbox = Sandbox::start("five-gates");
    for _ in 0..11 {
        sandbox.request(json!({"ip": "203.0.113.9", "endpoint": "/api/v1/tools/other", "settle": "now"}));
    }
    let bans = bans(&sandbox, "ip:203.0.113.9");
    assert_eq!(bans.len(), 1);
    assert_eq!((&bans[0]["name"], &bans[0]["until"]), (&json!("ban"), &json!("2026-01-02T00:00:00Z")));
    let refused = sandbox.look(OPERATOR, "/v1/denials?subject=ip:203.0.113.9&limit=1");
    let by_hash = format!("ip:{}", refused["denials"][0]["ip"].as_str().expect("a hash"));
    assert_eq!(self::bans(&sandbox, &by_hash), bans, "by the hash that the log shows");
}

#[test]
fn what_is_wrong_is_named() {
    let sandbox = world();
    for (query, field) in [
        ("subject=acme", "subject"),
        ("subject=account:a/b", "subject"),
        ("subject=ip:nowhere", "subject"),
        ("subject=hash:1", "subject"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("from=2026-01-01T00:00:00Z", "from"),
    ] {
        let answer = sandbox.operator("GET", &format!("/v1/bans?{query}"), &Value::Null).expect(400);
        assert_eq!(answer.at("/field"), json!(field), "{query}");
    }
}
