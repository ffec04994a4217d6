//! `POST /v1/decisions/{id}/refund`: gives charged credit back.

use super::outcome::OutcomeView;
use crate::http::auth::Staff;
use crate::http::error::Problem;
use crate::http::read::Json;
use crate::http::read::Path;
use crate::http::{App, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::command::Action;
use serde::Deserialize;
use std::sync::Arc;

/// What to give back.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the field's name is that of the wire")]
pub(crate) struct Refund {
    /// The refund's own id: the same id gives the first result again, with another amount a 409.
    refund_id: String,
    /// A decimal; all that is left to refund unless given.
    amount: Option<String>,
    reason: Option<String>,
}

/// Gives back all or part of what a decision charged, at most what was charged. Gateways and operators.
#[utoipa::path(
    post, path = "/v1/decisions/{id}/refund", tag = "decisions", security(("gateway" = []), ("operator" = [])),
    params(("id" = String, Path, description = "The decision's id, such as `d_42`")),
    request_body = Refund,
    responses((status = 200, description = "What was given back", body = super::super::docs::Outcome))
)]
pub(crate) async fn refund(
    State(app): State<Arc<App>>,
    Staff(actor): Staff,
    Path(id): Path<String>,
    Json(body): Json<Refund>,
) -> Result<Response, Problem> {
    let decision = text::decision(&id)?;
    let refund = text::name("refund_id", &body.refund_id)?;
    let amount = body.amount.map(|amount| text::amount("amount", &amount)).transpose()?;
    body.reason.as_deref().map(|reason| text::sentence("reason", reason)).transpose()?;
    let refund = domain::command::Refund { decision, refund, amount, reason: body.reason };
    let entry = reply::submit(&app, actor, None, Action::Refund(refund)).await?;
    Ok(reply::view(&OutcomeView::of(&entry)))
}
