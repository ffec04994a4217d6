//! Which counters a recorded request moves, and by how much, read from the policy in the log.
//!
//! A counter is told apart by plain text, `limit account=acme endpoint=/x`, and by no hash: what the book makes
//! of dimensions is not used here.

use crate::audit::world::{Person, World};
use domain::event::{Details, Facts, ItemFacts};
use domain::ids::Name;
use domain::limits::Rule;
use domain::policy::{Counts, Dimension, Excess, Limit, Policy, Scope};
use domain::time::{Calendar, Span, Timestamp};
use rust_decimal::prelude::ToPrimitive;
use std::fmt::Write;

/// One counter that a request moves.
#[derive(Clone, Debug)]
pub(super) struct Move<'a> {
    pub limit: &'a Limit,
    pub counter: String,
    pub rule: Rule,
    pub figure: u64,
    pub weight: u64,
    /// The items that the limit may put into an error state, each with what it weighs; none where it refuses.
    pub parts: Vec<(u32, u64)>,
}

/// Everything that a walk over a policy's limits looks at.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    pub world: &'a World,
    pub policy: &'a Policy,
    pub account: Option<(&'a Name, &'a Person)>,
    pub facts: &'a Facts,
    pub at: Timestamp,
    /// Items in an error state are taken up again: only limits that mark items count.
    pub again: bool,
}

#[derive(Clone, Copy)]
struct Part<'a> {
    endpoint: &'a str,
    /// An item's own attributes, and those of the request, which it has where it has none of its own.
    details: [&'a Details; 2],
}

