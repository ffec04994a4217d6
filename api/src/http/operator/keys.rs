//! API keys: issued, rotated, revoked, suspended, resumed, marked compromised, and verified after that.

use super::super::read::Path;
use super::super::read::Write;
use super::super::view::Instant;
use super::super::{App, auth::Operator, error::Problem, event::EventView, reply, text};
use crate::engine::Answer;
use axum::extract::State;
use axum::response::Response;
use domain::account::{Key, Standing};
use domain::command::{AccountAct, Action, Command, NewKey};
use domain::event::{KeyChange, RequestTag};
use domain::ids::Name;
use domain::policy::Mode;
use domain::rejection::Rejection;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A key; its text is not kept.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct KeyView {
    #[schema(value_type = String)]
    pub(crate) key: Name,
    #[schema(value_type = String)]
    pub(crate) kind: Name,
    #[schema(value_type = String)]
    pub(crate) mode: Mode,
    #[schema(value_type = String)]
    pub(crate) standing: Standing,
    #[schema(value_type = String)]
    pub(crate) issued: Instant,
    /// Figures of its own by limit.
    #[schema(value_type = Object)]
    pub(crate) figures: BTreeMap<Name, u64>,
}

impl KeyView {
    pub(crate) fn of(key: &Key) -> Self {
        Self {
            key: key.name.clone(),
            kind: key.kind.clone(),
            mode: key.mode,
            standing: key.standing,
            issued: Instant(key.issued),
            figures: key.figures.iter().cloned().collect(),
        }
    }
}

/// A key to issue.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issue {
    /// A kind of key of the policy.
    kind: String,
    /// The terms that the operator's approval names, where the kind needs one.
    approval: Option<String>,
    /// The name of the key that this one replaces, and that is revoked in the same step.
    replaces: Option<String>,
}

/// The event, and the key's text this one time.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Issued {
    /// Shown once; absent when the answer is a repeat.
    secret: Option<String>,
    #[schema(value_type = super::super::docs::EventBody)]
    event: EventView,
}

/// Issues a key, or rotates one with `replaces`. Its text is shown in this answer and never again.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/keys", tag = "operators", security(("operator" = [])), request_body = Issue,
    params(("id" = String, Path, description = "The account")),
    responses((status = 200, description = "The key's text and the event `KeyIssued`", body = Issued))
)]
pub(super) async fn issue(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Path(id): Path<String>,
    Write { body, request }: Write<Issue>,
) -> Result<Response, Problem> {
    let account = text::name("account", &id)?;
    let kind = text::name("kind", &body.kind)?;
    let replaces = text::names("replaces", body.replaces.as_deref())?;
    if let Some(approval) = &body.approval {
        text::sentence("approval", approval)?;
    }
    issue_key(&app, actor, request, account, (kind, body.approval, replaces)).await
}

/// Makes a key, records it, and shows its text.
pub(crate) async fn issue_key(
    app: &App,
    actor: Arc<str>,
    request: Option<RequestTag>,
    account: Name,
    (kind, approval, replaces): (Name, Option<String>, Option<Name>),
) -> Result<Response, Problem> {
    let prefix = prefix(app, kind.clone()).await?;
    let key = app.keys.make(&prefix).map_err(|_| Problem::sealing())?;
    let hash = app.keys.digest(&key.text);
    let act = AccountAct::IssueKey(NewKey { key: key.name, hash, kind, approval, replaces });
    let command = Command { actor, request, action: Action::Account { account, act } };
    let (secret, entry) = match app.engine.submit(command).await?.answer {
        Answer::Entry(entry) => (Some(key.text), entry),
        Answer::Repeat(entry) => (None, entry),
        Answer::Rejected(rejection) => return Err(rejection.into()),
        // Only requests of callers are ever collapsed.
        Answer::Collapsed(_) => return Err(Rejection::NoPolicy.into()),
    };
    Ok(reply::view(&Issued { secret, event: EventView::of(&entry) }))
}

