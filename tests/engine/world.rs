//! One book in memory, its engine, and commands for it.

use adapters::snapshot::Snapshots;
use adapters::store::memory::MemoryStore;
use adapters::system::{Clock, SandboxClock};
use api::engine::{
    Answer, Committed, EngineConfig, Failure, Handle, Opening, Parts, Role, Source, load, start, start_as,
};
use counterfoil_tests::faulty::{Fault, FaultyStore, Gate};
use domain::book::{Book, Bounds};
use domain::command::{AccountAct, Action, Ask, Caller, Command, Hidden, Publish};
use domain::event::{Entry, RequestTag};
use domain::ids::{Digest, HashKey, Name, Position};
use domain::log::{BookId, BookInfo, BookKind, EventStore, Frame};
use domain::policy::Policy;
use domain::time::{Calendar, Timestamp};
use std::future::poll_fn;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use tokio::task::{JoinHandle, yield_now};

const KEY: HashKey = HashKey([7; 16]);
const POLICY: &str = r#"
name = "small"
title = "Small"
callers = { anonymous = true }
requests = { denials_per_minute = 2 }

[[limits]]
name = "hourly"
rule = { bucket = "hour" }
limit = 1
by = ["ip"]
"#;

/// What one command comes to.
pub(crate) type Outcomes = Result<Committed, Failure>;

/// A book in memory that outlives its engines.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: FaultyStore,
    pub(crate) clock: Arc<SandboxClock>,
}

impl World {
    /// A book without events, at an instant that begins a minute.
    pub(crate) fn new() -> Self {
        let created = Timestamp::from_micros(1_800_000_000_000_000);
        let book = BookInfo { id: BookId([1; 16]), kind: BookKind::Sandbox, created, store: None };
        let store = FaultyStore::new(MemoryStore::new(book));
        Self { store, clock: Arc::new(SandboxClock::new(created)) }
    }

    /// A running engine; position 1 is the policy.
    pub(crate) async fn running(&self) -> Handle {
        let (handle, _) = self.start(EngineConfig::default(), None).await;
        entry(handle.submit(publish()).await);
        handle
    }

    pub(crate) async fn start(&self, config: EngineConfig, snapshots: Option<&Path>) -> (Handle, Opening) {
        self.start_by(self.clock.clone(), config, snapshots).await
    }

    pub(crate) async fn start_by(
        &self,
        clock: Arc<dyn Clock>,
        config: EngineConfig,
        snapshots: Option<&Path>,
    ) -> (Handle, Opening) {
        let snapshots = snapshots.map(Snapshots::in_dir);
        let parts = Parts { store: Arc::new(self.store.clone()), clock, key: KEY, snapshots };
        start(config, parts).await.expect("the log can be folded")
    }

    /// A standby on the same log.
    pub(crate) async fn standby(&self) -> Handle {
        self.standby_by(EngineConfig::default(), None).await
    }

    pub(crate) async fn standby_by(&self, config: EngineConfig, snapshots: Option<&Path>) -> Handle {
        let (store, snapshots) = (Arc::new(self.store.clone()), snapshots.map(Snapshots::in_dir));
        let parts = Parts { store, clock: self.clock.clone(), key: KEY, snapshots };
        let started = start_as(Role::Standby, config, parts).await;
        started.expect("the log can be folded").0
    }

    /// The next append stops at the gate.
    pub(crate) fn hold_append(&self) -> Gate {
        let gate = Gate::new();
        self.store.script([Fault::Held(gate.clone())]);
        gate
    }

    /// First position and number of events of every frame in the log.
    pub(crate) async fn frames(&self) -> Vec<(Position, u32)> {
        let frames = self.store.read(1, 10_000).await.expect("reads never fail here");
        frames.iter().map(|frame: &Frame| (frame.first(), frame.count())).collect()
    }

    /// The book as the whole log gives it.
    pub(crate) async fn folded(&self) -> Book {
        let source = Source {
            store: Arc::new(self.store.clone()),
            runtime: tokio::runtime::Handle::current(),
            key: KEY,
            bounds: Bounds::default(),
            snapshots: None,
        };
        let fold = move || load(&source).expect("the log can be folded").book;
        tokio::task::spawn_blocking(fold).await.expect("the fold does not panic")
    }

    /// Checks that the engine's book is the one that the log gives.
    pub(crate) async fn assert_equals_log(&self, handle: &Handle) {
        let running = handle.read(None, |book, _| book.clone()).await.expect("the engine runs");
        assert_eq!(running.differs_from(&self.folded().await), None);
    }
}

/// Sends a command; it is in the queue when this returns.
pub(crate) async fn send(handle: &Handle, command: Command) -> JoinHandle<Outcomes> {
    let handle = handle.clone();
    let (sent, sending) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        let mut submit = pin!(handle.submit(command));
        // The first poll puts it into the queue.
        let answered = poll_fn(|context| Poll::Ready(submit.as_mut().poll(context))).await;
        sent.send(()).expect("the test waits for it");
        match answered {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => submit.await,
        }
    });
    sending.await.expect("the first poll does not panic");
    task
}

/// Waits until the engine has taken up all that was sent.
pub(crate) async fn taken_up(handle: &Handle) {
    while handle.health().queue_depth > 0 {
        yield_now().await;
    }
}

/// Whether an answer is out, after every task that could bring it had its turn.
pub(crate) async fn is_answered<T>(task: &JoinHandle<T>) -> bool {
    for _ in 0..100 {
        yield_now().await;
    }
    task.is_finished()
}

pub(crate) fn publish() -> Command {
    let policy = Arc::new(Policy::from_toml(POLICY).expect("a policy"));
    command(Action::Publish(Publish::Policy { policy, effective: None, emergency: None }))
}

pub(crate) fn open(account: &str) -> Command {
    let act = AccountAct::Open { plan: None, owner: None, calendar: Calendar::default(), opened: None };
    command(Action::Account { account: name(account), act })
}

/// A request of an address without key; each address may send one an hour.
pub(crate) fn ask(address: u128) -> Command {
    let mut ask = blank();
    ask.ip = Some(Hidden { digest: Digest(address), sealed: "sealed".into() });
    command(Action::Request(Box::new(ask)))
}

/// A request of an account that stays open.
pub(crate) fn ask_open(account: &str) -> Command {
    let ask = Ask { caller: Caller::Account(name(account)), settle: None, ..blank() };
    command(Action::Request(Box::new(ask)))
}

pub(crate) fn with_id(id: &str, command: Command) -> Command {
    Command { request: Some(RequestTag { id: id.into(), fingerprint: 1 }), ..command }
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

/// The event of an answer.
pub(crate) fn entry(outcome: Outcomes) -> Arc<Entry> {
    match outcome.expect("an answer").answer {
        Answer::Entry(entry) => entry,
        other => panic!("no event of its own: {other:?}"),
    }
}

fn blank() -> Ask {
    Ask::new(Caller::Anonymous, "tools/x")
}

fn command(action: Action) -> Command {
    Command { actor: "operator:test".into(), request: None, action }
}
