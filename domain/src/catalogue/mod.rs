//! The catalogue: every policy and price list that was ever published, and which one is in force.

mod aggregate;
mod decide;

pub use aggregate::Publisher;
pub use decide::decide;

use crate::event::{Entry, Event, NoticeAnnounced, Under};
use crate::policy::Policy;
use crate::pricing::PriceList;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What was published, in order; a version's number is its place from 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    /// Events of the stream so far.
    pub version: u64,
    policies: Vec<Published<Policy>>,
    prices: Vec<Published<PriceList>>,
    notices: Vec<NoticeAnnounced>,
}

/// One version of something, and when it takes effect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Published<T> {
    pub number: u32,
    pub effective: Timestamp,
    pub content: Arc<T>,
}

/// What a request is decided under.
#[derive(Clone, Copy, Debug)]
pub struct InForce<'a> {
    pub policy: &'a Arc<Policy>,
    pub prices: Option<&'a Arc<PriceList>>,
    pub under: Under,
}

impl Catalogue {
    /// The policy and price list in force at an instant: of those that took effect, the one published last.
    pub fn in_force(&self, at: Timestamp) -> Option<InForce<'_>> {
        let policy = current(&self.policies, at)?;
        let prices = current(&self.prices, at);
        let under = Under(policy.number, prices.map_or(0, |list| list.number));
        Some(InForce { policy: &policy.content, prices: prices.map(|list| &list.content), under })
    }

    /// As [`Catalogue::in_force`], the policy alone, when only so many had been published.
    pub fn policy_in_force(&self, published: usize, at: Timestamp) -> Option<&Arc<Policy>> {
        let known = &self.policies[..published.min(self.policies.len())];
        current(known, at).map(|policy| &policy.content)
    }

    /// The version of a policy by its number.
    pub fn policy(&self, number: u32) -> Option<&Arc<Policy>> {
        numbered(&self.policies, number)
    }

    /// The version of a price list by its number.
    pub fn price_list(&self, number: u32) -> Option<&Arc<PriceList>> {
        numbered(&self.prices, number)
    }

    pub fn policies(&self) -> &[Published<Policy>] {
        &self.policies
    }

    pub fn price_lists(&self) -> &[Published<PriceList>] {
        &self.prices
    }

    /// The next price list that was announced and is not in force at `at`.
    pub fn announced_prices(&self, at: Timestamp) -> Option<&Published<PriceList>> {
        self.prices.iter().filter(|list| list.effective > at).min_by_key(|list| list.effective)
    }

    pub fn notices(&self) -> &[NoticeAnnounced] {
        &self.notices
    }

    /// Folds one event of the catalogue's stream; others change nothing here.
    pub fn apply(&mut self, entry: &Entry) {
        self.version = entry.version;
        self.add(&entry.event);
    }

    fn add(&mut self, event: &Event) {
        if let Event::PolicyPublished(event) = event {
            let content = event.policy.clone();
            self.policies.push(Published { number: event.number, effective: event.effective, content });
        } else if let Event::PricesPublished(event) = event {
            let content = event.prices.clone();
            self.prices.push(Published { number: event.number, effective: event.effective, content });
        } else if let Event::NoticeAnnounced(event) = event {
            self.notices.push((**event).clone());
        }
    }
}

fn current<T>(versions: &[Published<T>], at: Timestamp) -> Option<&Published<T>> {
    let took_effect = versions.iter().filter(|version| version.effective <= at);
    took_effect.max_by_key(|version| (version.effective, version.number))
}

fn numbered<T>(versions: &[Published<T>], number: u32) -> Option<&Arc<T>> {
    let place = usize::try_from(number.checked_sub(1)?).ok()?;
    versions.get(place).map(|version| &version.content)
}
