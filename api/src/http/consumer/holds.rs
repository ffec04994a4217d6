//! `GET /v1/account/holds`: decisions that wait for their outcome, and what is reserved for each.

use crate::http::auth::AccountReader;
use crate::http::error::Problem;
use crate::http::read::Query;
use crate::http::view::{DecisionId, Instant};
use crate::http::{App, page, reply};
use axum::extract::State;
use axum::response::Response;
use domain::ids::{Name, Position};
use domain::money::Credits;
use domain::policy::Mode;
use domain::rejection::Rejection;
use projections::read::HoldsWanted;
use projections::views::holds::Hold;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which holds.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Named by a gateway or an operator.
    #[expect(dead_code, reason = "the extractor of the reader reads it")]
    account: Option<String>,
    /// The cursor of the page before.
    cursor: Option<u64>,
    /// Most holds of the page, 1 to 1,000; 100 unless given.
    limit: Option<usize>,
}

/// A decision that waits for its outcome.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct OpenHold {
    #[schema(value_type = String)]
    decision_id: DecisionId,
    #[schema(value_type = String)]
    endpoint: Arc<str>,
    /// The key that asked; none where the gateway named the account.
    #[schema(value_type = Option<String>)]
    key: Option<Name>,
    #[schema(value_type = String)]
    mode: Mode,
    /// What is reserved; 0 where nothing had to be, and once the job began and was charged.
    #[schema(value_type = String)]
    held: Credits,
    #[schema(value_type = String)]
    since: Instant,
    /// When it runs out unless it is settled.
    #[schema(value_type = String)]
    expires_at: Instant,
}

/// A page of open holds.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct HoldsPage {
    #[schema(value_type = String)]
    account: Name,
    holds: Vec<OpenHold>,
    /// Pass it as `cursor` to go on; absent on the last page.
    cursor: Option<Position>,
    /// The last event that is looked at here.
    position: Position,
}

/// The open holds of the caller's account, or of the one that a gateway or an operator names, oldest first.
#[utoipa::path(
    get, path = "/v1/account/holds", tag = "consumers", params(Asked),
    security(("account" = []), ("account_header" = []), ("gateway" = []), ("operator" = [])),
    responses((status = 200, description = "The holds in order", body = HoldsPage))
)]
pub(super) async fn holds(
    State(app): State<Arc<App>>,
    reader: AccountReader,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let limit = page::limit(asked.limit)?;
    let account = known(&app, reader.account).await?;
    let wanted = HoldsWanted { account: account.clone(), after: asked.cursor.unwrap_or(0), limit };
    let page = app.following.fresh().await.holds(&wanted).await?;
    let cursor = page.cursor(|hold| hold.decision);
    let holds = page.rows.into_iter().map(OpenHold::from).collect();
    Ok(reply::view(&HoldsPage { account, holds, cursor, position: page.position }))
}

/// An account that there is, once its dues are settled: what ran out by now is open no more.
async fn known(app: &App, account: Name) -> Result<Name, Problem> {
    let name = account.clone();
    let read =
        app.engine.read(Some(account.clone()), move |book, _| book.account(name.as_str()).map(|_| name));
    Ok(read.await?.ok_or(Rejection::UnknownAccount(account))?)
}

impl From<Hold> for OpenHold {
    fn from(hold: Hold) -> Self {
        Self {
            decision_id: DecisionId(hold.decision),
            endpoint: hold.endpoint,
            key: hold.key,
            mode: hold.mode,
            held: hold.held,
            since: Instant(hold.at),
            expires_at: Instant(hold.until),
        }
    }
}
