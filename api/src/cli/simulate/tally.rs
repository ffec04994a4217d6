//! What a run comes to.

use super::record::{Fate, Record};
use crate::engine::Handle;
use domain::event::Event;
use domain::money::Credits;
use std::collections::BTreeMap;

/// Most reasons that are kept.
const REASONS_MAX: usize = 10;

/// The figures of a run.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) decided: u64,
    pub(super) admitted: u64,
    /// Of the admitted, those with an item in an error state.
    pub(super) limited: u64,
    pub(super) refused: u64,
    pub(super) invalid: u64,
    /// Why requests could not be decided: how many, and the first line. At most [`REASONS_MAX`] of them.
    pub(super) reasons: BTreeMap<String, (u64, u64)>,
    /// Refusals by gate and status.
    pub(super) gates: BTreeMap<(String, u16), u64>,
    pub(super) charged: Credits,
    /// Requests that were charged something.
    pub(super) paying: u64,
    /// Refusals and requests by subject.
    pub(super) subjects: BTreeMap<String, (u64, u64)>,
    /// Bans that began, by name.
    pub(super) bans: BTreeMap<String, u64>,
    pub(super) suspensions: u64,
}

impl Tally {
    /// Adds a line.
    pub(super) fn add(&mut self, record: &Record<'_>) {
        self.decided += 1;
        let refused = matches!(record.fate, Fate::Refused(_));
        match record.fate {
            Fate::Admitted { limited } => {
                self.admitted += 1;
                self.limited += u64::from(limited);
            }
            Fate::Refused(gate) => {
                self.refused += 1;
                *self.gates.entry((gate.to_owned(), record.status)).or_default() += 1;
            }
            Fate::Invalid => {
                self.invalid += 1;
                self.note(record);
            }
        }
        if let Some(charged) = record.charged.filter(|charged| charged.is_positive()) {
            self.charged = self.charged.plus(charged);
            self.paying += 1;
        }
        if !self.subjects.contains_key(record.subject.as_ref()) {
            self.subjects.insert(record.subject.clone().into_owned(), (0, 0));
        }
        if let Some((refusals, requests)) = self.subjects.get_mut(record.subject.as_ref()) {
            *refusals += u64::from(refused);
            *requests += 1;
        }
    }

    fn note(&mut self, record: &Record<'_>) {
        let reason = record.reason.as_deref().unwrap_or_default();
        if let Some((count, _)) = self.reasons.get_mut(reason) {
            *count += 1;
        } else if self.reasons.len() < REASONS_MAX {
            self.reasons.insert(reason.to_owned(), (1, record.n));
        }
    }

    /// Counts the bans and suspensions in the log.
    pub(super) async fn read_log(&mut self, engine: &Handle) -> Result<(), String> {
        let mut from = 1;
        loop {
            let entries = engine.entries(from, 10_000).await.map_err(|failure| failure.to_string())?;
            let Some(last) = entries.last() else { return Ok(()) };
            from = last.position + 1;
            for entry in &entries {
                if let Event::BanStarted(ban) = &entry.event {
                    *self.bans.entry(ban.name.to_string()).or_default() += 1;
                } else if let Event::AccountSuspended(_) = &entry.event {
                    self.suspensions += 1;
                }
            }
        }
    }
}
