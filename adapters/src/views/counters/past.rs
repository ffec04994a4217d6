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
    let (column, bound) = by(moment);
    let sql = format!("SELECT max(number) AS number FROM policies WHERE {column} <= $1");
    let (rows, reached) = of.ask::<Counters>(&sql, vec![bound]).await?;
    let number = rows.first().map_or(Ok(None), |row| position(row, "number"))?;
    Ok((number.and_then(|number| usize::try_from(number).ok()).unwrap_or(0), reached))
}

/// How a caller stood at a moment; `None` when nothing was known of him.
pub(in crate::views) async fn caller(
    of: &impl Source,
    caller: &Subject,
    moment: Moment,
) -> Result<(Option<Account>, Position), ViewError> {
    let (found, reached) = chunk_at(of, ("callers", "caller", "events"), name(caller), moment).await?;
    let Some(kept) = found else { return Ok((None, reached)) };
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
    let of_counters = ("counters", "counter", "moves");
    let (found, reached) = chunk_at(of, of_counters, counter.to_string(), moment).await?;
    let Some(kept) = found else { return Ok((Tally::default(), reached)) };
    let mut tally: Tally = chunk::read(&kept.state)?;
    let moves = chunk::moves(&kept.bytes)?;
    moves.iter().filter(|step| has_come(step, moment)).for_each(|step| tally.fold(step));
    Ok((tally, reached))
}

/// The last piece of a history whose checkpoint is not after a moment.
async fn chunk_at(
    of: &impl Source,
    (table, key, steps): (&str, &str, &str),
    wanted: String,
    moment: Moment,
) -> Result<(Option<Chunk>, Position), ViewError> {
    let (column, bound) = by(moment);
    let sql = format!(
        "SELECT number, position, at, steps, state, {steps} FROM {table} \
         WHERE {key} = $1 AND {column} <= $2 ORDER BY number DESC LIMIT 1"
    );
    let (rows, reached) = of.ask::<Counters>(&sql, vec![wanted.into(), bound]).await?;
    Ok((rows.first().map(|row| Chunk::read(row, steps)).transpose()?, reached))
}

/// The column that a moment bounds, and its value.
fn by(moment: Moment) -> (&'static str, Value) {
    match moment {
        Moment::After(position) => ("position", position.into()),
        Moment::At(at) => ("at", at.into()),
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
