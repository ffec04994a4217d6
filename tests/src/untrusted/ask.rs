//! The body of a decision.

use super::world::{KEY, Mark, World};
use crate::sandbox::shipped;
use api::http::{Edge, read_ask};
use domain::command::{Action, Ask, Attributes, Command, Value};
use domain::policy::Policy;
use rust_decimal::Decimal;
use std::sync::{Arc, LazyLock};

/// What is accepted keeps within the bounds that are told to callers, is decided without a panic, again with the same
/// answer, and its events pass the audit.
pub fn ask(bytes: &[u8]) {
    static START: LazyLock<World> = LazyLock::new(|| {
        World::new(Arc::new(Policy::from_toml(&shipped("payg-tokens")).expect("a shipped policy")))
    });
    let edge = Edge::new(KEY, Arc::new(Mark));
    let proxies = ["10.0.0.0/8".parse().expect("a block of addresses")];
    let Ok(command) = read_ask(bytes, "gateway:main".into(), &edge, &proxies, &Mark) else { return };
    bounds(&command);
    let mut world = START.clone();
    let before = world.events();
    let first = world.execute(&command);
    let decided = world.since(before).iter().any(|entry| entry.request.is_some());
    assert_eq!(decided, first.is_ok(), "a decision is recorded, a rejection is none");
    let events = world.events();
    let repeated = world.execute(&command);
    assert_eq!((repeated.is_ok(), world.events()), (first.is_ok(), events), "a repeat records nothing");
    world.check();
}

fn bounds(command: &Command) {
    let tag = command.request.as_ref().expect("a decision has an id");
    assert!((1..=128).contains(&tag.id.len()) && tag.id.bytes().all(|byte| byte.is_ascii_graphic()));
    let Action::Request(ask) = &command.action else { panic!("no decision: {command:?}") };
    let Ask { endpoint, attributes, units, items, .. } = &**ask;
    path(endpoint);
    values(attributes);
    assert!((1..=1_000_000).contains(units) && items.len() <= 1_000);
    assert!(items.is_empty() || *units == 1, "items are units");
    for item in items {
        item.endpoint.as_deref().into_iter().for_each(path);
        values(&item.attributes);
    }
}

fn path(text: &str) {
    assert!((1..=1_024).contains(&text.len()) && !text.chars().any(char::is_control) && !text.contains('?'));
}

fn values(attributes: &Attributes) {
    assert!(attributes.len() <= 32);
    assert!(attributes.is_sorted_by(|(one, _), (next, _)| one < next), "each is given once");
    for (_, value) in attributes {
        match value {
            Value::Number(figure) => assert!(*figure >= Decimal::ZERO),
            Value::Text { clear, .. } => assert!(clear.len() <= 1_024),
        }
    }
}
