//! A book that is asked something, and the audit over all that it said.

use adapters::api_key::ApiKey;
use api::http::ports::{KeyMaker, NewKeyText, Sealing, SealingFailed};
use domain::book::{Book, Bounds, Reply};
use domain::command::{AccountAct, Action, Command, Grant, Publish};
use domain::event::Entry;
use domain::ids::{Digest, HashKey, Name};
use domain::ledger::LotKind;
use domain::log::codec;
use domain::policy::{Mode, Policy};
use domain::rejection::Rejection;
use domain::time::{Calendar, Timestamp};
use projections::audit::{Audit, IDS_MAX};
use std::sync::Arc;

pub(super) const KEY: HashKey = HashKey([7; 16]);
/// When a world begins, in microseconds.
pub(super) const BEGIN: i64 = 1_800_000_000_000_000;

/// A book and all of its events.
#[derive(Clone)]
pub(super) struct World {
    book: Book,
    entries: Vec<Entry>,
    now: Timestamp,
}

impl World {
    /// A policy is in force, and `acme` has an account with credit.
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        let (book, now) = (Book::new(KEY, Bounds::default()), Timestamp::from_micros(BEGIN));
        let mut world = Self { book, entries: Vec::new(), now };
        let publish = Publish::Policy { policy, effective: None, emergency: None };
        world.operator(Action::Publish(publish)).expect("the first policy of a book takes effect at once");
        let (plan, owner, opened) = (None, None, None);
        world.account(AccountAct::Open { plan, owner, calendar: Calendar::default(), opened });
        world.account(AccountAct::Grant(grant()));
        world
    }

    pub(super) fn at(&mut self, now: Timestamp) {
        self.now = now;
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    pub(super) fn execute(&mut self, command: &Command) -> Result<Reply, Rejection> {
        self.book.execute(command, self.now, &mut self.entries)
    }

    pub(super) fn operator(&mut self, action: Action) -> Result<Reply, Rejection> {
        self.execute(&Command { actor: "operator:olga".into(), request: None, action })
    }

    /// A policy may refuse what is done to an account, such as one that asks for a plan.
    fn account(&mut self, act: AccountAct) {
        let _ = self.operator(Action::Account { account: acme(), act });
    }

    /// The events since the first so many.
    pub(super) fn since(&self, first: usize) -> &[Entry] {
        &self.entries[first..]
    }

    pub(super) fn events(&self) -> usize {
        self.entries.len()
    }

    /// The log, as it is kept, folds into the same book, and the audit finds nothing.
    pub(super) fn check(&self) {
        let kept = self.entries.iter().map(again).collect::<Vec<_>>();
        assert_eq!(kept, self.entries);
        audit(&kept, &self.book);
    }
}

/// The events fold into the same book, and the audit finds nothing.
pub(super) fn audit(entries: &[Entry], running: &Book) {
    let (mut audit, mut folded) = (Audit::new(IDS_MAX), Book::new(KEY, Bounds::default()));
    for entry in entries {
        audit.observe(entry);
        folded.apply(entry).expect("a book's own events fold");
    }
    audit.compare(&folded, running);
    let report = audit.finish(&folded);
    let findings: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert!(findings.is_empty(), "{findings:#?}");
}

pub(super) fn acme() -> Name {
    "acme".parse().expect("a name")
}

fn grant() -> Grant {
    let (kind, mode, amount) = (LotKind::Grant, Mode::Live, "100000".parse().expect("an amount"));
    let (effective, expires, unit_value, reason, priority) = (None, None, None, None, 0);
    Grant { kind, amount, mode, effective, expires, priority, unit_value, reason }
}

/// The entry as it comes back from the log.
pub(super) fn again(entry: &Entry) -> Entry {
    let written = text(entry);
    let again = codec::decode(&written).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert_eq!(text(&again), written, "one event has one text");
    again
}

pub(super) fn text(entry: &Entry) -> String {
    let mut written = Vec::new();
    codec::encode(entry, &mut written).expect("an event can be written");
    String::from_utf8(written).expect("an event is text")
}

/// The text of every key that is made.
pub(super) const NEW_KEY: &str = "a-new-key";

/// Stands in for the vault: what it seals can be told apart, and is no secret.
pub(super) struct Mark;

impl Sealing for Mark {
    fn seal(&self, clear: &str) -> Result<Arc<str>, SealingFailed> {
        Ok(format!("sealed-{:x}", KEY.digest([clear.as_bytes()]).0).into())
    }

    fn open(&self, _: &str, _: Timestamp) -> Option<String> {
        None
    }
}

impl KeyMaker for Mark {
    /// The same key each time: a second one is refused, as one that exists.
    fn make(&self, _: &str) -> Result<NewKeyText, SealingFailed> {
        Ok(NewKeyText { text: NEW_KEY.to_owned(), name: "k_new".parse().expect("a name") })
    }

    fn digest(&self, text: &str) -> Digest {
        match ApiKey::parse(text) {
            Ok(key) => key.digest(&KEY),
            Err(_) => KEY.digest([text.as_bytes()]),
        }
    }
}
