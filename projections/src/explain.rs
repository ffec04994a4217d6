//! Why a request was decided as it was: every gate in order, and what the cost is made of. From the log alone.

use crate::told::Told;
use domain::event::{Balance, Details, Entry, Event, Facts, LimitState, Limited};
use domain::ids::Name;
use domain::limits::Rule;
use domain::money::Credits;
use domain::policy::{Kind, Limit, Policy, Scope};
use domain::pricing::{Breakdown, PriceList};
use domain::time::Timestamp;

/// What a gate said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Passed,
    Refused,
    /// Would have refused, but is only watched.
    Watched,
    /// Let the request pass and put items of it into an error state.
    Limited,
    /// Does not speak of such a request.
    Silent,
    /// A gate before it had refused.
    NotAsked,
}

impl Verdict {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Refused => "refused",
            Self::Watched => "watched",
            Self::Limited => "limited",
            Self::Silent => "silent",
            Self::NotAsked => "not_asked",
        }
    }
}

/// One gate of the ladder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gate {
    /// `key`, `ban`, `suspension`, `credit`, or the name of a size or a limit.
    pub name: String,
    pub verdict: Verdict,
    /// What a size or a limit means, as a sentence.
    pub means: Option<String>,
    pub shown: Option<Shown>,
}

/// A limit as the decision left it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shown {
    /// Counted after the decision: a refused request counts nothing.
    pub counted: u64,
    pub limit: u64,
    pub remaining: u64,
    pub resets: Timestamp,
}

/// What a decision says of itself, admitted or denied.
#[derive(Clone, Copy)]
pub struct Decision<'a> {
    pub ask: &'a Facts,
    /// The kind of gate that refused.
    refused: Option<Kind>,
    /// The gate that refused, or that put items into an error state.
    gate: Option<&'a Name>,
    limits: &'a [LimitState],
    shadow: &'a [Name],
    limited: Option<&'a Limited>,
    /// What the gate that refused had counted.
    count: Option<u64>,
    balance: Option<Balance>,
    held: Credits,
    charged: Credits,
}

impl<'a> Decision<'a> {
    /// The decision that an entry is; none when it is something else.
    pub fn of(entry: &'a Entry) -> Option<Self> {
        if let Event::RequestAdmitted(event) = &entry.event {
            return Some(Self {
                ask: &event.ask,
                refused: None,
                gate: event.limited.as_ref().map(|limited| &limited.gate),
                limits: &event.limits,
                shadow: &event.shadow,
                limited: event.limited.as_ref(),
                count: None,
                balance: event.balance,
                held: event.hold.total(),
                charged: event.charge.total(),
            });
        }
        let Event::RequestDenied(event) = &entry.event else { return None };
        Some(Self {
            ask: &event.ask,
            refused: Some(event.kind),
            gate: event.gate.as_ref(),
            limits: &event.limits,
            shadow: &[],
            limited: None,
            count: event.count,
            balance: event.balance,
            held: Credits::ZERO,
            charged: Credits::ZERO,
        })
    }

    /// Credit before and after, of an account under a policy with credit.
    pub fn balances(&self) -> Option<(Balance, Balance)> {
        let after = self.balance?;
        let before = Balance(after.0.plus(self.held).plus(self.charged), after.1.minus(self.held));
        Some((before, after))
    }

    /// Every gate of the policy, in the order in which they are asked.
    pub fn gates(&self, policy: &Policy) -> Vec<Gate> {
        let mut ladder = Ladder { decision: self, over: false, gates: Vec::new() };
        ladder.simple("key", Kind::Unauthenticated);
        ladder.simple("ban", Kind::Banned);
        ladder.simple("suspension", Kind::Suspended);
        for size in &policy.sizes {
            let asks = self.has(&size.attribute) && self.is_within(&size.only, policy);
            ladder.size(&size.name, asks, policy.size_in_words(size));
        }
        for limit in &policy.limits {
            ladder.limit(limit, policy);
        }
        if policy.credit.is_some() {
            ladder.simple("credit", Kind::InsufficientCredits);
        }
        ladder.gates
    }

