//! Open holds: decisions that wait for their outcome, and what is reserved for each.

use domain::event::{Entry, Event, Stream};
use domain::ids::{Name, Position};
use domain::money::Credits;
use domain::policy::Mode;
use domain::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An open decision.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    pub decision: Position,
    pub stream: Stream,
    pub mode: Mode,
    pub endpoint: Arc<str>,
    /// The key that asked; none where the gateway named the account.
    pub key: Option<Name>,
    pub at: Timestamp,
    pub until: Timestamp,
    pub held: Credits,
}

/// What becomes of a decision's row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    Opened(Hold),
    /// Its hold was charged when the job began; it is open still.
    Begun,
    Closed,
}

/// What entries change, one change a decision: that of a decision which opened and closed among them is nothing but
/// its end.
pub fn fold(entries: &[Entry]) -> BTreeMap<Position, Change> {
    let mut changes = BTreeMap::new();
    for entry in entries {
        if let Event::RequestAdmitted(event) = &entry.event
            && let Some(until) = event.until
        {
            let (stream, ask) = (entry.stream.clone(), &event.ask);
            let (endpoint, key) = (ask.endpoint.clone(), ask.key.clone());
            let (decision, mode, held) = (entry.position, ask.mode, event.hold.total());
            let hold = Hold { decision, stream, mode, endpoint, key, at: entry.at, until, held };
            changes.insert(decision, Change::Opened(hold));
        } else if let Event::RequestBegun(event) = &entry.event {
            begin(changes.entry(event.decision).or_insert(Change::Begun));
        } else if let Event::RequestSettled(event) = &entry.event {
            changes.insert(event.decision, Change::Closed);
        } else if let Event::HoldExpired(event) = &entry.event {
            changes.insert(event.decision, Change::Closed);
        }
    }
    changes
}

fn begin(change: &mut Change) {
    if let Change::Opened(hold) = change {
        hold.held = Credits::ZERO;
    }
}
