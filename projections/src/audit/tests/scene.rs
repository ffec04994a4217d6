//! A book that records what it does, and its audit.

use crate::audit::{Audit, Report};
use domain::book::{Book, Bounds, Reply};
use domain::command::{AccountAct, Action, Ask, Attributes, Caller, Command, Grant, Hidden, Publish, Value};
use domain::event::{Entry, Event, RequestTag};
use domain::ids::{HashKey, Name, Position};
use domain::ledger::LotKind;
use domain::log::codec;
use domain::policy::{Mode, Policy};
use domain::pricing::Outcome;
use domain::rejection::Rejection;
use domain::time::{Calendar, Span, Timestamp};
use std::sync::Arc;

const KEY: HashKey = HashKey([3; 16]);
pub(super) const POLICY: &str = include_str!("policy.toml");

pub(super) struct Scene {
    pub(super) book: Book,
    pub(super) now: Timestamp,
    pub(super) log: Vec<Entry>,
    requests: u64,
}

impl Scene {
    /// A book under this policy, at 2026-03-01T12:00:00Z.
    pub(super) fn under(policy: &str) -> Self {
        let now = "2026-03-01T12:00:00Z".parse().expect("a time");
        let mut scene = Self { book: Book::new(KEY, Bounds::default()), now, log: Vec::new(), requests: 0 };
        scene.publish(policy, None).expect("published");
        scene
    }

    /// The policy of these tests, with account `acme` and 100 credits.
    pub(super) fn funded() -> Self {
        let mut scene = Self::under(POLICY);
        scene.open("acme").expect("opened");
        scene.grant("acme", LotKind::Grant, "100", None).expect("granted");
        scene
    }

    pub(super) fn publish(&mut self, policy: &str, effective: Option<Timestamp>) -> Result<Reply, Rejection> {
        let policy = Arc::new(Policy::from_toml(policy).expect("a policy"));
        self.act(Action::Publish(Publish::Policy { policy, effective, emergency: None }))
    }

    pub(super) fn wait(&mut self, span: &str) -> &mut Self {
        self.now = self.now.plus(span.parse::<Span>().expect("a span"));
        self
    }

    pub(super) fn act(&mut self, action: Action) -> Result<Reply, Rejection> {
        self.requests += 1;
        let tag = RequestTag { id: format!("r{}", self.requests).into(), fingerprint: self.requests };
        let command = Command { actor: "gateway:test".into(), request: Some(tag), action };
        self.book.execute(&command, self.now, &mut self.log)
    }

    pub(super) fn account(&mut self, account: &str, act: AccountAct) -> Result<Reply, Rejection> {
        self.act(Action::Account { account: name(account), act })
    }

    pub(super) fn open(&mut self, account: &str) -> Result<Reply, Rejection> {
        let act = AccountAct::Open { plan: None, owner: None, calendar: Calendar::default(), opened: None };
        self.account(account, act)
    }

    pub(super) fn grant(
        &mut self,
        account: &str,
        kind: LotKind,
        amount: &str,
        lasts: Option<Span>,
    ) -> Result<Reply, Rejection> {
        let amount = amount.parse().expect("an amount");
        let expires = lasts.map(|lasts| self.now.plus(lasts));
        let (effective, unit_value, reason, priority, mode) = (None, None, None, 0, Mode::Live);
        let grant = Grant { kind, amount, mode, effective, expires, priority, unit_value, reason };
        self.account(account, AccountAct::Grant(grant))
    }

    /// The decision, when it was admitted and recorded.
    pub(super) fn request(&mut self, ask: Ask) -> Option<Position> {
        match self.act(Action::Request(Box::new(ask))) {
            Ok(Reply::Done(_)) => {
                let admitted = |entry: &&Entry| matches!(entry.event, Event::RequestAdmitted(_));
                let decided =
                    |entry: &&Entry| admitted(entry) || matches!(entry.event, Event::RequestDenied(_));
                self.log.iter().rev().find(decided).filter(admitted).map(|entry| entry.position)
            }
            Ok(Reply::Repeat(_) | Reply::Collapsed(..)) | Err(_) => None,
        }
    }

