//! Random programs: whatever a book does by its own rules, the audit finds nothing, and the journal balances at
//! every position.

use super::scene::{POLICY, Scene, at_once, chars, from, later, name};
use crate::postings::{LedgerAccount, postings};
use crate::trial_balance::TrialBalance;
use domain::command::{AccountAct, Action, Ask, Caller, Item, NewKey, Refund};
use domain::event::Subject;
use domain::ids::{Digest, Position};
use domain::ledger::LotKind;
use domain::money::Credits;
use domain::policy::Mode;
use domain::pricing::Outcome;
use domain::time::Span;
use proptest::prelude::*;

/// One step of a program; indices are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    Wait(u32),
    Grant { account: u8, kind: LotKind, cents: u32, lasts: Option<u32> },
    Deduct { account: u8, cents: u32 },
    Ask { account: u8, endpoint: u8, later: bool, units: u32, chars: u32, outcome: Outcome },
    Items { account: u8, endpoints: Vec<u8>, later: bool },
    TestAsk { account: u8, later: bool },
    Address { ip: u8, slow: bool },
    Begin(usize),
    Settle { decision: usize, outcome: Outcome, chars: u32 },
    Refund { decision: usize, cents: u32 },
    Reprocess(usize),
    Plan { account: u8, plus: bool },
    Figure { account: u8, limit: u8, figure: Option<u64> },
    AddressFigure { ip: u8, figure: Option<u64> },
    Suspend(u8),
    Reinstate(u8),
    Sweep,
    Reprice { markup: u8 },
}

const ENDPOINTS: [&str; 4] = ["/x", "/job", "/free", "/slow"];
const LIMITS: [&str; 4] = ["minute", "quota", "flow", "jobs"];
const ACCOUNTS: [&str; 3] = ["ann", "bob", "cyd"];

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Succeeded),
        1 => Just(Outcome::ClientError),
        1 => Just(Outcome::SystemError),
        1 => Just(Outcome::Cancelled),
    ]
}

fn kind() -> impl Strategy<Value = LotKind> {
    prop_oneof![
        Just(LotKind::Grant),
        Just(LotKind::Purchase),
        Just(LotKind::Promotion),
        Just(LotKind::Allowance)
    ]
}

fn asking() -> impl Strategy<Value = Step> {
    let one = (any::<u8>(), any::<u8>(), any::<bool>(), 1..4_u32, 0..4_000_u32, outcome());
    let items = (any::<u8>(), proptest::collection::vec(any::<u8>(), 1..4), any::<bool>());
    prop_oneof![
        8 => one.prop_map(|(account, endpoint, later, units, chars, outcome)| {
            Step::Ask { account, endpoint, later, units, chars, outcome }
        }),
        3 => items.prop_map(|(account, endpoints, later)| Step::Items { account, endpoints, later }),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(account, later)| Step::TestAsk { account, later }),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(ip, slow)| Step::Address { ip, slow }),
    ]
}

