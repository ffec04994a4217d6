//! The request index: from a request id to its decision, and from a decision to what became of it.

use crate::origins::decision_of;
use domain::event::{Entry, Event, Stream};
use domain::ids::{Name, Position};
use domain::ledger::Settlement;
use domain::money::Credits;
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
    /// The gate that refused.
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
    pub refunded: Credits,
}

/// The decision that an entry is.
pub fn decided(entry: &Entry) -> Option<Decided> {
    let (ask, admitted, gate, held, charged, until) = if let Event::RequestAdmitted(event) = &entry.event {
        (&event.ask, true, None, event.hold.total(), event.charge.total(), event.until)
    } else if let Event::RequestDenied(event) = &entry.event {
        (&event.ask, false, event.gate.clone(), Credits::ZERO, Credits::ZERO, None)
    } else {
        return None;
    };
    Some(Decided {
        decision: entry.position,
        at: entry.at,
        stream: entry.stream.clone(),
        actor: entry.actor.clone(),
        request: entry.request.as_ref().map(|tag| tag.id.clone()),
        endpoint: ask.endpoint.clone(),
        admitted,
        gate,
        held,
        charged,
        until,
    })
}

/// The step of an earlier decision that an entry is.
pub fn step(entry: &Entry) -> Option<Step> {
    let decision = decision_of(&entry.event)?;
    let (outcome, charged, refunded) = if let Event::RequestSettled(event) = &entry.event {
        let charged = event.settlement.as_ref().map_or(Credits::ZERO, Settlement::charged);
        let refunded = event.refund.as_ref().map_or(Credits::ZERO, |refund| refund.total());
        (Some(event.outcome), charged, refunded)
    } else if let Event::RequestBegun(event) = &entry.event {
        (None, event.settlement.charged(), Credits::ZERO)
    } else if let Event::HoldExpired(event) = &entry.event {
        (None, event.settlement.charged(), Credits::ZERO)
    } else if let Event::CreditRefunded(event) = &entry.event {
        (None, Credits::ZERO, event.amount)
    } else {
        return None;
    };
    let (position, at, kind) = (entry.position, entry.at, entry.event.kind());
    Some(Step { position, decision, at, kind, outcome, charged, refunded })
}
