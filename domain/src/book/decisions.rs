//! Decisions that can still be settled, refunded or taken up again.

use crate::event::{Facts, Limited, Under};
use crate::ids::{Digest, Name, Position};
use crate::ledger::Draws;
use crate::map::Map;
use crate::money::Credits;
use crate::policy::Mode;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// An admitted request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The account's place in the book; `None` for an anonymous caller.
    pub account: Option<u32>,
    pub mode: Mode,
    pub at: Timestamp,
    pub endpoint: Arc<str>,
    /// All that was charged, in the order in which it was drawn.
    pub charged: Draws,
    pub refunded: Credits,
    /// The event that recorded its outcome.
    pub settled: Option<Position>,
    /// The event that recorded its beginning.
    pub begun: Option<Position>,
    pub refunds: Vec<(Name, Position)>,
    /// Until its outcome.
    pub open: Option<Box<Open>>,
    /// Items in an error state.
    pub limited: Option<Box<(Arc<Facts>, Limited)>>,
}

/// What a decision keeps until its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    pub ask: Arc<Facts>,
    pub under: Under,
    pub until: Timestamp,
    /// Reservations still standing.
    pub hold: Draws,
    /// Jobs that it has open, by concurrency counter.
    pub slots: Vec<(Digest, u64)>,
    pub stage: Stage,
    /// Items that are in an error state, free of charge.
    pub limited: Vec<u32>,
    /// Whether its time ran out and that was recorded.
    pub expired: bool,
}

/// How far an open decision came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Admitted,
    /// Its charge was made, at admission or when the job began.
    Charged,
    /// Ran out; its hold was given back.
    Released,
}

/// Decisions by position, oldest first out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    kept: Map<Position, Decision>,
    order: VecDeque<Position>,
    /// The newest decision that was let go.
    retired: Position,
}

impl Decisions {
    pub fn get(&self, position: Position) -> Option<&Decision> {
        self.kept.get(&position)
    }

    pub fn get_mut(&mut self, position: Position) -> Option<&mut Decision> {
        self.kept.get_mut(&position)
    }

    /// Whether a decision of this position may have been let go.
    pub fn is_retired(&self, position: Position) -> bool {
        position > 0 && position <= self.retired
    }

    pub fn keep(&mut self, position: Position, decision: Decision) {
        self.kept.insert(position, decision);
        self.order.push_back(position);
    }

    /// Lets go of what is older than `retention`, and of the oldest beyond `max`. What is open stays.
    pub fn retire(&mut self, now: Timestamp, retention: Span, max: usize) {
        let oldest = now.minus(retention);
        for _ in 0..self.order.len().min(4) {
            let Some(position) = self.order.front().copied() else { return };
            let decision = self.kept.get(&position);
            if self.order.len() <= max && decision.is_some_and(|decision| decision.at >= oldest) {
                return;
            }
            self.order.pop_front();
            if decision.is_some_and(Decision::is_waiting) {
                self.order.push_back(position);
                return;
            }
            self.kept.remove(&position);
            self.retired = self.retired.max(position);
        }
    }

    pub fn len(&self) -> usize {
        self.kept.len()
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

impl Decision {
    /// Whether it waits for its outcome or for its time to run out, which speaks of it once more.
    pub(super) fn is_waiting(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.expired)
    }
}
