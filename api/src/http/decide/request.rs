//! `GET /v1/requests/{request_id}`: what was decided under a request id, and what came of it.

use crate::http::auth::Asker;
use crate::http::error::Problem;
use crate::http::read::{Path, Query};
use crate::http::view::{DecisionId, Instant};
use crate::http::{App, page, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::event::Stream;
use domain::ids::{Name, Position};
use domain::money::Credits;
use domain::policy::Kind;
use domain::pricing::Outcome;
use projections::read::RequestsWanted;
use projections::views::requests::{Step, Traced};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which page.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The cursor of the page before.
    cursor: Option<u64>,
    /// Most decisions of the page, 1 to 1,000; 100 unless given.
    limit: Option<usize>,
}

/// What came after a decision.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct LaterStep {
    position: Position,
    /// `RequestBegun`, `RequestSettled`, `HoldExpired` or `CreditRefunded`.
    #[serde(rename = "type")]
    kind: &'static str,
    #[schema(value_type = String)]
    at: Instant,
    #[schema(value_type = Option<super::super::docs::OutcomeName>)]
    outcome: Option<Outcome>,
    #[schema(value_type = String)]
    charged: Credits,
    /// What the hold gave back.
    #[schema(value_type = String)]
    released: Credits,
    #[schema(value_type = String)]
    refunded: Credits,
}

/// A decision, and each step after it.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct TracedRequest {
    position: Position,
    #[schema(value_type = String)]
    decision_id: DecisionId,
    /// The gateway whose id it is.
    #[schema(value_type = String)]
    actor: Arc<str>,
    /// `account-NAME` or `client-HASH`.
    #[schema(value_type = String)]
    stream: Stream,
    #[schema(value_type = String)]
    at: Instant,
    #[schema(value_type = String)]
    endpoint: Arc<str>,
    admitted: bool,
    /// The kind of gate that refused, such as `rate_limited`, and its name where it has one.
    #[schema(value_type = Option<String>)]
    refused: Option<Kind>,
    #[schema(value_type = Option<String>)]
    gate: Option<Name>,
    /// What was reserved, and what was charged at once.
    #[schema(value_type = String)]
    held: Credits,
    #[schema(value_type = String)]
    charged: Credits,
    /// When the hold runs out unless it is settled; absent when it was settled at once.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Instant>,
    steps: Vec<LaterStep>,
}

/// The decisions of a request id.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct RequestPage {
    request_id: String,
    /// Several where an id came again after its retention, or where several gateways use it.
    decisions: Vec<TracedRequest>,
    /// Pass it as `cursor` to go on; absent on the last page.
    cursor: Option<Position>,
    /// The last event that is looked at here.
    position: Position,
}

/// What was decided under a request id, with each later step. A gateway sees its own ids, an operator everybody's. A
/// refusal that was only counted is not known by its id.
#[utoipa::path(
    get, path = "/v1/requests/{request_id}", tag = "decisions", security(("gateway" = []), ("operator" = [])),
    params(("request_id" = String, Path, description = "The id that the gateway gave"), Asked),
    responses((status = 200, description = "The decisions and their steps", body = RequestPage))
)]
pub(crate) async fn request(
    State(app): State<Arc<App>>,
    Asker { own }: Asker,
    Path(request): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    text::request_id("request_id", &request)?;
    let (after, limit) = (asked.cursor.unwrap_or(0), page::limit(asked.limit)?);
    let wanted = RequestsWanted { request: request.clone(), actor: own, after, limit };
    let page = app.following.fresh().await.requests(&wanted).await?;
    if page.rows.is_empty() && after == 0 {
        let position = page.position;
        let detail = format!("no decision of this request id is known up to position {position}");
        return Err(Problem::not_found(detail));
    }
    let cursor = page.cursor(|traced| traced.decided.decision);
    let decisions = page.rows.into_iter().map(TracedRequest::from).collect();
    Ok(reply::view(&RequestPage { request_id: request, decisions, cursor, position: page.position }))
}

impl From<Traced> for TracedRequest {
    fn from(Traced { decided, steps }: Traced) -> Self {
        Self {
            position: decided.decision,
            decision_id: DecisionId(decided.decision),
            actor: decided.actor,
            stream: decided.stream,
            at: Instant(decided.at),
            endpoint: decided.endpoint,
            admitted: decided.admitted,
            refused: decided.refused,
            gate: decided.gate,
            held: decided.held,
            charged: decided.charged,
            expires_at: decided.until.map(Instant),
            steps: steps.into_iter().map(LaterStep::from).collect(),
        }
    }
}

impl From<Step> for LaterStep {
    fn from(step: Step) -> Self {
        let Step { position, kind, outcome, charged, released, refunded, .. } = step;
        Self { position, kind, at: Instant(step.at), outcome, charged, released, refunded }
    }
}
