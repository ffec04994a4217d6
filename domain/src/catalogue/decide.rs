//! Publishing: what may be published, and from when.

use super::{Catalogue, InForce};
use crate::command::Publish;
use crate::event::{Event, NoticeAnnounced, PolicyPublished, PricesPublished};
use crate::policy::{Fault, Policy};
use crate::pricing::PriceList;
use crate::rejection::Rejection;
use crate::time::{Span, Timestamp};

/// Decides a publication. A policy that brings a price list publishes that list too, unless the policy whose
/// place it takes brought the same: then whatever list was published since stays in force.
pub fn decide(catalogue: &Catalogue, publish: &Publish, now: Timestamp) -> Result<Vec<Event>, Rejection> {
    match publish {
        Publish::Policy { policy, effective, emergency } => {
            let effective = in_time(catalogue, *effective, emergency.as_deref(), now)?;
            let own = own_prices(catalogue, policy, effective);
            let number = next_number(catalogue.policies.len());
            let (hash, emergency) = (policy.hash(), emergency.clone());
            let prices = own.cloned().map(|prices| {
                let number = next_number(catalogue.prices.len());
                PricesPublished { number, effective, emergency: emergency.clone(), prices: prices.into() }
                    .into()
            });
            let published = PolicyPublished { number, hash, effective, emergency, policy: policy.clone() };
            let events = std::iter::once(published.into()).chain(prices).collect();
            fit(catalogue, events, effective, "policy")
        }
        Publish::Prices { prices, effective, emergency } => {
            let effective = in_time(catalogue, *effective, emergency.as_deref(), now)?;
            let number = next_number(catalogue.prices.len());
            let (prices, emergency) = (prices.clone(), emergency.clone());
            let events = vec![PricesPublished { number, effective, emergency, prices }.into()];
            fit(catalogue, events, effective, "prices")
        }
        Publish::Notice { kind, effective, text, emergency } => {
            let rules = catalogue.in_force(now).ok_or(Rejection::NoPolicy)?;
            if *effective < now {
                return Err(Rejection::invalid("effective", "must not lie in the past"));
            }
            let lead = rules.policy.notice.announcements.get(kind).copied().unwrap_or_default();
            notice_kept(lead, *effective, emergency.as_deref(), now)?;
            let (kind, text, emergency) = (kind.clone(), text.clone(), emergency.clone());
            Ok(vec![NoticeAnnounced { kind, effective: *effective, text, emergency }.into()])
        }
    }
}

/// The price list of a policy that the policy before it did not bring.
fn own_prices<'a>(catalogue: &Catalogue, policy: &'a Policy, effective: Timestamp) -> Option<&'a PriceList> {
    let before = catalogue.in_force(effective).and_then(|rules| rules.policy.prices.as_ref());
    policy.prices.as_ref().filter(|prices| before != Some(*prices))
}

/// The events, if every policy that charges fits the price list beside it, from `effective` on and as far as anything
/// is announced.
fn fit(
    catalogue: &Catalogue,
    events: Vec<Event>,
    effective: Timestamp,
    field: &'static str,
) -> Result<Vec<Event>, Rejection> {
    let mut after = catalogue.clone();
    for event in &events {
        after.add(event);
    }
    let policies = after.policies.iter().map(|policy| policy.effective);
    let changes = policies.chain(after.prices.iter().map(|list| list.effective));
    for at in changes.filter(|at| *at >= effective) {
        let Some(InForce { policy, prices: Some(prices), .. }) = after.in_force(at) else { continue };
        if let Some(Fault { field: place, what, remedy }) = policy.check_prices(prices).first() {
            let told = match field {
                "policy" => "does not fit the prices that are in force",
                _ => "do not fit the policy that is in force",
            };
            return Err(Rejection::invalid(field, format!("{told} at {at}: {place}: {what}; {remedy}")));
        }
    }
    Ok(events)
}

/// The first policy of a book needs no notice; later changes keep the period of the policy in force.
fn in_time(
    catalogue: &Catalogue,
    effective: Option<Timestamp>,
    emergency: Option<&str>,
    now: Timestamp,
) -> Result<Timestamp, Rejection> {
    let lead = catalogue.in_force(now).map_or(Span::ZERO, |rules| rules.policy.notice.changes);
    let effective = effective.unwrap_or(if emergency.is_some() { now } else { now.plus(lead) });
    if effective < now {
        return Err(Rejection::invalid("effective", "must not lie in the past"));
    }
    notice_kept(lead, effective, emergency, now)?;
    Ok(effective)
}

fn notice_kept(
    lead: Span,
    effective: Timestamp,
    emergency: Option<&str>,
    now: Timestamp,
) -> Result<(), Rejection> {
    match emergency {
        Some(reason) if reason.trim().is_empty() => {
            Err(Rejection::invalid("emergency", "must give the reason"))
        }
        None if effective < now.plus(lead) => Err(Rejection::NoticeTooShort(lead)),
        Some(_) | None => Ok(()),
    }
}

fn next_number(published: usize) -> u32 {
    u32::try_from(published).unwrap_or(u32::MAX).saturating_add(1)
}
