//! The views of real traffic, held against computations that share nothing with the product.

use adapters::store::memory::MemoryStore;
use adapters::system::SandboxClock;
use adapters::views::{Identity, Views};
use api::engine::{Answer, EngineConfig, Handle, Parts, start};
use api::publish::publish;
use counterfoil_tests::real::{five_gates, payg, real};
use counterfoil_tests::sandbox::shipped;
use domain::command::{AccountAct, Action, Ask, Caller, Command, Grant, Hidden, Value};
use domain::ids::{HashKey, Name};
use domain::ledger::LotKind;
use domain::log::{BookId, BookInfo, BookKind, EventStore};
use domain::money::Credits;
use domain::policy::Policy;
use domain::time::{Calendar, Timestamp};
use projections::read::{LinesWanted, UsageWanted};
use projections::runner::{Runner, Shelf};
use projections::views::usage::Span;
use sqlx::{ConnectOptions, Connection, Row};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const KEY: HashKey = HashKey([7; 16]);
const BOOK: BookId = BookId([1; 16]);
const MINUTE: i64 = 60_000_000;

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn credits(whole: i64) -> Credits {
    Credits::whole(whole.try_into().expect("a small amount"))
}

fn hidden(text: &str) -> Hidden {
    Hidden { digest: KEY.digest([text.as_bytes()]), sealed: "".into() }
}

/// An engine on a log in memory, whose clock the lines set.
struct Past {
    store: Arc<MemoryStore>,
    clock: Arc<SandboxClock>,
    engine: Handle,
}

impl Past {
    async fn begin(policy: &str, at: &str) -> (Self, i64) {
        let created: Timestamp = at.parse().expect("an instant");
        let info = BookInfo { id: BOOK, kind: BookKind::Sandbox, created, store: None };
        let (store, clock) = (Arc::new(MemoryStore::new(info)), Arc::new(SandboxClock::new(created)));
        let parts = Parts { store: store.clone(), clock: clock.clone(), key: KEY, snapshots: None };
        let (engine, _) = start(EngineConfig::default(), parts).await.expect("an engine");
        let policy = Policy::from_toml(&shipped(policy)).expect("a sound policy");
        publish(&engine, policy, false, None).await.expect("published");
        (Self { store, clock, engine }, created.micros())
    }

    async fn act(&self, at: i64, action: Action) {
        self.clock.set(Timestamp::from_micros(at)).expect("time goes on");
        let command = Command { actor: "gateway:test".into(), request: None, action };
        let answer = self.engine.submit(command).await.expect("an answer").answer;
        assert!(!matches!(answer, Answer::Rejected(_)), "{answer:?}");
    }

    async fn ask(&self, at: i64, ask: Ask) {
        self.act(at, Action::Request(Box::new(ask))).await;
    }

    async fn account(&self, at: i64, account: &str, act: AccountAct) {
        self.act(at, Action::Account { account: name(account), act }).await;
    }

    async fn open(&self, at: i64, account: &str) {
        let calendar = Calendar::default();
        self.account(at, account, AccountAct::Open { plan: None, owner: None, calendar, opened: None }).await;
    }

