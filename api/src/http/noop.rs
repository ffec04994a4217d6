//! `POST /v1/noop`: a request read and an answer written as for a decision, with no book between them.

use super::App;
use super::auth;
use super::error::Problem;
use super::read;
use super::reply::json;
use axum::BoxError;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use hyper::body::Bytes;
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Noop {
    allowed: bool,
}

/// Reads a body as a decision's is read, and admits it without looking: the yardstick of the bench.
#[utoipa::path(
    post, path = "/v1/noop", tag = "decisions", security(("gateway" = [])), request_body = super::docs::Ask,
    responses((status = 200, description = "Always `{\"allowed\":true}`"))
)]
pub(crate) async fn noop(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    answer::<Body>(&app, &parts.headers, body).await.map(json)
}

/// As the route, straight from the connection, as decisions are.
pub(crate) async fn respond<B>(app: &App, request: hyper::Request<B>) -> Response
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (parts, body) = request.into_parts();
    match answer(app, &parts.headers, body).await {
        Ok(answer) => json(answer),
        Err(problem) => problem.into_response(),
    }
}

async fn answer<B>(app: &App, headers: &HeaderMap, body: B) -> Result<Vec<u8>, Problem>
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    auth::gateway(app, headers)?;
    read::expect_json(headers)?;
    let bytes = read::bytes(headers, body, read::BODY_MAX).await?;
    super::decide::parse_only(&bytes)?;
    Ok(serde_json::to_vec(&Noop { allowed: true }).unwrap_or_default())
}
