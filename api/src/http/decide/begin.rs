//! `POST /v1/decisions/{id}/begin`: the job starts; a policy that charges then charges now.

use super::outcome::OutcomeView;
use crate::http::auth::Gateway;
use crate::http::error::Problem;
use crate::http::read::Path;
use crate::http::{App, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::command::Action;
use std::sync::Arc;

/// Tells that the work of an admitted request began. A second call gets the first result.
#[utoipa::path(
    post, path = "/v1/decisions/{id}/begin", tag = "decisions", security(("gateway" = [])),
    params(("id" = String, Path, description = "The decision's id, such as `d_42`")),
    responses((status = 200, description = "What beginning charged", body = super::super::docs::Outcome))
)]
pub(crate) async fn begin(
    State(app): State<Arc<App>>,
    Gateway(actor): Gateway,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let decision = text::decision(&id)?;
    let entry = reply::submit(&app, actor, None, Action::Begin { decision }).await?;
    Ok(reply::view(&OutcomeView::of(&entry)))
}
