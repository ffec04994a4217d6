//! `GET /v1/limits`: every limit of the caller as it stands. Reading counts for nothing.

use crate::http::auth::{Anyone, Reader};
use crate::http::error::Problem;
use crate::http::read::Query;
use crate::http::view::Instant;
use crate::http::{App, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::book::Book;
use domain::event::Facts;
use domain::ids::Name;
use domain::limits::Rule;
use domain::policy::{Mode, Plan, Policy};
use domain::rejection::Rejection;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whose limits, and at which endpoint.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Named by a gateway or an operator.
    #[expect(dead_code, reason = "the extractor of the reader reads it")]
    account: Option<String>,
    /// Named by a gateway or an operator.
    #[expect(dead_code, reason = "the extractor of the reader reads it")]
    ip: Option<String>,
    /// Shows the limits of this endpoint, too.
    endpoint: Option<String>,
}

/// One limit as it stands.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct LimitStanding {
    #[schema(value_type = String)]
    name: Name,
    #[schema(value_type = Object)]
    rule: Rule,
    limit: u64,
    used: u64,
    remaining: u64,
    /// When nothing that was counted counts any more; absent where time does not help.
    #[schema(value_type = Option<String>)]
    resets_at: Instant,
    /// Whether the figure is the subject's own.
    custom: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct PlanStanding {
    #[schema(value_type = String)]
    name: Name,
    #[schema(value_type = Object)]
    attributes: BTreeMap<Name, String>,
    contact: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Refused {
    reason: String,
    /// For good, until an operator ends it, unless given.
    #[schema(value_type = Option<String>)]
    until: Option<Instant>,
}

/// How a caller stands.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Standing {
    #[schema(value_type = Option<String>)]
    account: Option<Name>,
    plan: Option<PlanStanding>,
    /// Whom to ask for more.
    contact: Option<String>,
    limits: Vec<LimitStanding>,
    ban: Option<Refused>,
    suspension: Option<Refused>,
    #[schema(value_type = String)]
    at: Instant,
}

/// The caller's limits; without a key those of the caller's address. Also answers whom a ban refuses elsewhere.
#[utoipa::path(
    get, path = "/v1/limits", tag = "consumers", params(Asked),
    security((), ("account" = []), ("account_header" = []), ("gateway" = []), ("operator" = [])),
    responses((status = 200, description = "The limits now", body = Standing))
)]
pub(super) async fn limits(
    State(app): State<Arc<App>>,
    Anyone(reader): Anyone,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let endpoint =
        asked.endpoint.as_deref().map(|endpoint| text::endpoint("endpoint", endpoint)).transpose()?;
    let endpoint: Arc<str> = endpoint.unwrap_or_default().into();
    let Reader { account, key, ip } = reader;
    let ip = ip.map(|ip| app.edge.ip_digest(ip));
    let wanted = account.clone();
    let standing = app.engine.read(account, move |book, now| {
        let facts = Facts { endpoint, key, ip, ..Facts::default() };
        standing(book, wanted.as_ref(), facts, now)
    });
    Ok(reply::view(&standing.await??))
}

fn standing(
    book: &Book,
    account: Option<&Name>,
    mut facts: Facts,
    now: Timestamp,
) -> Result<Standing, Rejection> {
    let rules = book.catalogue().in_force(now).ok_or(Rejection::NoPolicy)?;
    let unknown = || account.cloned().map(Rejection::UnknownAccount);
    let known = account.and_then(|name| book.account(name.as_str()));
    if let (None, Some(rejection)) = (known, unknown()) {
        return Err(rejection);
    }
    let key = known.zip(facts.key.as_ref()).and_then(|(account, key)| account.key(key));
    facts.mode = key.map_or(Mode::Live, |key| key.mode);
    if let Some(name) = facts.endpoint.strip_prefix(rules.policy.strip.as_str()) {
        facts.endpoint = name.into();
    }
    let plan = known.map_or(rules.policy.callers.default_plan.as_ref(), |account| account.plan.as_ref());
    let own =
        known.and_then(|account| account.more()).map(|more| more.attributes.clone()).unwrap_or_default();
    let plan = plan.and_then(|plan| plan_standing(rules.policy, plan, own));
    let suspension = known.and_then(|account| account.suspension(now));
    let ban = book.ban_of(account, &facts, now);
    Ok(Standing {
        account: account.cloned(),
        contact: plan.as_ref().and_then(|plan| plan.contact.clone()).or_else(|| rules.policy.contact.clone()),
        plan,
        limits: book.limits_of(account, &facts, now).into_iter().map(LimitStanding::from).collect(),
        ban: ban.map(|ban| Refused { reason: ban.reason.clone(), until: ban.until.map(Instant) }),
        suspension: suspension
            .map(|own| Refused { reason: own.reason.clone(), until: own.until.map(Instant) }),
        at: Instant(now),
    })
}

fn plan_standing(policy: &Policy, name: &Name, own: BTreeMap<Name, String>) -> Option<PlanStanding> {
    let Plan { attributes, contact, .. } = policy.plans.get(name)?.clone();
    let attributes = attributes.into_iter().chain(own).collect();
    Some(PlanStanding { name: name.clone(), attributes, contact })
}

impl From<domain::book::LimitView> for LimitStanding {
    fn from(view: domain::book::LimitView) -> Self {
        let domain::book::LimitView { name, rule, limit, used, remaining, resets_at, custom } = view;
        Self { name, rule, limit, used, remaining, resets_at: Instant(resets_at), custom }
    }
}
