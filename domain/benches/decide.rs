//! What one request costs the book, decided and applied: pay as you go, with its outcome or settled later.

use divan::Bencher;
use divan::counter::ItemsCount;
use domain::book::{Book, Bounds};
use domain::command::{AccountAct, Action, Ask, Attributes, Caller, Command, Grant, Publish, Value};
use domain::event::{Entry, RequestTag};
use domain::ids::{HashKey, Name};
use domain::ledger::LotKind;
use domain::policy::Policy;
use domain::pricing::Outcome;
use domain::time::{Calendar, Timestamp};
use std::sync::Arc;

/// As in the service.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    divan::main();
}

const POLICY: &str = include_str!("../../policies/payg-tokens.toml");
const ENDPOINT: &str = "/api/v1/ai/image-generation";
const ACCOUNTS: [u32; 3] = [1, 1_000, 1_000_000];
/// Requests of one measurement.
const BATCH: u32 = 10_000;
const SECOND: i64 = 1_000_000;

/// A book whose accounts each send one request a second, in turn, and that remembers as much as it may.
struct Traffic {
    book: Book,
    now: i64,
    step: i64,
    accounts: Vec<Name>,
    sent: u32,
    out: Vec<Entry>,
}

impl Traffic {
    fn new(accounts: u32) -> Self {
        let bounds = Bounds { ids_max: 200_000, decisions_max: 200_000, ..Bounds::default() };
        let mut traffic = Self {
            book: Book::new(HashKey([7; 16]), bounds),
            now: 1_700_000_000 * SECOND,
            step: SECOND / i64::from(accounts),
            accounts: (0..accounts).map(|number| name(&format!("account-{number}"))).collect(),
            sent: 0,
            out: Vec::new(),
        };
        let policy = Arc::new(Policy::from_toml(POLICY).expect("a policy"));
        traffic.run(Action::Publish(Publish::Policy { policy, effective: None, emergency: None }));
        for account in traffic.accounts.clone() {
            traffic.open(&account);
        }
        for _ in 0..accounts.max(250_000) / BATCH {
            traffic.commands(Some(Outcome::Succeeded)).iter().for_each(|command| traffic.take(command));
        }
        traffic
    }

    fn open(&mut self, account: &Name) {
        let open = AccountAct::Open { plan: None, owner: None, calendar: Calendar::default(), opened: None };
        self.run(Action::Account { account: account.clone(), act: open });
        let grant = Grant::new(LotKind::Purchase, "1000000000".parse().expect("an amount"));
        self.run(Action::Account { account: account.clone(), act: AccountAct::Grant(grant) });
    }

    fn run(&mut self, action: Action) {
        self.take(&Command { actor: "operator:bench".into(), request: None, action });
    }

    /// The next requests, made before the measurement begins.
    fn commands(&mut self, settle: Option<Outcome>) -> Vec<Command> {
        (0..BATCH).map(|_| self.command(settle)).collect()
    }

    fn command(&mut self, settle: Option<Outcome>) -> Command {
        let account = &self.accounts[self.sent as usize % self.accounts.len()];
        self.sent += 1;
        let asked = Ask::new(Caller::Account(account.clone()), ENDPOINT);
        let ask = Ask { attributes: chars(), settle, ..asked };
        let tag = RequestTag { id: format!("request-{}", self.sent).into(), fingerprint: 1 };
        let action = Action::Request(Box::new(ask));
        Command { actor: "gateway:bench".into(), request: Some(tag), action }
    }

    fn take(&mut self, command: &Command) {
        self.now += self.step;
        self.out.clear();
        let now = Timestamp::from_micros(self.now);
        self.book.execute(command, now, &mut self.out).expect("carried out");
    }

    fn settle(&mut self) {
        let decision = self.out.last().expect("an event").position;
        let action = Action::Settle { decision, outcome: Outcome::Succeeded, attributes: chars() };
        self.take(&Command { actor: "gateway:bench".into(), request: None, action });
    }
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn chars() -> Attributes {
    vec![(name("chars"), Value::Number(1_200.into()))]
}

#[divan::bench(args = ACCOUNTS, sample_count = 20, sample_size = 1)]
fn with_its_outcome(bencher: Bencher<'_, '_>, accounts: u32) {
    let traffic = std::cell::RefCell::new(Traffic::new(accounts));
    bencher
        .counter(ItemsCount::new(BATCH))
        .with_inputs(|| traffic.borrow_mut().commands(Some(Outcome::Succeeded)))
        .bench_local_refs(|commands| {
            let mut traffic = traffic.borrow_mut();
            for command in commands.iter() {
                traffic.take(command);
            }
        });
}

#[divan::bench(args = ACCOUNTS, sample_count = 20, sample_size = 1)]
fn settled_later(bencher: Bencher<'_, '_>, accounts: u32) {
    let traffic = std::cell::RefCell::new(Traffic::new(accounts));
    bencher
        .counter(ItemsCount::new(BATCH))
        .with_inputs(|| traffic.borrow_mut().commands(None))
        .bench_local_refs(|commands| {
            let mut traffic = traffic.borrow_mut();
            for command in commands {
                traffic.take(command);
                traffic.settle();
            }
        });
}
