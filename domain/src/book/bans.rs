//! Who is refused everywhere, and until when.

use super::{Piece, Who};
use crate::event::BanStarted;
use crate::ids::{Digest, HashKey, Name};
use crate::policy::{Dimension, Policy};
use crate::table::{FrozenTable, Table};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A ban of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ban {
    pub name: Name,
    pub reason: String,
    pub since: Timestamp,
    /// For good unless given.
    pub until: Option<Timestamp>,
    /// The escalation counter that led here.
    pub counter: Option<Digest>,
}

impl Ban {
    /// A ban as its event tells it.
    pub fn started(event: &BanStarted, since: Timestamp) -> Self {
        let counter = event.escalation.as_ref().map(|fired| fired.counter);
        Self { name: event.name.clone(), reason: event.reason.clone(), since, until: event.until, counter }
    }

    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Bans by subject.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bans {
    by_subject: Table<Digest, Ban>,
    /// The tuples of dimensions by which anyone was ever banned.
    kinds: Vec<Vec<Dimension>>,
    /// Bans that are over are let go when there are this many.
    clear_at: usize,
}

/// What a snapshot keeps of them.
#[derive(Serialize, Deserialize)]
pub(super) struct FrozenBans {
    by_subject: FrozenTable<Digest, Ban>,
    kinds: Vec<Vec<Dimension>>,
    clear_at: usize,
}

impl From<FrozenBans> for Bans {
    fn from(FrozenBans { by_subject, kinds, clear_at }: FrozenBans) -> Self {
        Self { by_subject: by_subject.into(), kinds, clear_at }
    }
}

/// Fewest bans that are worth a look for those that are over.
const CLEAR_MIN: usize = 1_024;

impl Bans {
    pub(super) fn freeze(&self) -> FrozenBans {
        let (by_subject, kinds) = (self.by_subject.freeze(), self.kinds.clone());
        FrozenBans { by_subject, kinds, clear_at: self.clear_at }
    }

    /// The hash of a subject of bans.
    pub fn subject(
        key: HashKey,
        policy: &Policy,
        who: &Who<'_>,
        by: &[Dimension],
        piece: Piece<'_>,
    ) -> Option<Digest> {
        who.digest(key, policy, ("ban", by), piece)
    }

    /// The ban that refuses a caller.
    pub fn find(
        &self,
        key: HashKey,
        policy: &Policy,
        who: &Who<'_>,
        piece: Piece<'_>,
        now: Timestamp,
    ) -> Option<&Ban> {
        let subjects = self.kinds.iter().filter_map(|by| Self::subject(key, policy, who, by, piece));
        subjects.filter_map(|subject| self.by_subject.get(&subject)).find(|ban| ban.is_in_force(now))
    }

    /// Bans that are kept, also those that are over.
    pub fn len(&self) -> usize {
        self.by_subject.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_subject.is_empty()
    }

    pub fn get(&self, subject: Digest) -> Option<&Ban> {
        self.by_subject.get(&subject)
    }

    pub(super) fn start(&mut self, by: &[Dimension], subject: Digest, ban: Ban) {
        if !self.kinds.iter().any(|known| known == by) {
            self.kinds.push(by.to_vec());
        }
        if self.by_subject.len() >= self.clear_at.max(CLEAR_MIN) {
            self.by_subject.retain(|known| known.is_in_force(ban.since));
            self.clear_at = 2 * self.by_subject.len();
        }
        self.by_subject.insert(subject, ban);
    }

    pub(super) fn lift(&mut self, subject: Digest) -> Option<Ban> {
        self.by_subject.remove(&subject)
    }
}
