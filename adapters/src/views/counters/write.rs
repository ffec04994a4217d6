//! What entries change in the rows.

use super::chunk::{self, Chunk};
use super::name;
use crate::views::rows::{count, listed, parsed, words};
use crate::views::session::{Found, Session, Sql, Value};
use domain::account::Account;
use domain::event::{Entry, Subject};
use domain::ids::{Digest, Position};
use projections::runner::ViewError;
use projections::views::counters::{Change, Move, Tally, Wanted, World};
use std::collections::{BTreeMap, BTreeSet};

const POLICIES: Sql = Sql {
    sqlite: "SELECT number, policy FROM policies WHERE number IN (SELECT value FROM json_each($1))",
    postgres: "SELECT number, policy FROM policies \
               WHERE number IN (SELECT value::bigint FROM json_array_elements_text($1::json))",
};
const JOBS: Sql = Sql {
    sqlite: "SELECT decision, counter FROM jobs WHERE decision IN (SELECT value FROM json_each($1)) \
             ORDER BY decision, counter",
    postgres: "SELECT decision, counter FROM jobs \
               WHERE decision IN (SELECT value::bigint FROM json_array_elements_text($1::json)) \
               ORDER BY decision, counter",
};
const CLOSED: Sql = Sql {
    sqlite: "DELETE FROM jobs WHERE decision IN (SELECT value FROM json_each($1))",
    postgres: "DELETE FROM jobs \
               WHERE decision IN (SELECT value::bigint FROM json_array_elements_text($1::json))",
};
const CALLERS: Sql = Sql {
    sqlite: "SELECT callers.* FROM json_each($1) AS wanted JOIN callers ON caller = wanted.value \
             AND number = (SELECT max(number) FROM callers AS every WHERE every.caller = wanted.value)",
    postgres: "SELECT callers.* FROM json_array_elements_text($1::json) AS wanted(value) \
               JOIN callers ON caller = wanted.value \
               AND number = (SELECT max(number) FROM callers AS every WHERE every.caller = wanted.value)",
};
const COUNTERS: Sql = Sql {
    sqlite: "SELECT counters.* FROM json_each($1) AS wanted JOIN counters ON counter = wanted.value \
             AND number = (SELECT max(number) FROM counters AS every WHERE every.counter = wanted.value)",
    postgres: "SELECT counters.* FROM json_array_elements_text($1::json) AS wanted(value) \
               JOIN counters ON counter = wanted.value \
               AND number = (SELECT max(number) FROM counters AS every WHERE every.counter = wanted.value)",
};
const PUBLISHED: &str = "INSERT INTO policies (number, position, at, policy) ";
const OPENED: &str = "INSERT INTO jobs (decision, counter) ";
const KEPT_CALLERS: (&str, &str) = (
    "INSERT INTO callers (caller, number, position, at, steps, state, events, latest) ",
    " ON CONFLICT (caller, number) DO UPDATE \
     SET steps = excluded.steps, events = excluded.events, latest = excluded.latest",
);
const KEPT_COUNTERS: (&str, &str) = (
    "INSERT INTO counters (counter, number, position, at, steps, state, moves) ",
    " ON CONFLICT (counter, number) DO UPDATE SET steps = excluded.steps, moves = excluded.moves",
);

/// What a step leaves to be written.
#[derive(Default)]
pub(super) struct Changes {
    policies: Vec<[Value; 4]>,
    /// Each with the state after it.
    callers: BTreeMap<Subject, Vec<(Chunk, Vec<u8>)>>,
    told: BTreeSet<Subject>,
    moves: BTreeMap<Digest, Vec<Move>>,
    opened: BTreeMap<Position, Vec<Digest>>,
    closed: Vec<Position>,
}

/// Looks up the policies that entries name.
pub(super) async fn learn_policies<S: Session>(
    of: &mut S,
    wanted: &Wanted,
    world: &mut World,
) -> Result<(), ViewError> {
    if wanted.policies.is_empty() {
        return Ok(());
    }
    for row in of.fetch(S::pick(&POLICIES), vec![listed(&wanted.policies)?.into()]).await? {
        let number = u32::try_from(count(&row, "number")?).unwrap_or(u32::MAX);
        let policy = serde_json::from_str(words(&row, "policy")?);
        world.learn_policy(number, policy.map_err(|error| ViewError::Rows(Box::new(error)))?);
    }
    Ok(())
}

/// Looks up the counters of jobs that may end.
pub(super) async fn learn_jobs<S: Session>(
    of: &mut S,
    wanted: &Wanted,
    world: &mut World,
) -> Result<(), ViewError> {
    if wanted.decisions.is_empty() {
        return Ok(());
    }
    for row in of.fetch(S::pick(&JOBS), vec![listed(&wanted.decisions)?.into()]).await? {
        world.learn_jobs(count(&row, "decision")?, parsed(&row, "counter")?);
    }
    Ok(())
}

