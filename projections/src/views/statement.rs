//! The account statement: each movement of live credit, its cause, and the running balance after it.
//!
//! A line is the sum of the event's postings, so the statement and the journal cannot differ. Credit here is all that
//! the account owns, less its debt: lots that take effect later are in it, which `available` leaves out until then.

use crate::origins::{Origins, UnknownDecision, decision_of};
use crate::postings::{LedgerAccount, Leg, Modes, legs};
use domain::event::{Entry, Stream};
use domain::ids::{Name, Position};
use domain::map::Map;
use domain::money::Credits;
use domain::policy::Mode;
use domain::time::Timestamp;
use std::sync::Arc;

/// One movement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub account: Name,
    pub position: Position,
    pub at: Timestamp,
    /// The event's type.
    pub cause: &'static str,
    /// The decision that it belongs to.
    pub decision: Option<Position>,
    pub actor: Arc<str>,
    pub request: Option<Arc<str>>,
    /// What came to the credit that nobody has reserved, or went.
    pub credit: Credits,
    /// What came to the holds, or went.
    pub held: Credits,
    /// What was charged; part of it may be debt.
    pub charged: Credits,
    pub refunded: Credits,
    pub uncollected: Credits,
    pub after: Standing,
}

/// How an account stands after an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    pub credit: Credits,
    pub held: Credits,
    /// All that was ever charged, and given back: the difference between two instants is what moved between them.
    pub charged: Credits,
    pub refunded: Credits,
}

/// The lines of these entries. `standings` holds where the accounts among them stood before, and stands after.
///
/// # Errors
/// When an event speaks of a decision that the log does not have.
pub fn fold(
    entries: &[Entry],
    origins: &Origins,
    standings: &mut Map<Name, Standing>,
) -> Result<Vec<Line>, UnknownDecision> {
    let mut lines = Vec::new();
    for entry in entries {
        let Stream::Account(account) = &entry.stream else { continue };
        let legs = legs(&entry.event, &mode(entry, origins)?);
        if legs.is_empty() {
            continue;
        }
        let standing = standings.entry(account.clone()).or_default();
        lines.push(line(entry, account, &legs, standing));
    }
    Ok(lines)
}

/// The mode of the decision that an event goes on with, as the journal wants to know it.
fn mode(entry: &Entry, origins: &Origins) -> Result<Modes, UnknownDecision> {
    match decision_of(&entry.event) {
        Some(decision) if origins.of(decision)?.mode == Mode::Test => Ok(Modes::with_test(decision)),
        Some(_) | None => Ok(Modes::default()),
    }
}

fn line(entry: &Entry, account: &Name, legs: &[Leg], standing: &mut Standing) -> Line {
    let sum = |of: &[LedgerAccount]| {
        legs.iter().filter(|leg| of.contains(&leg.account)).map(|leg| leg.amount).sum::<Credits>()
    };
    let credit = sum(&[LedgerAccount::CustomerCredit, LedgerAccount::Overdraft]);
    let held = sum(&[LedgerAccount::Held]);
    let uncollected = Credits::ZERO.minus(sum(&[LedgerAccount::Uncollected]));
    let charged = sum(&[LedgerAccount::Revenue, LedgerAccount::Promotion]).minus(uncollected);
    let refunded = Credits::ZERO.minus(sum(&[LedgerAccount::Refunds]));
    *standing = Standing {
        credit: standing.credit.plus(credit),
        held: standing.held.plus(held),
        charged: standing.charged.plus(charged),
        refunded: standing.refunded.plus(refunded),
    };
    let of_request =
        matches!(&entry.event, domain::event::Event::RequestAdmitted(_)).then_some(entry.position);
    Line {
        account: account.clone(),
        position: entry.position,
        at: entry.at,
        cause: entry.event.kind(),
        decision: decision_of(&entry.event).or(of_request),
        actor: entry.actor.clone(),
        request: entry.request.as_ref().map(|tag| tag.id.clone()),
        credit,
        held,
        charged,
        refunded,
        uncollected,
        after: *standing,
    }
}
