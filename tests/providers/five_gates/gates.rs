use super::{IP, assert_denied, at, files_pass, passes, world};
use crate::world::{World, header, text, verdict};
use serde_json::{Value, json};

const OTHER: &str = "tools/anything-else";

#[test]
fn cooldown_denies_for_less_than_a_second_after_an_admission() {
    let world = world();
    assert_eq!(world.ask(&at(IP, OTHER))["allowed"], true);
    assert_denied(&world.ask(&at(IP, OTHER)), "cooldown", 1);
    world.pass("999ms");
    assert_denied(&world.ask(&at(IP, OTHER)), "cooldown", 1);
    world.pass("1ms");
    assert_eq!(world.ask(&at(IP, OTHER))["allowed"], true, "a denial starts no cooldown");
}

#[test]
fn burst_denies_the_21st_in_any_60_seconds() {
    let world = world();
    for _ in 0..20 {
        world.pass("2s");
        assert_eq!(world.ask(&at(IP, OTHER))["allowed"], true);
    }
    world.pass("1500ms");
    assert_denied(&world.ask(&at(IP, OTHER)), "burst", 21);
    world.pass("20500ms");
    assert_eq!(world.ask(&at(IP, OTHER))["allowed"], true, "60 s after the first");
    world.pass("1s");
    assert_denied(&world.ask(&at(IP, OTHER)), "burst", 1);
}

#[test]
fn hourly_denies_the_151st_until_the_hour_is_over() {
    let world = world();
    (0..150).for_each(|_| drop(passes(&world, &at(IP, OTHER))));
    world.pass("4s");
    assert_denied(&world.ask(&at(IP, OTHER)), "hourly", 3_600 - 604);
    world.at("2026-03-02T10:59:59.5Z");
    assert_denied(&world.ask(&at(IP, OTHER)), "hourly", 1);
    world.at("2026-03-02T11:00:00Z");
    assert_eq!(world.ask(&at(IP, OTHER))["allowed"], true);
}

#[test]
fn daily_denies_the_1001st_until_midnight_utc() {
    let world = world();
    for tool in 0..2 {
        files_pass(&world, &format!("tools/other-{tool}"), 500);
    }
    world.pass("1s");
    let wait = 14 * 3_600 - 50 * 25 - 1;
    assert_denied(&world.ask(&at(IP, OTHER)), "daily", wait);
    world.at("2026-03-03T00:00:00Z");
    assert_eq!(world.ask(&at(IP, OTHER))["allowed"], true);
}

#[test]
fn the_first_gate_that_denies_names_itself_in_the_order_of_the_terms() {
    let world = world();
    (0..20).for_each(|_| assert_eq!(passes_after(&world, "2s"), true));
    // Cooldown and burst are both full now: the cooldown answers.
    assert_denied(&world.ask(&at(IP, OTHER)), "cooldown", 1);
    world.pass("1s");
    assert_denied(&world.ask(&at(IP, OTHER)), "burst", 21);
}

fn passes_after(world: &World, pause: &str) -> Value {
    world.pass(pause);
    world.ask(&at(IP, OTHER))["allowed"].clone()
}

#[test]
fn endpoint_caps_of_50_a_day() {
    let tools = [
        "upscale-image",
        "colorize-photo",
        "enhance-photo",
        "restore-old-photo",
        "noise-reduction",
        "remove-object",
        "vocal-remover",
        "merge-videos",
        "reverse-video",
    ];
    for tool in tools {
        assert_cap(&format!("tools/{tool}"), 50);
    }
}

#[test]
fn endpoint_caps_of_100_a_day() {
    let tools = [
        "speech-to-text",
        "remove-background",
        "change-background",
        "passport-photo",
        "image-to-text",
        "compress-video",
        "trim-video",
        "video-speed-changer",
        "extract-audio",
        "remove-audio",
    ];
    for tool in tools {
        assert_cap(&format!("tools/{tool}"), 100);
    }
}

fn assert_cap(endpoint: &str, cap: usize) {
    let world = world();
    files_pass(&world, endpoint, cap);
    world.pass("1s");
    let seconds = 14 * 3_600 - 25 * cap.div_ceil(20) as u64 - 1;
    assert_denied(&world.ask(&at(IP, endpoint)), &format!("endpoint:{endpoint}"), seconds);
    assert_eq!(passes(&world, &at(IP, OTHER))["allowed"], true, "another endpoint has its own counter");
    world.at("2026-03-03T00:00:00Z");
    assert_eq!(world.ask(&at(IP, endpoint))["allowed"], true);
}

#[test]
fn endpoint_caps_of_1000_a_day_each_with_its_own_counter() {
    let world = world();
    let raised = json!({"ip": IP, "figure": 5_000, "reason": "to see the endpoint's own cap"});
    world.act("PUT", "/v1/limits/daily", &raised);
    files_pass(&world, OTHER, 1_000);
    world.pass("1s");
    assert_denied(&world.ask(&at(IP, OTHER)), "endpoint:tools/anything-else", 14 * 3_600 - 1_251);
    assert_eq!(passes(&world, &at(IP, "tools/one-more"))["allowed"], true);
}

