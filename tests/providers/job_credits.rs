//! `policies/job-credits.toml`.

mod abuse;

use crate::world::{Key, World, changed, header, issued, limit, path_of, text, verdict};
use serde_json::{Value, json};

const ENHANCE: &str = "/v1/process/enhance";
const UPSCALE: &str = "/v1/process/upscale";
const JOB: &str = "/v1/jobs/7";

/// An account with so much credit, and its personal key.
fn world(credits: &str) -> (World, Key) {
    let world = World::of("job-credits");
    let key = account(&world, "acme", credits);
    (world, key)
}

fn account(world: &World, name: &str, credits: &str) -> Key {
    world.open(name, &json!({}));
    if credits != "0" {
        world.grant(name, credits);
    }
    world.key(name, "personal")
}

fn ask(key: &Key, endpoint: &str) -> Value {
    json!({"key": key.text, "endpoint": endpoint})
}

/// A request whose outcome is known at once: no job stays open.
fn done(key: &Key, endpoint: &str) -> Value {
    json!({"key": key.text, "endpoint": endpoint, "settle": "now"})
}

fn begin(world: &World, decision: &Value) -> Value {
    world.step(decision, "begin", &json!({}))
}

#[test]
fn credentials_are_needed_on_every_request() {
    let (world, key) = world("10");
    let missing = world.ask(&json!({"endpoint": JOB, "ip": "203.0.113.7"}));
    assert_eq!((verdict(&missing).0, text(&missing["reason"])), (401, "missing_key".into()));
    let unknown = world.ask(&json!({"endpoint": JOB, "key": "pk_unknown", "ip": "203.0.113.7"}));
    assert_eq!((verdict(&unknown).0, text(&unknown["reason"])), (401, "unknown_key".into()));
    world.change_key("acme", &key, "revoke");
    let revoked = world.ask(&ask(&key, JOB));
    assert_eq!((verdict(&revoked).0, text(&revoked["reason"])), (401, "key_revoked".into()));
}

#[test]
fn credentials_personal_keys_charge_their_owners_account() {
    let (world, key) = world("10");
    assert!(key.text.starts_with("pk_"));
    let decision = world.ask(&ask(&key, UPSCALE));
    begin(&world, &decision);
    assert_eq!(world.balance("acme"), ("8".into(), "0".into()));
}

#[test]
fn credentials_partner_keys_need_a_recorded_approval_that_names_the_terms() {
    let (world, _) = world("10");
    let path = "/v1/accounts/acme/keys";
    for approval in [Value::Null, json!("other-terms")] {
        let reply = world.operator("POST", path, &json!({"kind": "partner", "approval": approval}));
        assert_eq!(reply.expect(400)["field"], "approval");
    }
    let answer = world.act("POST", path, &json!({"kind": "partner", "approval": "partner-terms"}));
    let event = world.last_event("KeyIssued");
    assert_eq!(
        (&event["actor"], &event["data"]["approval"]),
        (&json!("operator:olga"), &json!("partner-terms"))
    );
    let partner = issued(&answer);
    assert!(partner.text.starts_with("ptr_"));
    begin(&world, &world.ask(&ask(&partner, UPSCALE)));
    assert_eq!(world.balance("acme").0, "8", "it charges the account that it was issued for");
    assert_eq!(world.read(&partner, "/v1/account/api-key/current")["account"], "acme");
}

#[test]
fn rates_are_100_a_minute_per_account_over_everything() {
    let (world, key) = world("100");
    let second = world.key("acme", "personal");
    assert_eq!(world.burst(&done(&key, ENHANCE), 15), 15);
    assert_eq!(world.burst(&done(&second, JOB), 90), 85, "all keys and endpoints together");
    let denied = world.ask(&done(&key, JOB));
    assert_eq!(
        (verdict(&denied).0, text(&denied["reason"]), header(&denied, "Retry-After")),
        (429, "general".into(), "60")
    );
    world.pass("60s");
    assert_eq!(world.ask(&done(&key, JOB))["allowed"], true);
}

#[test]
fn rates_are_20_a_minute_per_account_on_processing_endpoints() {
    let (world, key) = world("100");
    assert_eq!(world.burst(&done(&key, ENHANCE), 10), 10);
    assert_eq!(world.burst(&done(&key, UPSCALE), 11), 10);
    assert_eq!(text(&world.ask(&done(&key, "/v1/batch"))["reason"]), "processing");
    assert_eq!(world.burst(&done(&key, JOB), 50), 50, "polling is general");
}

