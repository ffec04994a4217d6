//! Given / when / then over a book, in a few words.

use crate::book::{Book, Bounds, Reply};
use crate::command::{
    AccountAct, Action, Ask, Attributes, Caller, Command, Grant, Hidden, Item, NewKey, Publish, Refund, Value,
};
use crate::event::{
    BookSealed, Entry, Event, KeyChange, RequestAdmitted, RequestDenied, RequestSettled, RequestTag,
};
use crate::ids::{HashKey, Name, Position};
use crate::ledger::LotKind;
use crate::log::{StoreId, codec};
use crate::money::Credits;
use crate::policy::{Mode, Policy};
use crate::pricing::Outcome;
use crate::rejection::Rejection;
use crate::time::{Calendar, Span, Timestamp};
use std::sync::Arc;

/// A book under one policy, a clock that the test moves, and everything that was recorded.
pub(super) struct Scene {
    pub(super) book: Book,
    pub(super) bounds: Bounds,
    pub(super) now: Timestamp,
    pub(super) log: Vec<Entry>,
}

pub(super) const KEY: HashKey = HashKey([7; 16]);

impl Scene {
    /// A book under a policy, at 2026-03-01T12:00:00Z.
    pub(super) fn with(policy: &str) -> Self {
        Self::bounded(policy, Bounds::default())
    }

    /// The same with bounds of its own.
    pub(super) fn bounded(policy: &str, bounds: Bounds) -> Self {
        let mut scene = Self::empty(bounds);
        let policy = Arc::new(read(policy));
        let publish = Publish::Policy { policy, effective: None, emergency: None };
        scene.act(Action::Publish(publish)).expect("published");
        scene
    }

    /// A book in which nothing was published.
    pub(super) fn empty(bounds: Bounds) -> Self {
        Self { book: Book::new(KEY, bounds), bounds, now: time("2026-03-01T12:00:00Z"), log: Vec::new() }
    }

    /// Another policy at once.
    pub(super) fn republish(&mut self, edit: impl FnOnce(&mut Policy)) -> &mut Self {
        let current = self.book.catalogue().in_force(self.now).expect("a policy");
        let mut policy = (**current.policy).clone();
        edit(&mut policy);
        let emergency = Some("a test".to_owned());
        let publish = Publish::Policy { policy: Arc::new(policy), effective: None, emergency };
        self.act(Action::Publish(publish)).expect("published");
        self
    }

    pub(super) fn wait(&mut self, span: &str) -> &mut Self {
        self.now = self.now.plus(span.parse::<Span>().expect("a span"));
        self
    }

    /// Moves the book to another store.
    pub(super) fn seal(&mut self, to: Option<StoreId>, place: &str) {
        let (here, seal) = (self.book.home().store, BookSealed { to, place: place.to_owned() });
        self.book.seal(here, seal, self.now, &mut self.log).expect("it is at home");
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
        self.account(account, AccountAct::Grant(granted(amount)))
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

    /// An action with a request id.
    pub(super) fn tagged(&mut self, id: &str, content: u64, action: Action) -> Result<Reply, Rejection> {
        let request = Some(RequestTag { id: id.into(), fingerprint: content });
        let command = Command { actor: "test".into(), request, action };
        self.book.execute(&command, self.now, &mut self.log)
    }

    /// A request that must be recorded.
    pub(super) fn ask(&mut self, ask: Ask) -> Answer {
        self.request(ask).expect("an answer")
    }

    /// An action that must be rejected, and then moves nothing.
    pub(super) fn rejected(&mut self, action: Action) -> Rejection {
        let (before, head) = (self.book.clone(), self.log.len());
        let rejection = self.act(action).expect_err("a rejection");
        if self.log.len() == head {
            assert_eq!(before.differs_from(&self.book), None, "a rejection moves nothing");
        }
        rejection
    }

    pub(super) fn rejected_act(&mut self, account: &str, act: AccountAct) -> Rejection {
        self.rejected(Action::Account { account: name(account), act })
    }

    pub(super) fn last(&self) -> &Event {
        &self.log.last().expect("an entry").event
    }

    pub(super) fn settle(&mut self, decision: Position, attributes: Attributes) -> Entry {
        self.settle_as(decision, Outcome::Succeeded, attributes);
        self.log.last().expect("an entry").clone()
    }

    pub(super) fn settle_as(
        &mut self,
        decision: Position,
        outcome: Outcome,
        attributes: Attributes,
    ) -> RequestSettled {
        let reply = self.act(Action::Settle { decision, outcome, attributes }).expect("settled");
        let Reply::Done(place) = reply else { panic!("not recorded: {reply:?}") };
        match &self.log[place].event {
            Event::RequestSettled(event) => (**event).clone(),
            other => panic!("not settled: {other:?}"),
        }
    }

    pub(super) fn refund(
        &mut self,
        decision: Position,
        id: &str,
        amount: Option<&str>,
    ) -> Result<Reply, Rejection> {
        let amount = amount.map(credits);
        self.act(Action::Refund(Refund { decision, refund: name(id), amount, reason: None }))
    }

    /// Issues a key; requests name it by [`by_key`].
    pub(super) fn key(&mut self, account: &str, key: &str, kind: &str) -> &mut Self {
        self.account(account, AccountAct::IssueKey(new_key(key, kind)))
    }

    pub(super) fn change_key(&mut self, account: &str, key: &str, change: KeyChange) -> &mut Self {
        self.account(account, AccountAct::ChangeKey { key: name(key), change, reason: None })
    }

    pub(super) fn figure(&mut self, account: &str, limit: &str, figure: Option<u64>) -> &mut Self {
        let act = AccountAct::SetFigure { limit: name(limit), key: None, figure, reason: "agreed".into() };
        self.account(account, act)
    }

    /// How many of so many equal requests are admitted.
    pub(super) fn admitted_of(&mut self, count: usize, ask: &Ask) -> usize {
        (0..count).filter(|_| self.ask(ask.clone()).is_admitted()).count()
    }

    /// Carries out what is due.
    pub(super) fn sweep(&mut self) -> &mut Self {
        self.book.sweep(self.now, 1_000, &mut self.log);
        self
    }

    /// How many events of a type there are.
    pub(super) fn count(&self, kind: &str) -> usize {
        self.log.iter().filter(|entry| entry.event.kind() == kind).count()
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
        let mut fold = Book::new(KEY, self.bounds);
        for entry in &self.log {
            let mut text = Vec::new();
            codec::encode(entry, &mut text).expect("encodes");
            let text = String::from_utf8(text).expect("text");
            let read = codec::decode(&text).expect("decodes");
            assert_eq!(&read, entry, "{text}");
            fold.apply(&read).expect("folds");
        }
        assert_eq!(fold.differs_from(&self.book), None, "the fold of the log is the running state");
        let kept = serde_json::to_string(&self.book.freeze()).expect("a snapshot");
        let restored = Book::restore(KEY, self.bounds, serde_json::from_str(&kept).expect("a state"));
        assert_eq!(restored.differs_from(&self.book), None, "a snapshot keeps the whole state");
        let compact = rmp_serde::to_vec(&self.book.freeze()).expect("a snapshot");
        let state = rmp_serde::from_slice(&compact).expect("a state");
        let restored = Book::restore(KEY, self.bounds, state);
        assert_eq!(restored.differs_from(&self.book), None, "a compact snapshot keeps the whole state");
    }
}

/// What a request was answered.
#[derive(Debug)]
pub(super) struct Answer(Entry);

impl Answer {
    /// The answer that was recorded last.
    pub(super) fn of(scene: &Scene) -> Self {
        Self(scene.log.last().expect("an entry").clone())
    }

