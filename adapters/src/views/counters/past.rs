//! Reading how callers and counters stood at a past moment.

use super::chunk::{self, Chunk};
use super::{Counters, name};
use crate::views::read::Source;
use crate::views::rows::position;
use crate::views::session::Value;
use domain::account::Account;
use domain::event::{Entry, Subject};
use domain::ids::{Digest, Position};
use domain::time::Timestamp;
use projections::read::Moment;
use projections::runner::ViewError;
use projections::views::counters::{Move, Tally};

/// How many policies had been published by a moment.
pub(in crate::views) async fn published(
    of: &impl Source,
    moment: Moment,
) -> Result<(usize, Position), ViewError> {
    let sql = match moment {
        Moment::After(_) => "SELECT max(number) AS number FROM policies WHERE position <= $1",
        Moment::At(_) => "SELECT max(number) AS number FROM policies WHERE at <= $1",
    };
    let (rows, reached) = of.ask::<Counters>(sql, vec![bound(moment)]).await?;
    let number = rows.first().map_or(Ok(None), |row| position(row, "number"))?;
    Ok((number.and_then(|number| usize::try_from(number).ok()).unwrap_or(0), reached))
}

/// How a caller stood at a moment; `None` when nothing was known of him.
pub(in crate::views) async fn caller(
    of: &impl Source,
    caller: &Subject,
    moment: Moment,
) -> Result<(Option<Account>, Position), ViewError> {
    let sql = match moment {
        Moment::After(_) => {
            "SELECT number, position, at, steps, state, events FROM callers \
             WHERE caller = $1 AND position <= $2 ORDER BY number DESC LIMIT 1"
        }
        Moment::At(_) => {
            "SELECT number, position, at, steps, state, events FROM callers \
             WHERE caller = $1 AND at <= $2 ORDER BY number DESC LIMIT 1"
        }
    };
    let (rows, reached) = of.ask::<Counters>(sql, vec![name(caller).into(), bound(moment)]).await?;
    let Some(row) = rows.first() else { return Ok((None, reached)) };
    let kept = Chunk::read(row, "events")?;
    let mut state: Account = chunk::read(&kept.state)?;
    let mut known = !kept.state.is_empty();
    for entry in chunk::events(&kept.bytes)?.iter().filter(|entry| is_of(entry, moment)) {
        state.apply(entry).map_err(|error| ViewError::Rows(Box::new(error)))?;
        known = true;
    }
    Ok((known.then_some(state), reached))
}

/// What a counter came to at a moment.
pub(in crate::views) async fn tally(
    of: &impl Source,
    counter: Digest,
    moment: Moment,
) -> Result<(Tally, Position), ViewError> {
    let sql = match moment {
        Moment::After(_) => {
            "SELECT number, position, at, steps, state, moves FROM counters \
             WHERE counter = $1 AND position <= $2 ORDER BY number DESC LIMIT 1"
        }
        Moment::At(_) => {
            "SELECT number, position, at, steps, state, moves FROM counters \
             WHERE counter = $1 AND at <= $2 ORDER BY number DESC LIMIT 1"
        }
    };
    let (rows, reached) = of.ask::<Counters>(sql, vec![counter.to_string().into(), bound(moment)]).await?;
    let Some(row) = rows.first() else { return Ok((Tally::default(), reached)) };
    let kept = Chunk::read(row, "moves")?;
    let mut tally: Tally = chunk::read(&kept.state)?;
    let moves = chunk::moves(&kept.bytes)?;
    moves.iter().filter(|step| has_come(step, moment)).for_each(|step| tally.fold(step));
    Ok((tally, reached))
}

fn bound(moment: Moment) -> Value {
    match moment {
        Moment::After(position) => position.into(),
        Moment::At(at) => at.into(),
    }
}

fn has_come(step: &Move, moment: Moment) -> bool {
    comes((step.position, step.at), moment)
}

fn is_of(entry: &Entry, moment: Moment) -> bool {
    comes((entry.position, entry.at), moment)
}

fn comes((position, at): (Position, Timestamp), moment: Moment) -> bool {
    match moment {
        Moment::After(last) => position <= last,
        Moment::At(last) => at <= last,
    }
}
