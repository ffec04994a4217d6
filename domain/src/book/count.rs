//! What one request counts at which counters: the same walk for deciding and for folding.

use super::{LimitView, Piece, Who};
use crate::account::Account;
use crate::event::{Facts, Limited};
use crate::ids::{Digest, HashKey, Name};
use crate::limits::{Ask, Rule, Verdict};
use crate::policy::{Counts, Dimension, Excess, Limit, Policy};
use crate::table::Table;
use crate::time::{Calendar, Span, Timestamp};
use rust_decimal::prelude::ToPrimitive;
use std::ops::ControlFlow;

/// One counter that a request moves.
#[derive(Clone, Debug)]
pub struct Count<'a> {
    pub limit: &'a Limit,
    /// The limit's place in the policy.
    pub place: usize,
    pub counter: Digest,
    pub rule: Rule,
    pub figure: u64,
    pub weight: u64,
    /// Whether an operator gave this caller a figure of its own.
    pub custom: bool,
    /// The endpoint that is counted here.
    pub endpoint: &'a str,
    /// The items (from 0) that this limit may put into an error state, and what each weighs; empty when it
    /// refuses instead.
    pub parts: Vec<(u32, u64)>,
}

/// What the walk over limits needs.
#[derive(Clone, Copy)]
pub struct Walk<'a> {
    pub key: HashKey,
    pub policy: &'a Policy,
    pub who: Who<'a>,
    pub facts: &'a Facts,
    pub now: Timestamp,
    /// Operators' figures for addresses and owners.
    pub figures: &'a Table<Digest, u64>,
    /// Only limits that mark items are asked: the call itself was counted before.
    pub again: bool,
    /// What an earlier walk over the same request found, if there was one.
    pub counters: &'a [Option<Digest>],
}

/// The counter that a request as a whole has at each of the policy's limits.
pub(super) type Counters = Vec<Option<Digest>>;

