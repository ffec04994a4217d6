//! Figures of one subject's own, and counts set back to nothing.

use super::super::read::Path;
use super::super::read::Write;
use super::super::{App, auth::Operator, error::Problem, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::command::{AccountAct, Action, DimensionValue};
use domain::event::Subject;
use domain::ids::Name;
use domain::policy::Dimension;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A figure of an account's own, or of one of its keys.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccountFigure {
    /// Null: the policy's figure again.
    #[serde(deserialize_with = "Option::deserialize")]
    figure: Option<u64>,
    /// The name of a key, whose figure counts where it is lower than the account's.
    key: Option<String>,
    reason: String,
}

/// Gives an account, or one of its keys, a figure of its own for a limit, at once.
#[utoipa::path(
    put, path = "/v1/accounts/{id}/limits/{limit}", tag = "operators", security(("operator" = [])),
    params(("id" = String, Path, description = "The account"), ("limit" = String, Path, description = "The limit")),
    request_body = AccountFigure,
    responses((status = 200, description = "The event `FigureSet`", body = super::super::docs::EventBody))
)]
pub(super) async fn account(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Path((id, limit)): Path<(String, String)>,
    Write { body, request }: Write<AccountFigure>,
) -> Result<Response, Problem> {
    let account = text::name("account", &id)?;
    text::sentence("reason", &body.reason)?;
    let (limit, key) = (text::name("limit", &limit)?, text::names("key", body.key.as_deref())?);
    let act = AccountAct::SetFigure { limit, key, figure: body.figure, reason: body.reason };
    reply::record(&app, actor, request, Action::Account { account, act }).await
}

/// A figure of an address or an owner.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubjectFigure {
    /// Null: the policy's figure again.
    #[serde(deserialize_with = "Option::deserialize")]
    figure: Option<u64>,
    /// Either this …
    ip: Option<String>,
    /// … or this.
    owner: Option<String>,
    reason: String,
}

/// Gives an address, or an owner of several accounts, a figure of its own for a limit, at once.
#[utoipa::path(
    put, path = "/v1/limits/{limit}", tag = "operators", security(("operator" = [])), request_body = SubjectFigure,
    params(("limit" = String, Path, description = "The limit")),
    responses((status = 200, description = "The event `FigureSet`", body = super::super::docs::EventBody))
)]
pub(super) async fn subject(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Path(limit): Path<String>,
    Write { body, request }: Write<SubjectFigure>,
) -> Result<Response, Problem> {
    text::sentence("reason", &body.reason)?;
    let subject = match (&body.ip, &body.owner) {
        (Some(ip), None) => Subject::Ip(app.edge.ip_digest(text::ip("ip", ip)?)),
        (None, Some(owner)) => Subject::Owner(text::name("owner", owner)?),
        (Some(_), Some(_)) | (None, None) => {
            return Err(Problem::invalid("ip", "or owner must be given, and not both"));
        }
    };
    let limit = text::name("limit", &limit)?;
    let action = Action::SetFigure { limit, subject, figure: body.figure, reason: body.reason };
    reply::record(&app, actor, request, action).await
}

/// Whose count to set back, and the limit's other values.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reset {
    account: Option<String>,
    key: Option<String>,
    owner: Option<String>,
    ip: Option<String>,
    /// Values of the limit's other dimensions, such as `{"endpoint": "tools/x"}` or `{"attribute:file_name": "a.png"}`.
    #[serde(default)]
    values: BTreeMap<String, String>,
    reason: String,
}

/// Sets what a limit has counted for one subject back to nothing.
#[utoipa::path(
    post, path = "/v1/limits/{limit}/reset", tag = "operators", security(("operator" = [])), request_body = Reset,
    params(("limit" = String, Path, description = "The limit")),
    responses((status = 200, description = "The event `CountReset`", body = super::super::docs::EventBody))
)]
pub(super) async fn reset(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Path(limit): Path<String>,
    Write { body, request }: Write<Reset>,
) -> Result<Response, Problem> {
    text::sentence("reason", &body.reason)?;
    let limit = text::name("limit", &limit)?;
    let subject = body.subject(&app)?;
    let mut values = values(&app, &body.values)?;
    values.extend([value(&subject)]);
    reply::record(&app, actor, request, Action::ResetCount { limit, subject, values, reason: body.reason })
        .await
}

impl Reset {
    fn subject(&self, app: &App) -> Result<Subject, Problem> {
        let given = [&self.account, &self.key, &self.owner, &self.ip];
        if given.into_iter().flatten().count() != 1 {
            return Err(Problem::invalid(
                "account",
                "or key, owner or ip must be given, and only one of them",
            ));
        }
        if let Some(account) = &self.account {
            return text::name("account", account).map(Subject::Account);
        }
        if let Some(key) = &self.key {
            return text::name("key", key).map(Subject::Key);
        }
        if let Some(owner) = &self.owner {
            return text::name("owner", owner).map(Subject::Owner);
        }
        let ip = text::ip("ip", self.ip.as_deref().unwrap_or_default())?;
        Ok(Subject::Ip(app.edge.ip_digest(ip)))
    }
}

/// The subject as a value of the limit's dimensions.
fn value(subject: &Subject) -> (Dimension, DimensionValue) {
    let text = |name: &Name| DimensionValue::Text(name.as_str().into());
    match subject {
        Subject::Account(name) => (Dimension::Account, text(name)),
        Subject::Key(name) => (Dimension::Key, text(name)),
        Subject::Owner(name) => (Dimension::Owner, text(name)),
        Subject::Ip(digest) => (Dimension::Ip, DimensionValue::Hash(*digest)),
    }
}

/// The values as they are told. An address counts by its prefix; what else is counted by its hash, the policy says.
fn values(
    app: &App,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<Dimension, DimensionValue>, Problem> {
    let one = |(dimension, value): (&String, &String)| {
        let dimension =
            Dimension::try_from(dimension.clone()).map_err(|error| Problem::invalid("values", error))?;
        let value = match dimension {
            Dimension::Ip => DimensionValue::Hash(app.edge.ip_digest(text::ip("values", value)?)),
            _ => DimensionValue::Text(value.as_str().into()),
        };
        Ok((dimension, value))
    };
    given.iter().map(one).collect()
}
