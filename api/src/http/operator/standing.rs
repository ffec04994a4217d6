//! An account suspended, reinstated, or closed.

use super::super::read::Path;
use super::super::read::Write;
use super::super::{App, auth::Operator, error::Problem, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::command::{AccountAct, Action};
use serde::Deserialize;
use std::sync::Arc;

/// Why, and until when.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Suspend {
    /// Such as `security`, `rate_abuse`, `abuse_report`, `payment`, `protection`.
    reason: String,
    /// Until an operator ends it unless given.
    until: Option<String>,
}

/// Refuses all requests of an account from the next decision on.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/suspend", tag = "operators", security(("operator" = [])), request_body = Suspend,
    params(("id" = String, Path, description = "The account")),
    responses((status = 200, description = "The event `AccountSuspended`", body = super::super::docs::EventBody))
)]
pub(super) async fn suspend(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Path(id): Path<String>,
    Write { body, request }: Write<Suspend>,
) -> Result<Response, Problem> {
    let account = text::name("account", &id)?;
    text::sentence("reason", &body.reason)?;
    let until = text::time("until", body.until.as_deref())?;
    let act = AccountAct::Suspend { reason: body.reason, until };
    reply::record(&app, actor, request, Action::Account { account, act }).await
}

/// Why.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Because {
    reason: String,
}

/// Ends a suspension.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/reinstate", tag = "operators", security(("operator" = [])),
    request_body = Because, params(("id" = String, Path, description = "The account")),
    responses((status = 200, description = "The event `AccountReinstated`", body = super::super::docs::EventBody))
)]
pub(super) async fn reinstate(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Path(id): Path<String>,
    Write { body, request }: Write<Because>,
) -> Result<Response, Problem> {
    let account = text::name("account", &id)?;
    text::sentence("reason", &body.reason)?;
    let act = AccountAct::Reinstate { reason: body.reason };
    reply::record(&app, actor, request, Action::Account { account, act }).await
}

/// Closes an account for good; its keys are revoked.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/terminate", tag = "operators", security(("operator" = [])),
    request_body = Because, params(("id" = String, Path, description = "The account")),
    responses((status = 200, description = "The event `AccountTerminated`", body = super::super::docs::EventBody))
)]
pub(super) async fn terminate(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Path(id): Path<String>,
    Write { body, request }: Write<Because>,
) -> Result<Response, Problem> {
    let account = text::name("account", &id)?;
    text::sentence("reason", &body.reason)?;
    let act = AccountAct::Terminate { reason: body.reason };
    reply::record(&app, actor, request, Action::Account { account, act }).await
}
