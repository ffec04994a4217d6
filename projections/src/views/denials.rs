//! Refusals and bans by subject.

use domain::event::{BanLifted, BanStarted, Entry, Event, RequestDenied, Stream};
use domain::ids::{Digest, Name, Position};
use domain::time::Timestamp;
use std::sync::Arc;

/// A refusal, or those of a minute that were recorded as one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Denial {
    pub position: Position,
    pub at: Timestamp,
    pub stream: Stream,
    pub key: Option<Name>,
    pub ip: Option<Digest>,
    pub endpoint: Arc<str>,
    /// The kind of gate.
    pub kind: &'static str,
    /// The gate's name.
    pub gate: Option<Name>,
    pub count: Option<u64>,
    pub limit: Option<u64>,
    pub retry_at: Option<Timestamp>,
    /// How many refusals this stands for.
    pub times: u64,
}

/// What entries say of bans, in their order.
#[derive(Clone, PartialEq, Debug)]
pub enum BanChange<'a> {
    Started(Position, Timestamp, &'a BanStarted),
    Lifted(Position, &'a BanLifted),
}

/// The refusal that an entry is.
pub fn denial(entry: &Entry) -> Option<Denial> {
    if let Event::RequestDenied(event) = &entry.event {
        Some(of(entry, event, 1))
    } else if let Event::DenialsCollapsed(event) = &entry.event {
        Some(of(entry, &event.first, event.count))
    } else {
        None
    }
}

fn of(entry: &Entry, event: &RequestDenied, times: u64) -> Denial {
    Denial {
        position: entry.position,
        at: entry.at,
        stream: entry.stream.clone(),
        key: event.ask.key.clone(),
        ip: event.ask.ip,
        endpoint: event.ask.endpoint.clone(),
        kind: event.kind.name(),
        gate: event.gate.clone(),
        count: event.count,
        limit: event.limit,
        retry_at: event.retry_at,
        times,
    }
}

/// What an entry says of a ban.
pub fn ban(entry: &Entry) -> Option<BanChange<'_>> {
    if let Event::BanStarted(event) = &entry.event {
        Some(BanChange::Started(entry.position, entry.at, event))
    } else if let Event::BanLifted(event) = &entry.event {
        Some(BanChange::Lifted(entry.position, event))
    } else {
        None
    }
}
