//! The stream index: which events each stream has, and where.

use domain::event::Entry;
use domain::ids::Position;

/// One event of a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub stream: String,
    pub version: u64,
    pub position: Position,
}

/// Where an entry stands in its stream.
pub fn place(entry: &Entry) -> Place {
    Place { stream: entry.stream.to_string(), version: entry.version, position: entry.position }
}
