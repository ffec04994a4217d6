//! L1: positions, times, stream versions and the hash chain.

use super::Invariant::L1;
use super::report::{Findings, Place};
use domain::event::{Entry, Stream};
use domain::ids::Position;
use domain::log::{ChainHash, Head};
use domain::map::Map;
use domain::time::Timestamp;

/// Where the log and each of its streams stand. Memory: a name and a number for each stream.
#[derive(Debug, Default)]
pub(super) struct Order {
    pub head: Head,
    at: Timestamp,
    versions: Map<Stream, u64>,
}

impl Order {
    /// Checks an event against those before it, and goes on from what it says: one fault is one finding.
    pub(super) fn observe(&mut self, entry: &Entry, findings: &mut Findings) {
        let place = Place { position: entry.position, stream: Some(&entry.stream) };
        findings.expect_equal(L1, place, "position", (self.head.position + 1, entry.position));
        if entry.at < self.at {
            findings.add(L1, place, "time", (format_args!("{} or later", self.at), entry.at));
        }
        let version = self.versions.get(&entry.stream).copied().unwrap_or(0);
        findings.expect_equal(L1, place, "stream version", (version + 1, entry.version));
        self.head.position = entry.position;
        self.at = entry.at;
        match self.versions.get_mut(&entry.stream) {
            Some(known) => *known = entry.version,
            None => {
                self.versions.insert(entry.stream.clone(), entry.version);
            }
        }
    }

    /// Hashes the event's text and compares with the hash that the store states, when it states one here.
    pub(super) fn chain(
        &mut self,
        position: Position,
        text: &[u8],
        stated: Option<ChainHash>,
        findings: &mut Findings,
    ) {
        self.head.hash = self.head.hash.next(text);
        if let Some(stated) = stated {
            let place = Place { position, stream: None };
            findings.expect_equal(L1, place, "chain hash", (self.head.hash, stated));
            self.head.hash = stated;
        }
    }
}
