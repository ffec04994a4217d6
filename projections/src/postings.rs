//! Double entry: what each event moves between the accounts of the books, as a pure function.
//!
//! Amounts flow from one account to another: positive where credit arrives, negative where it leaves. The legs of
//! an event are taken from what the event itself says, each side from its own figures where it states both, so
//! that an event which contradicts itself does not sum to zero. Test credit is no money: it never gets here.

use domain::event::{CreditGranted, CreditRefunded, Entry, Event, RequestAdmitted, RequestSettled, Stream};
use domain::ids::{Name, Position};
use domain::ledger::{Draw, LotKind, Refunded, Settlement};
use domain::map::Set;
use domain::money::Credits;
use domain::policy::Mode;

/// An account of the books. Each has sub-accounts by owner and by kind of lot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LedgerAccount {
    /// Where credit comes from: sold, granted, allowed or given away, told apart by the kind of lot. Below zero.
    Issued,
    /// What customers can use, now or from a lot's effective time on: the unreserved part of all lots.
    CustomerCredit,
    /// What customers used, or have promised, beyond their lots: debt and holds on overdraft. Below zero.
    Overdraft,
    /// What open holds have reserved.
    Held,
    /// Credit that was charged, at the full price: what could not be collected stands against it.
    Revenue,
    /// Promotional credit that was charged: use that nobody paid for.
    Promotion,
    /// Credit whose time was over before it was used.
    Expired,
    /// The part of prices that no rule let the books collect. Below zero.
    Uncollected,
    /// What operators took away.
    Adjusted,
    /// Charges given back. Below zero.
    Refunds,
}

/// One line of the journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Posting {
    pub account: LedgerAccount,
    /// The customer whom it concerns.
    pub owner: Name,
    /// The kind of lot; none for what no lot covers.
    pub kind: Option<LotKind>,
    /// Above zero: credit arrives; below: it leaves.
    pub amount: Credits,
}

/// A posting before it is known whom it concerns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Leg {
    pub account: LedgerAccount,
    pub kind: Option<LotKind>,
    pub amount: Credits,
}

/// Which decisions were made in test mode: later events of a decision do not repeat it.
#[derive(Clone, Debug, Default)]
pub struct Modes {
    test: Set<Position>,
}

impl Modes {
    /// Learns the mode of a decision; other events tell nothing new.
    pub fn observe(&mut self, entry: &Entry) {
        if let Event::RequestAdmitted(event) = &entry.event
            && !event.ask.mode.is_live()
        {
            self.test.insert(entry.position);
        }
    }

    /// Knows of one decision that it was made in test mode.
    pub(crate) fn with_test(decision: Position) -> Self {
        Self { test: std::iter::once(decision).collect() }
    }

    /// The mode of a decision that was observed; live when it never was.
    pub fn of(&self, decision: Position) -> Mode {
        if self.test.contains(&decision) { Mode::Test } else { Mode::Live }
    }
}

/// The journal lines of one event, in live mode only; their sum is zero.
///
/// Credit moves only in streams of accounts: the same event in another stream posts nothing.
pub fn postings(entry: &Entry, modes: &Modes) -> Vec<Posting> {
    let Stream::Account(owner) = &entry.stream else { return Vec::new() };
    let legs = legs(&entry.event, modes).into_iter();
    legs.map(|Leg { account, kind, amount }| Posting { account, owner: owner.clone(), kind, amount })
        .collect()
}

/// What an event moves, whoever owns it.
pub(crate) fn legs(event: &Event, modes: &Modes) -> Vec<Leg> {
    let mut journal = Journal::default();
    match event {
        Event::RequestAdmitted(event) if event.ask.mode.is_live() => journal.admitted(event),
        Event::RequestBegun(event) if modes.of(event.decision).is_live() => {
            journal.settlement(&event.settlement);
        }
        Event::RequestSettled(event) if modes.of(event.decision).is_live() => journal.settled(event),
        Event::HoldExpired(event) if modes.of(event.decision).is_live() => {
            journal.settlement(&event.settlement);
        }
        Event::CreditRefunded(event) if modes.of(event.decision).is_live() => journal.refunded(event),
        Event::CreditGranted(event) if event.mode.is_live() => journal.granted(event),
        Event::CreditAdjusted(event) if event.mode.is_live() => {
            journal.taken(&event.draws, LedgerAccount::Adjusted);
        }
        Event::CreditExpired(event) if event.mode.is_live() => {
            journal.taken(&event.draws, LedgerAccount::Expired);
        }
        // Test mode, or an event that moves no credit.
        Event::RequestAdmitted(_)
        | Event::RequestBegun(_)
        | Event::RequestSettled(_)
        | Event::HoldExpired(_)
        | Event::CreditRefunded(_)
        | Event::CreditGranted(_)
        | Event::CreditAdjusted(_)
        | Event::CreditExpired(_)
        | Event::RequestDenied(_)
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
        | Event::BookSealed(_) => {}
    }
    journal.0
}

