//! Random programs over several accounts, checked at every step against counts kept beside the book.

use super::Scene;
use super::harness::{Answer, credits, name, number, of};
use crate::book::Reply;
use crate::command::{AccountAct, Action, Ask, Grant};
use crate::event::Event;
use crate::ids::Position;
use crate::ledger::Settlement;
use crate::money::Credits;
use crate::policy::Mode;
use crate::pricing::Outcome;
use crate::time::{Span, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;

const POLICY: &str = r#"
name = "programs"
title = "A window, a queue and credit with a floor"
[callers]
[attributes]
pieces = "number"
[[limits]]
name = "window"
rule = { rolling = "10s" }
limit = 4
by = ["account"]
[[limits]]
name = "queue"
rule = "concurrent"
limit = 3
by = ["account"]
[credit]
charge = "settle"
hold_for = "1m"
overdraft = { to_floor = "-10" }
[prices]
[prices.default]
base = 2
per = [{ attribute = "pieces", price = "0.7", per = 1 }]
"#;

const ACCOUNTS: [&str; 3] = ["a", "b", "c"];
const WINDOW_MICROS: i64 = 10_000_000;
const QUEUE: usize = 3;
const FLOOR: &str = "-10";

#[derive(Clone, Debug)]
pub(super) enum Step {
    Request { account: usize, pieces: u32, settle: bool },
    Settle { nth: usize, pieces: u32, outcome: Outcome },
    Refund { nth: usize, amount: Option<u32> },
    Grant { account: usize, amount: u32 },
    Deduct { account: usize, amount: u32 },
    Wait { millis: i64 },
    Limit { figure: u64 },
    Figure { account: usize, figure: Option<u64> },
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let account = 0..ACCOUNTS.len();
    let outcome = prop_oneof![
        Just(Outcome::Succeeded),
        Just(Outcome::ClientError),
        Just(Outcome::SystemError),
        Just(Outcome::Cancelled)
    ];
    let request = (account.clone(), 0..20_u32, any::<bool>());
    prop::collection::vec(
        prop_oneof![
            6 => request.prop_map(|(account, pieces, settle)| Step::Request { account, pieces, settle }),
            3 => (0..99_usize, 0..20_u32, outcome)
                .prop_map(|(nth, pieces, outcome)| Step::Settle { nth, pieces, outcome }),
            1 => (0..99_usize, prop::option::of(0..9_u32)).prop_map(|(nth, amount)| Step::Refund { nth, amount }),
            2 => (account.clone(), 1..30_u32).prop_map(|(account, amount)| Step::Grant { account, amount }),
            1 => (account.clone(), 1..9_u32).prop_map(|(account, amount)| Step::Deduct { account, amount }),
            3 => (0..25_000_i64).prop_map(|millis| Step::Wait { millis }),
            1 => (1..8_u64).prop_map(|figure| Step::Limit { figure }),
            1 => (account, prop::option::of(1..8_u64))
                .prop_map(|(account, figure)| Step::Figure { account, figure }),
        ],
        1..60,
    )
}

/// What is counted beside the book, as simply as can be.
pub(super) struct Recount {
    pub(super) scene: Scene,
    limit: u64,
    figures: BTreeMap<usize, u64>,
    admitted: Vec<(Timestamp, usize, Position)>,
}

impl Recount {
    pub(super) fn new() -> Self {
        let mut scene = Scene::with(POLICY);
        for account in ACCOUNTS {
            scene.open(account, None);
        }
        Self { scene, limit: 4, figures: BTreeMap::new(), admitted: Vec::new() }
    }

    pub(super) fn take(&mut self, step: &Step) {
        match step {
            Step::Request { account, pieces, settle } => self.request(*account, *pieces, *settle),
            Step::Settle { nth, pieces, outcome } => {
                let Some(decision) = self.decision(*nth) else { return };
                let (outcome, attributes) = (*outcome, number("pieces", *pieces));
                drop(self.scene.act(Action::Settle { decision, outcome, attributes }));
            }
            Step::Refund { nth, amount } => {
                let Some(decision) = self.decision(*nth) else { return };
                let (id, amount) =
                    (format!("r{}", self.scene.book.head()), amount.map(|amount| amount.to_string()));
                drop(self.scene.refund(decision, &id, amount.as_deref()));
            }
            Step::Grant { account, amount } => {
                let grant = Grant { amount: Credits::whole(*amount), ..super::harness::granted("1") };
                self.scene.account(ACCOUNTS[*account], AccountAct::Grant(grant));
            }
            Step::Deduct { account, amount } => {
                let (mode, amount, reason) = (Mode::Live, Credits::whole(*amount), "x".to_owned());
                let act = AccountAct::Deduct { mode, amount, reason };
                drop(self.scene.act(Action::Account { account: name(ACCOUNTS[*account]), act }));
            }
            Step::Wait { millis } => self.scene.now = self.scene.now.plus(Span::from_micros(millis * 1_000)),
            Step::Limit { figure } => {
                self.limit = *figure;
                self.scene.republish(|policy| policy.limits[0].limit = Some(*figure));
            }
            Step::Figure { account, figure } => {
                match figure {
                    Some(figure) => self.figures.insert(*account, *figure),
                    None => self.figures.remove(account),
                };
                self.scene.figure(ACCOUNTS[*account], "window", *figure);
            }
        }
    }

    fn decision(&self, nth: usize) -> Option<Position> {
        let known = self.admitted.len();
        (known > 0).then(|| self.admitted[nth % known].2)
    }

    fn request(&mut self, account: usize, pieces: u32, settle: bool) {
        let (text, now) = (ACCOUNTS[account], self.scene.now);
        self.scene.book.settle_dues(&name(text), now, &mut self.scene.log);
        let before = self.scene.book.clone();
        let settle = settle.then_some(Outcome::Succeeded);
        let ask = Ask { attributes: number("pieces", pieces), settle, ..of(text, "/x") };
        let reply = self.scene.act(Action::Request(Box::new(ask))).expect("an answer");
        assert!(matches!(reply, Reply::Done(_)));
        let answer = Answer::of(&self.scene);
        if answer.is_admitted() {
            self.admitted.push((now, account, answer.position()));
            self.check_window(account);
        } else {
            self.check_unmoved(&before, &answer, account);
        }
    }

    /// Q1: no trailing window above its limit, whatever the limit was before.
    fn check_window(&self, account: usize) {
        let from = self.scene.now.micros() - WINDOW_MICROS;
        let inside = |(at, of, _): &&(Timestamp, usize, Position)| at.micros() > from && *of == account;
        let count = self.admitted.iter().filter(inside).count() as u64;
        let limit = self.figures.get(&account).copied().unwrap_or(self.limit);
        assert!(count <= limit, "{count} in a window of {limit}");
    }

    /// Q2: a refusal moves nothing but the count of refusals, and says what was counted.
    fn check_unmoved(&self, before: &crate::book::Book, answer: &Answer, account: usize) {
        let (after, now) = (&self.scene.book.state, self.scene.now);
        let before = &before.state;
        assert_eq!(before.meters.live(now), after.meters.live(now));
        assert_eq!((&before.decisions, &before.figures), (&after.decisions, &after.figures));
        let of = |state: &crate::book::State| {
            let accounts = state
                .accounts
                .iter()
                .map(|(_, account)| (account.ledger(Mode::Live).cloned(), account.open_decisions().clone()));
            accounts.collect::<Vec<_>>()
        };
        assert_eq!(of(before), of(after));
        let denied = answer.denied();
        if denied.gate.as_ref().is_some_and(|gate| gate.as_str() == "window") {
            let from = now.micros() - WINDOW_MICROS;
            let counted = self.admitted.iter().filter(|(at, of, _)| at.micros() > from && *of == account);
            assert_eq!(denied.count, Some(counted.count() as u64));
        }
    }

    /// M2 and M3, from the events alone.
    fn check_money(&self) {
        for account in ACCOUNTS {
            let ledger = self.scene.book.account(account).and_then(|account| account.ledger(Mode::Live));
            let ledger = ledger.expect("a ledger");
            let available = ledger.available(self.scene.now);
            assert!(available >= credits(FLOOR), "{available} is below the floor");
            assert!(ledger.held() >= Credits::ZERO && ledger.debt() >= Credits::ZERO);
            assert_eq!(available.plus(ledger.held()), self.total(account), "{account}");
        }
        for (_, _, decision) in &self.admitted {
            let known = self.scene.book.decision(*decision).expect("kept");
            assert!(known.refunded <= known.charged.total(), "refunds of d_{decision}");
        }
    }

    /// What came in less what went out.
    fn total(&self, account: &str) -> Credits {
        let stream = crate::event::Stream::Account(name(account));
        let own = self.scene.log.iter().filter(|entry| entry.stream == stream);
        own.fold(Credits::ZERO, |sum, entry| sum.plus(moved(&entry.event)))
    }

    fn check_queue(&self) {
        for account in ACCOUNTS {
            let open = self.scene.book.account(account).expect("open").open_decisions();
            let due = open.iter().filter(|(until, _)| *until > self.scene.now).count();
            assert!(due <= QUEUE, "{due} jobs of {account}");
        }
    }
}

fn moved(event: &Event) -> Credits {
    let less = |settlement: &Settlement| Credits::ZERO.minus(settlement.charged());
    match event {
        Event::CreditGranted(event) => event.granted.lot.amount,
        Event::CreditAdjusted(event) => Credits::ZERO.minus(event.draws.total()),
        Event::RequestAdmitted(event) => Credits::ZERO.minus(event.charge.total()),
        Event::RequestSettled(event) => {
            let back = event.refund.as_deref().map_or(Credits::ZERO, crate::ledger::Refunded::total);
            event.settlement.as_ref().map_or(Credits::ZERO, less).plus(back)
        }
        Event::HoldExpired(event) => less(&event.settlement),
        Event::CreditRefunded(event) => event.amount,
        _ => Credits::ZERO,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_program_breaks_a_window_a_queue_or_a_balance(steps in steps()) {
        let mut recount = Recount::new();
        for step in &steps {
            recount.take(step);
            recount.check_money();
            recount.check_queue();
        }
    }
}
