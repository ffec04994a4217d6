//! The request index.

use super::Model;
use super::session::{Session, Sql, Value};
use domain::event::Entry;
use domain::ids::HashKey;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::requests::{Decided, Step, decided, step};
use projections::views::usage::Ended;

pub(super) struct Requests;

const DECIDED: &str = "INSERT INTO requests \
    (decision, at, stream, actor, request, endpoint, admitted, gate, held, charged, until) ";
const STEP: &str = "INSERT INTO steps (decision, position, at, kind, outcome, charged, refunded) ";

impl Model for Requests {
    const NAME: &'static str = "requests";
    const VERSION: i64 = 1;
    const SCHEMA: Sql = schema!("requests");
    const TABLES: &'static [&'static str] = &["requests", "steps"];

    async fn write<S: Session>(
        to: &mut S,
        entries: &[Entry],
        _: &Origins,
        _: HashKey,
    ) -> Result<(), ViewError> {
        to.insert((DECIDED, ""), entries.iter().filter_map(decided).map(of_decided).collect()).await?;
        to.insert((STEP, ""), entries.iter().filter_map(step).map(|step| of_step(&step)).collect()).await
    }
}

fn of_decided(of: Decided) -> [Value; 11] {
    [
        of.decision.into(),
        of.at.into(),
        of.stream.to_string().into(),
        of.actor.to_string().into(),
        of.request.map(|request| request.to_string()).into(),
        of.endpoint.to_string().into(),
        of.admitted.into(),
        of.gate.map(|gate| gate.to_string()).into(),
        of.held.into(),
        of.charged.into(),
        of.until.into(),
    ]
}

fn of_step(of: &Step) -> [Value; 7] {
    [
        of.decision.into(),
        of.position.into(),
        of.at.into(),
        of.kind.into(),
        of.outcome.map(|outcome| Ended::from(outcome).as_str().to_owned()).into(),
        of.charged.into(),
        of.refunded.into(),
    ]
}