    /// Every view, folded from the whole log into this folder. What was only counted is recorded first.
    async fn views(&self, at: i64, folder: &Path) -> Views {
        self.open(at + 2 * MINUTE, "later").await;
        let (views, head) = (
            Views::of(folder, Identity { id: BOOK, key: KEY }),
            self.store.head().await.expect("a head").position,
        );
        let mut runner = Runner::new(self.store.clone(), views.open().await.expect("views"));
        while runner.step(head).await.expect("a step") < head {}
        views
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_and_statement_of_a_token_trace_are_what_the_terms_come_to() {
    let Some(file) = real("azure-llm-code-2023.csv") else { return };
    let log = fs::read_to_string(file).expect("the trace is text");
    let (past, day) = Past::begin("payg-tokens", "2023-11-16T00:00:00Z").await;
    past.open(day, "acme").await;
    past.account(day, "acme", AccountAct::Grant(Grant::new(LotKind::Grant, credits(1_000)))).await;
    let calls = payg::calls(&log);
    for (at, _, size) in &calls {
        let attributes = vec![(name("chars"), Value::Number((*size).into()))];
        let ask = Ask { attributes, ..Ask::new(Caller::Account(name("acme")), "/api/v1/ai/chat") };
        past.ask(day + at, ask).await;
    }
    let (mut moved, mut refused) = (Vec::new(), 0);
    for (_, verdict) in payg::decide(&log, 1_000) {
        match verdict {
            payg::Verdict::Admitted { charged, balance } => moved.push((charged, balance)),
            payg::Verdict::TooMany(_) | payg::Verdict::NoCredit => refused += 1,
        }
    }
    let folder = TempDir::new().expect("a folder");
    let reads = past.views(day + calls.last().expect("calls").0, folder.path()).await.reads();
    let [from, to] = [0, 400 * 86_400_000_000].map(|more| Timestamp::from_micros(day - MINUTE + more));
    for by in Span::ALL {
        let (account, mode, key, endpoint, after) = (name("acme"), None, None, None, None);
        let from = Timestamp::from_micros(day - 40 * 86_400_000_000);
        let wanted = UsageWanted { account, by, from, to, mode, key, endpoint, after, limit: 1_000 };
        let rows = reads.usage(&wanted).await.expect("rows").rows;
        let sum = rows.iter().map(|(_, usage)| *usage).reduce(|sum, usage| sum.plus(&usage)).expect("a row");
        assert_eq!((sum.requests, sum.refused), (moved.len() as u64, refused), "by {}", by.as_str());
        let charged: i64 = moved.iter().map(|(charged, _)| charged).sum();
        assert_eq!(sum.charged, credits(charged), "by {}", by.as_str());
    }
    let wanted = LinesWanted { account: name("acme"), from, to, after: 0, limit: 10_000 };
    let lines = reads.statement(&wanted).await.expect("lines").rows;
    let charges = lines.iter().filter(|line| !line.charged.is_zero());
    let shown: Vec<_> = charges.map(|line| (line.charged, line.after.credit)).collect();
    let told = moved.iter().map(|(charged, left)| (credits(*charged), credits(*left)));
    assert_eq!(shown, told.collect::<Vec<_>>());
}

/// Admitted requests by endpoint, and refusals by the keyed hash of the address, as the views' rows have them.
async fn counted(folder: &Path) -> [BTreeMap<String, i64>; 2] {
    let asked = [
        (
            "usage",
            "SELECT endpoint, sum(requests) FROM usage WHERE by = 'day' GROUP BY 1 HAVING sum(requests) > 0",
        ),
        ("denials", "SELECT ip, sum(times) FROM denials GROUP BY 1"),
    ];
    let mut found = [BTreeMap::new(), BTreeMap::new()];
    for (place, (view, sql)) in asked.into_iter().enumerate() {
        let file = crate::home::newest(folder, view);
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
        let mut connection = options.connect().await.expect("a view");
        for row in sqlx::query(sql).fetch_all(&mut connection).await.expect("rows") {
            found[place].insert(row.get(0), row.get(1));
        }
        connection.close().await.expect("closed");
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_and_refusals_of_an_access_log_are_what_the_terms_come_to() {
    let Some(file) = real("apache-combined-2015.log") else { return };
    let (decisions, bans) = five_gates::decide(&fs::read_to_string(file).expect("the log is text"));
    let (past, _) = Past::begin("five-gates", "2015-05-01T00:00:00Z").await;
    let (mut admitted, mut refused, mut last) = (BTreeMap::new(), BTreeMap::new(), 0);
    for decision in &decisions {
        let text = |member: &str| decision[member].as_str().expect("a text").to_owned();
        last = text("at").parse::<Timestamp>().expect("an instant").micros();
        let ip = hidden(&text("subject"));
        past.ask(last, Ask { ip: Some(ip.clone()), ..Ask::new(Caller::Anonymous, text("endpoint")) }).await;
        if decision["status"] == 200 {
            *admitted.entry(text("endpoint")).or_insert(0) += 1;
        } else {
            *refused.entry(ip.digest.to_string()).or_insert(0) += 1;
        }
    }
    let folder = TempDir::new().expect("a folder");
    past.views(last, folder.path()).await;
    assert_eq!(counted(folder.path()).await, [admitted, refused]);
    let file = crate::home::newest(folder.path(), "denials");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
    let mut connection = options.connect().await.expect("a view");
    let begun: i64 =
        sqlx::query_scalar("SELECT count(*) FROM bans").fetch_one(&mut connection).await.unwrap();
    assert_eq!(usize::try_from(begun), Ok(bans));
}
