//! The book: one log with one writer, folded into the state that decisions are made on.
//!
//! [`Book::apply`] is the only way that state changes. [`Book::execute`] decides against the state, without
//! I/O, clock or randomness, and applies what it decided.

mod accounts;
mod admin;
mod bans;
mod client;
mod count;
mod decisions;
mod dues;
mod escalate;
mod facts;
mod fold;
mod frozen;
mod gauge;
mod home;
mod meters;
mod preflight;
mod price;
mod read;
pub mod reader;
mod remembered;
mod request;
mod settle;
#[cfg(test)]
mod tests;
mod who;

pub use accounts::Accounts;
pub use admin::figure_of;
pub use bans::{Ban, Bans};
pub use client::{Client, ClientAct, Warden};
use count::Counters;
pub use count::{Count, Walk};
pub use decisions::{Decision, Decisions, Open, Stage};
pub use fold::Inconsistent;
pub use frozen::Frozen;
pub use home::{Away, Home};
pub use meters::Meters;
pub use read::LimitView;
pub use remembered::{Recall, Remembered};
pub use who::{Piece, Who};

use crate::catalogue::{Catalogue, InForce};
use crate::command::{Action, Caller, Command};
use crate::event::{DenialsCollapsed, Entry, Event, Personal, RequestDenied, Stream};
use crate::ids::{Digest, HashKey, Name, Position};
use crate::rejection::Rejection;
use crate::table::Table;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

/// How much a book may keep in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Bounds {
    /// Request ids.
    pub ids_max: usize,
    /// Decisions that can be settled or refunded.
    pub decisions_max: usize,
    /// Counters, anonymous callers and accounts.
    pub subjects_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { ids_max: 1_000_000, decisions_max: 1_000_000, subjects_max: 20_000_000 }
    }
}

/// The state of a book after its last event.
#[derive(Clone, Debug)]
pub struct Book {
    key: HashKey,
    bounds: Bounds,
    state: State,
}

/// What follows from the log; [`Frozen`] has what a snapshot keeps of it.
#[derive(Clone, Debug, Default)]
struct State {
    head: Position,
    at: Timestamp,
    home: Home,
    catalogue: Catalogue,
    accounts: Accounts,
    /// Stream versions of anonymous callers.
    clients: Table<Digest, u64>,
    meters: Meters,
    /// How often each escalation counter has fired.
    fired: Table<Digest, u32>,
    bans: Bans,
    figures: Table<Digest, u64>,
    decisions: Decisions,
    remembered: Remembered,
    dues: dues::Dues,
    /// Open decisions of anonymous callers by the instant at which they run out.
    open: BTreeSet<(Timestamp, Position)>,
    denials: Denials,
}

/// Refusals recorded in the current minute, by who was refused.
#[derive(Clone, Debug, Default, PartialEq)]
struct Denials {
    minute: i64,
    recorded: Table<Stream, u32>,
}

const MINUTE: i64 = 60_000_000;

impl Denials {
    fn recorded(&self, stream: &Stream, now: Timestamp) -> u32 {
        if now.micros() / MINUTE != self.minute {
            return 0;
        }
        self.recorded.get(stream).copied().unwrap_or(0)
    }

    fn record(&mut self, stream: &Stream, at: Timestamp) {
        let minute = at.micros() / MINUTE;
        if minute != self.minute {
            self.minute = minute;
            self.recorded.clear();
        }
        match self.recorded.get_mut(stream) {
            Some(recorded) => *recorded += 1,
            None => self.recorded.insert(stream.clone(), 1),
        }
    }
}

/// What became of a command that was not rejected.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    /// The entry at this index of the output answers the command; later ones follow from it.
    Done(usize),
    /// The same request id and content came before: the answer is the event at this position.
    Repeat(Position),
    /// Refused like many before it in this minute: counted by the caller, not recorded.
    Collapsed(Box<RequestDenied>, Stream),
}

/// An event that was decided and has no place yet.
#[derive(Debug)]
pub(crate) struct Draft {
    stream: Stream,
    event: Event,
    personal: Personal,
    counters: Counters,
}

impl Draft {
    fn new(stream: Stream, event: impl Into<Event>) -> Self {
        Self { stream, event: event.into(), personal: Personal::new(), counters: Counters::new() }
    }
}

