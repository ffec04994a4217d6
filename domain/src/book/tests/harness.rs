//! Given / when / then over a book, in a few words.

use crate::book::{Book, Bounds, Reply};
use crate::command::{AccountAct, Action, Ask, Attributes, Caller, Command, Grant, Hidden, Publish, Value};
use crate::event::{Entry, Event, RequestAdmitted, RequestDenied};
use crate::ids::{HashKey, Name, Position};
use crate::ledger::LotKind;
use crate::log::codec;
use crate::policy::{Mode, Policy};
use crate::pricing::Outcome;
use crate::rejection::Rejection;
use crate::time::{Calendar, Span, Timestamp};
use std::sync::Arc;

/// A book under one policy, a clock that the test moves, and everything that was recorded.
pub(super) struct Scene {
    pub(super) book: Book,
    pub(super) now: Timestamp,
    pub(super) log: Vec<Entry>,
}

const KEY: HashKey = HashKey([7; 16]);

impl Scene {
    /// A book with one of the shipped policies, at 2026-03-01T12:00:00Z.
    pub(super) fn with(policy: &str) -> Self {
        let now = "2026-03-01T12:00:00Z".parse().expect("a time");
        let mut scene = Self { book: Book::new(KEY, Bounds::default()), now, log: Vec::new() };
        let policy = Arc::new(Policy::from_toml(policy).expect("a policy"));
        let publish = Publish::Policy { policy, effective: None, emergency: None };
        scene.act(Action::Publish(publish)).expect("published");
        scene
    }

    pub(super) fn wait(&mut self, span: &str) -> &mut Self {
        self.now = self.now.plus(span.parse::<Span>().expect("a span"));
        self
    }

    pub(super) fn act(&mut self, action: Action) -> Result<Reply, Rejection> {
        let command = Command { actor: "test".into(), request: None, action };
        self.book.execute(&command, self.now, &mut self.log)
    }

    pub(super) fn open(&mut self, account: &str, plan: Option<&str>) -> &mut Self {
        let plan = plan.map(name);
        let act = AccountAct::Open { plan, owner: None, calendar: Calendar::default(), opened: None };
        self.account(account, act)
    }

    pub(super) fn grant(&mut self, account: &str, amount: &str) -> &mut Self {
        let amount = amount.parse().expect("an amount");
        let (effective, expires, unit_value, reason) = (None, None, None, None);
        let (kind, mode, priority) = (LotKind::Grant, Mode::Live, 0);
        self.account(
            account,
            AccountAct::Grant(Grant { kind, amount, mode, effective, expires, priority, unit_value, reason }),
        )
    }

    pub(super) fn account(&mut self, account: &str, act: AccountAct) -> &mut Self {
        self.act(Action::Account { account: name(account), act }).expect("an accepted act");
        self
    }

    pub(super) fn request(&mut self, ask: Ask) -> Result<Answer, Rejection> {
        let before = self.log.len();
        match self.act(Action::Request(Box::new(ask)))? {
            Reply::Done(at) => Ok(Answer(self.log[before.max(at)].clone())),
            other => panic!("neither recorded nor rejected: {other:?}"),
        }
    }

    pub(super) fn settle(&mut self, decision: Position, attributes: Attributes) -> Entry {
        let outcome = Outcome::Succeeded;
        self.act(Action::Settle { decision, outcome, attributes }).expect("settled");
        self.log.last().expect("an entry").clone()
    }

    /// What is available and held.
    pub(super) fn balance(&self, account: &str) -> (String, String) {
        let account = self.book.account(account).expect("an account");
        let balance = account.balance(Mode::Live, self.now);
        (balance.0.to_string(), balance.1.to_string())
    }
}

impl Drop for Scene {
    /// Whatever a test did: the log reads back as it was written, and its fold is the running state.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let mut fold = Book::new(KEY, Bounds::default());
        for entry in &self.log {
            let mut text = Vec::new();
            codec::encode(entry, &mut text).expect("encodes");
            let text = String::from_utf8(text).expect("text");
            let read = codec::decode(&text).expect("decodes");
            assert_eq!(&read, entry, "{text}");
            fold.apply(&read).expect("folds");
        }
        assert_eq!(fold.differs_from(&self.book), None, "the fold of the log is the running state");
    }
}

/// What a request was answered.
#[derive(Debug)]
pub(super) struct Answer(Entry);

impl Answer {
    pub(super) fn admitted(&self) -> (Position, &RequestAdmitted) {
        match &self.0.event {
            Event::RequestAdmitted(event) => (self.0.position, event),
            other => panic!("not admitted: {other:?}"),
        }
    }

    pub(super) fn denied(&self) -> &RequestDenied {
        match &self.0.event {
            Event::RequestDenied(event) => event,
            other => panic!("not denied: {other:?}"),
        }
    }
}

pub(super) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

/// A request of an account, to be settled later.
pub(super) fn of(account: &str, endpoint: &str) -> Ask {
    Ask {
        caller: Caller::Account(name(account)),
        ip: None,
        endpoint: endpoint.into(),
        channel: None,
        end_user: None,
        body: None,
        attributes: Vec::new(),
        units: 1,
        items: Vec::new(),
        settle: None,
    }
}

/// A request of an address.
pub(super) fn from(ip: &str, endpoint: &str) -> Ask {
    let digest = KEY.digest([ip.as_bytes()]);
    let ip = Some(Hidden { clear: ip.into(), digest, sealed: "sealed".into() });
    Ask { caller: Caller::Anonymous, ip, settle: Some(Outcome::Succeeded), ..of("none", endpoint) }
}

pub(super) fn chars(count: u32) -> Attributes {
    vec![(name("chars"), Value::Number(count.into()))]
}