#[test]
fn queue_full_denies_new_jobs_only() {
    let (world, key) = world("100");
    let jobs: Vec<_> = (0..5).map(|_| world.ask(&ask(&key, ENHANCE))).collect();
    assert!(jobs.iter().all(|job| job["allowed"] == true));
    let full = world.ask(&ask(&key, ENHANCE));
    assert_eq!((verdict(&full), text(&full["reason"])), ((429, "QUEUE_FULL".into()), "queue".into()));
    assert_eq!(header(&full, "Retry-After"), "30");
    assert_eq!(world.ask(&done(&key, JOB))["allowed"], true);
    world.settle(&jobs[0], "succeeded", &json!({}));
    assert_eq!(world.ask(&ask(&key, ENHANCE))["allowed"], true);
}

#[test]
fn queue_retry_after_is_at_most_the_time_to_the_earliest_expiry_which_frees_a_place() {
    let (world, key) = world("100");
    (0..5).for_each(|_| drop(world.ask(&ask(&key, ENHANCE))));
    world.at("2026-03-03T09:59:49.5Z");
    assert_eq!(header(&world.ask(&ask(&key, ENHANCE)), "Retry-After"), "11");
    world.at("2026-03-03T10:00:00Z");
    assert_eq!(world.ask(&ask(&key, ENHANCE))["allowed"], true);
    assert_eq!(world.events("HoldExpired").len(), 5);
}

#[test]
fn credit_of_a_job_is_402_if_short_else_held_when_submitted() {
    let (world, key) = world("3");
    let job = world.ask(&ask(&key, UPSCALE));
    assert_eq!((&job["held"], &job["charged"]), (&json!("2"), &json!("0")));
    assert_eq!(world.balance("acme"), ("1".into(), "2".into()));
    let short = world.ask(&ask(&key, UPSCALE));
    assert_eq!(verdict(&short), (402, "INSUFFICIENT_CREDITS".into()));
    assert_eq!(world.balance("acme"), ("1".into(), "2".into()), "a refusal moves nothing");
}

#[test]
fn credit_of_a_job_is_charged_when_it_begins_and_only_once() {
    let (world, key) = world("3");
    let job = world.ask(&ask(&key, UPSCALE));
    let begun = begin(&world, &job);
    assert_eq!((&begun["state"], &begun["charged"]), (&json!("begun"), &json!("2")));
    assert_eq!(begin(&world, &job), begun, "again is the first result");
    let settled = world.settle(&job, "succeeded", &json!({}));
    assert_eq!(settled["charged"], "0");
    assert_eq!(world.balance("acme"), ("1".into(), "0".into()));
}

#[test]
fn credit_of_a_job_is_refunded_by_itself_when_the_system_fails() {
    let (world, key) = world("3");
    let job = world.ask(&ask(&key, UPSCALE));
    begin(&world, &job);
    let failed = world.settle(&job, "system_error", &json!({}));
    assert_eq!(failed["refunded"], "2");
    assert_eq!(world.settle(&job, "system_error", &json!({})), failed);
    assert_eq!(world.balance("acme"), ("3".into(), "0".into()));
}

#[test]
fn credit_of_a_job_is_not_refunded_when_it_fails_otherwise() {
    let (world, key) = world("3");
    let job = world.ask(&ask(&key, UPSCALE));
    begin(&world, &job);
    assert_eq!(world.settle(&job, "client_error", &json!({}))["refunded"], "0");
    assert_eq!(world.balance("acme"), ("1".into(), "0".into()));
}

#[test]
fn credit_of_a_job_cancelled_in_the_queue_is_released() {
    let (world, key) = world("3");
    let job = world.ask(&ask(&key, UPSCALE));
    let cancelled = world.settle(&job, "cancelled", &json!({}));
    assert_eq!((&cancelled["released"], &cancelled["charged"]), (&json!("2"), &json!("0")));
    assert_eq!(world.balance("acme"), ("3".into(), "0".into()));
    let late = world.gateway("POST", &path_of(&job, "begin"), &json!({}));
    assert_eq!(late.status, 409, "what was called off does not begin: {}", late.body);
}