    /// What each unit or item that is not in an error state costs, by the attributes known: an item's own, later ones,
    /// those of the request.
    pub fn costs(&self, list: &PriceList, later: Option<&Details>) -> Vec<(String, u32, Breakdown)> {
        let limited = self.limited.map_or(&[][..], |limited| &limited.items);
        let facts = self.ask;
        if facts.items.is_empty() {
            let free = u32::try_from(limited.len()).unwrap_or(u32::MAX);
            let told = Told([later, Some(&facts.details), None]);
            let one = list.breakdown(&facts.endpoint, &told).ok();
            let units = facts.units.saturating_sub(free);
            return one.map(|one| (facts.endpoint.to_string(), units, one)).into_iter().collect();
        }
        let items = (0_u32..).zip(&facts.items).filter(|(place, _)| !limited.contains(place));
        let price = |item: &domain::event::ItemFacts| {
            let told = Told([Some(&item.details), later, Some(&facts.details)]);
            Some((item.endpoint.to_string(), 1, list.breakdown(&item.endpoint, &told).ok()?))
        };
        items.filter_map(|(_, item)| price(item)).collect()
    }

    fn has(&self, attribute: &Name) -> bool {
        let mut details = self.ask.items.iter().map(|item| &item.details).chain([&self.ask.details]);
        details.any(|details| details.numbers.contains_key(attribute))
    }

    /// Whether a scope speaks of the request, as far as the event tells.
    fn is_within(&self, scope: &Scope, policy: &Policy) -> bool {
        let ask = self.ask;
        let in_class =
            |class: &Name| policy.classes.get(class).is_some_and(|patterns| patterns.cover(&ask.endpoint));
        scope.endpoints.cover(&ask.endpoint)
            && (scope.classes.is_empty() || scope.classes.iter().any(in_class))
            && (scope.plans.is_empty() || ask.plan.as_ref().is_some_and(|plan| scope.plans.contains(plan)))
            && (scope.channels.is_empty()
                || ask.channel.as_ref().is_some_and(|own| scope.channels.contains(own)))
            && (scope.modes.is_empty() || scope.modes.contains(&ask.mode))
    }
}

/// The gates so far, and whether one has refused.
struct Ladder<'a> {
    decision: &'a Decision<'a>,
    over: bool,
    gates: Vec<Gate>,
}

impl Ladder<'_> {
    fn step(&mut self, name: &str, refused: bool, passed: Verdict) -> Verdict {
        let verdict = match (self.over, refused) {
            (true, _) => Verdict::NotAsked,
            (false, true) => Verdict::Refused,
            (false, false) => passed,
        };
        self.over |= refused;
        self.gates.push(Gate { name: name.to_owned(), verdict, means: None, shown: None });
        verdict
    }

    /// A gate of which there is one.
    fn simple(&mut self, name: &str, kind: Kind) {
        self.step(name, self.decision.refused == Some(kind), Verdict::Passed);
    }

    fn size(&mut self, name: &Name, asks: bool, means: String) {
        let refused = self.decision.refused == Some(Kind::TooLarge) && self.decision.gate == Some(name);
        self.step(name.as_str(), refused, if asks { Verdict::Passed } else { Verdict::Silent });
        self.told(Some(means), None);
    }

    fn limit(&mut self, limit: &Limit, policy: &Policy) {
        let decision = self.decision;
        let is_gate = decision.gate == Some(&limit.name);
        let refused = is_gate && matches!(decision.refused, Some(Kind::RateLimited | Kind::QueueFull));
        let state = decision.limits.iter().find(|state| state.0 == limit.name);
        // A cooldown shows no figures: whether it was asked is read off its scope.
        let asked = match limit.rule {
            Rule::Cooldown { .. } => decision.is_within(&limit.only, policy),
            _ => state.is_some(),
        };
        let passed = if decision.shadow.contains(&limit.name) {
            Verdict::Watched
        } else if is_gate && decision.limited.is_some() {
            Verdict::Limited
        } else if asked {
            Verdict::Passed
        } else {
            Verdict::Silent
        };
        let verdict = self.step(limit.name.as_str(), refused, passed);
        let shown = state.filter(|_| verdict != Verdict::NotAsked).map(|state| Shown {
            counted: decision.count.filter(|_| refused).unwrap_or(state.1.saturating_sub(state.2)),
            limit: state.1,
            remaining: state.2,
            resets: state.3,
        });
        self.told(Some(policy.limit_in_words(limit)), shown);
    }

    fn told(&mut self, means: Option<String>, shown: Option<Shown>) {
        if let Some(gate) = self.gates.last_mut() {
            (gate.means, gate.shown) = (means, shown);
        }
    }
}