fn operating() -> impl Strategy<Value = Step> {
    let grant = (any::<u8>(), kind(), 1..5_000_u32, proptest::option::of(1..2_000_u32));
    // Not 0: a token bucket that never flows is forgotten like one that flows once a period.
    let figure = (any::<u8>(), any::<u8>(), proptest::option::of(1..12_u64));
    prop_oneof![
        3 => grant.prop_map(|(account, kind, cents, lasts)| Step::Grant { account, kind, cents, lasts }),
        1 => (any::<u8>(), 1..500_u32).prop_map(|(account, cents)| Step::Deduct { account, cents }),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(account, plus)| Step::Plan { account, plus }),
        1 => figure.prop_map(|(account, limit, figure)| Step::Figure { account, limit, figure }),
        1 => (any::<u8>(), proptest::option::of(0..9_u64)).prop_map(|(ip, figure)| Step::AddressFigure { ip, figure }),
        1 => any::<u8>().prop_map(Step::Suspend),
        1 => any::<u8>().prop_map(Step::Reinstate),
        1 => (1..5_u8).prop_map(|markup| Step::Reprice { markup }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let settle = (any::<usize>(), outcome(), 0..6_000_u32);
    prop_oneof![
        4 => (0..90_u32).prop_map(Step::Wait),
        1 => (200..4_000_u32).prop_map(Step::Wait),
        12 => asking(),
        4 => operating(),
        1 => any::<usize>().prop_map(Step::Begin),
        5 => settle.prop_map(|(decision, outcome, chars)| Step::Settle { decision, outcome, chars }),
        2 => (any::<usize>(), 1..400_u32).prop_map(|(decision, cents)| Step::Refund { decision, cents }),
        1 => any::<usize>().prop_map(Step::Reprocess),
        1 => Just(Step::Sweep),
    ]
}

/// A scene and the decisions that its program may speak of.
struct Run {
    scene: Scene,
    policy: String,
    decisions: Vec<Position>,
}

impl Run {
    fn new(policy: &str) -> Self {
        let mut scene = Scene::under(policy);
        for (place, account) in (1..).zip(ACCOUNTS) {
            scene.open(account).expect("opened");
            for (kind, hash) in [("live", place), ("test", 100 + place)] {
                let key = name(&format!("{account}-{kind}"));
                let (kind, hash, approval, replaces) = (name(kind), Digest(hash), None, None);
                let issue = AccountAct::IssueKey(NewKey { key, hash, kind, approval, replaces });
                scene.account(account, issue).expect("issued");
            }
            grant(&mut scene, account, Mode::Test);
        }
        grant(&mut scene, ACCOUNTS[0], Mode::Live);
        Self { scene, policy: policy.to_owned(), decisions: Vec::new() }
    }

    fn decision(&self, index: usize) -> Position {
        self.decisions.get(index % self.decisions.len().max(1)).copied().unwrap_or(1)
    }

    fn ask(&mut self, ask: Ask) {
        self.decisions.extend(self.scene.request(ask));
    }

    /// Does one step; what the book refuses is refused.
    fn step(&mut self, step: &Step) {
        match step {
            Step::Wait(seconds) => drop(self.scene.wait(&format!("{seconds}s"))),
            Step::Ask { .. } | Step::Items { .. } | Step::TestAsk { .. } | Step::Address { .. } => {
                self.asking(step);
            }
            Step::Begin(index) => self.act(Action::Begin { decision: self.decision(*index) }),
            Step::Settle { decision, outcome, chars: count } => {
                let (decision, outcome) = (self.decision(*decision), *outcome);
                self.act(Action::Settle { decision, outcome, attributes: chars(*count) });
            }
            Step::Refund { decision, cents } => {
                let refund = name(&format!("refund-{}", self.scene.next()));
                let (decision, amount) = (self.decision(*decision), Some(hundredths(*cents)));
                self.act(Action::Refund(Refund { decision, refund, amount, reason: None }));
            }
            Step::Reprocess(index) => {
                let decision = self.decision(*index);
                let before = self.scene.next();
                self.act(Action::Reprocess { decision });
                let again =
                    |position: &Position| self.scene.entry(*position).event.kind() == "RequestAdmitted";
                let admitted: Vec<_> = (before..self.scene.next()).filter(again).collect();
                self.decisions.extend(admitted);
            }
            Step::Sweep => self.scene.book.sweep(self.scene.now, 100, &mut self.scene.log),
            Step::Grant { .. }
            | Step::Deduct { .. }
            | Step::Plan { .. }
            | Step::Figure { .. }
            | Step::AddressFigure { .. }
            | Step::Suspend(_)
            | Step::Reinstate(_)
            | Step::Reprice { .. } => self.operate(step),
        }
    }

    fn asking(&mut self, step: &Step) {
        match step {
            Step::Ask { account, endpoint, later: open, units, chars: count, outcome } => {
                let (account, endpoint) = (pick(*account, &ACCOUNTS), pick(*endpoint, &ENDPOINTS));
                let settle = (!open).then_some(*outcome);
                self.ask(Ask {
                    units: *units,
                    attributes: chars(*count),
                    settle,
                    ..later(account, endpoint)
                });
            }
            Step::Items { account, endpoints, later: open } => {
                let item = |endpoint: &u8| {
                    let endpoint = Some(pick(*endpoint, &ENDPOINTS).into());
                    Item { endpoint, attributes: chars(700) }
                };
                let items = endpoints.iter().map(item).collect();
                let ask = if *open {
                    later(pick(*account, &ACCOUNTS), "/x")
                } else {
                    at_once(pick(*account, &ACCOUNTS), "/x")
                };
                self.ask(Ask { items, attributes: Vec::new(), ..ask });
            }
            Step::TestAsk { account, later: open } => {
                let hash = Digest(101 + u128::from(*account) % ACCOUNTS.len() as u128);
                let settle = (!open).then_some(Outcome::Succeeded);
                self.ask(Ask { caller: Caller::Key(hash), settle, ..later("ann", "/job") });
            }
            Step::Address { ip, slow } => {
                let ip = format!("192.0.2.{}", ip % 3);
                self.ask(from(&ip, if *slow { "/slow" } else { "/x" }));
            }
            other => unreachable!("{other:?} asks nothing"),
        }
    }

    fn operate(&mut self, step: &Step) {
        let act = match step {
            Step::Grant { account, kind, cents, lasts } => {
                let lasts = lasts.map(|seconds| Span::from_secs(seconds.into()));
                let amount = hundredths(*cents).to_string();
                return drop(self.scene.grant(pick(*account, &ACCOUNTS), *kind, &amount, lasts));
            }
            Step::AddressFigure { ip, figure } => {
                let subject =
                    Subject::Ip(from(&format!("192.0.2.{}", ip % 3), "/").ip.expect("an address").digest);
                let (limit, figure, reason) = (name("address"), *figure, "asked".to_owned());
                return self.act(Action::SetFigure { limit, subject, figure, reason });
            }
            Step::Reprice { markup } => {
                let policy = self.policy.replace("markup = \"1.5\"", &format!("markup = {markup}"));
                return drop(self.scene.publish(&policy, None));
            }
            Step::Deduct { account, cents } => (
                account,
                AccountAct::Deduct { mode: Mode::Live, amount: hundredths(*cents), reason: "error".into() },
            ),
            Step::Plan { account, plus } => {
                (account, AccountAct::ChangePlan { plan: name(if *plus { "plus" } else { "basic" }) })
            }
            Step::Figure { account, limit, figure } => {
                let (limit, key, reason) = (name(pick(*limit, &LIMITS)), None, "asked".to_owned());
                (account, AccountAct::SetFigure { limit, key, figure: *figure, reason })
            }
            Step::Suspend(account) => {
                (account, AccountAct::Suspend { reason: "looked at".into(), until: None })
            }
            Step::Reinstate(account) => (account, AccountAct::Reinstate { reason: "fine".into() }),
            other => unreachable!("{other:?} is no operator's"),
        };
        drop(self.scene.account(pick(*act.0, &ACCOUNTS), act.1));
    }

    fn act(&mut self, action: Action) {
        drop(self.scene.act(action));
    }
}

fn pick<'a>(index: u8, names: &[&'a str]) -> &'a str {
    names[usize::from(index) % names.len()]
}

