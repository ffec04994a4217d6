//! What a run did: steps, events, answers and faults, by kind.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Report {
    counts: BTreeMap<(&'static str, String), u64>,
}

impl Report {
    /// One more of a kind, such as an answer `RATE_LIMITED`.
    pub(crate) fn add(&mut self, what: &'static str, kind: impl Into<String>) {
        self.add_many(what, kind, 1);
    }

    pub(crate) fn add_many(&mut self, what: &'static str, kind: impl Into<String>, count: u64) {
        *self.counts.entry((what, kind.into())).or_default() += count;
    }

    pub(crate) fn of(&self, what: &'static str) -> u64 {
        self.counts.iter().filter(|((known, _), _)| *known == what).map(|(_, count)| count).sum()
    }

    /// Whether there was any of the kinds that begin so.
    pub(crate) fn has(&self, what: &'static str, kind: &str) -> bool {
        self.counts.keys().any(|(known, found)| *known == what && found.starts_with(kind))
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for ((what, kind), count) in &other.counts {
            self.add_many(what, kind.clone(), *count);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = "";
        for ((what, kind), count) in &self.counts {
            if *what == last {
                out.write_str(", ")?;
            } else {
                write!(out, "\n{what} ({}): ", self.of(what))?;
                last = what;
            }
            write!(out, "{kind} {count}")?;
        }
        Ok(())
    }
}
