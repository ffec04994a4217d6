//! Where the later events of a decision come from: a settlement or a refund names the decision and nothing else.

use domain::event::{Entry, Event, Stream};
use domain::ids::{Name, Position};
use domain::map::Map;
use domain::policy::Mode;
use domain::time::Timestamp;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// What an admission said that its later events do not repeat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// None for a caller without an account.
    pub account: Option<Name>,
    pub plan: Option<Name>,
    pub key: Option<Name>,
    pub mode: Mode,
    pub endpoint: Arc<str>,
    pub at: Timestamp,
}

/// The newest admissions, up to a bound; older ones are looked up in the log.
#[derive(Debug)]
pub struct Origins {
    known: Map<Position, Origin>,
    order: VecDeque<Position>,
    max: usize,
}

impl Origins {
    /// Keeps at most so many from one batch to the next.
    pub fn new(max: usize) -> Self {
        Self { known: Map::default(), order: VecDeque::new(), max }
    }

    /// Learns the admissions among these; other events tell nothing.
    pub fn learn(&mut self, entries: &[Entry]) {
        for (position, origin) in entries.iter().filter_map(|entry| Some((entry.position, origin(entry)?))) {
            if self.known.insert(position, origin).is_none() {
                self.order.push_back(position);
            }
        }
    }

    /// Decisions that these entries speak of, and that nobody told of yet: neither before nor among them.
    pub fn missing(&self, entries: &[Entry]) -> BTreeSet<Position> {
        let named = entries.iter().filter_map(|entry| decision_of(&entry.event));
        named.filter(|decision| !self.known.contains_key(decision)).collect()
    }

    /// Lets the oldest beyond the bound go: between batches, so that none is missing in the middle of one.
    pub fn trim(&mut self) {
        while self.order.len() > self.max {
            if let Some(oldest) = self.order.pop_front() {
                self.known.remove(&oldest);
            }
        }
    }

    /// # Errors
    /// When the decision was never learnt: the log names one that it does not have.
    pub fn of(&self, decision: Position) -> Result<&Origin, UnknownDecision> {
        self.known.get(&decision).ok_or(UnknownDecision(decision))
    }
}

/// An event speaks of a decision that the log does not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an event speaks of decision d_{0}, which was never made")]
pub struct UnknownDecision(pub Position);

fn origin(entry: &Entry) -> Option<Origin> {
    let Event::RequestAdmitted(event) = &entry.event else { return None };
    let account = match &entry.stream {
        Stream::Account(name) => Some(name.clone()),
        Stream::Client(_) | Stream::Catalogue | Stream::Book => None,
    };
    let ask = &event.ask;
    let (plan, key, endpoint) = (ask.plan.clone(), ask.key.clone(), ask.endpoint.clone());
    Some(Origin { account, plan, key, mode: ask.mode, endpoint, at: entry.at })
}

/// The earlier decision that an event goes on with.
pub fn decision_of(event: &Event) -> Option<Position> {
    if let Event::RequestBegun(event) = event {
        Some(event.decision)
    } else if let Event::RequestSettled(event) = event {
        Some(event.decision)
    } else if let Event::HoldExpired(event) = event {
        Some(event.decision)
    } else if let Event::CreditRefunded(event) = event {
        Some(event.decision)
    } else {
        None
    }
}