/// What was found out before an entry is folded, so that the fold need not find it out again.
#[derive(Default)]
struct Known {
    /// The slot of its account.
    slot: Option<u32>,
    /// The hash of its request id.
    request: Option<Digest>,
    /// An admitted request's.
    counters: Counters,
}

/// What a decision came to.
#[derive(Debug)]
pub(crate) enum Verdict {
    Record(Vec<Draft>),
    Repeat(Position),
    Collapse(Box<RequestDenied>, Stream),
}

impl Book {
    /// An empty book that hashes personal values under this key.
    pub fn new(key: HashKey, bounds: Bounds) -> Self {
        Self { key, bounds, state: State::default() }
    }

    pub fn head(&self) -> Position {
        self.state.head
    }

    /// The time of the last event.
    pub fn at(&self) -> Timestamp {
        self.state.at
    }

    pub fn catalogue(&self) -> &Catalogue {
        &self.state.catalogue
    }

    pub fn accounts(&self) -> &Accounts {
        &self.state.accounts
    }

    pub fn account(&self, name: &str) -> Option<&crate::account::Account> {
        self.state.accounts.by_name(name)
    }

    pub fn decision(&self, position: Position) -> Option<&Decision> {
        self.state.decisions.get(position)
    }

    /// Decisions that can still be settled or refunded.
    pub fn decisions_kept(&self) -> usize {
        self.state.decisions.len()
    }

    pub fn remembered(&self) -> &Remembered {
        &self.state.remembered
    }

    pub fn bans(&self) -> &Bans {
        &self.state.bans
    }

    pub fn hash_key(&self) -> HashKey {
        self.key
    }

    /// Carries out a command: emits and applies what is due for its own account, decides, applies.
    ///
    /// Entries are pushed to `out` in order; a rejected command may still leave dues there. A `now` before
    /// [`Book::at`] is taken as that.
    pub fn execute(
        &mut self,
        command: &Command,
        now: Timestamp,
        out: &mut Vec<Entry>,
    ) -> Result<Reply, Rejection> {
        let now = now.max(self.state.at);
        let slot = self.slot_of(&command.action);
        match slot {
            Some(slot) => self.settle_dues_of(slot, now, out),
            None => self.settle_anonymous(now, out),
        }
        let request = command.request.as_ref().map(|tag| remembered::name(self.key, &command.actor, &tag.id));
        let drafts = match self.decide(command, (slot, request), now)? {
            Verdict::Record(drafts) => drafts,
            Verdict::Repeat(position) => return Ok(Reply::Repeat(position)),
            Verdict::Collapse(denied, stream) => return Ok(Reply::Collapsed(denied, stream)),
        };
        let first = out.len();
        let (mut tag, mut request) = (command.request.clone(), request);
        for mut draft in drafts {
            let counters = mem::take(&mut draft.counters);
            let slot = self.slot_near(&draft.stream, slot);
            let mut entry = self.place(draft, slot, command.actor.clone(), now);
            entry.request = tag.take();
            self.take(entry, Known { slot, request: request.take(), counters }, out);
        }
        Ok(Reply::Done(first))
    }

    /// Decides a command against the state and changes nothing.
    fn decide(
        &self,
        command: &Command,
        (slot, request): (Option<u32>, Option<Digest>),
        now: Timestamp,
    ) -> Result<Verdict, Rejection> {
        if let Some((request, tag)) = request.zip(command.request.as_ref()) {
            match self.state.remembered.recall(request, tag) {
                Recall::New => {}
                Recall::Repeat(position) => return Ok(Verdict::Repeat(position)),
                Recall::Reused => return Err(Rejection::RequestIdReused),
                Recall::TooOld => return Err(Rejection::RequestIdTooOld),
            }
        }
        match &command.action {
            Action::Request(ask) => self.decide_request(ask, slot, now),
            Action::Reprocess { decision } => self.decide_reprocess(*decision, now),
            Action::Begin { decision } => self.decide_begin(*decision, now),
            Action::Settle { decision, outcome, attributes } => {
                self.decide_settle(*decision, *outcome, attributes, now)
            }
            Action::Refund(refund) => self.decide_refund(refund, now),
            Action::Account { .. }
            | Action::Ban { .. }
            | Action::LiftBan { .. }
            | Action::SetFigure { .. }
            | Action::ResetCount { .. }
            | Action::Publish(_) => self.decide_act(&command.action, now).map(Verdict::Record),
        }
    }

