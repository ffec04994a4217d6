//! The request index.

use super::Model;
use super::rows::{count, credits, event_type, instant, named, parsed, perhaps, perhaps_at, position, words};
use super::session::{Found, Session, Sql, Value};
use domain::event::Entry;
use domain::ids::{HashKey, Position};
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::requests::{Decided, Step, Traced, decided, step};
use projections::views::usage::Ended;

pub(super) struct Requests;

const DECIDED: &str = "INSERT INTO requests \
    (decision, at, stream, actor, request, endpoint, admitted, refused, gate, held, charged, until) ";
const STEP: &str = "INSERT INTO steps (decision, position, at, kind, outcome, charged, released, refunded) ";

impl Model for Requests {
    const NAME: &'static str = "requests";
    const VERSION: i64 = 2;
    const SCHEMA: Sql = schema!("requests");
    const TABLES: &'static [&'static str] = &["requests", "steps"];

    type Memory = ();

    async fn write<S: Session>(
        to: &mut S,
        entries: &[Entry],
        _: &Origins,
        _: HashKey,
        (): &mut (),
    ) -> Result<(), ViewError> {
        to.insert((DECIDED, ""), entries.iter().filter_map(decided).map(of_decided)).await?;
        to.insert((STEP, ""), entries.iter().filter_map(step).map(|step| of_step(&step))).await
    }
}

fn of_decided(of: Decided) -> [Value; 12] {
    [
        of.decision.into(),
        of.at.into(),
        of.stream.to_string().into(),
        of.actor.to_string().into(),
        of.request.map(|request| request.to_string()).into(),
        of.endpoint.to_string().into(),
        of.admitted.into(),
        of.refused.map(|kind| kind.name().to_owned()).into(),
        of.gate.map(|gate| gate.to_string()).into(),
        of.held.into(),
        of.charged.into(),
        of.until.into(),
    ]
}

fn of_step(of: &Step) -> [Value; 8] {
    [
        of.decision.into(),
        of.position.into(),
        of.at.into(),
        of.kind.into(),
        of.outcome.map(|outcome| Ended::from(outcome).as_str().to_owned()).into(),
        of.charged.into(),
        of.released.into(),
        of.refunded.into(),
    ]
}

/// Decisions with what came after them, from rows of a decision and a step each, in their order.
pub(super) fn traced(rows: &[impl Found]) -> Result<Vec<Traced>, ViewError> {
    let mut found: Vec<Traced> = Vec::new();
    for row in rows {
        let decision = count(row, "decision")?;
        if found.last().is_none_or(|last| last.decided.decision != decision) {
            found.push(Traced { decided: read_decided(row)?, steps: Vec::new() });
        }
        if let Some((last, place)) = found.last_mut().zip(position(row, "step")?) {
            last.steps.push(read_step(row, decision, place)?);
        }
    }
    Ok(found)
}

fn read_decided(row: &impl Found) -> Result<Decided, ViewError> {
    Ok(Decided {
        decision: count(row, "decision")?,
        at: instant(row, "at")?,
        stream: parsed(row, "stream")?,
        actor: words(row, "actor")?.into(),
        request: row.text("request")?.map(Into::into),
        endpoint: words(row, "endpoint")?.into(),
        admitted: row.flag("admitted")?,
        refused: named(row, "refused")?,
        gate: perhaps(row, "gate")?,
        held: credits(row, "held")?,
        charged: credits(row, "charged")?,
        until: perhaps_at(row, "until")?,
    })
}

fn read_step(row: &impl Found, decision: Position, position: Position) -> Result<Step, ViewError> {
    Ok(Step {
        position,
        decision,
        at: instant(row, "step_at")?,
        kind: event_type(row, "step_kind")?,
        outcome: named(row, "outcome")?,
        charged: credits(row, "step_charged")?,
        released: credits(row, "released")?,
        refunded: credits(row, "refunded")?,
    })
}
