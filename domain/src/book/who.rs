//! Whom a request counts for: the values of every dimension, and the counters they name.

use crate::account::{Account, Key};
use crate::event::{Details, Facts, ItemFacts};
use crate::ids::{Digest, DigestHasher, HashKey, Name};
use crate::policy::{Dimension, Mode, Policy, Scope};
use crate::time::Timestamp;
use rust_decimal::Decimal;

/// The sender of a request, as far as the book knows it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Who<'a> {
    pub name: Option<&'a Name>,
    pub account: Option<&'a Account>,
    pub key: Option<&'a Key>,
    pub mode: Mode,
    pub ip: Option<Digest>,
    pub channel: Option<&'a Name>,
    pub end_user: Option<Digest>,
    pub body: Option<Digest>,
}

/// What of a request is counted at once: the request itself, or one item of it, which has the request's attributes
/// where it has none of its own.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    pub endpoint: &'a str,
    own: &'a Details,
    whole: &'a Details,
}

impl<'a> Piece<'a> {
    pub fn whole(facts: &'a Facts) -> Self {
        Self { endpoint: &facts.endpoint, own: &facts.details, whole: &facts.details }
    }

    /// Of no endpoint and with no attributes but these.
    pub(super) fn bare(details: &'a Details) -> Self {
        Self { endpoint: "", own: details, whole: details }
    }

    pub fn item(item: &'a ItemFacts, facts: &'a Facts) -> Self {
        Self { endpoint: &item.endpoint, own: &item.details, whole: &facts.details }
    }

    /// A number attribute.
    pub(super) fn number(&self, name: &Name) -> Option<Decimal> {
        self.own.numbers.get(name).or_else(|| self.whole.numbers.get(name)).copied()
    }
}

impl<'a> Who<'a> {
    /// The sender of a recorded request.
    pub fn of(facts: &'a Facts, name: Option<&'a Name>, account: Option<&'a Account>) -> Self {
        let key = account.zip(facts.key.as_ref()).and_then(|(account, key)| account.key(key));
        let Facts { mode, ip, end_user, body, .. } = *facts;
        Self { name, account, key, mode, ip, channel: facts.channel.as_ref(), end_user, body }
    }

    pub fn plan(&self, policy: &'a Policy) -> Option<&'a Name> {
        match self.account {
            Some(account) => account.plan.as_ref(),
            None => policy.callers.default_plan.as_ref(),
        }
    }

    /// Hashes a label and the values of some dimensions; `None` when the request lacks one of them, so that
    /// whatever counts by it does not speak of this request.
    pub fn digest(
        &self,
        key: HashKey,
        policy: &Policy,
        (label, by): (&str, &[Dimension]),
        piece: Piece<'_>,
    ) -> Option<Digest> {
        let mut hasher = key.hasher();
        hasher.part(label.as_bytes());
        for dimension in by {
            self.add(dimension, policy, piece, &mut hasher)?;
        }
        Some(hasher.finish())
    }

    fn add(
        &self,
        dimension: &Dimension,
        policy: &Policy,
        piece: Piece<'_>,
        hasher: &mut DigestHasher,
    ) -> Option<()> {
        let digest = match dimension {
            Dimension::Ip => self.ip?,
            Dimension::EndUser => self.end_user?,
            Dimension::Body => self.body?,
            Dimension::Key => return hasher.text(self.key?.name.as_str()),
            Dimension::Account => return hasher.text(self.name?.as_str()),
            Dimension::Owner => return hasher.text(self.account?.owner.as_ref().or(self.name)?.as_str()),
            Dimension::Endpoint => return hasher.text(piece.endpoint),
            Dimension::Class => return hasher.text(class_of(policy, piece.endpoint)?.as_str()),
            Dimension::Plan => return hasher.text(self.plan(policy)?.as_str()),
            Dimension::Mode => return hasher.text(if self.mode.is_live() { "live" } else { "test" }),
            Dimension::Attribute(name) => {
                return attribute(piece.own, name, hasher).or_else(|| attribute(piece.whole, name, hasher));
            }
        };
        hasher.part(&digest.0.to_be_bytes());
        Some(())
    }

    /// Whether a rule's scope speaks of this piece of the request.
    pub fn is_within(&self, scope: &Scope, policy: &Policy, piece: Piece<'_>, now: Timestamp) -> bool {
        let in_class = |class: &Name| is_in(policy, class, piece.endpoint);
        scope.endpoints.cover(piece.endpoint)
            && (scope.classes.is_empty() || scope.classes.iter().any(in_class))
            && (scope.plans.is_empty() || self.plan(policy).is_some_and(|plan| scope.plans.contains(plan)))
            && (scope.channels.is_empty() || self.channel.is_some_and(|own| scope.channels.contains(own)))
            && (scope.modes.is_empty() || scope.modes.contains(&self.mode))
            && self.is_of_age(scope, now)
    }

    fn is_of_age(&self, scope: &Scope, now: Timestamp) -> bool {
        let Some(from) = scope.opened_from else { return true };
        scope.everyone_from.is_some_and(|everyone| everyone <= now)
            || self.account.is_none_or(|account| account.opened >= from)
    }
}

fn attribute(details: &Details, name: &Name, hasher: &mut DigestHasher) -> Option<()> {
    if let Some(digest) = details.hashes.get(name) {
        hasher.part(&digest.0.to_be_bytes());
        return Some(());
    }
    match details.labels.get(name) {
        Some(label) => hasher.text(label),
        None => hasher.text(&details.numbers.get(name)?.normalize().to_string()),
    }
}

fn is_in(policy: &Policy, class: &Name, endpoint: &str) -> bool {
    policy.classes.get(class).is_some_and(|patterns| patterns.cover(endpoint))
}

fn class_of<'p>(policy: &'p Policy, endpoint: &str) -> Option<&'p Name> {
    policy.classes.iter().find(|(_, patterns)| patterns.cover(endpoint)).map(|(name, _)| name)
}