#[test]
fn leaving_deletes_the_key_and_forfeits_nothing() {
    let (world, key) = world("3");
    world.act(
        "POST",
        "/v1/accounts/acme/grants",
        &json!({"amount": "4", "kind": "purchase", "expires": "2026-06-01T00:00:00Z"}),
    );
    let job = world.ask(&ask(&key, UPSCALE));
    begin(&world, &job);
    world.send("DELETE", &format!("/v1/account/api-keys/{}", key.name), Some(&key.text), None).expect(200);
    assert_eq!(verdict(&world.ask(&ask(&key, JOB))).0, 401);
    assert_eq!(world.balance("acme").0, "5", "credits stay");
    let refund = world.step(
        &job,
        "refund",
        &json!({"refund_id": "goodwill", "amount": "1.5", "reason": "a customer leaves"}),
    );
    assert_eq!(refund["refunded"], "1.5");
    assert_eq!(world.balance("acme").0, "6.5", "can be refunded");
    world.at("2026-06-01T00:00:00Z");
    assert_eq!(world.balance("acme").0, "3", "only the purchase expired, on its own date");
}

#[test]
fn prices_are_shown_in_force_and_announced_next() {
    let (world, key) = world("10");
    let costs = world.read(&key, "/v1/pricing/costs");
    assert_eq!(costs["in_force"]["prices"]["endpoints"][UPSCALE]["base"], "2");
    assert_eq!(costs["announced"], Value::Null);
    assert_eq!(costs["in_force"]["prices"]["markup"], Value::Null, "factor 1, the same as the web price");
    let list = json!({"endpoints": {UPSCALE: {"base": 3}}});
    world.act("POST", "/v1/price-lists", &json!({"prices": list, "effective": "2026-04-01T00:00:00Z"}));
    let costs = world.send("GET", "/v1/pricing/costs", None, None).expect(200);
    assert_eq!(costs["in_force"]["prices"]["endpoints"][UPSCALE]["base"], "2");
    assert_eq!(costs["announced"]["effective"], "2026-04-01T00:00:00Z");
    assert_eq!(costs["announced"]["prices"]["endpoints"][UPSCALE]["base"], "3");
    assert_eq!(world.ask(&ask(&key, UPSCALE))["held"], "2");
    world.at("2026-04-01T00:00:00Z");
    assert_eq!(world.ask(&ask(&key, UPSCALE))["held"], "3");
    assert_eq!(world.read(&key, "/v1/pricing/costs")["announced"], Value::Null);
}

#[test]
fn prices_credit_cannot_be_bought_over_the_api() {
    let (world, key) = world("10");
    let body = json!({"amount": "100"}).to_string();
    for token in [key.text.as_str(), counterfoil_tests::sandbox::GATEWAY] {
        let reply = world.send("POST", "/v1/accounts/acme/grants", Some(token), Some(&body));
        assert!([401, 403].contains(&reply.status), "{}", reply.body);
    }
    assert_eq!(world.balance("acme").0, "10");
}

#[test]
fn credit_validity_bought_credits_expire_after_the_period() {
    let (world, key) = world("0");
    world.act("POST", "/v1/accounts/acme/grants", &json!({"amount": "5", "kind": "purchase"}));
    world.at("2027-03-02T09:59:59Z");
    let job = world.ask(&ask(&key, UPSCALE));
    assert_eq!(job["held"], "2");
    world.at("2027-03-02T10:00:00Z");
    assert_eq!(world.balance("acme"), ("0".into(), "2".into()), "the unreserved part expires");
    world.settle(&job, "cancelled", &json!({}));
    assert_eq!(world.balance("acme"), ("0".into(), "0".into()), "what a hold returns to it expires at once");
    assert_eq!(verdict(&world.ask(&ask(&key, UPSCALE))).0, 402);
}

#[test]
fn notice_limits_may_change_at_any_time() {
    let (world, key) = world("100");
    assert_eq!(world.burst(&done(&key, JOB), 50), 50);
    let tighter = changed("job-credits", "limit = 100\n", "limit = 60\n");
    world.act("POST", "/v1/policies", &json!({"toml": tighter}));
    assert_eq!(world.burst(&done(&key, JOB), 20), 10);
    assert_eq!(limit(&world.read(&key, "/v1/limits"), "general")["limit"], 60);
}
