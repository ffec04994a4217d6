//! What became of a line: one object of the output.

use super::line::Line;
use super::replay::counted;
use super::setup::Owners;
use crate::engine::{Answer, Committed};
use domain::event::{Balance, Event, RequestAdmitted, RequestDenied};
use domain::ids::Name;
use domain::money::Credits;
use domain::policy::{Kind, Policy};
use domain::time::Timestamp;
use serde::Serialize;
use std::borrow::Cow;
use std::net::IpAddr;

/// One object of the output.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub(super) struct Record<'a> {
    /// The line's number, from 1.
    pub(super) n: u64,
    at: String,
    /// Whose request it was: the account, else the address (of IPv6 the prefix that counts).
    pub(super) subject: Cow<'a, str>,
    /// The path without query.
    endpoint: &'a str,
    /// What the caller would have been told.
    pub(super) status: u16,
    /// Absent when admitted.
    pub(super) reason: Option<Cow<'a, str>>,
    /// Seconds; absent when admitted, and where waiting cannot help.
    retry_after: Option<u64>,
    /// Absent where no account is concerned.
    pub(super) charged: Option<Credits>,
    /// Available credit after the request.
    balance: Option<Credits>,
    #[serde(skip)]
    pub(super) fate: Fate<'a>,
}

/// What became of a line, in the words of the summary.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate<'a> {
    Admitted {
        limited: bool,
    },
    /// The gate's name; of one without a name, the kind of answer.
    Refused(&'a str),
    /// The request itself could not be decided, such as one that lacks a priced attribute.
    Invalid,
}

impl<'a> Record<'a> {
    pub(super) fn new(line: &'a Line, committed: &'a Committed, policy: &Policy, owners: &'a Owners) -> Self {
        let unmoved = Self {
            n: line.n,
            at: line.at.to_string(),
            subject: subject(line, policy, owners),
            endpoint: &line.endpoint,
            status: 400,
            reason: None,
            retry_after: None,
            charged: None,
            balance: None,
            fate: Fate::Invalid,
        };
        match &committed.answer {
            Answer::Entry(entry) | Answer::Repeat(entry) => match &entry.event {
                Event::RequestAdmitted(event) => unmoved.admitted(event, policy),
                Event::RequestDenied(event) => unmoved.denied(event, policy, line.at),
                other => Self { reason: Some(other.kind().into()), ..unmoved },
            },
            Answer::Collapsed(denied) => unmoved.denied(denied, policy, line.at),
            Answer::Rejected(rejection) => Self { reason: Some(rejection.to_string().into()), ..unmoved },
        }
    }

    fn admitted(self, event: &RequestAdmitted, policy: &Policy) -> Self {
        let limited = event.limited.is_some();
        let kind = if limited { Kind::Limited } else { Kind::Allowed };
        Self {
            status: status(policy, kind),
            charged: event.balance.map(|_| event.charge.total()),
            balance: available(event.balance),
            fate: Fate::Admitted { limited },
            ..self
        }
    }

    fn denied(self, event: &'a RequestDenied, policy: &Policy, now: Timestamp) -> Self {
        Self {
            status: status(policy, event.kind),
            reason: Some(event.reason.as_ref().into()),
            retry_after: event.retry_at.map(|at| at.since(now).retry_after()),
            charged: event.balance.map(|_| Credits::ZERO),
            balance: available(event.balance),
            fate: Fate::Refused(event.gate.as_ref().map_or(event.kind.name(), Name::as_str)),
            ..self
        }
    }
}

fn available(balance: Option<Balance>) -> Option<Credits> {
    balance.map(|Balance(available, _)| available)
}

/// The status of an answer in the provider's words.
fn status(policy: &Policy, kind: Kind) -> u16 {
    let own = policy.responses.get(&kind).and_then(|wording| wording.status);
    own.unwrap_or(kind.status())
}

fn subject<'a>(line: &'a Line, policy: &Policy, owners: &'a Owners) -> Cow<'a, str> {
    let account = line.key.as_ref().and_then(|key| owners.get(key)).or(line.account.as_ref());
    match (account, line.ip) {
        (Some(account), _) => Cow::Borrowed(account.as_str()),
        (None, Some(ip @ IpAddr::V6(_))) => {
            let prefix = policy.callers.ipv6_prefix;
            format!("{}/{prefix}", counted(ip, prefix.min(128))).into()
        }
        (None, Some(ip)) => ip.to_string().into(),
        (None, None) => Cow::Borrowed(""),
    }
}
