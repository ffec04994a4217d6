//! What became of a decision, as JSON, from the event that recorded it.

use crate::http::view::{BalanceView, DecisionId, Instant};
use domain::event::{CreditRefunded, Entry, Event, HoldExpired, RequestBegun, RequestSettled};
use domain::ids::Name;
use domain::ledger::{Draws, Refunded, Settlement};
use domain::money::Credits;
use domain::pricing::Outcome;
use serde::Serialize;

/// The answer to begin, settle and refund.
#[derive(Serialize)]
pub(crate) struct OutcomeView<'a> {
    decision_id: DecisionId,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<&'a Name>,
    /// Charged by this step.
    charged: Credits,
    /// Given back of the hold by this step.
    released: Credits,
    /// What no rule let it collect.
    uncollected: Credits,
    /// Given back of an earlier charge by this step.
    refunded: Credits,
    balance: Option<BalanceView>,
    at: Instant,
}

impl<'a> OutcomeView<'a> {
    /// None for an event that is no outcome of a decision.
    pub(crate) fn of(entry: &'a Entry) -> Option<Self> {
        let mut view = if let Event::RequestSettled(event) = &entry.event {
            Self::settled(event)
        } else if let Event::RequestBegun(event) = &entry.event {
            Self::begun(event)
        } else if let Event::CreditRefunded(event) = &entry.event {
            Self::refunded(event)
        } else if let Event::HoldExpired(event) = &entry.event {
            Self::expired(event)
        } else {
            return None;
        };
        view.at = Instant(entry.at);
        Some(view)
    }

    fn settled(event: &'a RequestSettled) -> Self {
        let moved =
            event.settlement.as_ref().map(|settlement| moved(event.decision.into(), "settled", settlement));
        let plain = moved.unwrap_or_else(|| plain(event.decision.into(), "settled"));
        Self {
            outcome: Some(event.outcome),
            refunded: event.refund.as_deref().map_or(Credits::ZERO, given_back),
            balance: event.balance.map(BalanceView::from),
            ..plain
        }
    }

    fn begun(event: &'a RequestBegun) -> Self {
        Self {
            balance: Some(event.balance.into()),
            ..moved(event.decision.into(), "begun", &event.settlement)
        }
    }

    fn expired(event: &'a HoldExpired) -> Self {
        moved(event.decision.into(), "expired", &event.settlement)
    }

    fn refunded(event: &'a CreditRefunded) -> Self {
        Self {
            refund: Some(&event.refund),
            refunded: event.amount,
            balance: Some(event.balance.into()),
            ..plain(event.decision.into(), "refunded")
        }
    }
}

impl From<domain::ids::Position> for DecisionId {
    fn from(position: domain::ids::Position) -> Self {
        Self(position)
    }
}

fn plain<'a>(decision_id: DecisionId, state: &'static str) -> OutcomeView<'a> {
    OutcomeView {
        decision_id,
        state,
        outcome: None,
        refund: None,
        charged: Credits::ZERO,
        released: Credits::ZERO,
        uncollected: Credits::ZERO,
        refunded: Credits::ZERO,
        balance: None,
        at: Instant(domain::time::Timestamp::EPOCH),
    }
}

fn moved<'a>(decision_id: DecisionId, state: &'static str, settlement: &Settlement) -> OutcomeView<'a> {
    OutcomeView {
        charged: settlement.charged(),
        released: settlement.rest.released.total(),
        uncollected: settlement.uncollected,
        ..plain(decision_id, state)
    }
}

fn given_back(refund: &Refunded) -> Credits {
    [&refund.to_debt, &refund.returned, &refund.renewed].into_iter().map(Draws::total).sum()
}
