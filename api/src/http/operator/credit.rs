//! Credit granted and taken away by an operator.

use super::super::read::Path;
use super::super::read::Write;
use super::super::{App, auth::Operator, error::Problem, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::command::{AccountAct, Action};
use domain::ledger::LotKind;
use domain::policy::Mode;
use serde::Deserialize;
use std::sync::Arc;

/// Credit to grant.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grant {
    /// A decimal above zero with at most 6 places.
    amount: String,
    /// `grant` unless given; or `purchase`, `allowance`, `promotion`.
    #[schema(value_type = Option<String>)]
    kind: Option<LotKind>,
    /// `live` unless given; or `test`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    mode: Mode,
    /// Now unless given.
    effective: Option<String>,
    /// By the policy's validity unless given.
    expires: Option<String>,
    /// Lower is drawn first; 0 unless given.
    #[serde(default)]
    priority: i16,
    /// Money paid for one credit, a decimal; for purchases.
    unit_value: Option<String>,
    reason: Option<String>,
}

/// Grants credit as a lot of its own. Debt is repaid from it first.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/grants", tag = "operators", security(("operator" = [])), request_body = Grant,
    params(("id" = String, Path, description = "The account")),
    responses((status = 200, description = "The event `CreditGranted`", body = super::super::docs::EventBody))
)]
pub(super) async fn grant(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Path(id): Path<String>,
    Write { body, request }: Write<Grant>,
) -> Result<Response, Problem> {
    let account = text::name("account", &id)?;
    let act = AccountAct::Grant(body.checked()?);
    reply::record(&app, actor, request, Action::Account { account, act }).await
}

impl Grant {
    fn checked(self) -> Result<domain::command::Grant, Problem> {
        if let Some(reason) = &self.reason {
            text::sentence("reason", reason)?;
        }
        Ok(domain::command::Grant {
            kind: self.kind.unwrap_or(LotKind::Grant),
            amount: text::amount("amount", &self.amount)?,
            mode: self.mode,
            effective: text::time("effective", self.effective.as_deref())?,
            expires: text::time("expires", self.expires.as_deref())?,
            priority: self.priority,
            unit_value: self.unit_value.map(|value| text::amount("unit_value", &value)).transpose()?,
            reason: self.reason,
        })
    }
}

/// Credit to take away.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deduct {
    /// A decimal above zero with at most 6 places.
    amount: String,
    /// `live` unless given; or `test`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    mode: Mode,
    reason: String,
}

/// Takes unreserved credit away: a correction downwards.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/deductions", tag = "operators", security(("operator" = [])),
    request_body = Deduct, params(("id" = String, Path, description = "The account")),
    responses((status = 200, description = "The event `CreditAdjusted`", body = super::super::docs::EventBody))
)]
pub(super) async fn deduct(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Path(id): Path<String>,
    Write { body, request }: Write<Deduct>,
) -> Result<Response, Problem> {
    let account = text::name("account", &id)?;
    text::sentence("reason", &body.reason)?;
    let amount = text::amount("amount", &body.amount)?;
    let act = AccountAct::Deduct { mode: body.mode, amount, reason: body.reason };
    reply::record(&app, actor, request, Action::Account { account, act }).await
}
