//! The request index: from a request id to its decision, and from a decision to what became of it.

use crate::origins::decision_of;
use domain::event::{Entry, Event, Facts, Stream};
use domain::ids::{Name, Position};
use domain::ledger::Settlement;
use domain::money::Credits;
use domain::policy::Kind;
use domain::pricing::Outcome;
use domain::time::Timestamp;
use std::sync::Arc;

/// A decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decided {
    pub decision: Position,
    pub at: Timestamp,
    pub stream: Stream,
    pub actor: Arc<str>,
    pub request: Option<Arc<str>>,
    pub endpoint: Arc<str>,
    pub admitted: bool,
    /// The gate that refused, by its kind and, where it has one, its name.
    pub refused: Option<Kind>,
    pub gate: Option<Name>,
    pub held: Credits,
    pub charged: Credits,
    /// When an unsettled hold runs out.
    pub until: Option<Timestamp>,
}

/// What came after a decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    pub position: Position,
    pub decision: Position,
    pub at: Timestamp,
    /// The event's type.
    pub kind: &'static str,
    pub outcome: Option<Outcome>,
    pub charged: Credits,
    /// What the hold gave back.
    pub released: Credits,
    pub refunded: Credits,
}

/// A decision and what came after it, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Traced {
    pub decided: Decided,
    pub steps: Vec<Step>,
}

/// The decision that an entry is.
pub fn decided(entry: &Entry) -> Option<Decided> {
    if let Event::RequestAdmitted(event) = &entry.event {
        let (held, charged, until) = (event.hold.total(), event.charge.total(), event.until);
        Some(Decided { admitted: true, held, charged, until, ..undecided(entry, &event.ask) })
    } else if let Event::RequestDenied(event) = &entry.event {
        let (refused, gate) = (Some(event.kind), event.gate.clone());
        Some(Decided { refused, gate, ..undecided(entry, &event.ask) })
    } else {
        None
    }
}

/// What is said of a request however it was decided.
fn undecided(entry: &Entry, ask: &Facts) -> Decided {
    Decided {
        decision: entry.position,
        at: entry.at,
        stream: entry.stream.clone(),
        actor: entry.actor.clone(),
        request: entry.request.as_ref().map(|tag| tag.id.clone()),
        endpoint: ask.endpoint.clone(),
        admitted: false,
        refused: None,
        gate: None,
        held: Credits::ZERO,
        charged: Credits::ZERO,
        until: None,
    }
}

/// The step of an earlier decision that an entry is.
pub fn step(entry: &Entry) -> Option<Step> {
    let decision = decision_of(&entry.event)?;
    let (position, at, kind) = (entry.position, entry.at, entry.event.kind());
    let of = |outcome, settlement: Option<&Settlement>, refunded| {
        let charged = settlement.map_or(Credits::ZERO, Settlement::charged);
        let released = settlement.map_or(Credits::ZERO, |settlement| settlement.rest.released.total());
        Some(Step { position, decision, at, kind, outcome, charged, released, refunded })
    };
    if let Event::RequestSettled(event) = &entry.event {
        let refunded = event.refund.as_ref().map_or(Credits::ZERO, |refund| refund.total());
        of(Some(event.outcome), event.settlement.as_ref(), refunded)
    } else if let Event::RequestBegun(event) = &entry.event {
        of(None, Some(&event.settlement), Credits::ZERO)
    } else if let Event::HoldExpired(event) = &entry.event {
        of(None, Some(&event.settlement), Credits::ZERO)
    } else if let Event::CreditRefunded(event) = &entry.event {
        of(None, None, event.amount)
    } else {
        None
    }
}
