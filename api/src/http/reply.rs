//! Answers: JSON bodies, and the event that a write recorded.

use super::App;
use super::error::Problem;
use super::event::EventView;
use crate::engine::Answer;
use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use domain::command::{Action, Command};
use domain::event::{Entry, RequestTag};
use domain::rejection::Rejection;
use serde::Serialize;
use std::sync::Arc;

/// A JSON answer with status 200.
pub(crate) fn json(body: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A view as a JSON answer.
pub(crate) fn view(view: &impl Serialize) -> Response {
    // Views are structs of texts, figures and lists, with text keys only.
    json(serde_json::to_vec(view).unwrap_or_default())
}

/// Carries a write out and gives the event that answers it.
pub(crate) async fn submit(
    app: &App,
    actor: Arc<str>,
    request: Option<RequestTag>,
    action: Action,
) -> Result<Arc<Entry>, Problem> {
    let committed = app.engine.submit(Command { actor, request, action }).await?;
    match committed.answer {
        Answer::Entry(entry) | Answer::Repeat(entry) => Ok(entry),
        Answer::Rejected(rejection) => Err(rejection.into()),
        // Only requests of callers are ever collapsed.
        Answer::Collapsed(_) => Err(Rejection::UnknownDecision(committed.position).into()),
    }
}

/// Carries a write out and answers with the event that it recorded.
pub(crate) async fn record(
    app: &App,
    actor: Arc<str>,
    request: Option<RequestTag>,
    action: Action,
) -> Result<Response, Problem> {
    let entry = submit(app, actor, request, action).await?;
    Ok(view(&EventView::of(&entry)))
}
