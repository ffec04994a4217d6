use super::{IP, assert_denied, at, passes, world};
use crate::world::{World, header, text, verdict};
use serde_json::{Value, json};

const ENDPOINT: &str = "tools/anything-else";

/// One admission, then so many denials.
fn denials(world: &World, count: usize) {
    passes(world, &at(IP, ENDPOINT));
    (0..count).for_each(|_| assert_denied(&world.ask(&at(IP, ENDPOINT)), "cooldown", 1));
}

fn banned(world: &World) -> Value {
    let answer = world.ask(&at(IP, ENDPOINT));
    assert_eq!(verdict(&answer), (403, "BANNED".into()), "{answer}");
    answer
}

#[test]
fn the_10th_429_within_an_hour_is_its_own_429_and_starts_a_ban_of_24_hours() {
    let world = world();
    denials(&world, 9);
    assert!(world.events("BanStarted").is_empty());
    world.pass("500ms");
    assert_denied(&world.ask(&at(IP, ENDPOINT)), "cooldown", 1);
    let ban = world.last_event("BanStarted");
    assert_eq!(ban["at"], "2026-03-02T10:00:04.5Z", "at that instant");
    assert_eq!(ban["data"]["until"], "2026-03-03T10:00:04.5Z");
    world.pass("1s");
    banned(&world);
    world.at("2026-03-03T10:00:04.499Z");
    assert_eq!(header(&banned(&world), "Retry-After"), "1");
    world.at("2026-03-03T10:00:04.5Z");
    assert_eq!(world.ask(&at(IP, ENDPOINT))["allowed"], true);
}

#[test]
fn a_ban_answers_403_with_the_providers_words() {
    let world = world();
    denials(&world, 10);
    let answer = banned(&world);
    assert_eq!(header(&answer, "X-RateLimit-Reason"), "banned");
    assert_eq!(header(&answer, "Retry-After"), "86400");
    assert_eq!(
        text(&answer["response"]["body"]),
        r#"{"error":{"code":"BANNED","message":"This address is banned. Turn to /contact.","details":{"reason":"banned","retry_after":86400,"contact":"/contact"}}}"#
    );
}

#[test]
fn denials_leave_the_count_after_an_hour() {
    let world = world();
    denials(&world, 9);
    world.pass("1h");
    denials(&world, 9);
    assert!(world.events("BanStarted").is_empty());
    assert_denied(&world.ask(&at(IP, ENDPOINT)), "cooldown", 1);
    assert_eq!(world.events("BanStarted").len(), 1);
}

#[test]
fn refusals_during_a_ban_do_not_count_and_afterwards_the_count_starts_at_zero() {
    let world = world();
    denials(&world, 10);
    world.at("2026-03-03T09:59:00Z");
    (0..20).for_each(|_| drop(banned(&world)));
    world.at("2026-03-03T10:00:10Z");
    denials(&world, 9);
    assert_eq!(world.events("BanStarted").len(), 1);
    assert_denied(&world.ask(&at(IP, ENDPOINT)), "cooldown", 1);
    assert_eq!(world.events("BanStarted").len(), 2);
}

#[test]
fn an_operator_lifts_a_ban_with_a_reason_which_zeroes_the_count() {
    let world = world();
    denials(&world, 10);
    let without = world.operator("POST", "/v1/bans/lift", &json!({"ip": IP}));
    assert_eq!(without.status, 400, "{}", without.body);
    world.act("POST", "/v1/bans/lift", &json!({"ip": IP, "reason": "a misunderstanding"}));
    assert_eq!(world.last_event("BanLifted")["data"]["reason"], "a misunderstanding");
    denials(&world, 9);
    assert_eq!(world.events("BanStarted").len(), 1);
    assert_denied(&world.ask(&at(IP, ENDPOINT)), "cooldown", 1);
    assert_eq!(world.events("BanStarted").len(), 2);
}

#[test]
fn a_ban_strikes_one_address_only() {
    let world = world();
    denials(&world, 10);
    assert_eq!(world.ask(&at("203.0.113.8", ENDPOINT))["allowed"], true);
}

#[test]
fn unknown_keys_do_not_count_towards_a_ban() {
    let world = world();
    let mut ask = at(IP, ENDPOINT);
    ask["key"] = json!("fg_unknown");
    (0..20).for_each(|_| assert_eq!(verdict(&world.ask(&ask)).0, 401));
    assert_eq!(world.ask(&at(IP, ENDPOINT))["allowed"], true);
}

#[test]
fn get_limits_answers_a_banned_address_too() {
    let world = world();
    denials(&world, 10);
    let standing = world.look(&format!("/v1/limits?ip={IP}"));
    assert_eq!(standing["ban"], json!({"reason": "banned", "until": "2026-03-03T10:00:04Z"}));
    assert_eq!(standing["contact"], "/contact");
    // The reader's own address may be banned: it still reads.
    world.act("POST", "/v1/bans", &json!({"ip": "127.0.0.1", "reason": "a test"}));
    let own = world.send("GET", "/v1/limits", None, None).expect(200);
    assert_eq!(own["ban"], json!({"reason": "a test", "until": null}));
}
