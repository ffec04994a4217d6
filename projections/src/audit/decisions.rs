//! M3: a hold sees at most one release and at most one charge. The decisions that later events speak of.

use super::Invariant::M3;
use super::report::{Findings, Place};
use domain::event::{Entry, Event, Facts, RequestAdmitted, RequestSettled, Stream, Under};
use domain::ids::Position;
use domain::ledger::{Draw, Draws, LotId, Settlement};
use domain::map::Map;
use domain::money::Credits;
use domain::policy::Mode;
use domain::time::{Span, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// An admitted request, as far as later events may speak of it.
#[derive(Debug)]
pub(super) struct Decided {
    at: Timestamp,
    stream: Stream,
    pub mode: Mode,
    /// All charges so far.
    pub charged: Credits,
    /// All refunds so far.
    pub refunded: Credits,
    charges: u8,
    releases: u8,
    begun: bool,
    expired: bool,
    /// Until its outcome.
    pub open: Option<Box<Open>>,
}

/// What a decision keeps until its outcome.
#[derive(Debug)]
pub(super) struct Open {
    pub ask: Arc<Facts>,
    pub under: Under,
    pub hold: Draws,
    /// Items in an error state, free of charge.
    pub limited: Vec<u32>,
    /// Whether the charge was made before the outcome, so that the outcome only corrects it.
    pub is_charged: bool,
}

/// Decisions by position. Memory: open ones, and of the rest those whose charge can still be refunded.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    kept: Map<Position, Decided>,
    order: VecDeque<Position>,
    /// The newest that was let go: of older ones nothing can be said.
    forgotten: Position,
}

/// Decisions are let go in retention's double time: the book may honour a late settle until it tidies up.
const PATIENCE: i64 = 2;

impl Decisions {
    pub(super) fn get(&self, decision: Position) -> Option<&Decided> {
        self.kept.get(&decision)
    }

    /// The mode of a decision; live when it is not known.
    pub(super) fn mode(&self, decision: Position) -> Mode {
        self.get(decision).map_or(Mode::Live, |decided| decided.mode)
    }

    /// Folds an event; `retention` is how long the policy in force lets decisions be settled and refunded.
    pub(super) fn observe(&mut self, entry: &Entry, retention: Span, findings: &mut Findings) {
        match &entry.event {
            Event::RequestAdmitted(event) => {
                self.admitted(entry, event);
                self.forget(entry.at, retention);
            }
            Event::RequestBegun(event) => self.step(entry, event.decision, findings, |decided, check| {
                check.once(&mut decided.begun, "beginnings");
                check.settlement(decided, &event.settlement);
                if let Some(open) = &mut decided.open {
                    open.is_charged = true;
                }
            }),
            Event::RequestSettled(event) => self.step(entry, event.decision, findings, |decided, check| {
                check.outcome(decided, event);
                decided.open = None;
            }),
            Event::HoldExpired(event) => self.step(entry, event.decision, findings, |decided, check| {
                check.once(&mut decided.expired, "expiries");
                check.settlement(decided, &event.settlement);
                if let Some(open) = &mut decided.open {
                    open.is_charged |= event.settlement.charged().is_positive();
                }
            }),
            Event::CreditRefunded(event) => self.step(entry, event.decision, findings, |decided, check| {
                check.refund(decided, event.amount);
            }),
            Event::RequestDenied(_)
            | Event::DenialsCollapsed(_)
            | Event::AccountOpened(_)
            | Event::AccountDetailed(_)
            | Event::PlanChanged(_)
            | Event::KeyIssued(_)
            | Event::KeyChanged(_)
            | Event::CreditGranted(_)
            | Event::CreditAdjusted(_)
            | Event::CreditExpired(_)
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
    }

    fn admitted(&mut self, entry: &Entry, event: &RequestAdmitted) {
        let charged = event.charge.total();
        if event.until.is_none() && charged.is_zero() {
            return;
        }
        let open = event.until.map(|_| {
            let limited = event.limited.as_ref().map(|limited| limited.items.clone()).unwrap_or_default();
            let (ask, hold, is_charged) = (event.ask.clone(), event.hold.clone(), charged.is_positive());
            Box::new(Open { ask, under: event.under, hold, limited, is_charged })
        });
        let decided = Decided {
            at: entry.at,
            stream: entry.stream.clone(),
            mode: event.ask.mode,
            charged,
            refunded: Credits::ZERO,
            charges: u8::from(charged.is_positive()),
            releases: 0,
            begun: false,
            expired: false,
            open,
        };
        self.kept.insert(entry.position, decided);
        self.order.push_back(entry.position);
    }

    fn step(
        &mut self,
        entry: &Entry,
        decision: Position,
        findings: &mut Findings,
        step: impl FnOnce(&mut Decided, &mut Check<'_>),
    ) {
        let place = Place { position: entry.position, stream: Some(&entry.stream) };
        let mut check = Check { place, decision, findings };
        let Some(decided) = self.kept.get_mut(&decision) else {
            if decision > self.forgotten {
                check.add(
                    "the decision that the event speaks of",
                    "an admitted request",
                    format!("d_{decision}"),
                );
            }
            return;
        };
        if decided.stream != entry.stream {
            check.add("stream of the decision", decided.stream.to_string(), entry.stream.to_string());
        }
        step(decided, &mut check);
    }

    fn forget(&mut self, now: Timestamp, retention: Span) {
        let oldest = now.minus(Span::from_micros(retention.micros().saturating_mul(PATIENCE)));
        while let Some(position) = self.order.front().copied() {
            let Some(decided) = self.kept.get(&position) else { return };
            if decided.at >= oldest {
                return;
            }
            self.order.pop_front();
            if decided.open.is_some() {
                self.order.push_back(position);
                return;
            }
            self.kept.remove(&position);
            self.forgotten = self.forgotten.max(position);
        }
    }
}

/// One event being checked against the decision that it speaks of.
struct Check<'a> {
    place: Place<'a>,
    decision: Position,
    findings: &'a mut Findings,
}

impl Check<'_> {
    fn add(&mut self, what: &str, expected: impl Into<String>, found: impl Into<String>) {
        let what = format!("d_{}: {what}", self.decision);
        self.findings.add(M3, self.place, what, (expected.into(), found.into()));
    }

