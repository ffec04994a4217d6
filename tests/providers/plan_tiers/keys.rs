use super::{account, ask, complete, job, world};
use crate::world::{issued, text, verdict};
use serde_json::{Value, json};

#[test]
fn keys_are_several_per_account_test_and_live() {
    let world = world();
    let live = account(&world, "acme", "starter");
    let more = [world.key("acme", "live"), world.key("acme", "test")];
    assert!(live.text.starts_with("sk_live_") && more[1].text.starts_with("sk_test_"));
    for key in [&live, &more[0], &more[1]] {
        assert_eq!(world.ask(&ask(key))["allowed"], true);
    }
    assert_eq!(world.read(&more[1], "/v1/account/api-key/current")["mode"], "test");
}

#[test]
fn keys_for_tests_pass_the_same_gates_in_windows_of_their_own() {
    let world = world();
    let live = account(&world, "acme", "free");
    let test = world.key("acme", "test");
    assert_eq!(world.burst(&ask(&test), 11), 10);
    assert_eq!(world.burst(&ask(&live), 11), 10);
}

#[test]
fn keys_for_tests_never_spend_live_credit() {
    let world = world();
    account(&world, "acme", "starter");
    let test = world.key("acme", "test");
    world.grant("acme", "100");
    assert_eq!(verdict(&world.ask(&job(&test, &json!(1)))).0, 402, "live credit is not theirs");
    world.act("POST", "/v1/accounts/acme/grants", &json!({"amount": "50", "mode": "test"}));
    let decision = world.ask(&job(&test, &json!(1)));
    assert_eq!(world.settle(&decision, "succeeded", &json!({}))["charged"], "15");
    assert_eq!(world.balance("acme"), ("100".into(), "0".into()));
    let test = world.look("/v1/account/balance?account=acme")["test"].clone();
    assert_eq!(test, json!({"available": "35", "held": "0"}));
}

#[test]
fn keys_are_issued_only_to_an_active_account_with_contact_and_accepted_terms() {
    let world = world();
    world.open("acme", &json!({"plan": "free"}));
    let issue = || world.operator("POST", "/v1/accounts/acme/keys", &json!({"kind": "live"}));
    let detail = |body: Value| drop(world.act("PATCH", "/v1/accounts/acme", &body));
    assert_eq!(issue().expect(403)["code"], "NOT_ALLOWED");
    detail(json!({"contact": true}));
    assert_eq!(issue().expect(403)["code"], "NOT_ALLOWED");
    detail(json!({"terms": "2026-01"}));
    issue().expect(200);
    world.act("POST", "/v1/accounts/acme/suspend", &json!({"reason": "security"}));
    assert_eq!(issue().expect(403)["code"], "ACCOUNT_SUSPENDED");
}

#[test]
fn keys_rotate_and_the_old_one_is_dead_on_the_next_decision() {
    let world = world();
    let old = account(&world, "acme", "starter");
    let path = format!("/v1/account/api-keys/{}/rotate", old.name);
    let new = issued(&world.send("POST", &path, Some(&old.text), None).expect(200));
    let refused = world.ask(&ask(&old));
    assert_eq!((verdict(&refused).0, text(&refused["reason"])), (401, "key_revoked".into()));
    assert_eq!(world.ask(&ask(&new))["allowed"], true);
}

#[test]
fn keys_are_revoked_one_by_one_on_the_next_decision() {
    let world = world();
    let key = account(&world, "acme", "starter");
    let other = world.key("acme", "live");
    world.change_key("acme", &key, "revoke");
    let refused = world.ask(&ask(&key));
    assert_eq!((verdict(&refused).0, text(&refused["reason"])), (401, "key_revoked".into()));
    assert_eq!(world.ask(&ask(&other))["allowed"], true);
}

#[test]
fn keys_are_suspended_and_resumed_one_by_one_on_the_next_decision() {
    let world = world();
    let key = account(&world, "acme", "starter");
    let other = world.key("acme", "live");
    world.change_key("acme", &key, "suspend");
    let refused = world.ask(&ask(&key));
    assert_eq!((verdict(&refused).0, text(&refused["reason"])), (401, "key_suspended".into()));
    assert_eq!(world.ask(&ask(&other))["allowed"], true);
    world.change_key("acme", &key, "resume");
    assert_eq!(world.ask(&ask(&key))["allowed"], true);
}

#[test]
fn keys_marked_compromised_keep_when_that_was_suspected_and_reported() {
    let world = world();
    let keys = [account(&world, "acme", "starter"), world.key("acme", "live")];
    for (key, suspected, in_time) in
        [(&keys[0], "2026-03-01T10:00:00Z", true), (&keys[1], "2026-03-01T09:59:59Z", false)]
    {
        let path = format!("/v1/accounts/acme/keys/{}/compromised", key.name);
        world.act("POST", &path, &json!({"suspected": suspected, "reported": "2026-03-02T10:00:00Z"}));
        let change = world.last_event("KeyChanged")["data"]["change"]["compromised"].clone();
        assert_eq!(change["within_a_day"], in_time);
        assert_eq!(
            (&change["suspected"], &change["reported"]),
            (&json!(suspected), &json!("2026-03-02T10:00:00Z"))
        );
        let refused = world.ask(&ask(key));
        assert_eq!((verdict(&refused).0, text(&refused["reason"])), (401, "key_compromised".into()));
    }
}

#[test]
fn keys_after_a_compromise_need_an_operators_recorded_verification() {
    let world = world();
    let key = account(&world, "acme", "starter");
    world.grant("acme", "100");
    let decision = world.ask(&job(&key, &json!(2)));
    world.change_key("acme", &key, "compromised");
    let issue = || world.operator("POST", "/v1/accounts/acme/keys", &json!({"kind": "live"}));
    assert_eq!(issue().expect(403)["code"], "NOT_ALLOWED");
    assert_eq!(
        world.settle(&decision, "succeeded", &json!({}))["charged"],
        "30",
        "charges before it stay due"
    );
    world.change_key("acme", &key, "verify");
    let event = world.last_event("KeyChanged");
    assert_eq!((&event["data"]["change"], &event["actor"]), (&json!("verified"), &json!("operator:olga")));
    issue().expect(200);
    assert_eq!(verdict(&world.ask(&ask(&key))).0, 401, "the old key stays dead");
}

#[test]
fn keys_of_an_account_that_was_never_completed_do_not_exist() {
    let world = world();
    world.open("acme", &json!({}));
    assert_eq!(world.look("/v1/accounts/acme")["keys"], json!([]));
    complete(&world, "acme");
    assert_eq!(world.look("/v1/accounts/acme")["plan"], "free");
}
