//! Decisions that can still be settled, refunded or taken up again.

use crate::event::{Facts, Limited, Under};
use crate::ids::{Digest, Name, Position};
use crate::ledger::Draws;
use crate::money::Credits;
use crate::policy::Mode;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::num::NonZero;
use std::sync::Arc;

/// An admitted request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The account's place in the book; `None` for an anonymous caller.
    pub account: Option<u32>,
    pub mode: Mode,
    pub at: Timestamp,
    /// All that was charged, in the order in which it was drawn.
    pub charged: Draws,
    pub refunded: Credits,
    /// The event that recorded its outcome.
    pub settled: Option<NonZero<Position>>,
    /// The event that recorded its beginning.
    pub begun: Option<NonZero<Position>>,
    /// The event that recorded that its time ran out.
    pub expired: Option<NonZero<Position>>,
    pub refunds: Vec<(Name, Position)>,
    /// Until its outcome.
    pub open: Option<Box<Open>>,
    /// Items in an error state.
    #[serde(with = "crate::compact::json")]
    pub limited: Option<Box<(Arc<Facts>, Limited)>>,
}

/// What a decision keeps until its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    #[serde(with = "crate::compact::json")]
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
///
/// Positions only grow, so they lie in order and are found by halving; nothing is hashed when one is added, and no
/// decision is moved when the list grows. The few that outlive their time because they are open lie apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decisions {
    kept: VecDeque<(Position, Box<Decision>)>,
    late: BTreeMap<Position, Decision>,
    /// The newest decision that was let go.
    retired: Position,
}

impl Decisions {
    pub fn get(&self, position: Position) -> Option<&Decision> {
        match self.place(position) {
            Ok(place) => Some(&self.kept[place].1),
            Err(_) => self.late.get(&position),
        }
    }

    pub fn get_mut(&mut self, position: Position) -> Option<&mut Decision> {
        match self.place(position) {
            Ok(place) => Some(&mut self.kept[place].1),
            Err(_) => self.late.get_mut(&position),
        }
    }

    fn place(&self, position: Position) -> Result<usize, usize> {
        self.kept.binary_search_by_key(&position, |(position, _)| *position)
    }

    /// Whether a decision of this position may have been let go.
    pub fn is_retired(&self, position: Position) -> bool {
        position > 0 && position <= self.retired
    }

    /// Keeps a decision, whose position is above all others.
    pub fn keep(&mut self, position: Position, decision: Decision) {
        self.kept.push_back((position, Box::new(decision)));
    }

    /// Lets go of what is older than `retention`, and of the oldest beyond `max`. What is open stays.
    pub fn retire(&mut self, now: Timestamp, retention: Span, max: usize) {
        let oldest = now.minus(retention);
        for _ in 0..RETIRE_STEP {
            let Some((_, first)) = self.kept.front() else { break };
            if self.len() <= max && first.at >= oldest {
                break;
            }
            let Some((position, decision)) = self.kept.pop_front() else { break };
            if decision.is_waiting() {
                self.late.insert(position, *decision);
            } else {
                self.retired = self.retired.max(position);
            }
        }
        if let Some(first) = self.late.first_entry().filter(|first| !first.get().is_waiting()) {
            self.retired = self.retired.max(*first.key());
            first.remove();
        }
    }

    pub fn len(&self) -> usize {
        self.kept.len() + self.late.len()
    }

    pub fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.late.is_empty()
    }
}

/// Most decisions let go for each one that is added.
const RETIRE_STEP: usize = 4;

impl Decision {
    /// Whether it waits for its outcome or for its time to run out, which speaks of it once more.
    pub(super) fn is_waiting(&self) -> bool {
        self.open.is_some() && self.expired.is_none()
    }
}
