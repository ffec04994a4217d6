//! `policies/plan-tiers.toml`.

mod credit;
mod keys;
mod notice;
mod plans;

use crate::world::{Key, World};
use serde_json::{Value, json};

const GENERATIONS: &str = "/v1/generations";
const STATUS: &str = "/v1/status";

fn world() -> World {
    World::of("plan-tiers")
}

/// An account of a plan that may have keys, and one of its keys.
fn account(world: &World, name: &str, plan: &str) -> Key {
    world.open(name, &json!({"plan": plan}));
    complete(world, name);
    world.key(name, "live")
}

/// Contact data on file, and the terms accepted.
fn complete(world: &World, name: &str) {
    world.act("PATCH", &format!("/v1/accounts/{name}"), &json!({"contact": true, "terms": "2026-01"}));
}

/// A request that costs nothing and is over at once.
fn ask(key: &Key) -> Value {
    json!({"key": key.text, "endpoint": STATUS, "settle": "now"})
}

/// A job of the cheapest kind: 10 web credits a second.
fn job(key: &Key, seconds: &Value) -> Value {
    let attributes = json!({"model": "standard", "resolution": "720p", "duration": seconds});
    json!({"key": key.text, "endpoint": GENERATIONS, "attributes": attributes})
}
