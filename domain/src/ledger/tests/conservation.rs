//! Random programs of movements: no credit appears and none is lost.

use super::super::{Draw, Draws, Ledger, LotId, LotKind, NewLot, Overdraft, Refundable};
use super::at;
use crate::ids::Position;
use crate::money::Credits;
use crate::time::{Span, Timestamp};
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// One movement of a random program; figures are thousandths of a credit, `which` picks an open hold or a charge.
#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Grant { amount: u32, delay: i64, life: Option<i64>, priority: i16, kind: LotKind, repays: bool },
    Hold(u32, Overdraft),
    Charge(u32, Overdraft),
    Settle { which: usize, cost: u32, overdraft: Overdraft },
    Release(usize),
    Refund { which: usize, amount: u32, life: Option<i64> },
}

fn thousandths(figure: u32) -> Credits {
    Credits::new(Decimal::new(figure.into(), 3)).expect("small")
}

fn overdraft() -> impl Strategy<Value = Overdraft> {
    prop_oneof![
        3 => Just(Overdraft::None),
        2 => (0_u32..20_000).prop_map(|owed| Overdraft::ToFloor(Credits::ZERO.minus(thousandths(owed)))),
        1 => Just(Overdraft::Unlimited),
    ]
}

fn kind() -> impl Strategy<Value = LotKind> {
    prop_oneof![Just(LotKind::Grant), Just(LotKind::Purchase), Just(LotKind::Promotion)]
}

fn step() -> impl Strategy<Value = Step> {
    let life = || proptest::option::of(1_i64..60);
    let grant = (1_u32..30_000, 0_i64..10, life(), -1_i16..2, kind(), any::<bool>()).prop_map(
        |(amount, delay, life, priority, kind, repays)| Step::Grant {
            amount,
            delay,
            life,
            priority,
            kind,
            repays,
        },
    );
    let settle = (any::<usize>(), 0_u32..30_000, overdraft());
    let refund = (any::<usize>(), 1_u32..10_000, life());
    prop_oneof![
        (0_i64..20).prop_map(Step::Wait),
        grant,
        (0_u32..20_000, overdraft()).prop_map(|(amount, rule)| Step::Hold(amount, rule)),
        (0_u32..20_000, overdraft()).prop_map(|(amount, rule)| Step::Charge(amount, rule)),
        settle.prop_map(|(which, cost, overdraft)| Step::Settle { which, cost, overdraft }),
        any::<usize>().prop_map(Step::Release),
        refund.prop_map(|(which, amount, life)| Step::Refund { which, amount, life }),
    ]
}

/// A ledger, its twin that only ever sees stored movements, and sums kept apart from both.
#[derive(Default)]
struct Run {
    ledger: Ledger,
    twin: Ledger,
    second: i64,
    position: Position,
    holds: Vec<Draws>,
    charges: Vec<(Draws, Credits)>,
    granted: Credits,
    refunded: Credits,
    charged: Credits,
    expired: Credits,
}

/// What a reader of the log sees of a movement.
fn stored<T: Serialize + DeserializeOwned>(movement: &T) -> T {
    let text = serde_json::to_string(movement).expect("plain data");
    serde_json::from_str(&text).expect("own text")
}

impl Run {
    fn now(&self) -> Timestamp {
        at(self.second)
    }

    fn available(&self) -> Credits {
        self.ledger.available(self.now())
    }

    fn step(&mut self, step: &Step) {
        self.position += 1;
        match *step {
            Step::Wait(seconds) => self.wait(seconds),
            Step::Grant { amount, delay, life, priority, kind, repays } => {
                let effective = at(self.second + delay);
                let expires = life.map(|life| effective.plus(Span::from_secs(life)));
                let amount = thousandths(amount);
                self.grant(NewLot { kind, amount, effective, expires, priority, unit_value: None }, repays);
            }
            Step::Hold(amount, rule) => self.hold(thousandths(amount), rule),
            Step::Charge(amount, rule) => self.charge(thousandths(amount), rule),
            Step::Settle { which, cost, overdraft } => self.settle(which, thousandths(cost), overdraft),
            Step::Release(which) => self.release(which),
            Step::Refund { which, amount, life } => self.refund(which, thousandths(amount), life),
        }
    }

    /// Time passes, and what is due expires before anything else happens.
    fn wait(&mut self, seconds: i64) {
        self.second += seconds;
        let before = self.available();
        let expired = self.ledger.plan_expiry(self.now());
        self.expired = self.expired.plus(expired.total());
        self.ledger.apply_expiry(&expired).expect("planned");
        self.twin.apply_expiry(&stored(&expired)).expect("planned");
        assert_eq!(self.available(), before, "expiry only records what the clock did");
    }

    fn grant(&mut self, lot: NewLot, repays: bool) {
        let granted = self.ledger.plan_grant(lot, repays, self.now()).expect("small");
        let id = LotId::new(self.position, 0);
        self.ledger.apply_grant(id, &granted).expect("planned");
        self.twin.apply_grant(id, &stored(&granted)).expect("planned");
        self.granted = self.granted.plus(lot.amount);
    }

    fn hold(&mut self, amount: Credits, rule: Overdraft) {
        let possible = amount.is_zero() || amount <= self.available().minus(rule.floor());
        let plan = self.ledger.plan_hold(amount, rule, self.now());
        assert_eq!(plan.is_some(), possible);
        let Some(draws) = plan else { return };
        assert_eq!(draws.total(), amount);
        self.assert_in_order(&draws);
        let before = self.available();
        self.ledger.apply_hold(&draws).expect("planned");
        self.twin.apply_hold(&stored(&draws)).expect("planned");
        assert_eq!(self.available(), before.minus(amount));
        assert!(amount.is_zero() || self.available() >= rule.floor());
        self.holds.push(draws);
    }

