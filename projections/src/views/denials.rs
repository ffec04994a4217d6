//! Refusals and bans by subject.

use domain::event::{BanLifted, BanStarted, Entry, Event, RequestDenied, Stream};
use domain::ids::{Digest, Name, Position};
use domain::policy::{Dimension, Kind};
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
    pub kind: Kind,
    /// Number of the policy that it was refused under: the one that words it.
    pub policy: u32,
    pub reason: Arc<str>,
    /// The gate's name.
    pub gate: Option<Name>,
    pub count: Option<u64>,
    pub limit: Option<u64>,
    pub retry_at: Option<Timestamp>,
    /// How many refusals this stands for.
    pub times: u64,
    /// When the minute began whose refusals were recorded as one; none for a refusal that is an event itself.
    pub since: Option<Timestamp>,
}

/// A ban, and whether an operator lifted it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ban {
    pub position: Position,
    pub at: Timestamp,
    /// The hash of the values of `by`.
    pub subject: Digest,
    pub by: Vec<Dimension>,
    pub name: Name,
    /// For good unless given.
    pub until: Option<Timestamp>,
    pub reason: String,
    pub lifted: Option<Lifted>,
}

/// How a ban ended before its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifted {
    pub position: Position,
    pub at: Timestamp,
}

/// What entries say of bans, in their order.
#[derive(Clone, PartialEq, Debug)]
pub enum BanChange<'a> {
    Started(Position, Timestamp, &'a BanStarted),
    Lifted(Lifted, &'a BanLifted),
}

/// The refusal that an entry is.
pub fn denial(entry: &Entry) -> Option<Denial> {
    if let Event::RequestDenied(event) = &entry.event {
        Some(of(entry, event, (1, None)))
    } else if let Event::DenialsCollapsed(event) = &entry.event {
        Some(of(entry, &event.first, (event.count, Some(event.from))))
    } else {
        None
    }
}

fn of(entry: &Entry, event: &RequestDenied, (times, since): (u64, Option<Timestamp>)) -> Denial {
    Denial {
        position: entry.position,
        at: entry.at,
        stream: entry.stream.clone(),
        key: event.ask.key.clone(),
        ip: event.ask.ip,
        endpoint: event.ask.endpoint.clone(),
        kind: event.kind,
        policy: event.under.policy(),
        reason: event.reason.clone(),
        gate: event.gate.clone(),
        count: event.count,
        limit: event.limit,
        retry_at: event.retry_at,
        times,
        since,
    }
}

/// What an entry says of a ban.
pub fn ban(entry: &Entry) -> Option<BanChange<'_>> {
    if let Event::BanStarted(event) = &entry.event {
        Some(BanChange::Started(entry.position, entry.at, event))
    } else if let Event::BanLifted(event) = &entry.event {
        Some(BanChange::Lifted(Lifted { position: entry.position, at: entry.at }, event))
    } else {
        None
    }
}
