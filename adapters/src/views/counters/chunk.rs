//! A piece of a history: a checkpoint, and the steps that follow it.

use crate::views::rows::{count, instant};
use crate::views::session::Found;
use domain::event::Entry;
use domain::ids::Position;
use domain::log::codec;
use domain::time::Timestamp;
use projections::runner::ViewError;
use projections::views::counters::{EVERY, Move};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A checkpoint and its steps, as they are kept.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Chunk {
    pub(super) number: u64,
    pub(super) position: Position,
    pub(super) at: Timestamp,
    pub(super) steps: u64,
    pub(super) state: Vec<u8>,
    pub(super) bytes: Vec<u8>,
}

impl Chunk {
    /// A row, whose steps are in this column.
    pub(super) fn read(row: &impl Found, steps: &str) -> Result<Self, ViewError> {
        Ok(Self {
            number: count(row, "number")?,
            position: count(row, "position")?,
            at: instant(row, "at")?,
            steps: count(row, "steps")?,
            state: row.bytes("state")?.to_vec(),
            bytes: row.bytes(steps)?.to_vec(),
        })
    }

    /// Whether the next step begins another: nobody reads many more steps than there is state to read.
    pub(super) fn is_full(&self) -> bool {
        self.steps >= EVERY && self.bytes.len() >= self.state.len()
    }

    /// The one that follows, with what this one comes to.
    pub(super) fn next(&self, state: Vec<u8>, (position, at): (Position, Timestamp)) -> Self {
        Self { number: self.number + 1, position, at, state, ..Self::default() }
    }
}

pub(super) fn written(state: &impl Serialize) -> Result<Vec<u8>, ViewError> {
    rmp_serde::to_vec(state).map_err(|error| ViewError::Rows(Box::new(error)))
}

/// A kept state; an empty one stands for nothing.
pub(super) fn read<T: DeserializeOwned + Default>(state: &[u8]) -> Result<T, ViewError> {
    if state.is_empty() {
        return Ok(T::default());
    }
    rmp_serde::from_slice(state).map_err(|error| ViewError::Rows(Box::new(error)))
}

/// Adds a move to those of a chunk.
pub(super) fn add_move(to: &mut Vec<u8>, step: &Move) -> Result<(), ViewError> {
    rmp_serde::encode::write(to, step).map_err(|error| ViewError::Rows(Box::new(error)))
}

/// The moves of a chunk, in their order.
pub(super) fn moves(mut bytes: &[u8]) -> Result<Vec<Move>, ViewError> {
    let mut moves = Vec::new();
    while !bytes.is_empty() {
        let step = rmp_serde::from_read(&mut bytes).map_err(|error| ViewError::Rows(Box::new(error)))?;
        moves.push(step);
    }
    Ok(moves)
}

/// Adds an event to those of a chunk, without what only its reader in the log needs.
pub(super) fn add_event(to: &mut Vec<u8>, entry: &Entry) -> Result<(), ViewError> {
    let entry = Entry { request: None, personal: Vec::new(), ..entry.clone() };
    codec::encode(&entry, to).map_err(|error| ViewError::Rows(Box::new(error)))?;
    to.push(b'\n');
    Ok(())
}

/// The events of a chunk, in their order.
pub(super) fn events(bytes: &[u8]) -> Result<Vec<Entry>, ViewError> {
    let text = std::str::from_utf8(bytes).map_err(|error| ViewError::Rows(Box::new(error)))?;
    text.lines().map(|line| codec::decode(line).map_err(|error| ViewError::Rows(Box::new(error)))).collect()
}
