use super::{IP, batch, passes, world};
use crate::world::{World, header, limit, verdict};
use serde_json::{Value, json};

fn used(world: &World, name: &str, endpoint: &str) -> Value {
    limit(&world.look(&format!("/v1/limits?ip={IP}&endpoint={endpoint}")), name)["used"].clone()
}

#[test]
fn a_batch_weighs_1_at_cooldown_burst_and_hourly_and_its_files_at_daily_and_endpoint() {
    let world = world();
    let answer = passes(&world, &batch(IP, &["tools/upscale-image"; 20]));
    assert_eq!(header(&answer, "X-RateLimit-Remaining-Hour"), "149");
    assert_eq!(header(&answer, "X-RateLimit-Remaining-Day"), "980");
    assert_eq!(header(&answer, "X-RateLimit-Remaining-Endpoint"), "30");
    assert_eq!(used(&world, "burst", "tools/upscale-image"), 1);
}

#[test]
fn a_batch_of_21_files_is_400_and_nothing_moves() {
    let world = world();
    let reply = world.ask_raw(&batch(IP, &["tools/upscale-image"; 21]));
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert!(world.events("RequestDenied").is_empty());
    assert_eq!([used(&world, "burst", "batch"), used(&world, "daily", "batch")], [0, 0]);
    assert_eq!(world.ask(&batch(IP, &["tools/upscale-image"; 20]))["allowed"], true);
}

#[test]
fn a_file_counts_at_the_tool_that_it_names_else_at_batch() {
    let world = world();
    let mut ask = batch(IP, &["tools/upscale-image", "tools/trim-video", "tools/trim-video"]);
    ask["items"].as_array_mut().expect("items").push(json!({}));
    passes(&world, &ask);
    let counts =
        ["tools/upscale-image", "tools/trim-video", "batch"].map(|tool| used(&world, "endpoint", tool));
    assert_eq!(counts, [1, 2, 1]);
}

#[test]
fn a_batch_passes_whole_or_not_at_all() {
    let world = world();
    passes(&world, &batch(IP, &["tools/upscale-image"; 20]));
    passes(&world, &batch(IP, &["tools/upscale-image"; 20]));
    world.pass("1s");
    let mut files = ["tools/upscale-image"; 11];
    files[0] = "tools/trim-video";
    let answer = world.ask(&batch(IP, &files));
    assert_eq!(answer["allowed"], true, "exactly 50: {answer}");
    world.pass("1s");
    let answer = world.ask(&batch(IP, &["tools/trim-video", "tools/upscale-image"]));
    assert_eq!(answer["reason"], "endpoint:tools/upscale-image");
    assert_eq!(used(&world, "endpoint", "tools/trim-video"), 1, "nothing moved");
    assert_eq!(used(&world, "daily", "batch"), 51);
}

#[test]
fn one_oversize_file_refuses_the_whole_batch() {
    let world = world();
    let mut ask = batch(IP, &["tools/trim-video"; 3]);
    ask["items"][2]["attributes"] = json!({"file_bytes": 200_000_001});
    assert_eq!(verdict(&world.ask(&ask)).0, 413);
    ask["items"][2] =
        json!({"endpoint": "/api/v1/tools/upscale-image", "attributes": {"file_bytes": 20_000_001}});
    assert_eq!(verdict(&world.ask(&ask)).0, 413, "each file is measured at its own tool");
    assert_eq!(used(&world, "daily", "batch"), 0);
}
