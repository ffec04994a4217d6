//! Usage by hour, day and month: what each account's keys did at each endpoint, how it ended and what it cost.
//!
//! Rows are flows: an event counts in the periods of its own time. A settlement after the month of its request is
//! counted in the month of the settlement, as late.

use crate::origins::{Origin, Origins, UnknownDecision};
use domain::event::{Entry, Event, Stream};
use domain::ids::Name;
use domain::ledger::Settlement;
use domain::map::Map;
use domain::money::Credits;
use domain::policy::Mode;
use domain::pricing::Outcome;
use domain::time::{Calendar, Period, Timestamp};
use std::sync::Arc;

/// What one row counts. `None` for the account stands for all callers without one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct UsageKey {
    pub account: Option<Name>,
    pub by: Span,
    /// The period `[from, to)`: hours of UTC, days and months of the account's calendar.
    pub from: Timestamp,
    pub to: Timestamp,
    pub mode: Mode,
    pub plan: Option<Name>,
    pub key: Option<Name>,
    pub endpoint: Arc<str>,
    pub ended: Ended,
    /// The gate that refused.
    pub gate: Option<Name>,
}

/// The periods that usage is counted in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Span {
    Hour,
    Day,
    Month,
}

impl Span {
    pub const ALL: [Self; 3] = [Self::Hour, Self::Day, Self::Month];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The period `[from, to)` that holds an instant.
    pub fn around(self, at: Timestamp, calendar: &Calendar) -> (Timestamp, Timestamp) {
        match self {
            Self::Hour => Calendar::default().period(Period::Hour, at),
            Self::Day => calendar.period(Period::Day, at),
            Self::Month => calendar.period(Period::Month, at),
        }
    }
}

/// How far what is counted had come.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Ended {
    /// Admitted, and nothing known of its end yet.
    Open,
    Refused,
    Succeeded,
    ClientError,
    SystemError,
    Cancelled,
    /// Nobody settled in time.
    Expired,
    /// A charge was given back by itself, apart from an outcome.
    Refunded,
}

impl Ended {
    pub const ALL: [Self; 8] = [
        Self::Open,
        Self::Refused,
        Self::Succeeded,
        Self::ClientError,
        Self::SystemError,
        Self::Cancelled,
        Self::Expired,
        Self::Refunded,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Refused => "refused",
            Self::Succeeded => "succeeded",
            Self::ClientError => "client_error",
            Self::SystemError => "system_error",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refunded => "refunded",
        }
    }
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Self::Succeeded,
            Outcome::ClientError => Self::ClientError,
            Outcome::SystemError => Self::SystemError,
            Outcome::Cancelled => Self::Cancelled,
        }
    }
}

/// The figures of a row. Credits of test keys are counted in rows of test mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// Admitted.
    pub requests: u64,
    pub units: u64,
    pub refused: u64,
    /// Settled, or run out, in this period.
    pub settled: u64,
    /// Those of them, and of the refunds, whose request was admitted in an earlier period.
    pub late: u64,
    pub held: Credits,
    pub released: Credits,
    pub charged: Credits,
    pub refunded: Credits,
    pub uncollected: Credits,
}

impl Usage {
    /// Both together.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            units: self.units + other.units,
            refused: self.refused + other.refused,
            settled: self.settled + other.settled,
            late: self.late + other.late,
            held: self.held.plus(other.held),
            released: self.released.plus(other.released),
            charged: self.charged.plus(other.charged),
            refunded: self.refunded.plus(other.refunded),
            uncollected: self.uncollected.plus(other.uncollected),
        }
    }

    fn settlement(settlement: &Settlement) -> Self {
        let rest = &settlement.rest;
        Self {
            released: rest.released.total().plus(rest.expired.total()),
            charged: settlement.charged(),
            uncollected: settlement.uncollected,
            ..Self::default()
        }
    }
}

/// What accounts' days and months follow; one that never said so follows UTC.
pub type Calendars = Map<Name, Calendar>;

/// Accounts whose usage these entries change: their calendars are needed.
pub fn accounts<'a>(entries: &'a [Entry], origins: &'a Origins) -> impl Iterator<Item = &'a Name> {
    entries.iter().filter_map(|entry| match (&entry.stream, crate::origins::decision_of(&entry.event)) {
        (Stream::Account(name), _) => Some(name),
        (_, Some(decision)) => origins.of(decision).ok()?.account.as_ref(),
        _ => None,
    })
}

/// The calendar that an event gives its account.
pub fn calendar(event: &Event) -> Option<&Calendar> {
    if let Event::AccountOpened(event) = event {
        Some(&event.calendar)
    } else if let Event::AccountDetailed(event) = event {
        event.calendar.as_ref()
    } else {
        None
    }
}

