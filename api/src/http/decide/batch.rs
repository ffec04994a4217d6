//! `POST /v1/decisions/batch`: many independent decisions in one call, as one JSON array or as a stream of lines.

use super::{lines, many};
use crate::http::App;
use crate::http::auth::Gateway;
use crate::http::error::Problem;
use crate::http::read;
use crate::http::reply::json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// Most decisions of one array.
const DECISIONS_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch<'a> {
    #[serde(borrow)]
    decisions: Vec<&'a RawValue>,
}

/// Decides many requests, each for itself: one that is malformed or refused does not touch the others.
///
/// As JSON: up to 1,000, answered together, in the order of the requests, each as `{"decision": …}` or
/// `{"problem": …}`.
///
/// As `application/x-ndjson`: a request a line, as many as the caller likes, answered by such an object a line in
/// the same order, while later lines are still being sent. Whoever sends many must read meanwhile: the
/// stream takes no more lines than it has room for answers.
#[utoipa::path(
    post, path = "/v1/decisions/batch", tag = "decisions", security(("gateway" = [])),
    request_body(content(
        (super::super::docs::Batch = "application/json"),
        (super::super::docs::Ask = "application/x-ndjson"),
    )),
    responses((status = 200, description = "An answer or a problem for each", content(
        (super::super::docs::Answers = "application/json"),
        (super::super::docs::BatchAnswer = "application/x-ndjson"),
    )))
)]
pub(crate) async fn batch(
    State(app): State<Arc<App>>,
    Gateway(actor): Gateway,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    if read::is(&parts.headers, lines::MEDIA_TYPE) {
        return Ok(lines::answers(app, actor, body));
    }
    read::expect_json(&parts.headers)?;
    let bytes = read::bytes::<Body>(&parts.headers, body, read::BIG_MAX).await?;
    let batch: Batch<'_> = read::parse(&bytes)?;
    if batch.decisions.len() > DECISIONS_MAX {
        return Err(Problem::invalid("decisions", "may be at most 1000"));
    }
    Ok(json(array(&app, &actor, &batch).await))
}

async fn array(app: &App, actor: &Arc<str>, batch: &Batch<'_>) -> Vec<u8> {
    let mut out = b"{\"answers\":[".to_vec();
    let requests = batch.decisions.iter().map(|raw| raw.get().as_bytes());
    many::decide(app, actor, requests, (&mut out, b',')).await;
    if out.ends_with(b",") {
        out.pop();
    }
    out.extend_from_slice(b"]}");
    out
}
