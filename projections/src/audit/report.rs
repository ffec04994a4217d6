//! What an audit found.

use super::Invariant;
use domain::event::Stream;
use domain::ids::Position;
use domain::log::Head;
use std::collections::BTreeMap;
use std::fmt;

/// Findings of one invariant that are kept word for word; the rest are only counted.
pub const KEPT: usize = 100;

/// One place where an invariant does not hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    pub invariant: Invariant,
    /// The event that shows it; the last one for what only shows at the end.
    pub position: Position,
    /// None: it concerns the whole book.
    pub stream: Option<Stream>,
    /// What was compared, in a few words.
    pub what: String,
    pub expected: String,
    pub found: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} at {}", self.invariant, self.position)?;
        if let Some(stream) = &self.stream {
            write!(out, " ({stream})")?;
        }
        write!(out, ": {}: expected {}, found {}", self.what, self.expected, self.found)
    }
}

/// Where a check is: stamps what it finds with position and stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub position: Position,
    pub stream: Option<&'a Stream>,
}

/// Findings so far, bounded by [`KEPT`] for each invariant.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    kept: Vec<Finding>,
    counts: BTreeMap<Invariant, u64>,
}

impl Findings {
    /// Records that two things which must be equal are not.
    pub(super) fn expect_equal<T: PartialEq + fmt::Display>(
        &mut self,
        invariant: Invariant,
        place: Place<'_>,
        what: impl Into<String>,
        (expected, found): (T, T),
    ) {
        if expected != found {
            self.add(invariant, place, what, (expected, found));
        }
    }

    pub(super) fn add(
        &mut self,
        invariant: Invariant,
        place: Place<'_>,
        what: impl Into<String>,
        (expected, found): (impl fmt::Display, impl fmt::Display),
    ) {
        let count = self.counts.entry(invariant).or_default();
        *count += 1;
        if usize::try_from(*count).is_ok_and(|count| count > KEPT) {
            return;
        }
        let (position, stream) = (place.position, place.stream.cloned());
        let (expected, found) = (expected.to_string(), found.to_string());
        self.kept.push(Finding { invariant, position, stream, what: what.into(), expected, found });
    }

    pub(super) fn count(&self, invariant: Invariant) -> u64 {
        self.counts.get(&invariant).copied().unwrap_or(0)
    }

    pub(super) fn into_kept(self) -> Vec<Finding> {
        self.kept
    }
}

/// What became of one invariant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Holds,
    /// So many findings.
    Broken(u64),
    /// There was nothing to compare with, such as no snapshot.
    NotCompared,
    /// No log can show it.
    NotVisible,
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds => out.write_str("ok"),
            Self::Broken(1) => out.write_str("1 finding"),
            Self::Broken(count) => write!(out, "{count} findings"),
            Self::NotCompared => out.write_str("not compared"),
            Self::NotVisible => out.write_str("not visible in a log"),
        }
    }
}

/// The result of an audit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Report {
    /// The last event; its hash is that of the chain as it was recomputed.
    pub head: Head,
    pub events: u64,
    /// Every invariant, in the order of the design.
    pub outcomes: Vec<(Invariant, Outcome)>,
    /// At most [`KEPT`] of each invariant, in the order in which they were found.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether nothing was found.
    pub fn is_clean(&self) -> bool {
        self.outcomes.iter().all(|(_, outcome)| !matches!(outcome, Outcome::Broken(_)))
    }

    /// What became of one invariant.
    pub fn outcome(&self, invariant: Invariant) -> Outcome {
        let own = self.outcomes.iter().find(|(of, _)| *of == invariant);
        own.map_or(Outcome::NotCompared, |(_, outcome)| *outcome)
    }
}
