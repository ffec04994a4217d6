//! `POST /v1/decisions/batch`: many independent decisions in one call.

use super::create::command;
use crate::http::App;
use crate::http::auth::Gateway;
use crate::http::error::Problem;
use crate::http::read;
use crate::http::reply::json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::future::join_all;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// Most decisions of one batch.
const DECISIONS_MAX: usize = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch<'a> {
    #[serde(borrow)]
    decisions: Vec<&'a RawValue>,
}

/// Decides up to 1,000 requests, each for itself: one that is malformed or refused does not touch the others.
///
/// The answers stand in the order of the requests, each as `{"decision": …}` or `{"problem": …}`.
#[utoipa::path(
    post, path = "/v1/decisions/batch", tag = "decisions", security(("gateway" = [])),
    request_body = super::super::docs::Batch,
    responses((status = 200, description = "An answer or a problem for each", body = super::super::docs::Answers))
)]
pub(crate) async fn batch(
    State(app): State<Arc<App>>,
    Gateway(actor): Gateway,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    read::expect_json(&parts.headers)?;
    let bytes = read::bytes::<Body>(&parts.headers, body, read::BIG_MAX).await?;
    let batch: Batch<'_> = read::parse(&bytes)?;
    if batch.decisions.len() > DECISIONS_MAX {
        return Err(Problem::invalid("decisions", "may be at most 1000"));
    }
    // Polled in order, so decided in order.
    let answers = batch.decisions.iter().map(|raw| one(&app, &actor, raw.get().as_bytes()));
    Ok(json(joined(join_all(answers).await)))
}

async fn one(app: &App, actor: &Arc<str>, raw: &[u8]) -> Result<Vec<u8>, Problem> {
    if raw.len() > read::BODY_MAX {
        return Err(Problem::body_too_large(read::BODY_MAX));
    }
    let command = command(app, actor, raw)?;
    super::answer(app, app.engine.submit(command).await?)
}

fn joined(answers: Vec<Result<Vec<u8>, Problem>>) -> Vec<u8> {
    let mut out = b"{\"answers\":[".to_vec();
    for (place, answer) in answers.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        let (name, text) = match answer {
            Ok(answer) => ("decision", answer),
            Err(problem) => ("problem", problem.to_json()),
        };
        out.extend_from_slice(b"{\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        out.extend_from_slice(&text);
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}