impl<'a> Walk<'a> {
    /// Visits every counter of every limit that speaks of the request, in the policy's order.
    pub fn each<B>(&self, mut visit: impl FnMut(Count<'a>) -> ControlFlow<B>) -> ControlFlow<B> {
        for (place, limit) in self.policy.limits.iter().enumerate() {
            if self.again && limit.excess == Excess::Deny {
                continue;
            }
            if by_item(limit, self.facts) {
                for count in self.by_items((place, limit)) {
                    visit(count)?;
                }
            } else if let Some(count) = self.as_one((place, limit)) {
                visit(count)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Visits what an admitted request counts, as its counters are asked: items in an error state count nothing where
    /// they may be put into one, and jobs count only while they are open.
    #[inline]
    pub fn counted(
        &self,
        (limited, open): (Option<&Limited>, bool),
        mut visit: impl FnMut(&Count<'a>, &Ask<'_>),
    ) {
        let utc = Calendar::default();
        let _ = self.each(|count| {
            let weight = counted(&count, limited);
            if weight > 0 && (open || count.rule != Rule::Concurrency) {
                let calendar = calendar(count.limit, self.who.account, &utc);
                visit(&count, &Ask { now: self.now, weight, figure: count.figure, calendar });
            }
            ControlFlow::<()>::Continue(())
        });
    }

    /// The limits that speak of the request, in the policy's order, each as its counter says that it stands.
    pub fn standing(&self, check: impl Fn(Digest, &Rule, &Ask<'_>) -> Verdict) -> Vec<LimitView> {
        let (utc, mut views) = (Calendar::default(), Vec::new());
        let _ = self.each(|count| {
            let calendar = calendar(count.limit, self.who.account, &utc);
            let ask = Ask { now: self.now, weight: 0, figure: count.figure, calendar };
            views.push(LimitView::of(&count, &check(count.counter, &count.rule, &ask)));
            ControlFlow::<()>::Continue(())
        });
        views
    }

    fn as_one(&self, (place, limit): (usize, &'a Limit)) -> Option<Count<'a>> {
        let piece = Piece::whole(self.facts);
        if !self.who.is_within(&limit.only, self.policy, piece, self.now) {
            return None;
        }
        let (rule, figure, custom) = self.figure(limit, piece)?;
        let known = self.counters.get(place).copied().flatten();
        debug_assert!(known.is_none() || known == self.counter(limit, piece), "the same walk");
        let counter = known.or_else(|| self.counter(limit, piece))?;
        let (weight, endpoint) = (self.weight(limit), piece.endpoint);
        Some(Count {
            limit,
            place,
            counter,
            rule,
            figure,
            weight,
            custom,
            endpoint,
            parts: self.parts(limit),
        })
    }

    /// What each item weighs when it may be put into an error state by itself.
    fn parts(&self, limit: &Limit) -> Vec<(u32, u64)> {
        match limit.excess {
            Excess::Deny => Vec::new(),
            Excess::Limit if self.facts.items.is_empty() => {
                let each = item_weight(limit, Piece::whole(self.facts));
                (0..self.facts.units).map(|unit| (unit, each)).collect()
            }
            Excess::Limit => {
                let items = (0..).zip(&self.facts.items);
                items
                    .map(|(place, item)| (place, item_weight(limit, Piece::item(item, self.facts))))
                    .collect()
            }
        }
    }

    /// Items of one request that meet at one counter are counted together.
    fn by_items(&self, (place, limit): (usize, &'a Limit)) -> Vec<Count<'a>> {
        let mut counts: Vec<Count<'a>> = Vec::new();
        for (number, item) in (0..).zip(&self.facts.items) {
            let piece = Piece::item(item, self.facts);
            if !self.who.is_within(&limit.only, self.policy, piece, self.now) {
                continue;
            }
            let Some(counter) = self.counter(limit, piece) else { continue };
            let Some((rule, figure, custom)) = self.figure(limit, piece) else { continue };
            let weight = item_weight(limit, piece);
            let part = (limit.excess == Excess::Limit).then_some((number, weight));
            if let Some(count) = counts.iter_mut().find(|count| count.counter == counter) {
                count.weight = count.weight.saturating_add(weight);
                count.parts.extend(part);
                continue;
            }
            let (endpoint, parts) = (piece.endpoint, part.into_iter().collect());
            counts.push(Count { limit, place, counter, rule, figure, weight, custom, endpoint, parts });
        }
        counts
    }

    /// The counter of a limit that this piece moves.
    pub fn counter(&self, limit: &Limit, piece: Piece<'_>) -> Option<Digest> {
        self.who.digest(self.key, self.policy, (limit.name.as_str(), &limit.by), piece)
    }

    fn weight(&self, limit: &Limit) -> u64 {
        match &limit.counts {
            Counts::Calls => 1,
            Counts::Items => u64::from(len(self.facts)),
            Counts::Attribute(name) if self.facts.items.is_empty() => {
                number(Piece::whole(self.facts), name).saturating_mul(u64::from(self.facts.units))
            }
            Counts::Attribute(_) => {
                let weights =
                    self.facts.items.iter().map(|item| item_weight(limit, Piece::item(item, self.facts)));
                weights.fold(0, u64::saturating_add)
            }
        }
    }

    /// The rule and figure in force for this caller: an operator's for the key, the account or the address, else
    /// the policy's first that fits. Where keys are counted apart, a key's own figure counts where it is lower.
    /// `None`: not limited.
    ///
    /// An operator's figure for a cooldown is its length in seconds.
    fn figure(&self, limit: &Limit, piece: Piece<'_>) -> Option<(Rule, u64, bool)> {
        let by_key = limit.by.contains(&Dimension::Key);
        let of_key = self.who.key.and_then(|key| key.figure(&limit.name));
        let own = of_key.filter(|_| !by_key && self.may_differ()).or_else(|| self.own_figure(limit));
        if let Rule::Cooldown { .. } = limit.rule {
            let every = own.and_then(|seconds| i64::try_from(seconds).ok()).map(Span::from_secs);
            return Some((every.map_or(limit.rule, |every| Rule::Cooldown { every }), 1, own.is_some()));
        }
        let figure = own.or_else(|| self.policy_figure(limit, piece))?;
        let lower = of_key.filter(|_| by_key).unwrap_or(u64::MAX);
        Some((limit.rule, figure.min(lower), own.is_some() || lower < figure))
    }

    /// Whether the account's plan lets it have figures of its own; without a plan it may. A figure that was set under
    /// another plan waits.
    fn may_differ(&self) -> bool {
        let plan = self.who.plan(self.policy).and_then(|plan| self.policy.plans.get(plan));
        plan.is_none_or(|plan| plan.own_figures)
    }

    fn own_figure(&self, limit: &Limit) -> Option<u64> {
        let by_account = |dimension: &Dimension| {
            matches!(dimension, Dimension::Account | Dimension::Key | Dimension::Owner)
        };
        let account = self.who.account.filter(|_| limit.by.iter().any(by_account));
        let figure = account.and_then(|account| account.figure(&limit.name));
        if let Some(figure) = figure.filter(|_| self.may_differ()) {
            return Some(figure);
        }
        if self.figures.is_empty() {
            return None;
        }
        let of = |dimension: &Dimension| {
            let digest = self.who.digest(
                self.key,
                self.policy,
                ("figure", std::slice::from_ref(dimension)),
                Piece::whole(self.facts),
            )?;
            self.figures.get(&figure_key(self.key, &limit.name, digest)).copied()
        };
        let mut subjects =
            limit.by.iter().filter(|dimension| matches!(dimension, Dimension::Ip | Dimension::Owner));
        subjects.find_map(of)
    }

    fn policy_figure(&self, limit: &Limit, piece: Piece<'_>) -> Option<u64> {
        let plan = self.who.plan(self.policy);
        let fits = |figure: &&crate::policy::Figure| {
            figure.endpoints.cover(piece.endpoint)
                && (figure.plans.is_empty() || plan.is_some_and(|plan| figure.plans.contains(plan)))
        };
        limit.figures.iter().find(fits).map(|figure| figure.limit).or(limit.limit)
    }
}

/// The calendar that a limit's periods follow.
pub(super) fn calendar<'a>(limit: &Limit, account: Option<&'a Account>, utc: &'a Calendar) -> &'a Calendar {
    match account {
        Some(account) if !limit.calendar.is_utc() => &account.calendar,
        Some(_) | None => utc,
    }
}

/// What of a count stays after the items in an error state are taken off: they move no quota of this kind.
pub(super) fn counted(count: &Count<'_>, limited: Option<&Limited>) -> u64 {
    let Some(limited) = limited.filter(|_| count.limit.excess == Excess::Limit) else { return count.weight };
    let mut stay = count.parts.iter().filter(|(item, _)| limited.items.binary_search(item).is_err());
    match &count.limit.counts {
        Counts::Calls if stay.next().is_some() => count.weight,
        Counts::Calls => 0,
        Counts::Items | Counts::Attribute(_) => stay.map(|(_, weight)| *weight).fold(0, u64::saturating_add),
    }
}

/// Where an operator's figure for an address or an owner is kept.
pub(super) fn figure_key(key: HashKey, limit: &Name, subject: Digest) -> Digest {
    key.digest([limit.as_str().as_bytes(), &subject.0.to_be_bytes()])
}

/// Units of a request: its items, or how many it says it carries.
pub(super) fn len(facts: &Facts) -> u32 {
    if facts.items.is_empty() { facts.units } else { u32::try_from(facts.items.len()).unwrap_or(u32::MAX) }
}

fn by_item(limit: &Limit, facts: &Facts) -> bool {
    let depends = |dimension: &Dimension| match dimension {
        Dimension::Endpoint | Dimension::Class | Dimension::Attribute(_) => true,
        Dimension::Ip
        | Dimension::Key
        | Dimension::Account
        | Dimension::Owner
        | Dimension::Plan
        | Dimension::EndUser
        | Dimension::Mode
        | Dimension::Body => false,
    };
    let scoped = !limit.only.endpoints.is_empty() || !limit.only.classes.is_empty();
    !facts.items.is_empty() && limit.counts != Counts::Calls && (scoped || limit.by.iter().any(depends))
}

fn item_weight(limit: &Limit, piece: Piece<'_>) -> u64 {
    match &limit.counts {
        Counts::Calls | Counts::Items => 1,
        Counts::Attribute(name) => number(piece, name),
    }
}

/// A number attribute, rounded up to a whole; 0 when the request does not have it.
fn number(piece: Piece<'_>, name: &Name) -> u64 {
    piece.number(name).and_then(|number| number.ceil().to_u64()).unwrap_or(0)
}