/// What entries add to usage, by row; learns calendars on the way.
///
/// # Errors
/// When an event speaks of a decision that the log does not have.
pub fn fold(
    entries: &[Entry],
    origins: &Origins,
    calendars: &mut Calendars,
) -> Result<Map<UsageKey, Usage>, UnknownDecision> {
    let (mut rows, mut periods) = (Map::default(), Periods::default());
    for entry in entries {
        if let (Stream::Account(name), Some(calendar)) = (&entry.stream, calendar(&entry.event))
            && (*calendar != Calendar::default() || calendars.contains_key(name))
        {
            calendars.insert(name.clone(), calendar.clone());
        }
        let Some(Flow { of, ended, gate, usage, origin }) = flow(entry, origins)? else { continue };
        let calendar = of.account.as_ref().and_then(|name| calendars.get(name));
        for by in Span::ALL {
            let (from, to) = periods.around(by, entry.at, calendar);
            let mut usage = usage;
            if origin.is_none_or(|at| at >= from) {
                usage.late = 0;
            }
            let (Origin { account, plan, key, mode, endpoint, .. }, gate) = (of.clone(), gate.clone());
            let row = UsageKey { account, by, from, to, mode, plan, key, endpoint, ended, gate };
            let sum: &mut Usage = rows.entry(row).or_default();
            *sum = sum.plus(&usage);
        }
    }
    Ok(rows)
}

/// The periods of UTC that were asked for last: the next event mostly lies in them, too.
#[derive(Default)]
struct Periods([Option<(Timestamp, Timestamp)>; 3]);

impl Periods {
    fn around(&mut self, by: Span, at: Timestamp, calendar: Option<&Calendar>) -> (Timestamp, Timestamp) {
        let utc = Calendar::default();
        if let Some(calendar) = calendar.filter(|calendar| **calendar != utc) {
            return by.around(at, calendar);
        }
        let last = &mut self.0[by as usize];
        match *last {
            Some((from, to)) if from <= at && at < to => (from, to),
            _ => *last.insert(by.around(at, &utc)),
        }
    }
}

struct Flow {
    of: Origin,
    ended: Ended,
    gate: Option<Name>,
    usage: Usage,
    /// When the request was admitted, of what comes after.
    origin: Option<Timestamp>,
}

fn flow(entry: &Entry, origins: &Origins) -> Result<Option<Flow>, UnknownDecision> {
    let flow = if let Event::RequestAdmitted(event) = &entry.event {
        let usage = Usage {
            requests: 1,
            units: u64::from(event.ask.units).max(event.ask.items.len() as u64),
            held: event.hold.total(),
            charged: event.charge.total(),
            uncollected: event.uncollected,
            ..Usage::default()
        };
        first(entry, &event.ask, event.outcome.map_or(Ended::Open, Ended::from), None, usage)
    } else if let Event::RequestDenied(event) = &entry.event {
        refused(entry, event, 1)
    } else if let Event::DenialsCollapsed(event) = &entry.event {
        refused(entry, &event.first, event.count)
    } else {
        return later(&entry.event, origins);
    };
    Ok(Some(flow))
}

fn refused(entry: &Entry, event: &domain::event::RequestDenied, count: u64) -> Flow {
    let gate = event.gate.clone().or_else(|| event.kind.name().parse().ok());
    first(entry, &event.ask, Ended::Refused, gate, Usage { refused: count, ..Usage::default() })
}

fn first(entry: &Entry, ask: &domain::event::Facts, ended: Ended, gate: Option<Name>, usage: Usage) -> Flow {
    let account = match &entry.stream {
        Stream::Account(name) => Some(name.clone()),
        Stream::Client(_) | Stream::Catalogue | Stream::Book => None,
    };
    let (plan, key, endpoint) = (ask.plan.clone(), ask.key.clone(), ask.endpoint.clone());
    let of = Origin { account, plan, key, mode: ask.mode, endpoint, at: entry.at };
    Flow { of, ended, gate, usage, origin: None }
}

/// What comes after the decision.
fn later(event: &Event, origins: &Origins) -> Result<Option<Flow>, UnknownDecision> {
    let (decision, ended, usage) = if let Event::RequestBegun(event) = event {
        (event.decision, Ended::Open, Usage::settlement(&event.settlement))
    } else if let Event::HoldExpired(event) = event {
        let usage = Usage { settled: 1, late: 1, ..Usage::settlement(&event.settlement) };
        (event.decision, Ended::Expired, usage)
    } else if let Event::RequestSettled(event) = event {
        let moved = event.settlement.as_ref().map(Usage::settlement).unwrap_or_default();
        let refunded = event.refund.as_ref().map_or(Credits::ZERO, |refund| refund.total());
        (event.decision, event.outcome.into(), Usage { settled: 1, late: 1, refunded, ..moved })
    } else if let Event::CreditRefunded(event) = event {
        let usage = Usage { late: 1, refunded: event.amount, ..Usage::default() };
        (event.decision, Ended::Refunded, usage)
    } else {
        return Ok(None);
    };
    let origin = origins.of(decision)?;
    Ok(Some(Flow { of: origin.clone(), ended, gate: None, usage, origin: Some(origin.at) }))
}