#[derive(Default)]
struct Journal(Vec<Leg>);

impl Journal {
    fn leg(&mut self, account: LedgerAccount, kind: Option<LotKind>, amount: Credits) {
        if !amount.is_zero() {
            self.0.push(Leg { account, kind, amount });
        }
    }

    fn shift(&mut self, draw: &Draw, from: LedgerAccount, to: LedgerAccount) {
        let kind = kind(draw);
        self.leg(from, kind, negative(draw.amount));
        self.leg(to, kind, draw.amount);
    }

    fn granted(&mut self, event: &CreditGranted) {
        let lot = event.granted.lot;
        self.leg(LedgerAccount::Issued, Some(lot.kind), negative(lot.amount));
        self.leg(LedgerAccount::Overdraft, None, event.granted.debt_repaid);
        self.leg(LedgerAccount::CustomerCredit, Some(lot.kind), lot.amount.minus(event.granted.debt_repaid));
    }

    fn admitted(&mut self, event: &RequestAdmitted) {
        for draw in &event.hold {
            self.shift(draw, usable(draw), LedgerAccount::Held);
        }
        for draw in &event.charge {
            self.shift(draw, usable(draw), earned(draw));
        }
        self.uncollected(event.uncollected);
    }

    fn settled(&mut self, event: &RequestSettled) {
        if let Some(settlement) = &event.settlement {
            self.settlement(settlement);
        }
        if let Some(refund) = &event.refund {
            self.leg(LedgerAccount::Refunds, None, negative(refund.total()));
            self.given_back(refund);
        }
    }

    fn settlement(&mut self, settlement: &Settlement) {
        for draw in &settlement.from_hold {
            self.shift(draw, LedgerAccount::Held, earned(draw));
        }
        for draw in &settlement.further {
            self.shift(draw, usable(draw), earned(draw));
        }
        for draw in &settlement.rest.released {
            self.shift(draw, LedgerAccount::Held, usable(draw));
        }
        for draw in &settlement.rest.expired {
            self.shift(draw, LedgerAccount::Held, LedgerAccount::Expired);
        }
        self.uncollected(settlement.uncollected);
    }

    fn uncollected(&mut self, amount: Credits) {
        self.leg(LedgerAccount::Uncollected, None, negative(amount));
        self.leg(LedgerAccount::Revenue, None, amount);
    }

    /// The amount is the event's own word, so that draws which do not add up to it show.
    fn refunded(&mut self, event: &CreditRefunded) {
        self.leg(LedgerAccount::Refunds, None, negative(event.amount));
        self.given_back(&event.returned);
    }

    fn given_back(&mut self, refund: &Refunded) {
        self.leg(LedgerAccount::Overdraft, None, refund.to_debt.total());
        for draw in refund.returned.iter().chain(&refund.renewed) {
            self.leg(LedgerAccount::CustomerCredit, Some(kind(draw).unwrap_or(LotKind::Refund)), draw.amount);
        }
    }

    fn taken(&mut self, draws: &[Draw], to: LedgerAccount) {
        for draw in draws {
            self.shift(draw, usable(draw), to);
        }
    }
}

fn negative(amount: Credits) -> Credits {
    Credits::ZERO.minus(amount)
}

fn kind(draw: &Draw) -> Option<LotKind> {
    draw.lot.map(|lot| lot.kind)
}

/// Where a draw's credit stands while nobody has reserved or charged it.
fn usable(draw: &Draw) -> LedgerAccount {
    match draw.lot {
        Some(_) => LedgerAccount::CustomerCredit,
        None => LedgerAccount::Overdraft,
    }
}

/// Where a draw's credit goes when it is charged.
fn earned(draw: &Draw) -> LedgerAccount {
    match kind(draw) {
        Some(LotKind::Promotion) => LedgerAccount::Promotion,
        Some(LotKind::Grant | LotKind::Purchase | LotKind::Allowance | LotKind::Refund) | None => {
            LedgerAccount::Revenue
        }
    }
}