fn hundredths(cents: u32) -> Credits {
    Credits::new(rust_decimal::Decimal::new(cents.into(), 2)).expect("an amount")
}

fn grant(scene: &mut Scene, account: &str, mode: Mode) {
    let (kind, amount, priority) = (LotKind::Grant, Credits::whole(60), 0);
    let (effective, expires, unit_value, reason) = (None, None, None, None);
    let grant =
        domain::command::Grant { kind, amount, mode, effective, expires, priority, unit_value, reason };
    scene.account(account, AccountAct::Grant(grant)).expect("granted");
}

fn policy(charge: &str, on_expiry: &str, overdraft: &str) -> String {
    let policy = POLICY.replace("charge = \"settle\"", &format!("charge = \"{charge}\""));
    // What is charged at admission leaves nothing to charge at the expiry.
    let on_expiry = if charge == "admission" { "release" } else { on_expiry };
    let policy = policy.replace("on_expiry = \"release\"", &format!("on_expiry = \"{on_expiry}\""));
    // Only a settle may overdraw, and what is charged before it is held in full.
    let settles = charge == "settle";
    let policy = policy.replace("{ to_floor = \"-5\" }", if settles { overdraft } else { "\"none\"" });
    if settles { policy } else { policy.replace("hold = \"base\"", "hold = \"estimate\"") }
}

fn rules() -> impl Strategy<Value = String> {
    let charge = prop_oneof![Just("settle"), Just("admission"), Just("begin")];
    let on_expiry = prop_oneof![Just("release"), Just("charge")];
    let overdraft = prop_oneof![Just("{ to_floor = \"-5\" }"), Just("\"none\""), Just("\"unlimited\"")];
    (charge, on_expiry, overdraft)
        .prop_map(|(charge, on_expiry, overdraft)| policy(charge, on_expiry, overdraft))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_audit_of_whatever_a_book_did_finds_nothing(
        rules in rules(),
        program in proptest::collection::vec(step(), 1..120),
    ) {
        let mut run = Run::new(&rules);
        for step in &program {
            run.step(step);
        }
        let report = run.scene.audit();
        let findings: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
        prop_assert!(report.is_clean(), "{findings:#?}\n{:#?}", run.scene.log);
    }

    #[test]
    fn the_journal_balances_at_every_position_and_test_credit_is_not_in_it(
        program in proptest::collection::vec(step(), 1..80),
    ) {
        let mut run = Run::new(POLICY);
        for step in &program {
            run.step(step);
        }
        let mut trial = TrialBalance::default();
        for entry in &run.scene.log {
            prop_assert_eq!(trial.observe(entry), Credits::ZERO);
            prop_assert_eq!(trial.totals().map(|(.., amount)| amount).sum::<Credits>(), Credits::ZERO);
            if let domain::event::Event::CreditGranted(event) = &entry.event {
                prop_assert_eq!(postings(entry, trial.modes()).is_empty(), !event.mode.is_live());
            }
        }
        let available: Credits = ACCOUNTS.iter().map(|account| {
            let ledger = run.scene.book.account(account).and_then(|account| account.ledger(Mode::Live)).expect("a ledger");
            ledger.lots().iter().map(|lot| lot.left).sum::<Credits>()
        }).sum();
        prop_assert_eq!(trial.of(LedgerAccount::CustomerCredit), available);
    }
}

#[test]
fn what_is_sent_twice_is_posted_once() {
    let mut scene = Scene::funded();
    let decision = scene.request(later("acme", "/job")).expect("admitted");
    scene.settle(decision, Outcome::Succeeded, 100).expect("settled");
    scene.settle(decision, Outcome::Succeeded, 100).expect("the first answer again");
    assert_eq!(scene.audit().findings, []);
}
