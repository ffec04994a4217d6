//! M2: available = unreserved lots − debt, never below the account's floor. M1: postings sum to zero.

use super::Invariant::{M1, M2, Q2};
use super::decisions::Decisions;
use super::lots::{Left, Purse};
use super::report::{Findings, Place};
use super::world::World;
use crate::postings::legs;
use crate::trial_balance::TrialBalance;
use domain::account::Account;
use domain::book::Book;
use domain::event::{Balance, Entry, Event, Stream, Under};
use domain::ids::{Name, Position};
use domain::ledger::{Ledger, LotId, Settlement};
use domain::map::Map;
use domain::money::Credits;
use domain::policy::Mode;
use std::collections::BTreeMap;

/// Every account's credit, lot by lot, and the journal. Memory: the lots that are not used up.
#[derive(Debug, Default)]
pub(super) struct Money {
    live: Map<Name, Purse>,
    test: Map<Name, Purse>,
    trial: TrialBalance,
}

/// What an event does to one purse.
struct Movement<'a> {
    mode: Mode,
    /// The balance that the event shows, which is that after the movement.
    balance: Option<Balance>,
    /// Whether it uses unreserved credit up, so that the floor matters.
    takes: bool,
    /// Where a price is collected: what the policy's overdraft lets it take beyond zero.
    under: Option<Under>,
    apply: Box<dyn FnOnce(&mut Purse) + 'a>,
}

impl<'a> Movement<'a> {
    fn new(mode: Mode, balance: Option<Balance>, apply: impl FnOnce(&mut Purse) + 'a) -> Self {
        Self { mode, balance, takes: false, under: None, apply: Box::new(apply) }
    }

    fn taking(self, takes: bool) -> Self {
        Self { takes, ..self }
    }

    fn collecting(self, takes: bool, under: Option<Under>) -> Self {
        Self { takes, under, ..self }
    }
}

impl Money {
    pub(super) fn trial(&self) -> &TrialBalance {
        &self.trial
    }

    /// Checks and folds an event, before its decision is changed by it.
    pub(super) fn observe(
        &mut self,
        entry: &Entry,
        (world, decisions): (&World, &Decisions),
        findings: &mut Findings,
    ) {
        self.post(entry, findings);
        if let Event::RequestDenied(event) = &entry.event {
            self.untouched(entry, (event.ask.mode, event.balance), findings);
        }
        let (Some(movement), Stream::Account(name)) = (movement(entry, decisions), &entry.stream) else {
            return;
        };
        let floor = floor(movement.under, world);
        let purses = if movement.mode.is_live() { &mut self.live } else { &mut self.test };
        let purse = purses.entry_ref(name).or_default();
        let before = purse.available(entry.at);
        (movement.apply)(purse);
        let place = place(entry);
        if let Some((what, expected, found)) = purse.trouble() {
            findings.add(M2, place, what, (expected, found));
        }
        let after = purse.available(entry.at);
        if let Some(Balance(available, held)) = movement.balance {
            findings.expect_equal(M2, place, "available", (after, available));
            findings.expect_equal(M2, place, "held", (purse.held(), held));
        }
        if movement.takes && after < before && after < floor {
            findings.add(M2, place, "available", (format!("at least {floor}"), after));
        }
    }

    fn post(&mut self, entry: &Entry, findings: &mut Findings) {
        let sum = self.trial.observe(entry);
        findings.expect_equal(M1, place(entry), "sum of the postings", (Credits::ZERO, sum));
        let orphans = legs(&entry.event, self.trial.modes()).len();
        if orphans > 0 && !matches!(entry.stream, Stream::Account(_)) {
            findings.add(M1, place(entry), "owner of the postings", ("an account", &entry.stream));
        }
    }

    /// A refusal shows the balance that it met, which is that of before and after it.
    fn untouched(&self, entry: &Entry, (mode, balance): (Mode, Option<Balance>), findings: &mut Findings) {
        let (Some(Balance(available, held)), Stream::Account(name)) = (balance, &entry.stream) else {
            return;
        };
        let purses = if mode.is_live() { &self.live } else { &self.test };
        let own = purses
            .get(name)
            .map_or_else(Balance::default, |purse| Balance(purse.available(entry.at), purse.held()));
        findings.expect_equal(Q2, place(entry), "available after the refusal", (own.0, available));
        findings.expect_equal(Q2, place(entry), "held after the refusal", (own.1, held));
    }

    /// Compares every account's credit with what the book ended up with, and with the journal.
    pub(super) fn finish(&self, book: &Book, head: Position, findings: &mut Findings) {
        findings.expect_equal(
            M1,
            Place { position: head, stream: None },
            "sum of the book",
            (Credits::ZERO, self.trial.sum()),
        );
        for (name, account) in book.accounts().iter() {
            let stream = Stream::Account(name.clone());
            let place = Place { position: head, stream: Some(&stream) };
            for (mode, purses) in [(Mode::Live, &self.live), (Mode::Test, &self.test)] {
                let empty = Purse::default();
                compare(place, (account, mode), purses.get(name).unwrap_or(&empty), findings);
            }
            self.journal(place, name, findings);
        }
        for name in
            self.live.keys().chain(self.test.keys()).filter(|name| book.account(name.as_str()).is_none())
        {
            let stream = Stream::Account(name.clone());
            let place = Place { position: head, stream: Some(&stream) };
            findings.add(M2, place, "account of the book", ("one with credit", "none"));
        }
    }