    fn charge(&mut self, amount: Credits, rule: Overdraft) {
        let Some(draws) = self.ledger.plan_charge(amount, rule, self.now()) else { return };
        assert_eq!(draws.total(), amount);
        self.ledger.apply_charge(&draws).expect("planned");
        self.twin.apply_charge(&stored(&draws)).expect("planned");
        assert!(amount.is_zero() || self.available() >= rule.floor());
        self.charged = self.charged.plus(amount);
        self.charges.push((draws, Credits::ZERO));
    }

    fn settle(&mut self, which: usize, cost: Credits, rule: Overdraft) {
        let held = self.take_hold(which);
        let before = self.available();
        let plan = self.ledger.plan_settle(&held, cost, rule, self.now());
        let given_back = plan.rest.released.total().plus(plan.rest.expired.total());
        assert_eq!(plan.charged().plus(plan.uncollected), cost);
        assert_eq!(plan.from_hold.total().plus(given_back), held.total());
        assert!(plan.further.is_empty() || given_back.is_zero(), "nothing is drawn beside an unused hold");
        self.assert_in_order(&plan.further);
        self.ledger.apply_settle(&plan).expect("planned");
        self.twin.apply_settle(&stored(&plan)).expect("planned");
        assert!(self.available() >= before.min(rule.floor()), "below the floor without a rule for it");
        assert!(
            plan.uncollected.is_zero() || self.available() <= rule.floor(),
            "left uncollected for nothing"
        );
        self.charged = self.charged.plus(plan.charged());
        self.expired = self.expired.plus(plan.rest.expired.total());
        self.charges.push((plan.draws(), Credits::ZERO));
    }

    fn release(&mut self, which: usize) {
        let held = self.take_hold(which);
        let before = self.available();
        let plan = Ledger::plan_release(&held, self.now());
        assert_eq!(plan.released.total().plus(plan.expired.total()), held.total());
        self.ledger.apply_release(&plan).expect("planned");
        self.twin.apply_release(&stored(&plan)).expect("planned");
        assert_eq!(self.available(), before.plus(plan.released.total()));
        self.expired = self.expired.plus(plan.expired.total());
    }

    fn refund(&mut self, which: usize, amount: Credits, life: Option<i64>) {
        let now = self.now();
        let count = self.charges.len();
        let Some((charged, refunded)) = self.charges.get_mut(which % count.max(1)) else { return };
        let charge = Refundable { charged, refunded: *refunded };
        let fits = refunded.plus(amount) <= charged.total();
        let plan = self.ledger.plan_refund(charge, amount, life.map(Span::from_secs), now);
        assert_eq!(plan.is_ok(), fits);
        let Ok(plan) = plan else { return };
        assert_eq!(plan.total(), amount);
        assert_eq!(plan.to_debt.total(), self.ledger.debt().min(amount));
        *refunded = refunded.plus(amount);
        self.refunded = self.refunded.plus(amount);
        let before = self.ledger.available(now);
        self.ledger.apply_refund(&plan, self.position, now).expect("planned");
        self.twin.apply_refund(&stored(&plan), self.position, now).expect("planned");
        assert_eq!(self.ledger.available(now), before.plus(amount));
    }

    /// Takes an open hold away; without any, one that reserved nothing.
    fn take_hold(&mut self, which: usize) -> Draws {
        let count = self.holds.len();
        if count == 0 { Draws::default() } else { self.holds.swap_remove(which % count) }
    }

    /// Lots are drawn in order, none is passed over, and overdraft comes only after them all.
    fn assert_in_order(&self, draws: &[Draw]) {
        let now = self.now();
        let usable: Vec<_> = self.ledger.lots().iter().filter(|lot| lot.is_usable(now)).collect();
        let mut sorted: Vec<_> = usable.iter().filter(|lot| lot.left.is_positive()).collect();
        sorted.sort_by_key(|lot| (lot.priority, lot.expires.is_none(), lot.expires, lot.id));
        for (place, draw) in draws.iter().enumerate() {
            let lot = sorted.get(place);
            assert_eq!(draw.lot.map(|drawn| drawn.id), lot.map(|lot| lot.id));
            let is_last = place + 1 == draws.len();
            assert!(is_last || lot.is_some_and(|lot| lot.left == draw.amount), "a lot was passed over");
        }
    }

    fn assert_sound(&self) {
        let now = self.now();
        let ledger = &self.ledger;
        let there = ledger.available(now).plus(ledger.held()).plus(ledger.dormant(now));
        assert_eq!(self.granted.plus(self.refunded), there.plus(self.charged).plus(self.expired));
        assert_eq!(ledger.held(), self.holds.iter().map(Draws::total).sum());
        assert!(ledger.debt() >= Credits::ZERO);
        for lot in ledger.lots() {
            assert!(lot.left >= Credits::ZERO && lot.reserved >= Credits::ZERO && !lot.is_spent());
        }
        assert!(ledger.lots().is_sorted_by_key(|lot| (
            lot.priority,
            lot.expires.is_none(),
            lot.expires,
            lot.id
        )));
        assert_eq!(&self.twin, ledger);
    }
}

proptest! {
    #[test]
    fn granted_and_refunded_equals_available_held_dormant_charged_and_expired(
        steps in proptest::collection::vec(step(), 1..60)
    ) {
        let mut run = Run::default();
        for step in &steps {
            run.wait(0);
            run.step(step);
            run.assert_sound();
        }
        prop_assert_eq!(stored(&run.ledger), run.ledger);
    }
}