    pub(super) fn is_admitted(&self) -> bool {
        matches!(self.0.event, Event::RequestAdmitted(_))
    }

    pub(super) fn position(&self) -> Position {
        self.0.position
    }

    /// `allowed`, or the code and reason of the refusal.
    pub(super) fn short(&self) -> String {
        match &self.0.event {
            Event::RequestAdmitted(event) if event.limited.is_some() => "limited".to_owned(),
            Event::RequestAdmitted(_) => "allowed".to_owned(),
            Event::RequestDenied(event) => format!("{} {}", event.kind.code(), event.reason),
            other => panic!("no answer: {other:?}"),
        }
    }

    /// Seconds until the refused request would pass.
    pub(super) fn wait(&self) -> Option<u64> {
        self.denied().retry_at.map(|at| at.since(self.0.at).retry_after())
    }

    /// What is left of a limit.
    pub(super) fn left(&self, limit: &str) -> u64 {
        let limits = match &self.0.event {
            Event::RequestAdmitted(event) => &event.limits,
            Event::RequestDenied(event) => &event.limits,
            other => panic!("no answer: {other:?}"),
        };
        limits.iter().find(|state| state.0.as_str() == limit).expect("the limit").2
    }

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
    Ask { settle: None, ..Ask::new(Caller::Account(name(account)), endpoint) }
}

/// A request of an address, settled at once.
pub(super) fn from(ip: &str, endpoint: &str) -> Ask {
    Ask { caller: Caller::Anonymous, ip: Some(hidden(ip)), ..at_once(of("none", endpoint)) }
}

/// A request with a key.
pub(super) fn by_key(key: &str, endpoint: &str) -> Ask {
    Ask {
        caller: Caller::Key(KEY.digest([key.as_bytes()])),
        ip: Some(hidden("1.1.1.1")),
        ..of("none", endpoint)
    }
}

/// The same request, settled at once.
pub(super) fn at_once(ask: Ask) -> Ask {
    Ask { settle: Some(Outcome::Succeeded), ..ask }
}

/// The same request with several items, by endpoint.
pub(super) fn with_items(ask: Ask, endpoints: &[&str]) -> Ask {
    let item = |endpoint: &&str| {
        let endpoint = Some(*endpoint).filter(|endpoint| !endpoint.is_empty()).map(Into::into);
        Item { endpoint, attributes: Vec::new() }
    };
    Ask { items: endpoints.iter().map(item).collect(), ..ask }
}

pub(super) fn hidden(text: &str) -> Hidden {
    Hidden { digest: KEY.digest([text.as_bytes()]), sealed: "sealed".into() }
}

pub(super) fn new_key(key: &str, kind: &str) -> NewKey {
    let (hash, kind) = (KEY.digest([key.as_bytes()]), name(kind));
    NewKey { key: name(key), hash, kind, approval: None, replaces: None }
}

pub(super) fn granted(amount: &str) -> Grant {
    Grant::new(LotKind::Grant, credits(amount))
}

pub(super) fn read(policy: &str) -> Policy {
    Policy::from_toml(policy).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

pub(super) fn credits(text: &str) -> Credits {
    text.parse().expect("an amount")
}

pub(super) fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(super) fn chars(count: u32) -> Attributes {
    number("chars", count)
}

pub(super) fn number(attribute: &str, figure: u32) -> Attributes {
    vec![(name(attribute), Value::Number(figure.into()))]
}
