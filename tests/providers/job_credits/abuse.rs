use super::{ENHANCE, JOB, UPSCALE, account, ask, done, world};
use crate::world::{Key, World, changed, header, text, verdict};
use serde_json::{Value, json};

/// The policy with a smaller count for one signal, so that a test stays short.
fn with_count(name: &str, from: u32, to: u32) -> World {
    let policy = changed("job-credits", &format!("count = {from}\n"), &format!("count = {to}\n"));
    assert!(policy.contains(&format!("name = \"{name}\"")));
    World::under(&policy)
}

fn suspended(world: &World, key: &Key, reason: &str) -> Value {
    let answer = world.ask(&done(key, JOB));
    assert_eq!(
        (verdict(&answer), text(&answer["reason"])),
        ((403, "SUSPENDED".into()), reason.to_owned()),
        "{answer}"
    );
    answer
}

fn suspensions(world: &World) -> usize {
    world.events("AccountSuspended").len()
}

#[test]
fn abuse_status_polls_lead_to_longer_suspensions_and_the_third_is_permanent() {
    let (world, key) = world("0");
    for (round, ends) in [Some("1h"), Some("24h"), None].into_iter().enumerate() {
        (0..10).for_each(|_| {
            assert_eq!(world.burst(&done(&key, JOB), 100), 100);
            world.pass("60s");
        });
        assert_eq!(suspensions(&world), round + 1, "the 1000th poll within the hour");
        let event = world.last_event("AccountSuspended");
        assert_eq!(event["data"]["until"].is_null(), ends.is_none());
        suspended(&world, &key, "status_polls");
        world.pass(ends.unwrap_or("365d"));
    }
    suspended(&world, &key, "status_polls");
}

#[test]
fn abuse_999_status_polls_are_nothing() {
    let (world, key) = world("0");
    for polls in [100, 100, 100, 100, 100, 100, 100, 100, 100, 99] {
        assert_eq!(world.burst(&done(&key, JOB), polls), polls);
        world.pass("60s");
    }
    assert_eq!(world.burst(&done(&key, "/v1/other"), 1), 1, "another endpoint is no poll");
    assert_eq!(suspensions(&world), 0);
}

#[test]
fn abuse_queue_full_denials_have_a_count_of_their_own() {
    let (world, key) = world("100");
    (0..5).for_each(|_| drop(world.ask(&ask(&key, ENHANCE))));
    for denials in [40, 40, 19] {
        world.pass("60s");
        assert_eq!(world.burst(&ask(&key, ENHANCE), denials), 0);
    }
    assert_eq!(suspensions(&world), 0);
    let last = world.ask(&ask(&key, ENHANCE));
    assert_eq!(verdict(&last), (429, "QUEUE_FULL".into()), "the 100th is still its own answer");
    assert_eq!(header(&suspended(&world, &key, "queue_full"), "Retry-After"), "3600");
}

#[test]
fn abuse_rate_denials_have_a_count_of_their_own() {
    let (world, key) = world("100");
    for denials in [50, 50, 50, 49] {
        assert_eq!(world.burst(&done(&key, JOB), 100 + denials), 100);
        world.pass("60s");
    }
    assert_eq!(world.burst(&done(&key, JOB), 100), 100);
    assert_eq!(suspensions(&world), 0);
    assert_eq!(verdict(&world.ask(&done(&key, JOB))).0, 429);
    suspended(&world, &key, "rate_denials");
}

#[test]
fn abuse_insufficient_credit_has_a_count_of_its_own() {
    let (world, key) = world("0");
    for times in [20, 20, 20, 20, 19] {
        assert_eq!(world.burst(&ask(&key, UPSCALE), times), 0);
        world.pass("60s");
    }
    assert_eq!(suspensions(&world), 0);
    assert_eq!(verdict(&world.ask(&ask(&key, UPSCALE))).0, 402);
    suspended(&world, &key, "insufficient_credit");
}

