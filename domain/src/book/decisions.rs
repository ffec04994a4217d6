//! Decisions that can still be settled, refunded or taken up again.

use crate::chunked::{Chunked, Frozen};
use crate::event::{Facts, Limited, Under};
use crate::ids::{Digest, Name, Position};
use crate::ledger::Draws;
use crate::money::Credits;
use crate::policy::Mode;
use crate::table::{FrozenTable, Table};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
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
    /// By their ids: the event of each, and how much it gave back.
    pub refunds: Vec<(Name, Position, Credits)>,
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decisions {
    kept: Chunked<(Position, Decision), CHUNK>,
    late: Table<Position, Decision>,
    /// Those of `late`, oldest first.
    late_order: BTreeSet<Position>,
    /// The newest decision that was let go.
    retired: Position,
}

/// Decisions of a chunk: with its head just below 7 × 256 bytes, a size that allocators have.
const CHUNK: usize = 10;

/// What a snapshot keeps of them.
#[derive(Serialize, Deserialize)]
pub(super) struct FrozenDecisions {
    kept: Frozen<(Position, Decision), CHUNK>,
    late: FrozenTable<Position, Decision>,
    retired: Position,
}

impl From<FrozenDecisions> for Decisions {
    fn from(FrozenDecisions { kept, late, retired }: FrozenDecisions) -> Self {
        let late = Table::from(late);
        let late_order = late.iter().map(|(position, _)| *position).collect();
        Self { kept: kept.thaw(), late, late_order, retired }
    }
}

impl Decisions {
    pub(super) fn freeze(&self) -> FrozenDecisions {
        FrozenDecisions { kept: self.kept.freeze(), late: self.late.freeze(), retired: self.retired }
    }

    pub fn get(&self, position: Position) -> Option<&Decision> {
        let kept = self.kept.get(self.place(position)).filter(|(found, _)| *found == position);
        kept.map(|(_, decision)| decision).or_else(|| self.late.get(&position))
    }

    pub fn get_mut(&mut self, position: Position) -> Option<&mut Decision> {
        let place = self.place(position);
        if self.kept.get(place).is_some_and(|(found, _)| *found == position) {
            return self.kept.get_mut(place).map(|(_, decision)| decision);
        }
        self.late.get_mut(&position)
    }

    /// Where a decision lies, if it is among those in order.
    fn place(&self, position: Position) -> usize {
        self.kept.partition_point(|(before, _)| *before < position)
    }

    /// All of them, those that outlived their time last.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Position, Decision)> {
        self.kept.iter().chain(self.late.iter())
    }

    /// Whether a decision of this position may have been let go.
    pub fn is_retired(&self, position: Position) -> bool {
        position > 0 && position <= self.retired
    }

    /// Keeps a decision, whose position is above all others.
    pub fn keep(&mut self, position: Position, decision: Decision) {
        self.kept.push((position, decision));
    }

    /// Lets go of what is older than `retention`, and of the oldest beyond `max`. What is open stays.
    pub fn retire(&mut self, now: Timestamp, retention: Span, max: usize) {
        let oldest = now.minus(retention);
        for _ in 0..RETIRE_STEP {
            let Some((position, first)) = self.kept.first() else { break };
            if self.len() <= max && first.at >= oldest {
                break;
            }
            if first.is_waiting() {
                self.late_order.insert(*position);
                self.late.insert(*position, first.clone());
            } else {
                self.retired = self.retired.max(*position);
            }
            self.kept.drop_first();
        }
        self.retire_late();
    }

    fn retire_late(&mut self) {
        let Some(first) = self.late_order.first().copied() else { return };
        if self.late.get(&first).is_none_or(|decision| !decision.is_waiting()) {
            self.retired = self.retired.max(first);
            self.late_order.pop_first();
            self.late.remove(&first);
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
