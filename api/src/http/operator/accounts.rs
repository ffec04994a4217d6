//! Opening an account, looking at it, and giving it a plan.

use super::super::read::Path;
use super::super::read::Write;
use super::super::view::{BalanceView, Instant};
use super::super::{App, auth::Operator, error::Problem, reply, text};
use super::keys::KeyView;
use axum::extract::State;
use axum::response::Response;
use domain::account::Account;
use domain::command::{AccountAct, Action};
use domain::ids::Name;
use domain::policy::Mode;
use domain::time::{Calendar, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A new account.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Open {
    /// 1 to 64 of `A-Z a-z 0-9 . _ -`.
    account: String,
    /// The policy's default plan unless given.
    plan: Option<String>,
    /// Accounts of one owner may be counted together.
    owner: Option<String>,
    /// The IANA name of the time zone by which its quotas reset; UTC unless given.
    zone: Option<String>,
    /// The hour, 0 to 23, at which its day begins.
    reset_hour: Option<u8>,
    /// When the account was opened with the provider; now unless given.
    opened: Option<String>,
}

/// Opens an account.
#[utoipa::path(
    post, path = "/v1/accounts", tag = "operators", security(("operator" = [])), request_body = Open,
    responses((status = 200, description = "The event `AccountOpened`", body = super::super::docs::EventBody))
)]
pub(super) async fn open(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Write { body, request }: Write<Open>,
) -> Result<Response, Problem> {
    let account = text::name("account", &body.account)?;
    let calendar = calendar(body.zone.as_deref(), body.reset_hour)?.unwrap_or_default();
    let act = AccountAct::Open {
        plan: text::names("plan", body.plan.as_deref())?,
        owner: text::names("owner", body.owner.as_deref())?,
        calendar,
        opened: text::time("opened", body.opened.as_deref())?,
    };
    reply::record(&app, actor, request, Action::Account { account, act }).await
}

/// The calendar of a zone and a reset hour; none when neither is given.
pub(super) fn calendar(zone: Option<&str>, reset_hour: Option<u8>) -> Result<Option<Calendar>, Problem> {
    if reset_hour.is_some_and(|hour| hour > 23) {
        return Err(Problem::invalid("reset_hour", "must be 0 to 23"));
    }
    if zone.is_none() && reset_hour.is_none() {
        return Ok(None);
    }
    let zone = zone.map(|zone| text::zone("zone", zone)).transpose()?.unwrap_or_default();
    Ok(Some(Calendar { zone, reset_hour: reset_hour.unwrap_or(0) }))
}

/// The new plan.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePlan {
    plan: String,
}

/// Gives an account another plan, from the next decision on. What was used stays used.
#[utoipa::path(
    put, path = "/v1/accounts/{id}/plan", tag = "operators", security(("operator" = [])), request_body = ChangePlan,
    params(("id" = String, Path, description = "The account")),
    responses((status = 200, description = "The event `PlanChanged`", body = super::super::docs::EventBody))
)]
pub(super) async fn plan(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Path(id): Path<String>,
    Write { body, request }: Write<ChangePlan>,
) -> Result<Response, Problem> {
    let account = text::name("account", &id)?;
    let act = AccountAct::ChangePlan { plan: text::name("plan", &body.plan)? };
    reply::record(&app, actor, request, Action::Account { account, act }).await
}

/// An account as an operator sees it.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct AccountView {
    #[schema(value_type = String)]
    account: Name,
    #[schema(value_type = Option<String>)]
    plan: Option<Name>,
    #[schema(value_type = Option<String>)]
    owner: Option<Name>,
    zone: String,
    reset_hour: u8,
    #[schema(value_type = String)]
    opened: Instant,
    contact: bool,
    terms: Option<String>,
    /// Figures of its own by limit.
    #[schema(value_type = Object)]
    figures: BTreeMap<Name, u64>,
    #[schema(value_type = Object)]
    attributes: BTreeMap<Name, String>,
    terminated: bool,
    suspension: Option<SuspensionView>,
    keys: Vec<KeyView>,
    #[schema(value_type = super::super::docs::Balance)]
    balance: BalanceView,
    #[schema(value_type = super::super::docs::Balance)]
    test_balance: BalanceView,
    open_decisions: usize,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct SuspensionView {
    reason: String,
    #[schema(value_type = String)]
    since: Instant,
    #[schema(value_type = Option<String>)]
    until: Option<Instant>,
}

impl AccountView {
    fn of(name: Name, account: &Account, now: Timestamp) -> Self {
        let more = account.more().cloned().unwrap_or_default();
        Self {
            account: name,
            plan: account.plan.clone(),
            owner: account.owner.clone(),
            zone: account.calendar.zone.name().to_owned(),
            reset_hour: account.calendar.reset_hour,
            opened: Instant(account.opened),
            contact: more.contact,
            terms: more.terms,
            figures: more.figures,
            attributes: more.attributes,
            terminated: account.is_terminated(),
            suspension: account.suspension(now).map(|suspension| SuspensionView {
                reason: suspension.reason.clone(),
                since: Instant(suspension.since),
                until: suspension.until.map(Instant),
            }),
            keys: account.keys.iter().map(KeyView::of).collect(),
            balance: account.balance(Mode::Live, now).into(),
            test_balance: account.balance(Mode::Test, now).into(),
            open_decisions: account.open_decisions().len(),
        }
    }
}

/// An account, its keys and its standing.
#[utoipa::path(
    get, path = "/v1/accounts/{id}", tag = "operators", security(("operator" = [])),
    params(("id" = String, Path, description = "The account")),
    responses((status = 200, description = "The account", body = AccountView))
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Operator(_): Operator,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let account = text::name("account", &id)?;
    let name = account.clone();
    let view = app.engine.read(Some(account.clone()), move |book, now| {
        book.account(name.as_str()).map(|account| AccountView::of(name.clone(), account, now))
    });
    let view = view.await?.ok_or(domain::rejection::Rejection::UnknownAccount(account))?;
    Ok(reply::view(&view))
}
