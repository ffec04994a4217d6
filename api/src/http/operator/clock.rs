//! The book's clock: confirmed after a jump; in a sandbox, moved.

use super::super::read::Json;
use super::super::view::Instant;
use super::super::{App, auth::Operator, error::Problem, reply, text};
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What time it is.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Now {
    #[schema(value_type = String)]
    now: Instant,
}

/// Accepts the wall clock as it is now, after it jumped ahead and decisions stopped.
#[utoipa::path(
    post, path = "/v1/clock/confirm", tag = "operators", security(("operator" = [])),
    responses((status = 200, description = "The time that is now in force", body = Now))
)]
pub(super) async fn confirm(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
) -> Result<Response, Problem> {
    app.time.confirm();
    tracing::warn!(%actor, "the clock was confirmed");
    Ok(reply::view(&Now { now: Instant(app.time.now()) }))
}

/// How to move the clock: one of the two.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Move {
    /// A span such as `61s`, `15m`, `24h`.
    advance: Option<String>,
    /// An instant that does not lie in the past.
    set: Option<String>,
}

/// Moves the clock of a sandbox; a repeat moves it again. On real time there is no such path.
#[utoipa::path(
    post, path = "/v1/sandbox/clock", tag = "operators", security(("operator" = [])), request_body = Move,
    responses((status = 200, description = "The time that is now in force", body = Now))
)]
pub(super) async fn sandbox(
    State(app): State<Arc<App>>,
    Operator(_): Operator,
    Json(body): Json<Move>,
) -> Result<Response, Problem> {
    let clock = app.time.sandbox().ok_or_else(|| Problem::not_found("this service runs on real time"))?;
    let now = match (body.advance, body.set) {
        (Some(span), None) => clock.advance(text::parse("advance", &span)?),
        (None, Some(at)) => {
            let at = text::parse("set", &at)?;
            clock.set(at).ok_or_else(|| Problem::invalid("set", "must not lie in the past"))?
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::invalid("advance", "or set must be given, and not both"));
        }
    };
    Ok(reply::view(&Now { now: Instant(now) }))
}
