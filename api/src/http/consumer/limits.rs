//! `GET /v1/limits`: every limit of the caller as it stands. Reading counts for nothing.

use super::as_of;
use crate::http::auth::{Anyone, Reader};
use crate::http::error::Problem;
use crate::http::read::Query;
use crate::http::view::Instant;
use crate::http::{App, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::account::Account;
use domain::book::{Book, LimitView, reader};
use domain::event::Facts;
use domain::ids::{Name, Position};
use domain::limits::Rule;
use domain::policy::{Plan, Policy};
use domain::rejection::Rejection;
use domain::time::Timestamp;
use projections::read::Moment;
use projections::views::counters::{self, Stood};
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
    /// Shows the limits of this endpoint, too. Of a limit that counts each endpoint by itself nothing is used where none
    /// is named.
    endpoint: Option<String>,
    /// A past instant, or a position of the log: the limits as they stood then, with all that was due by then. Takes a
    /// key or a token.
    as_of: Option<String>,
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

/// The ban in force, or that there is none.
#[derive(Serialize)]
struct BanStanding(Option<Refused>);

/// How a caller stands.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Standing {
    #[schema(value_type = Option<String>)]
    account: Option<Name>,
    plan: Option<PlanStanding>,
    /// Whom to ask for more.
    contact: Option<String>,
    limits: Vec<LimitStanding>,
    /// Absent of a past moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Refused>)]
    ban: Option<BanStanding>,
    suspension: Option<Refused>,
    #[schema(value_type = String)]
    at: Instant,
    /// Of a past moment: how far the read models had come that it was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
}

/// The caller's limits; without a key those of the caller's address. Also answers whom a ban refuses elsewhere.
#[utoipa::path(
    get, path = "/v1/limits", tag = "consumers", params(Asked),
    security((), ("account" = []), ("account_header" = []), ("gateway" = []), ("operator" = [])),
    responses((status = 200, description = "The limits now, or then", body = Standing))
)]
pub(super) async fn limits(
    State(app): State<Arc<App>>,
    Anyone { reader, is_known }: Anyone,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let endpoint =
        asked.endpoint.as_deref().map(|endpoint| text::endpoint("endpoint", endpoint)).transpose()?;
    let endpoint: Arc<str> = endpoint.unwrap_or_default().into();
    let Reader { account, key, ip } = reader;
    let ip = ip.map(|ip| app.edge.ip_digest(ip));
    let facts = Facts { endpoint, key, ip, ..Facts::default() };
    if let Some(as_of) = asked.as_of {
        if !is_known {
            // Who has an address now may not be who had it then.
            return Err(Problem::unauthenticated("`as_of` takes an API key or a token"));
        }
        let moment = as_of::moment(&as_of)?;
        return Ok(reply::view(&then(&app, account, facts, moment).await?));
    }
    let wanted = account.clone();
    let standing = app.engine.read(account, move |book, now| standing(book, wanted.as_ref(), facts, now));
    Ok(reply::view(&standing.await??))
}

fn standing(
    book: &Book,
    account: Option<&Name>,
    facts: Facts,
    now: Timestamp,
) -> Result<Standing, Rejection> {
    let rules = book.catalogue().in_force(now).ok_or(Rejection::NoPolicy)?;
    let known = account.map(|name| known(book, name)).transpose()?;
    let facts = reader::facts(facts, rules.policy, known);
    let limits = book.limits_of(account, &facts, now);
    let ban = book.ban_of(account, &facts, now);
    let ban = ban.map(|ban| Refused { reason: ban.reason.clone(), until: ban.until.map(Instant) });
    let standing = Standing::of((account.cloned(), known), Some(rules.policy), limits, now);
    Ok(Standing { ban: Some(BanStanding(ban)), ..standing })
}

fn known<'a>(book: &'a Book, name: &Name) -> Result<&'a Account, Rejection> {
    book.account(name.as_str()).ok_or_else(|| Rejection::UnknownAccount(name.clone()))
}

/// How a caller stood at a past moment, whose bans no view keeps. Before the first policy there was no limit.
async fn then(app: &App, account: Option<Name>, facts: Facts, moment: Moment) -> Result<Standing, Problem> {
    let wanted = account.clone();
    let now = app.engine.read(account.clone(), move |book, now| {
        wanted.map_or(Ok(()), |name| known(book, &name).map(drop)).map(|()| (now, book.hash_key()))
    });
    let (now, key) = now.await??;
    let at = as_of::when(app, moment, now).await?;
    let reads = app.following.fresh().await;
    let (published, position) = reads.published(moment).await?;
    let policy = app
        .engine
        .read(None, move |book, _| book.catalogue().policy_in_force(published, at).cloned())
        .await?;
    let Some(policy) = policy else {
        let standing = Standing::of((account, None), None, Vec::new(), at);
        return Ok(Standing { position: Some(position), ..standing });
    };
    let asked = counters::Asked { key, account: account.as_ref(), facts: &facts, moment, at };
    let Stood { limits, account: state, position: reached } = asked.limits(reads, &policy).await?;
    let standing = Standing::of((account, state.as_ref()), Some(&policy), limits, at);
    Ok(Standing { position: Some(position.min(reached)), ..standing })
}

impl Standing {
    fn of(
        (account, state): (Option<Name>, Option<&Account>),
        policy: Option<&Arc<Policy>>,
        limits: Vec<LimitView>,
        at: Timestamp,
    ) -> Self {
        let plan = policy.and_then(|policy| {
            let default = policy.callers.default_plan.as_ref();
            let plan = state.map_or(default, |account| account.plan.as_ref())?;
            let own = state.and_then(Account::more).map(|more| more.attributes.clone()).unwrap_or_default();
            plan_standing(policy, plan, own)
        });
        let contact = plan.as_ref().and_then(|plan| plan.contact.clone());
        let suspension = state.and_then(|account| account.suspension(at));
        Self {
            account,
            contact: contact.or_else(|| policy.and_then(|policy| policy.contact.clone())),
            plan,
            limits: limits.into_iter().map(LimitStanding::from).collect(),
            ban: None,
            suspension: suspension
                .map(|own| Refused { reason: own.reason.clone(), until: own.until.map(Instant) }),
            at: Instant(at),
            position: None,
        }
    }
}

fn plan_standing(policy: &Policy, name: &Name, own: BTreeMap<Name, String>) -> Option<PlanStanding> {
    let Plan { attributes, contact, .. } = policy.plans.get(name)?.clone();
    let attributes = attributes.into_iter().chain(own).collect();
    Some(PlanStanding { name: name.clone(), attributes, contact })
}

impl From<LimitView> for LimitStanding {
    fn from(view: LimitView) -> Self {
        let LimitView { name, rule, limit, used, remaining, resets_at, custom } = view;
        Self { name, rule, limit, used, remaining, resets_at: Instant(resets_at), custom }
    }
}
