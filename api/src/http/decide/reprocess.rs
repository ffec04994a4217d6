//! `POST /v1/decisions/{id}/reprocess`: takes up again what a limit had put into an error state.

use crate::http::auth::Gateway;
use crate::http::error::Problem;
use crate::http::read::Json;
use crate::http::read::Path;
use crate::http::{App, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::command::{Action, Command};
use domain::event::RequestTag;
use serde::Deserialize;
use std::sync::Arc;

/// An attempt's own id.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reprocess {
    /// The same id gives the first answer again.
    request_id: String,
}

/// Asks anew for the limited items of a decision. The answer is a decision of its own.
#[utoipa::path(
    post, path = "/v1/decisions/{id}/reprocess", tag = "decisions", security(("gateway" = [])),
    params(("id" = String, Path, description = "The decision's id, such as `d_42`")),
    request_body = Reprocess,
    responses((status = 200, description = "Admitted, limited again, or denied", body = super::super::docs::Decision))
)]
pub(crate) async fn reprocess(
    State(app): State<Arc<App>>,
    Gateway(actor): Gateway,
    Path(id): Path<String>,
    Json(body): Json<Reprocess>,
) -> Result<Response, Problem> {
    let decision = text::decision(&id)?;
    text::request_id("request_id", &body.request_id)?;
    let fingerprint = app.edge.fingerprint([b"reprocess".as_slice(), id.as_bytes()]);
    let request = Some(RequestTag { id: body.request_id.into(), fingerprint });
    let command = Command { actor, request, action: Action::Reprocess { decision } };
    let committed = app.engine.submit(command).await?;
    super::answer(&app, committed).map(reply::json)
}