impl<'a> Asked<'a> {
    /// Every counter that the request moves, limit by limit.
    pub(super) fn moves(&self) -> Vec<Move<'a>> {
        let mut moves: Vec<Move<'a>> = Vec::new();
        for limit in &self.policy.limits {
            if self.again && limit.excess == Excess::Deny {
                continue;
            }
            if self.is_counted_by_item(limit) {
                self.by_item(limit, &mut moves);
            } else {
                let whole = self.whole();
                moves.extend(self.one(limit, whole, self.weight(limit), self.parts(limit)));
            }
        }
        moves
    }

    /// The calendar that a limit's periods follow.
    pub(super) fn calendar(&self, limit: &Limit) -> Calendar {
        match self.account {
            Some((_, person)) if !limit.calendar.is_utc() => person.calendar.clone(),
            Some(_) | None => Calendar::default(),
        }
    }

    fn whole(&self) -> Part<'a> {
        Part { endpoint: &self.facts.endpoint, details: [&self.facts.details; 2] }
    }

    fn item(&self, item: &'a ItemFacts) -> Part<'a> {
        Part { endpoint: &item.endpoint, details: [&item.details, &self.facts.details] }
    }

    fn by_item(&self, limit: &'a Limit, moves: &mut Vec<Move<'a>>) {
        let first = moves.len();
        for (place, item) in (0..).zip(&self.facts.items) {
            let part = self.item(item);
            let weight = Self::weight_of(limit, part);
            let parts = if limit.excess == Excess::Limit { vec![(place, weight)] } else { Vec::new() };
            let Some(one) = self.one(limit, part, weight, parts) else { continue };
            match moves[first..].iter_mut().find(|known| known.counter == one.counter) {
                Some(known) => {
                    known.weight += one.weight;
                    known.parts.extend(one.parts);
                }
                None => moves.push(one),
            }
        }
    }

    fn one(&self, limit: &'a Limit, part: Part<'_>, weight: u64, parts: Vec<(u32, u64)>) -> Option<Move<'a>> {
        if !self.speaks_of(&limit.only, part) {
            return None;
        }
        let counter = self.counter(limit, part)?;
        let (rule, figure) = self.figure(limit, part)?;
        Some(Move { limit, counter, rule, figure, weight, parts })
    }

    fn is_counted_by_item(&self, limit: &Limit) -> bool {
        let of_items = |dimension: &Dimension| {
            matches!(dimension, Dimension::Endpoint | Dimension::Class | Dimension::Attribute(_))
        };
        let scoped = !limit.only.endpoints.is_empty() || !limit.only.classes.is_empty();
        let counts_items = !matches!(limit.counts, Counts::Calls);
        !self.facts.items.is_empty() && counts_items && (scoped || limit.by.iter().any(of_items))
    }

    fn units(&self) -> u64 {
        if self.facts.items.is_empty() { u64::from(self.facts.units) } else { self.facts.items.len() as u64 }
    }

    fn parts(&self, limit: &Limit) -> Vec<(u32, u64)> {
        if limit.excess == Excess::Deny {
            return Vec::new();
        }
        if self.facts.items.is_empty() {
            let whole = self.whole();
            let each = Self::weight_of(limit, whole);
            return (0..self.facts.units).map(|unit| (unit, each)).collect();
        }
        let of = |item| Self::weight_of(limit, self.item(item));
        (0..).zip(&self.facts.items).map(|(place, item)| (place, of(item))).collect()
    }

    fn weight(&self, limit: &Limit) -> u64 {
        match &limit.counts {
            Counts::Calls => 1,
            Counts::Items => self.units(),
            Counts::Attribute(name) if self.facts.items.is_empty() => {
                rounded_up(self.whole(), name).saturating_mul(u64::from(self.facts.units))
            }
            Counts::Attribute(name) => {
                self.facts.items.iter().map(|item| rounded_up(self.item(item), name)).sum()
            }
        }
    }

    fn weight_of(limit: &Limit, part: Part<'_>) -> u64 {
        match &limit.counts {
            Counts::Calls | Counts::Items => 1,
            Counts::Attribute(name) => rounded_up(part, name),
        }
    }

    fn plan(&self) -> Option<&'a Name> {
        match self.account {
            Some((_, person)) => person.plan.as_ref(),
            None => self.policy.callers.default_plan.as_ref(),
        }
    }

    fn speaks_of(&self, scope: &Scope, part: Part<'_>) -> bool {
        let in_class =
            |class: &Name| self.policy.classes.get(class).is_some_and(|class| class.cover(part.endpoint));
        let has = |names: &[Name], own: Option<&Name>| {
            names.is_empty() || own.is_some_and(|own| names.contains(own))
        };
        scope.endpoints.cover(part.endpoint)
            && (scope.classes.is_empty() || scope.classes.iter().any(in_class))
            && has(&scope.plans, self.plan())
            && has(&scope.channels, self.facts.channel.as_ref())
            && (scope.modes.is_empty() || scope.modes.contains(&self.facts.mode))
            && self.is_of_age(scope)
    }

    fn is_of_age(&self, scope: &Scope) -> bool {
        let Some(from) = scope.opened_from else { return true };
        let everyone = scope.everyone_from.is_some_and(|everyone| self.at >= everyone);
        everyone || self.account.is_none_or(|(_, person)| person.opened >= from)
    }

    /// The counter's plain name; none when the request lacks one of the dimensions.
    fn counter(&self, limit: &Limit, part: Part<'_>) -> Option<String> {
        let mut name = limit.name.to_string();
        for dimension in &limit.by {
            let value = self.value(dimension, part)?;
            write!(name, " {}={value}", String::from(dimension.clone())).ok()?;
        }
        Some(name)
    }

    fn value(&self, dimension: &Dimension, part: Part<'_>) -> Option<String> {
        let own = self.account.map(|(name, _)| name);
        let owner = self.account.and_then(|(_, person)| person.owner.as_ref());
        match dimension {
            Dimension::Ip => self.facts.ip.map(|ip| ip.to_string()),
            Dimension::EndUser => self.facts.end_user.map(|user| user.to_string()),
            Dimension::Body => self.facts.body.map(|body| body.to_string()),
            Dimension::Key => self.facts.key.as_ref().map(Name::to_string),
            Dimension::Account => own.map(Name::to_string),
            Dimension::Owner => owner.or(own).map(Name::to_string),
            Dimension::Endpoint => Some(part.endpoint.to_owned()),
            Dimension::Class => {
                let class = self.policy.classes.iter().find(|(_, patterns)| patterns.cover(part.endpoint));
                class.map(|(name, _)| name.to_string())
            }
            Dimension::Plan => self.plan().map(Name::to_string),
            Dimension::Mode => Some(if self.facts.mode.is_live() { "live" } else { "test" }.to_owned()),
            Dimension::Attribute(name) => part.details.iter().find_map(|details| attribute(details, name)),
        }
    }

    /// The rule and figure for this caller; none: not limited. An own figure for a cooldown is its seconds. A key's
    /// figure is its own where keys are not counted apart, else it counts where it is lower.
    fn figure(&self, limit: &Limit, part: Part<'_>) -> Option<(Rule, u64)> {
        let of_key = self.key_figure(limit);
        let by_key = limit.by.contains(&Dimension::Key);
        let own = of_key.filter(|_| !by_key && self.may_differ()).or_else(|| self.own_figure(limit, part));
        if matches!(limit.rule, Rule::Cooldown { .. }) {
            let every = own.and_then(|seconds| i64::try_from(seconds).ok()).map(Span::from_secs);
            return Some((every.map_or(limit.rule, |every| Rule::Cooldown { every }), 1));
        }
        let of_policy = || {
            let fits = |figure: &&domain::policy::Figure| {
                let plans = &figure.plans;
                figure.endpoints.cover(part.endpoint)
                    && (plans.is_empty() || self.plan().is_some_and(|plan| plans.contains(plan)))
            };
            limit.figures.iter().find(fits).map(|figure| figure.limit).or(limit.limit)
        };
        let figure = own.or_else(of_policy)?;
        Some((limit.rule, of_key.filter(|_| by_key).map_or(figure, |lower| lower.min(figure))))
    }

    /// Whether the account's plan lets it have figures of its own; without a plan it may.
    fn may_differ(&self) -> bool {
        let plan = self.plan().and_then(|plan| self.policy.plans.get(plan));
        plan.is_none_or(|plan| plan.own_figures)
    }

    fn key_figure(&self, limit: &Limit) -> Option<u64> {
        let (_, person) = self.account?;
        person.key_figure(self.facts.key.as_ref()?, &limit.name)
    }

    fn own_figure(&self, limit: &Limit, part: Part<'_>) -> Option<u64> {
        let of_account = [Dimension::Account, Dimension::Key, Dimension::Owner];
        if let Some((_, person)) = self.account
            && limit.by.iter().any(|dimension| of_account.contains(dimension))
            && self.may_differ()
            && let Some(figure) = person.figure(&limit.name)
        {
            return Some(figure);
        }
        let subjects =
            limit.by.iter().filter(|dimension| matches!(dimension, Dimension::Ip | Dimension::Owner));
        let mut figures = subjects.filter_map(|dimension| {
            let subject = format!("{}={}", String::from(dimension.clone()), self.value(dimension, part)?);
            self.world.figure(&limit.name, &subject)
        });
        figures.next()
    }
}

fn attribute(details: &Details, name: &Name) -> Option<String> {
    let hash = details.hashes.get(name).map(ToString::to_string);
    let label = || details.labels.get(name).map(ToString::to_string);
    let number = || details.numbers.get(name).map(|number| number.normalize().to_string());
    hash.or_else(label).or_else(number)
}

/// A number attribute as a whole; 0 when the request does not have it.
fn rounded_up(part: Part<'_>, name: &Name) -> u64 {
    let number = part.details.iter().find_map(|details| details.numbers.get(name));
    number.and_then(|number| number.ceil().to_u64()).unwrap_or(0)
}