#[test]
fn an_operator_can_set_other_figures_for_an_address() {
    let world = world();
    let set = |limit: &str, figure: u64| {
        let body = json!({"ip": IP, "figure": figure, "reason": "a good customer"});
        world.act("PUT", &format!("/v1/limits/{limit}"), &body)
    };
    set("cooldown", 0);
    set("burst", 30);
    assert_eq!(world.burst(&at(IP, OTHER), 31), 30);
    let other = "198.51.100.1";
    assert_eq!(world.burst(&at(other, OTHER), 2), 1, "another address has the defaults");
    let event = world.last_event("FigureSet");
    assert_eq!(
        (text(&event["actor"]), text(&event["data"]["reason"])),
        ("operator:olga".into(), "a good customer".into())
    );
}

#[test]
fn an_operator_can_set_other_figures_for_a_key() {
    let world = world();
    world.open("acme", &json!({}));
    let key = world.key("acme", "live");
    for (limit, figure) in [("cooldown", 0), ("burst", 30)] {
        let body = json!({"key": key.name, "figure": figure, "reason": "a good customer"});
        world.act("PUT", &format!("/v1/accounts/acme/limits/{limit}"), &body);
    }
    let mut ask = at(IP, OTHER);
    ask["key"] = json!(key.text);
    assert_eq!(world.burst(&ask, 31), 30);
    assert_eq!(world.burst(&at("198.51.100.1", OTHER), 2), 1, "without the key the defaults hold");
}

#[test]
fn file_size_up_to_200_mb_passes_and_100_mb_on_the_web_and_20_mb_to_upscale() {
    let world = world();
    for (channel, endpoint, most) in [
        (None, OTHER, 200_000_000_u64),
        (Some("api"), OTHER, 200_000_000),
        (Some("web"), OTHER, 100_000_000),
        (None, "tools/upscale-image", 20_000_000),
        (Some("web"), "tools/upscale-image", 20_000_000),
    ] {
        let mut ask = at(IP, endpoint);
        ask["channel"] = json!(channel);
        ask["attributes"] = json!({"file_bytes": most + 1});
        assert_eq!(verdict(&world.ask(&ask)).0, 413, "{endpoint} {channel:?}");
        ask["attributes"] = json!({"file_bytes": most});
        // It passes without a pause after the refusal: a 413 starts no cooldown.
        assert_eq!(world.ask(&ask)["allowed"], true, "{endpoint} {channel:?}");
        assert_eq!(world.ask(&ask)["reason"], "cooldown");
        ask["attributes"] = json!({"file_bytes": most + 1});
        assert_eq!(verdict(&world.ask(&ask)).0, 413, "before the cooldown");
        world.pass("1s");
    }
}

#[test]
fn file_size_refusals_are_no_denials_and_come_after_the_ban() {
    let world = world();
    let mut ask = at(IP, OTHER);
    ask["attributes"] = json!({"file_bytes": 200_000_001});
    (0..20).for_each(|_| assert_eq!(verdict(&world.ask(&ask)).0, 413));
    assert!(world.events("BanStarted").is_empty());
    world.act("POST", "/v1/bans", &json!({"ip": IP, "reason": "enough"}));
    assert_eq!(verdict(&world.ask(&ask)), (403, "BANNED".into()));
}

#[test]
fn headers_on_every_success_show_what_remains_after_the_request() {
    let world = world();
    let answer = passes(&world, &at(IP, "tools/upscale-image"));
    let told = |answer: &Value, name: &str| header(answer, &format!("X-RateLimit-{name}")).to_owned();
    assert_eq!(answer["response"]["status"], 200);
    for (name, value) in [
        ("Limit-Day", "1000"),
        ("Remaining-Day", "999"),
        ("Reset-Day", "1772496000"),
        ("Limit-Hour", "150"),
        ("Remaining-Hour", "149"),
        ("Limit-Endpoint", "50"),
        ("Remaining-Endpoint", "49"),
    ] {
        assert_eq!(told(&answer, name), value, "{name}");
    }
    let next = passes(&world, &at(IP, OTHER));
    assert_eq!([told(&next, "Remaining-Day"), told(&next, "Remaining-Hour")], ["998", "148"]);
    assert_eq!([told(&next, "Limit-Endpoint"), told(&next, "Remaining-Endpoint")], ["1000", "999"]);
}

#[test]
fn get_limits_shows_the_state_and_counts_for_nothing() {
    let world = world();
    passes(&world, &at(IP, OTHER));
    let path = format!("/v1/limits?ip={IP}&endpoint=/api/v1/{OTHER}");
    let used = |name: &str| crate::world::limit(&world.look(&path), name)["used"].clone();
    for _ in 0..3 {
        assert_eq!([used("burst"), used("hourly"), used("daily"), used("endpoint")], [1, 1, 1, 1]);
    }
    let own = world.send("GET", "/v1/limits", None, None).expect(200);
    assert_eq!(
        crate::world::limit(&own, "daily")["used"],
        0,
        "without a key it shows the reader's own address"
    );
}
