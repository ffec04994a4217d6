//! Whether the process lives, whether it decides, and its figures.

use super::App;
use super::auth::Operator;
use super::error::Problem;
use super::read::{Nothing, Query};
use super::reply;
use crate::engine::{Health, State as EngineState};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use std::sync::Arc;

/// `live`, `ready`, `refusing`, `standby` or `stopped`.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Status {
    status: &'static str,
}

/// Whether the process answers at all.
#[utoipa::path(
    get, path = "/health/live", tag = "health",
    responses((status = 200, description = "It does", body = Status))
)]
pub(super) async fn live() -> Response {
    reply::view(&Status { status: "live" })
}

/// Whether decisions are made, and how far the read models are behind them.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Ready {
    status: &'static str,
    /// Durable events that are not in the read models yet.
    views_behind: u64,
    /// Whether the read models still follow; decisions do not wait for them.
    views_follow: bool,
}

/// Whether decisions are made. 503 while the event store takes nothing, and once the engine has stopped.
#[utoipa::path(
    get, path = "/health/ready", tag = "health",
    responses((status = 200, description = "It decides", body = Ready),
        (status = 503, description = "It does not", body = Ready))
)]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let health = app.engine.health();
    let (status, views) = (status(&health.state), app.following.standing());
    let views_behind = health.head.saturating_sub(views.position);
    let mut response = reply::view(&Ready { status, views_behind, views_follow: views.stopped.is_none() });
    if status != "ready" {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    response
}

fn status(state: &EngineState) -> &'static str {
    match state {
        EngineState::Running => "ready",
        EngineState::Refusing { .. } => "refusing",
        EngineState::Standby => "standby",
        EngineState::Stopped { .. } => "stopped",
    }
}

/// The engine's figures.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Engine {
    status: &'static str,
    /// The last durable event.
    head: u64,
    /// On a standby: how long ago, in milliseconds, it had last folded all that the log held.
    #[serde(skip_serializing_if = "Option::is_none")]
    lag_millis: Option<u64>,
    queue_depth: usize,
    commits: u64,
    events: u64,
    last_batch: u64,
    largest_batch: u64,
    last_commit_micros: u64,
    /// All commits together.
    commit_micros: u64,
    /// The last event that a snapshot holds.
    snapshot: u64,
    /// Refusals that are counted and not yet recorded.
    collapsed: u64,
    /// How far back a request id is remembered, in seconds; absent while nothing was forgotten.
    id_retention_seconds: Option<i64>,
    /// The last event that is in all read models.
    views: u64,
    /// Why the read models follow no more.
    views_stopped: Option<String>,
}

/// The engine's figures, for operators.
#[utoipa::path(
    get, path = "/v1/engine", tag = "operators", security(("operator" = [])),
    responses((status = 200, description = "The figures", body = Engine))
)]
pub(super) async fn engine(
    State(app): State<Arc<App>>,
    Operator(_): Operator,
    _: Query<Nothing>,
) -> Result<Response, Problem> {
    let (health, views): (Health, _) = (app.engine.health(), app.following.standing());
    Ok(reply::view(&Engine {
        status: status(&health.state),
        head: health.head,
        lag_millis: health.lag.map(|lag| u64::try_from(lag.as_millis()).unwrap_or(u64::MAX)),
        queue_depth: health.queue_depth,
        commits: health.commits,
        events: health.events,
        last_batch: health.last_batch,
        largest_batch: health.largest_batch,
        last_commit_micros: health.last_commit_micros,
        commit_micros: health.commit_micros,
        snapshot: health.snapshot,
        collapsed: health.collapsed,
        id_retention_seconds: health.id_retention.map(|span| span.micros() / 1_000_000),
        views: views.position,
        views_stopped: views.stopped.map(|why| why.to_string()),
    }))
}
