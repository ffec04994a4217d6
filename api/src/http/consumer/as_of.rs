//! Credit at a past moment, exactly: a checkpoint near by, and the account's own events from there.

use super::balance::Credit;
use crate::http::error::Problem;
use crate::http::view::Instant;
use crate::http::{App, text};
use domain::event::{Entry, Stream};
use domain::ids::{Name, Position};
use domain::policy::Mode;
use domain::rejection::Rejection;
use domain::time::Timestamp;
use projections::origins::Origins;
use projections::read::{Moment, Near, PlacesWanted};
use projections::views::balances::{Ledgers, due};

/// Events that are read after a checkpoint at once: all up to the next one, and as many that were written down late.
const AHEAD: usize = 128;

/// A past moment as it was asked for: an RFC 3339 instant, or a position.
pub(super) fn moment(text: &str) -> Result<Moment, Problem> {
    if let Ok(position) = text.parse::<Position>() {
        return Ok(Moment::After(position));
    }
    let at = text::time("as_of", Some(text));
    at.ok().flatten().map(Moment::At).ok_or_else(|| {
        Problem::invalid(
            "as_of",
            "must be a position of the log, or an RFC 3339 time such as 2026-01-31T12:00:00Z",
        )
    })
}

/// The credit of an account at a moment that is past. What was due by then counts as happened.
pub(super) async fn credit(app: &App, account: Name, moment: Moment) -> Result<Credit, Problem> {
    let (name, known) = (account.clone(), account.clone());
    // With the account's dues settled, whatever was due by now is in the log.
    let now =
        app.engine.read(Some(account.clone()), move |book, now| book.account(name.as_str()).map(|_| now));
    let now = now.await?.ok_or(Rejection::UnknownAccount(known))?;
    let at = when(app, moment, now).await?;
    let near = app.following.fresh().await.near(&account, moment, AHEAD).await?;
    let position = near.position;
    let ledgers = fold(app, near, (moment, at), &account).await?;
    Ok(Credit::at(account, ledgers.of(Mode::Live), ledgers.of(Mode::Test), (Instant(at), position)))
}

/// The instant of a moment that is past by `now`.
pub(super) async fn when(app: &App, moment: Moment, now: Timestamp) -> Result<Timestamp, Problem> {
    match moment {
        Moment::At(at) if at > now => Err(Problem::invalid("as_of", "must not lie in the future")),
        Moment::At(at) => Ok(at),
        Moment::After(position) => {
            let beyond = || Problem::invalid("as_of", "must be a position that the log has");
            Ok(app.engine.entry(position).await?.ok_or_else(beyond)?.at)
        }
    }
}

async fn fold(
    app: &App,
    near: Near,
    (moment, at): (Moment, Timestamp),
    account: &Name,
) -> Result<Ledgers, Problem> {
    let Near { mut ledgers, mut next, .. } = near;
    let mut origins = Origins::new(AHEAD);
    while let Some(&last) = next.last() {
        for position in next.drain(..) {
            let Some(entry) = app.engine.entry(position).await? else { return Ok(ledgers) };
            if !has_happened(&entry, moment, at) {
                return Ok(ledgers);
            }
            learn(app, &mut origins, &entry).await?;
            ledgers.fold(&entry, &origins).map_err(projections::runner::ViewError::from)?;
        }
        // More dues were written down late than are read ahead: a long way, but not a wrong one.
        next = later(app, account, last).await?;
    }
    Ok(ledgers)
}

/// The positions of the next events of the account's stream.
async fn later(app: &App, account: &Name, after: Position) -> Result<Vec<Position>, Problem> {
    let streams = vec![Stream::Account(account.clone())];
    let wanted = PlacesWanted { streams, after, limit: AHEAD, ..PlacesWanted::default() };
    Ok(app.following.fresh().await.places(&wanted).await?.rows)
}

/// Whether an event belongs to a moment: it was recorded by then, or only recorded later that it was due by then.
fn has_happened(entry: &Entry, moment: Moment, at: Timestamp) -> bool {
    let recorded = match moment {
        Moment::After(position) => entry.position <= position,
        Moment::At(at) => entry.at <= at,
    };
    recorded || due(&entry.event).is_some_and(|due| due <= at)
}

/// Learns of the decision that an event goes on with.
async fn learn(app: &App, origins: &mut Origins, entry: &Entry) -> Result<(), Problem> {
    origins.learn(std::slice::from_ref(entry));
    for decision in origins.missing(std::slice::from_ref(entry)) {
        origins.learn(app.engine.entry(decision).await?.as_slice());
    }
    Ok(())
}
