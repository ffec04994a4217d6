//! The audit: what must always hold, checked again from the log's events alone.
//!
//! Whoever has the log gives every event to [`Audit::observe`], in order, and the texts to
//! [`Audit::observe_text`]; [`Audit::finish`] compares with the state that the same events fold into. The checks
//! share as little as they can with the rules that made the events: they recount limits by plain text keys, keep
//! lots of their own, and read policies and prices from the log.

mod decisions;
mod invariant;
mod lots;
mod money;
mod order;
mod prices;
mod report;
mod requests;
#[cfg(test)]
mod tests;
mod windows;
mod world;

pub use invariant::Invariant;
pub use report::{Finding, KEPT, Outcome, Report};

use crate::trial_balance::TrialBalance;
use decisions::Decisions;
use domain::book::Book;
use domain::event::Entry;
use domain::ids::Position;
use domain::log::ChainHash;
use domain::policy::Requests as Promises;
use money::Money;
use order::Order;
use report::{Findings, Place};
use requests::Requests;
use windows::Windows;
use world::World;

/// Request ids that an audit remembers at most, as a book does unless told otherwise.
pub const IDS_MAX: usize = 1_000_000;

/// One pass over a log. Memory follows what a book itself keeps: accounts, lots, live counters, request ids within
/// retention, and decisions that can still be settled or refunded.
#[derive(Debug)]
pub struct Audit {
    world: World,
    order: Order,
    requests: Requests,
    windows: Windows,
    decisions: Decisions,
    money: Money,
    findings: Findings,
    events: u64,
    compared: bool,
}

impl Default for Audit {
    fn default() -> Self {
        Self::new(IDS_MAX)
    }
}

impl Audit {
    /// An audit from the first event on. `ids_max` is the bound that the book had for request ids: within it one
    /// id must have one decision.
    pub fn new(ids_max: usize) -> Self {
        Self {
            world: World::default(),
            order: Order::default(),
            requests: Requests::new(ids_max),
            windows: Windows::default(),
            decisions: Decisions::default(),
            money: Money::default(),
            findings: Findings::default(),
            events: 0,
            compared: false,
        }
    }

    /// Hashes an event's text as it is stored. `stated` is the hash that the store keeps for this position, where
    /// it keeps one: a frame states that of its last event.
    pub fn observe_text(&mut self, position: Position, text: &[u8], stated: Option<ChainHash>) {
        self.order.chain(position, text, stated, &mut self.findings);
    }

    /// Checks one event against everything before it.
    pub fn observe(&mut self, entry: &Entry) {
        let findings = &mut self.findings;
        let promises = self.world.policy(self.world.in_force(entry.at).policy());
        let promises = promises.map_or_else(Promises::default, |policy| policy.requests.clone());
        self.events += 1;
        self.order.observe(entry, findings);
        self.requests.observe(entry, promises.remember, findings);
        self.windows.observe(entry, &self.world, findings);
        prices::observe(entry, &self.world, &self.decisions, findings);
        self.money.observe(entry, (&self.world, &self.decisions), findings);
        self.decisions.observe(entry, promises.retention, findings);
        self.world.apply(entry);
    }

    /// Records an event that cannot be read or folded, and why: the log contradicts itself there.
    pub fn unreadable(&mut self, position: Position, why: &dyn std::fmt::Display) {
        let place = Place { position, stream: None };
        self.findings.add(Invariant::L1, place, "event", ("one that follows from those before it", why));
    }

    /// Compares two states that must be the same, such as a snapshot (or a running book) and the fold of the log
    /// up to its position.
    pub fn compare(&mut self, folded: &Book, kept: &Book) {
        self.compared = true;
        if let Some(field) = folded.differs_from(kept) {
            let place = Place { position: kept.head(), stream: None };
            self.findings.add(Invariant::L2, place, field, ("as the log folds", "something else"));
        }
    }

    /// The journal so far.
    pub fn trial_balance(&self) -> &TrialBalance {
        self.money.trial()
    }

    /// What was found so far, over all invariants.
    pub fn findings(&self) -> u64 {
        Invariant::ALL.into_iter().map(|invariant| self.findings.count(invariant)).sum()
    }

    /// Compares every account's credit with the book that the same events were folded into, and closes.
    pub fn finish(mut self, book: &Book) -> Report {
        let head = self.order.head;
        self.money.finish(book, head.position, &mut self.findings);
        let place = Place { position: head.position, stream: None };
        self.findings.expect_equal(Invariant::L2, place, "head", (head.position, book.head()));
        let outcomes = Invariant::ALL.map(|invariant| (invariant, self.outcome(invariant)));
        let findings = self.findings.into_kept();
        Report { head, events: self.events, outcomes: outcomes.into(), findings }
    }

    fn outcome(&self, invariant: Invariant) -> Outcome {
        match self.findings.count(invariant) {
            0 if !invariant.is_visible_in_a_log() => Outcome::NotVisible,
            0 if invariant == Invariant::L2 && !self.compared => Outcome::NotCompared,
            0 => Outcome::Holds,
            count => Outcome::Broken(count),
        }
    }
}
