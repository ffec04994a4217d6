//! `policies/five-gates.toml`.

mod ban;
mod batch;
mod gates;

use crate::world::{World, header, text};
use serde_json::{Value, json};

const IP: &str = "203.0.113.7";

fn world() -> World {
    World::of("five-gates")
}

/// A request of an address at an endpoint.
fn at(ip: &str, endpoint: &str) -> Value {
    json!({"ip": ip, "endpoint": format!("/api/v1/{endpoint}"), "settle": "now"})
}

/// A request that passes, after a pause that lets it.
fn passes(world: &World, ask: &Value) -> Value {
    world.pass("4s");
    let answer = world.ask(ask);
    assert_eq!(answer["allowed"], true, "{answer}");
    answer
}

/// Batches of 20 files at one endpoint, 20 seconds apart, until so many files have passed.
fn files_pass(world: &World, endpoint: &str, files: usize) {
    for done in (0..files).step_by(20) {
        world.pass("25s");
        let answer = world.ask(&batch(IP, &vec![endpoint; 20.min(files - done)]));
        assert_eq!(answer["allowed"], true, "after {done} files: {answer}");
    }
}

/// A batch with one file for each endpoint.
fn batch(ip: &str, endpoints: &[&str]) -> Value {
    let items = endpoints.iter().map(|endpoint| json!({"endpoint": format!("/api/v1/{endpoint}")}));
    let mut ask = at(ip, "batch");
    ask["items"] = items.collect();
    ask
}

/// The denial is the provider's own, byte for byte.
fn assert_denied(answer: &Value, reason: &str, seconds: u64) {
    let message = format!("Rate limit exceeded ({reason}). Retry after {seconds} seconds.");
    let body = format!(
        r#"{{"error":{{"code":"RATE_LIMITED","message":"{message}","details":{{"reason":"{reason}","retry_after":{seconds}}}}}}}"#
    );
    assert_eq!(answer["response"]["status"], 429, "{answer}");
    assert_eq!(text(&answer["response"]["body"]), body);
    assert_eq!(header(answer, "Retry-After"), seconds.to_string());
    assert_eq!(header(answer, "X-RateLimit-Reason"), reason);
    assert_eq!(answer["allowed"], false);
}