    fn journal(&self, place: Place<'_>, name: &Name, findings: &mut Findings) {
        let empty = Purse::default();
        let purse = self.live.get(name).unwrap_or(&empty);
        let posted = self.trial.customer(name.as_str());
        let free: Credits = purse.lots.values().map(|lot| lot.free).sum();
        findings.expect_equal(M1, place, "unreserved credit in the journal", (free, posted.credit));
        findings.expect_equal(M1, place, "held in the journal", (purse.held(), posted.held));
        let overdraft = Credits::ZERO.minus(purse.debt).minus(purse.promised);
        findings.expect_equal(M1, place, "overdraft in the journal", (overdraft, posted.overdraft));
    }
}

fn place(entry: &Entry) -> Place<'_> {
    Place { position: entry.position, stream: Some(&entry.stream) }
}

/// How low a movement may take the available credit: the policy's overdraft where a price is collected, zero
/// where credit is held or taken away.
fn floor(under: Option<Under>, world: &World) -> Credits {
    let credit = under.and_then(|under| world.policy(under.policy())?.credit.as_ref());
    credit.map_or(Credits::ZERO, |credit| credit.overdraft.floor())
}

fn movement<'a>(entry: &'a Entry, decisions: &Decisions) -> Option<Movement<'a>> {
    let at = entry.at;
    let of = |decision| decisions.mode(decision);
    let under = |decision| Some(decisions.get(decision)?.open.as_ref()?.under);
    let settled = |decision, balance, settlement: &'a Settlement| {
        let movement = Movement::new(of(decision), balance, move |purse| purse.settle(settlement, at));
        movement.collecting(!settlement.further.is_empty(), under(decision))
    };
    Some(match &entry.event {
        Event::RequestAdmitted(event) => {
            let takes = !event.hold.is_empty() || !event.charge.is_empty();
            Movement::new(event.ask.mode, event.balance, move |purse| {
                purse.hold(&event.hold, at);
                purse.take(&event.charge, at);
            })
            .collecting(takes, event.until.is_none().then_some(event.under))
        }
        Event::RequestBegun(event) => settled(event.decision, Some(event.balance), &event.settlement),
        Event::HoldExpired(event) => settled(event.decision, None, &event.settlement),
        Event::RequestSettled(event) => {
            let takes = event.settlement.as_ref().is_some_and(|settlement| !settlement.further.is_empty());
            Movement::new(of(event.decision), event.balance, move |purse| {
                if let Some(settlement) = &event.settlement {
                    purse.settle(settlement, at);
                }
                if let Some(refund) = &event.refund {
                    purse.refund(refund, entry.position, at);
                }
            })
            .collecting(takes, under(event.decision))
        }
        Event::CreditRefunded(event) => {
            Movement::new(of(event.decision), Some(event.balance), move |purse| {
                purse.refund(&event.returned, entry.position, at);
            })
        }
        Event::CreditGranted(event) => Movement::new(event.mode, Some(event.balance), move |purse| {
            purse.grant(LotId::new(entry.position, 0), &event.granted.lot, event.granted.debt_repaid);
        }),
        Event::CreditAdjusted(event) => {
            Movement::new(event.mode, Some(event.balance), move |purse| purse.take(&event.draws, at))
                .taking(true)
        }
        Event::CreditExpired(event) => {
            Movement::new(event.mode, None, move |purse| purse.take(&event.draws, at))
        }
        Event::RequestDenied(_)
        | Event::DenialsCollapsed(_)
        | Event::AccountOpened(_)
        | Event::AccountDetailed(_)
        | Event::PlanChanged(_)
        | Event::KeyIssued(_)
        | Event::KeyChanged(_)
        | Event::FigureSet(_)
        | Event::CountReset(_)
        | Event::AccountSuspended(_)
        | Event::AccountReinstated(_)
        | Event::AccountTerminated(_)
        | Event::BanStarted(_)
        | Event::BanLifted(_)
        | Event::PolicyPublished(_)
        | Event::PricesPublished(_)
        | Event::NoticeAnnounced(_)
        | Event::BookSealed(_) => return None,
    })
}

/// The lots of the book's ledger against the audit's own.
fn compare(place: Place<'_>, (account, mode): (&Account, Mode), purse: &Purse, findings: &mut Findings) {
    let empty = Ledger::default();
    let ledger = account.ledger(mode).unwrap_or(&empty);
    let book: BTreeMap<_, _> = ledger.lots().iter().map(|lot| (lot.id, (lot.left, lot.reserved))).collect();
    let own: BTreeMap<_, _> =
        purse.lots.iter().map(|(id, Left { free, reserved, .. })| (*id, (*free, *reserved))).collect();
    let which = if mode.is_live() { "live" } else { "test" };
    if book != own {
        let what = format!("{which} lots (unreserved, reserved)");
        findings.add(M2, place, what, (format!("{own:?}"), format!("{book:?}")));
    }
    findings.expect_equal(M2, place, format!("{which} debt"), (purse.debt, ledger.debt()));
    findings.expect_equal(M2, place, format!("{which} credit held"), (purse.held(), ledger.held()));
}
