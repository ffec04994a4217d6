//! `POST /v1/decisions`: may this request pass, and what does it cost?

use super::body::{AskBody, Setting};
use crate::config::Cidr;
use crate::http::auth;
use crate::http::error::Problem;
use crate::http::ports::KeyMaker;
use crate::http::read;
use crate::http::reply::json;
use crate::http::{App, Edge};
use axum::BoxError;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use domain::command::Command;
use hyper::body::Bytes;
use std::sync::Arc;

/// Decides one request: bans, suspension, sizes, limits and credit in one step, durable before the answer.
///
/// The same `request_id` with the same body gets the same answer, word for word.
#[utoipa::path(
    post, path = "/v1/decisions", tag = "decisions", security(("gateway" = [])),
    request_body = super::super::docs::Ask,
    responses((status = 200, description = "Admitted or denied", body = super::super::docs::Decision))
)]
pub(crate) async fn create(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    decide::<Body>(&app, &parts.headers, body).await.map(json)
}

/// As the route, straight from the connection: the one path whose every microsecond counts.
pub(crate) async fn respond<B>(app: &App, request: hyper::Request<B>) -> Response
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (parts, body) = request.into_parts();
    match decide(app, &parts.headers, body).await {
        Ok(answer) => json(answer),
        Err(problem) => problem.into_response(),
    }
}

async fn decide<B>(app: &App, headers: &HeaderMap, body: B) -> Result<Vec<u8>, Problem>
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    let actor = auth::gateway(app, headers)?;
    read::expect_json(headers)?;
    let bytes = read::bytes(headers, body, read::BODY_MAX).await?;
    let command = command(app, actor, &bytes)?;
    super::answer(app, app.engine.submit(command).await?)
}

/// The command that a body asks for.
pub(super) fn command(app: &App, actor: &Arc<str>, raw: &[u8]) -> Result<Command, Problem> {
    read_ask(raw, actor.clone(), &app.edge, &app.proxies, &*app.keys)
}

/// The command that a body of any bytes asks for. `proxies` are believed when they say whom they asked for.
///
/// # Errors
/// When it is no body of a decision; the problem names the field.
pub fn read_ask(
    raw: &[u8],
    actor: Arc<str>,
    edge: &Edge,
    proxies: &[Cidr],
    keys: &dyn KeyMaker,
) -> Result<Command, Problem> {
    read::parse::<AskBody<'_>>(raw)?.command(actor, raw, Setting { edge, proxies, keys })
}