    pub(super) fn settle(
        &mut self,
        decision: Position,
        outcome: Outcome,
        count: u32,
    ) -> Result<Reply, Rejection> {
        self.act(Action::Settle { decision, outcome, attributes: chars(count) })
    }

    /// The position of the next event.
    pub(super) fn next(&self) -> Position {
        self.log.len() as Position + 1
    }

    /// Adds a copy of an event, changed, with the next position and version: what a faulty book would write.
    pub(super) fn forge(&mut self, like: Position, change: impl FnOnce(&mut Entry)) -> &mut Self {
        let mut entry = self.entry(like).clone();
        let before = self.log.iter().filter(|other| other.stream == entry.stream).count() as u64;
        (entry.position, entry.version, entry.at) = (self.next(), before + 1, self.now);
        entry.request = None;
        change(&mut entry);
        self.log.push(entry);
        self
    }

    pub(super) fn entry(&self, position: Position) -> &Entry {
        &self.log[usize::try_from(position).expect("a small position") - 1]
    }

    pub(super) fn entry_mut(&mut self, position: Position) -> &mut Entry {
        &mut self.log[usize::try_from(position).expect("a small position") - 1]
    }

    /// The position of the newest event of this type.
    pub(super) fn newest(&self, kind: &str) -> Position {
        let newest = self.log.iter().rev().find(|entry| entry.event.kind() == kind);
        newest.unwrap_or_else(|| panic!("no {kind} in the log")).position
    }

    /// The oldest event of this type.
    pub(super) fn first_mut(&mut self, kind: &str) -> &mut Entry {
        let first = self.log.iter_mut().find(|entry| entry.event.kind() == kind);
        first.unwrap_or_else(|| panic!("no {kind} in the log"))
    }

    /// The position of the oldest event of this type.
    pub(super) fn first(&self, kind: &str) -> Position {
        let first = self.log.iter().find(|entry| entry.event.kind() == kind);
        first.unwrap_or_else(|| panic!("no {kind} in the log")).position
    }

    /// Audits the log as it stands against the book.
    pub(super) fn audit(&self) -> Report {
        let mut audit = Audit::default();
        let mut fold = Book::new(KEY, Bounds::default());
        for entry in &self.log {
            let mut text = Vec::new();
            codec::encode(entry, &mut text).expect("encodes");
            audit.observe_text(entry.position, &text, None);
            audit.observe(entry);
            // A forged log does not fold; then there is nothing to compare with.
            drop(fold.apply(entry));
        }
        if fold.head() == self.book.head() {
            audit.compare(&fold, &self.book);
        }
        audit.finish(&self.book)
    }
}

pub(super) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

pub(super) fn chars(count: u32) -> Attributes {
    vec![(name("chars"), Value::Number(count.into()))]
}

/// A request of an account, to be settled later.
pub(super) fn later(account: &str, endpoint: &str) -> Ask {
    Ask {
        caller: Caller::Account(name(account)),
        ip: None,
        endpoint: endpoint.into(),
        channel: None,
        end_user: None,
        body: None,
        attributes: chars(100),
        units: 1,
        items: Vec::new(),
        settle: None,
    }
}

/// A request of an account that is settled at once.
pub(super) fn at_once(account: &str, endpoint: &str) -> Ask {
    Ask { settle: Some(Outcome::Succeeded), ..later(account, endpoint) }
}

/// A request of an address, settled at once.
pub(super) fn from(ip: &str, endpoint: &str) -> Ask {
    let ip = Some(Hidden { digest: KEY.digest([ip.as_bytes()]), sealed: "sealed".into() });
    Ask { caller: Caller::Anonymous, ip, ..at_once("none", endpoint) }
}