#[test]
fn abuse_client_errors_count_by_key_endpoint_and_body() {
    let (world, key) = world("1000");
    let failing = |body: &str, endpoint: &str, key: &Key| {
        let mut ask = done(key, endpoint);
        (ask["outcome"], ask["body_hash"]) = (json!("client_error"), json!(body));
        ask
    };
    let second = world.key("acme", "personal");
    for _ in 0..2 {
        for (body, endpoint, key) in [("b", ENHANCE, &key), ("a", UPSCALE, &key), ("a", ENHANCE, &second)] {
            assert_eq!(world.burst(&failing(body, endpoint, key), 20), 20);
            world.pass("60s");
        }
    }
    for times in [20, 20, 9] {
        assert_eq!(world.burst(&failing("a", ENHANCE, &key), times), times);
        world.pass("60s");
    }
    assert_eq!(suspensions(&world), 0, "49 of each at most");
    let job = world.ask(&json!({"key": key.text, "endpoint": ENHANCE, "body_hash": "a"}));
    world.settle(&job, "client_error", &json!({}));
    suspended(&world, &key, "repeated_errors");
}

#[test]
fn abuse_signals_leave_the_count_with_their_window() {
    let world = with_count("no-credit", 100, 3);
    let key = account(&world, "acme", "0");
    for _ in 0..10 {
        assert_eq!(world.burst(&ask(&key, UPSCALE), 2), 0);
        world.pass("1h");
    }
    assert_eq!(suspensions(&world), 0);
}

#[test]
fn abuse_of_linked_accounts_may_be_counted_together() {
    let by = "signal = \"insufficient_credit\"\nby = [\"account\"]\ncount = 100";
    let policy = changed("job-credits", by, "signal = \"insufficient_credit\"\nby = [\"owner\"]\ncount = 3");
    let world = World::under(&policy);
    let keys = ["one", "two", "three"].map(|name| {
        world.open(name, &json!({"owner": "group"}));
        world.key(name, "personal")
    });
    for key in &keys {
        assert_eq!(verdict(&world.ask(&ask(key, UPSCALE))).0, 402);
    }
    for key in &keys {
        suspended(&world, key, "insufficient_credit");
    }
}

#[test]
fn abuse_an_operator_may_go_straight_to_a_permanent_suspension() {
    let (world, key) = world("10");
    world.act("POST", "/v1/accounts/acme/suspend", &json!({"reason": "fraud"}));
    let event = world.last_event("AccountSuspended");
    assert_eq!((&event["data"]["until"], &event["actor"]), (&Value::Null, &json!("operator:olga")));
    world.pass("365d");
    let answer = suspended(&world, &key, "fraud");
    assert_eq!(answer["retry_after"], Value::Null, "waiting does not help");
}

#[test]
fn suspension_works_at_once_and_is_ended_by_an_operator_only() {
    let (world, key) = world("10");
    let job = world.ask(&ask(&key, ENHANCE));
    world.act("POST", "/v1/accounts/acme/suspend", &json!({"reason": "fraud"}));
    suspended(&world, &key, "fraud");
    assert_eq!(
        world.settle(&job, "succeeded", &json!({}))["charged"],
        "1",
        "what was admitted is still settled"
    );
    let body = json!({"reason": "please"}).to_string();
    for token in [key.text.as_str(), counterfoil_tests::sandbox::GATEWAY] {
        let reply = world.send("POST", "/v1/accounts/acme/reinstate", Some(token), Some(&body));
        assert!([401, 403].contains(&reply.status), "{}", reply.body);
    }
    world.act("POST", "/v1/accounts/acme/reinstate", &json!({"reason": "cleared"}));
    assert_eq!(world.last_event("AccountReinstated")["data"]["reason"], "cleared");
    assert_eq!(world.ask(&done(&key, JOB))["allowed"], true);
}

#[test]
fn suspension_forbids_new_keys() {
    let (world, key) = world("10");
    world.act("POST", "/v1/accounts/acme/suspend", &json!({"reason": "fraud"}));
    let reply = world.operator("POST", "/v1/accounts/acme/keys", &json!({"kind": "personal"}));
    assert_eq!(reply.expect(403)["code"], "ACCOUNT_SUSPENDED");
    let rotate = format!("/v1/account/api-keys/{}/rotate", key.name);
    let reply = world.send("POST", &rotate, Some(&key.text), None);
    assert_eq!(reply.expect(403)["code"], "ACCOUNT_SUSPENDED");
}
