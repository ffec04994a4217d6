//! `GET /metrics`: the figures of the engine and of the read models, as Prometheus reads them.

use super::App;
use super::auth::Operator;
use super::read::{Nothing, Query};
use crate::engine::{Health, State as EngineState};
use crate::following::Standing;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use domain::ids::Position;
use std::fmt::{Display, Write};
use std::sync::Arc;

/// The text format, <https://prometheus.io/docs/instrumenting/exposition_formats/>.
const FORMAT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// The figures of the engine and of the read models, for Prometheus, which sends an operator's token.
#[utoipa::path(
    get, path = "/metrics", tag = "operators", security(("operator" = [])),
    responses((status = 200, description = "Prometheus text format", body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    Operator(_): Operator,
    _: Query<Nothing>,
) -> Response {
    let (mut page, health) = (Page::default(), app.engine.health());
    engine(&mut page, &health);
    read_models(&mut page, &app.following.standing(), health.head);
    let mut response = Response::new(Body::from(page.0));
    response.headers_mut().insert(CONTENT_TYPE, FORMAT);
    response
}

fn engine(page: &mut Page, of: &Health) {
    page.gauge("ready", "Whether decisions are made.", &u8::from(of.state == EngineState::Running));
    page.gauge("head_position", "The last durable event.", &of.head);
    page.gauge("queue_depth", "Commands and reads that wait for the engine.", &of.queue_depth);
    page.counter("commits_total", "Appends since the start.", &of.commits);
    page.counter("committed_events_total", "Events in these appends.", &of.events);
    page.counter("commit_seconds_total", "How long they took together.", &seconds(of.commit_micros));
    page.gauge("last_commit_seconds", "How long the last append took.", &seconds(of.last_commit_micros));
    page.gauge("snapshot_position", "The last event that a snapshot holds.", &of.snapshot);
    page.gauge("collapsed_refusals", "Refusals that are counted and not yet recorded.", &of.collapsed);
    if let Some(span) = of.id_retention {
        let age = seconds(span.micros().unsigned_abs());
        page.gauge("id_retention_seconds", "How far back a request id is remembered.", &age);
    }
    if let Some(lag) = of.lag {
        let lag = seconds(u64::try_from(lag.as_micros()).unwrap_or(u64::MAX));
        page.gauge("standby_lag_seconds", "How long ago this standby had folded all of the log.", &lag);
    }
}

fn read_models(page: &mut Page, of: &Standing, head: Position) {
    let behind = head.saturating_sub(of.position);
    page.gauge("views_position", "The last event that is in all read models.", &of.position);
    page.gauge("views_behind_events", "Durable events that are not in the read models yet.", &behind);
    page.gauge("views_follow", "Whether the read models follow the log.", &u8::from(of.stopped.is_none()));
}

/// The text as it grows.
#[derive(Default)]
struct Page(String);

impl Page {
    fn gauge(&mut self, name: &str, help: &str, value: &dyn Display) {
        self.add("gauge", name, help, value);
    }

    fn counter(&mut self, name: &str, help: &str, value: &dyn Display) {
        self.add("counter", name, help, value);
    }

    fn add(&mut self, kind: &str, name: &str, help: &str, value: &dyn Display) {
        let head = format_args!("# HELP counterfoil_{name} {help}\n# TYPE counterfoil_{name} {kind}\n");
        // A text takes all that is written.
        let _ = writeln!(self.0, "{head}counterfoil_{name} {value}");
    }
}

fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
