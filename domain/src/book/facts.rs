//! From what a gateway sent to what the log keeps.

use crate::account::Account;
use crate::command::{Ask, Attributes, Hidden, Item, Value};
use crate::event::{Details, Facts, ItemFacts, Personal};
use crate::ids::Name;
use crate::policy::{AttributeKind, Excess, Mode, Policy};
use crate::rejection::Rejection;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most units of one call where each may be put into an error state by itself.
const MARKED_MAX: u32 = 10_000;

/// The facts of a request, and the encrypted values that go with them.
pub(super) fn facts(
    ask: &Ask,
    policy: &Policy,
    key: Option<Name>,
    mode: Mode,
) -> Result<(Facts, Personal), Rejection> {
    let mut personal = Personal::new();
    let endpoint = strip(&ask.endpoint, policy);
    let ip = ask.ip.as_ref().map(|ip| hide(ip, "ip".into(), &mut personal));
    let end_user = ask.end_user.as_ref().map(|user| hide(user, "end_user".into(), &mut personal));
    let details = details(&ask.attributes, policy, None, &mut personal)?;
    check_items(ask, policy)?;
    let mut items = Vec::with_capacity(ask.items.len());
    for (place, item) in ask.items.iter().enumerate() {
        items.push(item_facts(item, place, (policy, &endpoint), &mut personal)?);
    }
    let channel = ask.channel.clone();
    let facts = Facts {
        endpoint,
        key,
        mode,
        plan: None,
        own: BTreeMap::new(),
        ip,
        channel,
        end_user,
        body: ask.body,
        details,
        units: ask.units,
        items,
    };
    Ok((facts, personal))
}

/// Notes the caller's plan, when the policy knows it, and what of its attributes is the account's own: a repeat of
/// the answer shows them as they were.
pub(super) fn note_plan(facts: &mut Facts, account: Option<&Account>, policy: &Policy) {
    let plan = account.map_or(policy.callers.default_plan.as_ref(), |account| account.plan.as_ref());
    facts.plan = plan.filter(|plan| policy.plans.contains_key(*plan)).cloned();
    let own = account.and_then(Account::more).map(|more| &more.attributes);
    facts.own = own.cloned().unwrap_or_default();
}

fn strip(endpoint: &Arc<str>, policy: &Policy) -> Arc<str> {
    match endpoint.strip_prefix(policy.strip.as_str()) {
        Some(name) if !policy.strip.is_empty() && !name.is_empty() => name.into(),
        Some(_) | None => endpoint.clone(),
    }
}

fn check_items(ask: &Ask, policy: &Policy) -> Result<(), Rejection> {
    if ask.items.is_empty() {
        let most = policy.items.as_ref().map_or(u32::MAX, |items| items.max);
        let marks = policy.limits.iter().any(|limit| limit.excess == Excess::Limit);
        return match ask.units {
            0 => Err(Rejection::invalid("units", "must be at least 1")),
            units if units > most => {
                Err(Rejection::invalid("units", format!("may be at most {most}, as many as items")))
            }
            units if marks && units > MARKED_MAX => {
                Err(Rejection::invalid("units", format!("may be at most {MARKED_MAX}")))
            }
            _ => Ok(()),
        };
    }
    if ask.units != 1 {
        return Err(Rejection::invalid("units", "cannot be given beside items"));
    }
    let Some(rules) = &policy.items else {
        return Err(Rejection::invalid("items", "are not known to this policy"));
    };
    if ask.items.len() > rules.max as usize {
        return Err(Rejection::invalid("items", format!("may be at most {}", rules.max)));
    }
    Ok(())
}

fn item_facts(
    item: &Item,
    place: usize,
    (policy, endpoint): (&Policy, &Arc<str>),
    personal: &mut Personal,
) -> Result<ItemFacts, Rejection> {
    let default = policy.items.as_ref().and_then(|items| items.endpoint.as_deref());
    let endpoint = match (&item.endpoint, default) {
        (Some(own), _) => strip(own, policy),
        (None, Some(default)) => default.into(),
        (None, None) => endpoint.clone(),
    };
    Ok(ItemFacts { endpoint, details: details(&item.attributes, policy, Some(place), personal)? })
}

/// Sorts attributes by what the policy says they are.
pub(super) fn details(
    attributes: &Attributes,
    policy: &Policy,
    item: Option<usize>,
    personal: &mut Personal,
) -> Result<Details, Rejection> {
    let mut details = Details::default();
    for (name, value) in attributes {
        let kind = policy.attributes.get(name);
        match (value, kind) {
            (Value::Number(number), None | Some(AttributeKind::Number)) => {
                details.numbers.insert(name.clone(), *number);
            }
            (Value::Number(number), Some(AttributeKind::Label)) => {
                details.labels.insert(name.clone(), number.normalize().to_string().into());
            }
            (Value::Text { clear, .. }, Some(AttributeKind::Label)) => {
                details.labels.insert(name.clone(), clear.clone());
            }
            (Value::Text { hidden, .. }, None | Some(AttributeKind::Personal)) => {
                let field = item.map_or_else(|| name.to_string(), |item| format!("items.{item}.{name}"));
                details.hashes.insert(name.clone(), hide(hidden, field.into(), personal));
            }
            (Value::Text { .. }, Some(AttributeKind::Number)) => return Err(wrong(name, "a number")),
            (Value::Number(_), Some(AttributeKind::Personal)) => return Err(wrong(name, "a text")),
        }
    }
    Ok(details)
}

fn wrong(name: &Name, what: &str) -> Rejection {
    Rejection::invalid("attributes", format!("must give {what} as `{name}`"))
}

fn hide(hidden: &Hidden, field: Cow<'static, str>, personal: &mut Personal) -> crate::ids::Digest {
    personal.push((field, hidden.sealed.clone()));
    hidden.digest
}