/// What the text of a kind of key begins with.
async fn prefix(app: &App, kind: Name) -> Result<String, Problem> {
    let found = app.engine.read(None, move |book, now| {
        let rules = book.catalogue().in_force(now)?;
        let kinds = &rules.policy.keys.kinds;
        let known = || kinds.keys().map(Name::as_str).collect::<Vec<_>>().join(", ");
        Some(kinds.get(&kind).map(|kind| kind.prefix.clone()).ok_or_else(known))
    });
    let found = found.await?.ok_or(Rejection::NoPolicy)?;
    found.map_err(|known| {
        Problem::invalid("kind", format_args!("must be a kind of key of the policy: {known}"))
    })
}

/// Why, and for a compromise since when.
#[derive(Deserialize, Default, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Change {
    reason: Option<String>,
    /// When the compromise is suspected to have happened; only with `compromised`.
    suspected: Option<String>,
    /// When it was reported; now unless given. Only with `compromised`.
    reported: Option<String>,
}

/// Changes a key's standing from the next decision on.
#[utoipa::path(
    post, path = "/v1/accounts/{id}/keys/{key}/{change}", tag = "operators", security(("operator" = [])),
    params(
        ("id" = String, Path, description = "The account"),
        ("key" = String, Path, description = "The key's name"),
        ("change" = String, Path, description = "`revoke`, `suspend`, `resume`, `compromised` or `verify`"),
    ),
    request_body = Change,
    responses((status = 200, description = "The event `KeyChanged`", body = super::super::docs::EventBody))
)]
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Path((id, key, change)): Path<(String, String, String)>,
    Write { body, request }: Write<Change>,
) -> Result<Response, Problem> {
    let change = body.change(&change, app.time.now())?;
    if let Some(reason) = &body.reason {
        text::sentence("reason", reason)?;
    }
    record(
        &app,
        actor,
        request,
        (text::name("account", &id)?, text::name("key", &key)?),
        (change, body.reason),
    )
    .await
}

/// Records a key's new standing.
pub(crate) async fn record(
    app: &App,
    actor: Arc<str>,
    request: Option<RequestTag>,
    (account, key): (Name, Name),
    (change, reason): (KeyChange, Option<String>),
) -> Result<Response, Problem> {
    let act = AccountAct::ChangeKey { key, change, reason };
    reply::record(app, actor, request, Action::Account { account, act }).await
}

/// A compromise that is reported within this time after it is suspected was reported in time.
const IN_TIME_SECONDS: i64 = 86_400;

impl Change {
    fn change(&self, name: &str, now: Timestamp) -> Result<KeyChange, Problem> {
        if name != "compromised" && (self.suspected.is_some() || self.reported.is_some()) {
            return Err(Problem::invalid("suspected", "and reported belong to `compromised` only"));
        }
        match name {
            "revoke" => Ok(KeyChange::Revoked),
            "suspend" => Ok(KeyChange::Suspended),
            "resume" => Ok(KeyChange::Resumed),
            "verify" => Ok(KeyChange::Verified),
            "compromised" => self.compromised(now),
            _ => Err(Problem::not_found("a key knows revoke, suspend, resume, compromised and verify")),
        }
    }

    fn compromised(&self, now: Timestamp) -> Result<KeyChange, Problem> {
        let reported = text::time("reported", self.reported.as_deref())?.unwrap_or(now);
        let suspected = text::time("suspected", self.suspected.as_deref())?.unwrap_or(reported);
        if suspected > reported || reported > now {
            return Err(Problem::invalid(
                "suspected",
                "must not lie after reported, nor reported in the future",
            ));
        }
        let within_a_day = reported.since(suspected) <= domain::time::Span::from_secs(IN_TIME_SECONDS);
        Ok(KeyChange::Compromised { suspected, reported, within_a_day })
    }
}