    fn once(&mut self, done: &mut bool, what: &str) {
        if std::mem::replace(done, true) {
            self.add(what, "at most 1", "2");
        }
    }

    fn at_most_one(&mut self, count: u8, what: &str) {
        if count > 1 {
            self.add(what, "at most 1", count.to_string());
        }
    }

    fn outcome(&mut self, decided: &mut Decided, event: &RequestSettled) {
        if decided.open.is_none() {
            self.add("outcomes", "at most 1", "2");
        }
        if let Some(settlement) = &event.settlement {
            self.settlement(decided, settlement);
        } else if decided.open.as_ref().is_some_and(|open| !open.hold.is_empty()) {
            self.add("end of the hold", "charged or released", "neither");
        }
        if let Some(refund) = &event.refund {
            self.refund(decided, refund.total());
        }
    }

    /// The settlement ends the hold: what it charges out of it and gives back is what was reserved, lot by lot.
    fn settlement(&mut self, decided: &mut Decided, settlement: &Settlement) {
        let hold = decided.open.as_mut().map(|open| std::mem::take(&mut open.hold)).unwrap_or_default();
        let rest = settlement.rest.released.iter().chain(&settlement.rest.expired);
        let (reserved, ended) = (by_lot(&hold), by_lot(settlement.from_hold.iter().chain(rest)));
        if reserved != ended {
            self.add("charged and released of the hold", format!("{reserved:?}"), format!("{ended:?}"));
        }
        let given_back = settlement.rest.released.total().plus(settlement.rest.expired.total());
        decided.charged = decided.charged.plus(settlement.charged());
        decided.charges += u8::from(settlement.charged().is_positive());
        decided.releases += u8::from(given_back.is_positive());
        self.at_most_one(decided.charges, "charges");
        self.at_most_one(decided.releases, "releases");
    }

    fn refund(&mut self, decided: &mut Decided, amount: Credits) {
        decided.refunded = decided.refunded.plus(amount);
        if decided.refunded > decided.charged {
            let most = format!("at most {}", decided.charged);
            self.add("refunds of the charge", most, decided.refunded.to_string());
        }
    }
}

/// Sums by lot; overdraft is its own.
fn by_lot<'a>(draws: impl IntoIterator<Item = &'a Draw>) -> BTreeMap<Option<LotId>, Credits> {
    let mut sums = BTreeMap::new();
    for draw in draws {
        let sum: &mut Credits = sums.entry(draw.lot.map(|lot| lot.id)).or_default();
        *sum = sum.plus(draw.amount);
    }
    sums
}