    /// One event for refusals that were only counted.
    pub fn collapse(
        &mut self,
        stream: Stream,
        collapsed: DenialsCollapsed,
        now: Timestamp,
        out: &mut Vec<Entry>,
    ) {
        self.add(Draft::new(stream, collapsed), now.max(self.state.at), out);
    }

    /// Places and applies an event that nobody asked for.
    fn add(&mut self, draft: Draft, now: Timestamp, out: &mut Vec<Entry>) {
        let slot = self.slot_near(&draft.stream, None);
        let entry = self.place(draft, slot, Arc::from(BOOK), now);
        self.take(entry, Known { slot, ..Known::default() }, out);
    }

    fn in_force(&self, now: Timestamp) -> Result<InForce<'_>, Rejection> {
        self.state.catalogue.in_force(now).ok_or(Rejection::NoPolicy)
    }

    /// Gives a draft its position, version and time.
    fn place(&self, draft: Draft, slot: Option<u32>, actor: Arc<str>, now: Timestamp) -> Entry {
        let Draft { stream, event, personal, counters: _ } = draft;
        let version = self.version(&stream, slot) + 1;
        let position = self.state.head + 1;
        Entry { position, stream, version, at: now.max(self.state.at), actor, request: None, event, personal }
    }

    /// The last version of a stream; `slot` is its account's, when it has one.
    fn version(&self, stream: &Stream, slot: Option<u32>) -> u64 {
        match stream {
            Stream::Account(_) => self.account_of(slot).1.map_or(0, |account| account.version),
            Stream::Client(digest) => self.state.clients.get(digest).copied().unwrap_or(0),
            Stream::Catalogue => self.state.catalogue.version,
            Stream::Book => self.state.home.moves,
        }
    }

    /// Applies what was just decided. A decision that the state contradicts is a defect of this program, and
    /// going on would put a wrong figure into the log.
    fn take(&mut self, entry: Entry, known: Known, out: &mut Vec<Entry>) {
        let position = entry.position;
        // In its place first: an event is large, and every move of it costs.
        out.push(entry);
        let folded = out.last().map_or(Ok(()), |entry| self.fold(entry, known));
        if let Err(error) = folded {
            panic!("decided what cannot be applied at {position}: {error}");
        }
    }

    /// The account that a command speaks of.
    fn slot_of(&self, action: &Action) -> Option<u32> {
        match action {
            Action::Request(ask) => match &ask.caller {
                Caller::Key(hash) => self.state.accounts.by_key(*hash).map(|(slot, _)| slot),
                Caller::Account(name) => self.state.accounts.slot(name.as_str()),
                Caller::Anonymous => None,
            },
            Action::Begin { decision } | Action::Settle { decision, .. } | Action::Reprocess { decision } => {
                self.decision(*decision)?.account
            }
            Action::Refund(refund) => self.decision(refund.decision)?.account,
            Action::Account { account, .. } => self.state.accounts.slot(account.as_str()),
            Action::Ban { .. }
            | Action::LiftBan { .. }
            | Action::SetFigure { .. }
            | Action::ResetCount { .. }
            | Action::Publish(_) => None,
        }
    }

    /// The slot of a stream's account; `near` is where it probably is, so that its name need not be looked up.
    pub(super) fn slot_near(&self, stream: &Stream, near: Option<u32>) -> Option<u32> {
        let Stream::Account(name) = stream else { return None };
        let is_it = |slot: &u32| self.state.accounts.get(*slot).is_some_and(|(known, _)| known == name);
        near.filter(is_it).or_else(|| self.state.accounts.slot(name.as_str()))
    }

    fn account_of(&self, slot: Option<u32>) -> (Option<&Name>, Option<&crate::account::Account>) {
        slot.and_then(|slot| self.state.accounts.get(slot)).unzip()
    }
}

/// The actor of what nobody asked for: dues and collapsed refusals.
pub const BOOK: &str = "book";
