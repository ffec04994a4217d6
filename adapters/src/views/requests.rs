//! The request index.

use super::file::Model;
use super::rows::{figure, insert};
use async_trait::async_trait;
use domain::event::Entry;
use domain::time::Timestamp;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::requests::{Decided, Step, decided, step};
use projections::views::usage::Ended;
use sqlx::Sqlite;
use sqlx::query_builder::Separated;
use sqlx::sqlite::SqliteConnection;

pub(super) struct Requests;

const DECIDED: &str = "INSERT INTO requests \
    (decision, at, stream, actor, request, endpoint, admitted, gate, held, charged, until) ";
const STEP: &str = "INSERT INTO steps (decision, position, at, kind, outcome, charged, refunded) ";

#[async_trait]
impl Model for Requests {
    const NAME: &'static str = "requests";
    const VERSION: i64 = 1;
    const SCHEMA: &'static str = include_str!("../../../migrations/views/sqlite/requests.sql");
    const TABLES: &'static [&'static str] = &["requests", "steps"];

    async fn write(to: &mut SqliteConnection, entries: &[Entry], _: &Origins) -> Result<(), ViewError> {
        insert(to, (DECIDED, ""), entries.iter().filter_map(decided), bind_decided).await?;
        let steps: Vec<_> = entries.iter().filter_map(step).collect();
        insert(to, (STEP, ""), &steps, bind_step).await
    }
}

fn bind_decided(row: &mut Separated<'_, Sqlite, &'static str>, of: Decided) {
    row.push_bind(figure(of.decision)).push_bind(of.at.micros()).push_bind(of.stream.to_string());
    row.push_bind(of.actor.to_string()).push_bind(of.request.map(|request| request.to_string()));
    row.push_bind(of.endpoint.to_string()).push_bind(of.admitted);
    row.push_bind(of.gate.map(|gate| gate.to_string()));
    row.push_bind(of.held.to_string()).push_bind(of.charged.to_string());
    row.push_bind(of.until.map(Timestamp::micros));
}

fn bind_step(row: &mut Separated<'_, Sqlite, &'static str>, of: &Step) {
    row.push_bind(figure(of.decision)).push_bind(figure(of.position)).push_bind(of.at.micros());
    row.push_bind(of.kind).push_bind(of.outcome.map(|outcome| Ended::from(outcome).as_str()));
    row.push_bind(of.charged.to_string()).push_bind(of.refunded.to_string());
}
