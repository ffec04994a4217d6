//! `POST /v1/decisions/{id}/settle`: how the request ended, and what it costs in the end.

use super::body::Pairs;
use super::outcome::OutcomeView;
use crate::http::auth::Gateway;
use crate::http::error::Problem;
use crate::http::read::Path;
use crate::http::{App, read, reply, text};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use domain::command::Action;
use domain::pricing::Outcome;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settle<'a> {
    outcome: Outcome,
    #[serde(borrow, default)]
    attributes: Pairs<'a>,
}

/// Charges the final price and gives back the rest of the hold. A second call gets the first result.
///
/// Attributes given here replace those of the request, name by name; an item's own stay.
#[utoipa::path(
    post, path = "/v1/decisions/{id}/settle", tag = "decisions", security(("gateway" = [])),
    params(("id" = String, Path, description = "The decision's id, such as `d_42`")),
    request_body = super::super::docs::Settle,
    responses((status = 200, description = "What was charged and given back", body = super::super::docs::Outcome))
)]
pub(crate) async fn settle(
    State(app): State<Arc<App>>,
    Gateway(actor): Gateway,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let decision = text::decision(&id)?;
    let (parts, body) = request.into_parts();
    read::expect_json(&parts.headers)?;
    let bytes = read::bytes::<Body>(&parts.headers, body, read::BODY_MAX).await?;
    let Settle { outcome, attributes } = read::parse(&bytes)?;
    let attributes = attributes.read("attributes", &app.edge)?;
    let entry = reply::submit(&app, actor, None, Action::Settle { decision, outcome, attributes }).await?;
    Ok(reply::view(&OutcomeView::of(&entry)))
}
