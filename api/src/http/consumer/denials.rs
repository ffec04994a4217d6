//! `GET /v1/account/denials`: what was refused to an account, and why.

use super::range::Range;
use crate::http::auth::AccountReader;
use crate::http::error::Problem;
use crate::http::read::Query;
use crate::http::refusal::{Codes, Refusal};
use crate::http::view::Instant;
use crate::http::{App, page, reply};
use axum::extract::State;
use axum::response::Response;
use domain::ids::{Name, Position};
use projections::read::{DenialsWanted, Refused};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which refusals.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Named by a gateway or an operator.
    #[expect(dead_code, reason = "the extractor of the reader reads it")]
    account: Option<String>,
    /// Recorded not before this instant; the current month's beginning unless given …
    from: Option<String>,
    /// … and before this one; the current month's end unless given.
    to: Option<String>,
    /// The cursor of the page before.
    cursor: Option<u64>,
    /// Most refusals of the page, 1 to 1,000; 100 unless given.
    limit: Option<usize>,
}

/// A page of an account's refusals.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct OwnDenialsPage {
    #[schema(value_type = String)]
    account: Name,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    denials: Vec<Refusal>,
    /// Pass it as `cursor` to go on; absent on the last page.
    cursor: Option<Position>,
    /// The last event that is looked at here.
    position: Position,
}

/// What was refused to the caller's account, or to the one that a gateway or an operator names, in order. Refusals that
/// are only counted come when their minute has ended.
#[utoipa::path(
    get, path = "/v1/account/denials", tag = "consumers", params(Asked),
    security(("account" = []), ("account_header" = []), ("gateway" = []), ("operator" = [])),
    responses((status = 200, description = "The refusals in order", body = OwnDenialsPage))
)]
pub(super) async fn denials(
    State(app): State<Arc<App>>,
    reader: AccountReader,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let account = reader.account;
    let limit = page::limit(asked.limit)?;
    let Range { from, to, .. } =
        Range::of(&app, &account, (asked.from.as_deref(), asked.to.as_deref())).await?;
    let (of, after) = (Refused::Account(account.clone()), asked.cursor.unwrap_or(0));
    let wanted = DenialsWanted { of, from: Some(from), to: Some(to), after, limit };
    let page = app.following.fresh().await.denials(&wanted).await?;
    let codes = Codes::of(&app, &page.rows).await?;
    let cursor = page.cursor(|denial| denial.position);
    let denials = page.rows.iter().map(|denial| codes.shown(denial)).collect();
    let (from, to, position) = (Instant(from), Instant(to), page.position);
    Ok(reply::view(&OwnDenialsPage { account, from, to, denials, cursor, position }))
}
