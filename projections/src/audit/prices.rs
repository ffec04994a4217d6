//! M4: charged + uncollected = what the price list in force at admission gives.

use super::Invariant::M4;
use super::decisions::{Decided, Decisions};
use super::report::{Findings, Place};
use super::world::World;
use crate::told::Told;
use domain::event::{
    Details, Entry, Event, Facts, HoldExpired, RequestAdmitted, RequestBegun, RequestSettled, Stream, Under,
};
use domain::ledger::Refunded;
use domain::money::Credits;
use domain::policy::{CreditRules, OnExpiry};
use domain::pricing::{Charge, PriceError, PriceList};
use rust_decimal::Decimal;

/// Prices an event before its decision is changed by it.
pub(super) fn observe(entry: &Entry, world: &World, decisions: &Decisions, findings: &mut Findings) {
    let mut rating = Rating { entry, world, findings };
    let of = |decision| decisions.get(decision);
    match &entry.event {
        Event::RequestAdmitted(event) => rating.admitted(event),
        Event::RequestBegun(event) => rating.begun(event, of(event.decision)),
        Event::RequestSettled(event) => rating.settled(event, of(event.decision)),
        Event::HoldExpired(event) => rating.expired(event, of(event.decision)),
        Event::RequestDenied(_)
        | Event::DenialsCollapsed(_)
        | Event::CreditRefunded(_)
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

struct Rating<'a> {
    entry: &'a Entry,
    world: &'a World,
    findings: &'a mut Findings,
}

impl<'a> Rating<'a> {
    /// A request that was settled at once paid its cost; one that stays open holds or paid the list's hold.
    fn admitted(&mut self, event: &RequestAdmitted) {
        let in_force = self.world.in_force(self.entry.at).prices();
        self.equal("number of the price list in force", in_force, event.under.prices());
        let limited = event.limited.as_ref().map_or(&[][..], |limited| &limited.items);
        let moved = event.hold.total().plus(event.charge.total()).plus(event.uncollected);
        let Some((list, credit)) = self.rules(event.under) else {
            return self.equal("moved without a price list", Credits::ZERO, moved);
        };
        let price = match (event.until, event.outcome) {
            (None, Some(outcome)) => {
                let rule = credit.outcomes.charge(outcome);
                total(&event.ask, limited, None, |endpoint, told| rule.cost(list, endpoint, told))
            }
            (None, None) | (Some(_), _) => {
                total(&event.ask, limited, None, |endpoint, told| list.hold(endpoint, told))
            }
        };
        let what =
            if event.until.is_some() { "held or charged at admission" } else { "charged + uncollected" };
        self.priced(what, price, moved);
    }

    /// At the beginning the list's hold is charged.
    fn begun(&mut self, event: &RequestBegun, decided: Option<&Decided>) {
        let Some(open) = decided.and_then(|decided| decided.open.as_deref()) else { return };
        let Some((list, _)) = self.rules(open.under) else { return };
        let price = total(&open.ask, &open.limited, None, |endpoint, told| list.hold(endpoint, told));
        let paid = event.settlement.charged().plus(event.settlement.uncollected);
        self.priced("charged + uncollected at the beginning", price, paid);
    }

    /// A hold that ran out is charged in full or not at all, as the policy says.
    fn expired(&mut self, event: &HoldExpired, decided: Option<&Decided>) {
        let Some(open) = decided.and_then(|decided| decided.open.as_deref()) else { return };
        let Some((_, credit)) = self.rules(open.under) else { return };
        let price = match credit.on_expiry {
            OnExpiry::Charge => open.hold.total(),
            OnExpiry::Release => Credits::ZERO,
        };
        let paid = event.settlement.charged().plus(event.settlement.uncollected);
        self.equal("charged + uncollected at expiry", price, paid);
    }

    fn settled(&mut self, event: &RequestSettled, decided: Option<&Decided>) {
        let Some((decided, open)) = decided.and_then(|decided| Some((decided, decided.open.as_deref()?)))
        else {
            return;
        };
        let (charged, uncollected) = match &event.settlement {
            Some(settlement) => (settlement.charged(), settlement.uncollected),
            None => (Credits::ZERO, Credits::ZERO),
        };
        let back = event.refund.as_deref().map(Refunded::total).unwrap_or_default();
        let Some((list, credit)) = self.rules(open.under) else {
            return self.equal(
                "moved without a price list",
                Credits::ZERO,
                charged.plus(uncollected).plus(back),
            );
        };
        let rule = credit.outcomes.charge(event.outcome);
        let price = total(&open.ask, &open.limited, Some(&event.details), |endpoint, told| {
            rule.cost(list, endpoint, told)
        });
        if !open.is_charged {
            return self.priced("charged + uncollected", price, charged.plus(uncollected));
        }
        match price {
            Ok(price) => self.corrected((decided, rule), price, (charged, uncollected, back)),
            Err(error) => self.priced("charged + uncollected", Err(error), charged),
        }
    }

    /// After an earlier charge an outcome charges no more: what it lacks is uncollected, and what it was too much
    /// goes back, less what was refunded meanwhile; an outcome without a charge of its own leaves it.
    fn corrected(
        &mut self,
        (decided, rule): (&Decided, Charge),
        price: Credits,
        (charged, uncollected, back): (Credits, Credits, Credits),
    ) {
        let too_much = if rule == Charge::None { Credits::ZERO } else { decided.charged.minus(price) };
        let left = too_much.minus(decided.refunded).or_zero();
        self.equal("charged after an earlier charge", Credits::ZERO, charged);
        self.equal(
            "uncollected after an earlier charge",
            price.minus(decided.charged).or_zero(),
            uncollected,
        );
        self.equal("given back of an earlier charge", left, back);
    }

    /// The price list and credit rules that a request of an account was admitted under; an anonymous caller pays
    /// nothing.
    fn rules(&self, under: Under) -> Option<(&'a PriceList, &'a CreditRules)> {
        let Stream::Account(_) = &self.entry.stream else { return None };
        let credit = self.world.policy(under.policy())?.credit.as_ref()?;
        Some((self.world.prices(under.prices())?, credit))
    }

    fn priced(&mut self, what: &str, price: Result<Credits, PriceError>, paid: Credits) {
        match price {
            Ok(price) => self.equal(what, price, paid),
            Err(error) => {
                let place = Place { position: self.entry.position, stream: Some(&self.entry.stream) };
                self.findings.add(M4, place, what, ("a price", error));
            }
        }
    }

    fn equal<T: PartialEq + std::fmt::Display>(&mut self, what: &str, expected: T, found: T) {
        let place = Place { position: self.entry.position, stream: Some(&self.entry.stream) };
        self.findings.expect_equal(M4, place, what, (expected, found));
    }
}

/// The sum over all units or items that are not in an error state.
fn total(
    facts: &Facts,
    limited: &[u32],
    later: Option<&Details>,
    price: impl Fn(&str, &Told<'_>) -> Result<Credits, PriceError>,
) -> Result<Credits, PriceError> {
    if facts.items.is_empty() {
        let told = Told([later, Some(&facts.details), None]);
        let one = price(&facts.endpoint, &told)?;
        let free = u32::try_from(limited.len()).unwrap_or(u32::MAX);
        let units = Decimal::from(facts.units.saturating_sub(free));
        let all = one.decimal().checked_mul(units).ok_or(PriceError::Range)?;
        return Credits::new(all).map_err(|_| PriceError::Range);
    }
    let mut sum = Credits::ZERO;
    for (place, item) in (0..).zip(&facts.items) {
        if !limited.contains(&place) {
            let told = Told([Some(&item.details), later, Some(&facts.details)]);
            sum = sum.plus(price(&item.endpoint, &told)?);
        }
    }
    Ok(sum)
}