impl Changes {
    /// Looks up how callers stand.
    pub(super) async fn learn_callers<S: Session>(
        &mut self,
        of: &mut S,
        callers: &BTreeSet<Subject>,
        world: &mut World,
    ) -> Result<(), ViewError> {
        if callers.is_empty() {
            return Ok(());
        }
        let names: BTreeMap<String, &Subject> = callers.iter().map(|caller| (name(caller), caller)).collect();
        let listed = listed(&names.keys().collect::<Vec<_>>())?;
        for row in of.fetch(S::pick(&CALLERS), vec![listed.into()]).await? {
            let Some(caller) = names.get(words(&row, "caller")?) else { continue };
            let latest = row.bytes("latest")?;
            world.learn_caller((*caller).clone(), chunk::read(latest)?);
            self.callers.insert((*caller).clone(), vec![(Chunk::read(&row, "events")?, latest.to_vec())]);
        }
        Ok(())
    }

    /// Notes what an entry changed.
    pub(super) fn note(&mut self, entry: &Entry, change: Change<'_>, world: &World) -> Result<(), ViewError> {
        let (position, at) = (entry.position, entry.at);
        match change {
            Change::Moved(counter, act) => {
                self.moves.entry(counter).or_default().push(Move { position, at, act });
            }
            Change::Told(caller) => self.tell(entry, caller, world)?,
            Change::Published(event) => {
                let policy = serde_json::to_string(&event.policy);
                let policy = policy.map_err(|error| ViewError::Rows(Box::new(error)))?;
                let number = u64::from(event.number);
                self.policies.push([number.into(), position.into(), at.into(), policy.into()]);
            }
            Change::Opened(counters) => drop(self.opened.insert(position, counters)),
            Change::Closed(decision) => {
                if self.opened.remove(&decision).is_none() {
                    self.closed.push(decision);
                }
            }
        }
        Ok(())
    }

    fn tell(&mut self, entry: &Entry, caller: Subject, world: &World) -> Result<(), ViewError> {
        let state =
            world.caller(&caller).map_or_else(|| chunk::written(&Account::default()), chunk::written)?;
        let chunks = self.callers.entry(caller.clone()).or_insert_with(|| vec![Default::default()]);
        if let Some((last, latest)) = chunks.last_mut() {
            chunk::add_event(&mut last.bytes, entry)?;
            last.steps += 1;
            latest.clone_from(&state);
            if last.is_full() {
                let next = last.next(state.clone(), (entry.position, entry.at));
                chunks.push((next, state));
            }
        }
        self.told.insert(caller);
        Ok(())
    }

    pub(super) async fn write<S: Session>(self, to: &mut S) -> Result<(), ViewError> {
        to.insert((PUBLISHED, ""), self.policies).await?;
        let told = self.callers.into_iter().filter(|(caller, _)| self.told.contains(caller));
        let rows = told.flat_map(|(caller, chunks)| {
            let caller = name(&caller);
            chunks.into_iter().map(move |(chunk, latest)| of_caller(&caller, chunk, latest))
        });
        to.insert(KEPT_CALLERS, rows).await?;
        count_moves(to, self.moves).await?;
        let opened = self.opened.into_iter();
        let opened =
            opened.flat_map(|(decision, counters)| counters.into_iter().map(move |of| (decision, of)));
        let rows = opened.map(|(decision, counter)| [decision.into(), counter.to_string().into()]);
        to.insert((OPENED, ""), rows).await?;
        if self.closed.is_empty() {
            return Ok(());
        }
        to.execute(S::pick(&CLOSED), vec![listed(&self.closed)?.into()]).await
    }
}

/// Adds moves to those of their counters.
async fn count_moves<S: Session>(to: &mut S, moves: BTreeMap<Digest, Vec<Move>>) -> Result<(), ViewError> {
    if moves.is_empty() {
        return Ok(());
    }
    let mut known = BTreeMap::new();
    let counters: Vec<_> = moves.keys().collect();
    for row in to.fetch(S::pick(&COUNTERS), vec![listed(&counters)?.into()]).await? {
        known.insert(parsed::<Digest>(&row, "counter")?, Chunk::read(&row, "moves")?);
    }
    let mut rows = Vec::with_capacity(moves.len());
    for (counter, moves) in moves {
        let mut chunk = known.remove(&counter).unwrap_or_default();
        for step in &moves {
            chunk::add_move(&mut chunk.bytes, step)?;
            chunk.steps += 1;
            if chunk.is_full() {
                let next = chunk.next(chunk::written(&tally(&chunk)?)?, (step.position, step.at));
                rows.push(of_counter(counter, std::mem::replace(&mut chunk, next)));
            }
        }
        rows.push(of_counter(counter, chunk));
    }
    to.insert(KEPT_COUNTERS, rows).await
}

/// What a counter comes to after all moves of a chunk.
fn tally(chunk: &Chunk) -> Result<Tally, ViewError> {
    let mut tally: Tally = chunk::read(&chunk.state)?;
    chunk::moves(&chunk.bytes)?.iter().for_each(|step| tally.fold(step));
    Ok(tally)
}

fn of_counter(counter: Digest, of: Chunk) -> [Value; 7] {
    [
        counter.to_string().into(),
        of.number.into(),
        of.position.into(),
        of.at.into(),
        of.steps.into(),
        of.state.into(),
        of.bytes.into(),
    ]
}

fn of_caller(caller: &str, of: Chunk, latest: Vec<u8>) -> [Value; 8] {
    [
        caller.into(),
        of.number.into(),
        of.position.into(),
        of.at.into(),
        of.steps.into(),
        of.state.into(),
        of.bytes.into(),
        latest.into(),
    ]
}
