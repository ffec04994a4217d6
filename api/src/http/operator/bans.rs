//! Bans by an operator, and lifting any ban.

use super::super::edge::BanValue;
use super::super::read::Write;
use super::super::{App, auth::Operator, error::Problem, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::command::Action;
use domain::ids::{Digest, Name};
use domain::policy::Dimension;
use serde::Deserialize;
use std::sync::Arc;

/// Whom to ban; several values together mean a request that has all of them.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ban {
    ip: Option<String>,
    account: Option<String>,
    /// The key's name.
    key: Option<String>,
    owner: Option<String>,
    end_user: Option<String>,
    /// What the ban is called; `operator` unless given.
    name: Option<String>,
    reason: String,
    /// For good unless given.
    until: Option<String>,
}

/// Whose ban to lift.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lift {
    ip: Option<String>,
    account: Option<String>,
    /// The key's name.
    key: Option<String>,
    owner: Option<String>,
    end_user: Option<String>,
    reason: String,
}

/// The values that a subject of bans may have, in their order.
struct Subject<'a> {
    ip: Option<&'a str>,
    account: Option<&'a str>,
    key: Option<&'a str>,
    owner: Option<&'a str>,
    end_user: Option<&'a str>,
}

impl Subject<'_> {
    fn hashed(&self, app: &App) -> Result<(Vec<Dimension>, Digest), Problem> {
        let named = |field, text: Option<&str>| text::names(field, text).map(|name| name.map(BanValue::Name));
        let ip = self
            .ip
            .map(|ip| text::ip("ip", ip).map(|ip| BanValue::Hash(app.edge.ip_digest(ip))))
            .transpose()?;
        let values = [
            (Dimension::Ip, ip),
            (Dimension::Account, named("account", self.account)?),
            (Dimension::Key, named("key", self.key)?),
            (Dimension::Owner, named("owner", self.owner)?),
            (Dimension::EndUser, self.end_user.map(|user| BanValue::Hash(app.edge.digest(user)))),
        ];
        let given = values.into_iter().filter_map(|(by, value)| Some((by, value?)));
        let (by, values): (Vec<_>, Vec<_>) = given.unzip();
        if by.is_empty() {
            return Err(Problem::invalid("ip", "or account, key, owner or end_user must be given"));
        }
        Ok((by, app.edge.ban(&values)))
    }
}

/// Refuses a subject everywhere from the next decision on.
#[utoipa::path(
    post, path = "/v1/bans", tag = "operators", security(("operator" = [])), request_body = Ban,
    responses((status = 200, description = "The event `BanStarted`", body = super::super::docs::EventBody))
)]
pub(super) async fn ban(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Write { body, request }: Write<Ban>,
) -> Result<Response, Problem> {
    text::sentence("reason", &body.reason)?;
    let Ban { ip, account, key, owner, end_user, name, reason, until } = body;
    let whom = Subject {
        ip: ip.as_deref(),
        account: account.as_deref(),
        key: key.as_deref(),
        owner: owner.as_deref(),
        end_user: end_user.as_deref(),
    };
    let (by, subject) = whom.hashed(&app)?;
    let name: Name = text::name("name", name.as_deref().unwrap_or("operator"))?;
    let until = text::time("until", until.as_deref())?;
    reply::record(&app, actor, request, Action::Ban { by, subject, reason, until, name }).await
}

/// Lifts a ban and sets the count of denials that led to it back to nothing.
#[utoipa::path(
    post, path = "/v1/bans/lift", tag = "operators", security(("operator" = [])), request_body = Lift,
    responses((status = 200, description = "The event `BanLifted`", body = super::super::docs::EventBody))
)]
pub(super) async fn lift(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Write { body, request }: Write<Lift>,
) -> Result<Response, Problem> {
    text::sentence("reason", &body.reason)?;
    let Lift { ip, account, key, owner, end_user, reason } = body;
    let whom = Subject {
        ip: ip.as_deref(),
        account: account.as_deref(),
        key: key.as_deref(),
        owner: owner.as_deref(),
        end_user: end_user.as_deref(),
    };
    let (by, subject) = whom.hashed(&app)?;
    reply::record(&app, actor, request, Action::LiftBan { by, subject, reason }).await
}
