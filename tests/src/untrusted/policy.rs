//! A policy file.

use super::world::{KEY, World, acme};
use domain::command::{Action, Ask, Caller, Command, Hidden, Value};
use domain::event::{Event, RequestTag};
use domain::policy::{AttributeKind, Policy};
use domain::pricing::Outcome;
use domain::time::Span;
use std::sync::Arc;

/// Every mistake has a place in the text. What is accepted can be described, is kept in the log and read from there as
/// the same, and can be in force: requests under it are decided without a panic and pass the audit.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Policy::from_toml(text) {
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "a refusal has a reason");
            let lines: Vec<&str> = text.split('\n').collect();
            for mistake in mistakes {
                let line = mistake.line.checked_sub(1).and_then(|line| lines.get(line));
                let columns = line.map_or(0, |line| line.chars().count() + 1);
                assert!((1..=columns).contains(&mistake.column), "{mistake:?}");
                assert!(!mistake.what.is_empty() && !mistake.remedy.is_empty(), "{mistake:?}");
            }
        }
        Ok(policy) => {
            assert!(!policy.describe().is_empty());
            let kept = Policy::from_normal(&policy.normal()).expect("what was written is read");
            assert_eq!(kept, policy);
            assert_eq!((kept.normal(), kept.hash()), (policy.normal(), policy.hash()));
            assert_eq!((kept.describe(), kept.check()), (policy.describe(), Vec::new()));
            in_force(&Arc::new(policy));
        }
    }
}

/// Requests of an account and of strangers, some settled at once and some later, while time goes by.
fn in_force(policy: &Arc<Policy>) {
    let mut world = World::new(policy.clone());
    for (number, pause) in [0, 0, 1, 61, 0, 86_400, 0, 40 * 86_400].into_iter().enumerate() {
        world.at(world.now().plus(Span::from_secs(pause)));
        let ask = ask(policy, number);
        let id = format!("r-{number}").into();
        let request = Some(RequestTag { id, fingerprint: 0 });
        let action = Action::Request(Box::new(ask));
        let before = world.events();
        let _ = world.execute(&Command { actor: "gateway:main".into(), request, action });
        let open: Vec<_> = world
            .since(before)
            .iter()
            .filter(|entry| matches!(&entry.event, Event::RequestAdmitted(event) if event.until.is_some()))
            .map(|entry| entry.position)
            .collect();
        for decision in open {
            let (outcome, attributes) = (Outcome::Succeeded, Vec::new());
            let action = Action::Settle { decision, outcome, attributes };
            let _ = world.execute(&Command { actor: "gateway:main".into(), request: None, action });
        }
    }
    world.check();
}

/// Attributes and endpoint are such as the policy speaks of.
fn ask(policy: &Policy, number: usize) -> Ask {
    let attributes = policy.attributes.iter().filter(|(_, kind)| **kind == AttributeKind::Number);
    let attributes = attributes.map(|(name, _)| (name.clone(), Value::Number(7.into()))).collect();
    let patterns = policy.classes.values().flat_map(|patterns| &patterns.0);
    let endpoint = patterns.cycle().nth(number).map_or("/x", String::as_str).replace('*', "y");
    Ask {
        caller: if number % 3 == 2 { Caller::Anonymous } else { Caller::Account(acme()) },
        ip: Some(Hidden { digest: KEY.digest([b"ip".as_slice()]), sealed: "sealed".into() }),
        endpoint: endpoint.into(),
        channel: None,
        end_user: None,
        body: None,
        attributes,
        units: 1,
        items: Vec::new(),
        settle: number.is_multiple_of(2).then_some(Outcome::Succeeded),
    }
}
