//! `GET /v1/bans`: who was banned, from when until when, and which bans were lifted.

use super::super::edge::BanValue;
use super::super::read::Query;
use super::super::view::Instant;
use super::super::{App, auth::Operator, error::Problem, page, reply, text};
use super::denials::address;
use axum::extract::State;
use axum::response::Response;
use domain::ids::{Digest, Name, Position};
use domain::policy::Dimension;
use projections::read::{Banned, BansWanted};
use projections::views::denials::{Ban, Lifted};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Whose bans.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// `account:NAME`, `key:NAME`, `owner:NAME`, `end_user:TEXT`, `ip:` and an address or its hash as the log shows it,
    /// or `hash:HASH` as a ban names its subject; everybody unless given.
    subject: Option<String>,
    /// The cursor of the page before.
    cursor: Option<u64>,
    /// Most bans of the page, 1 to 1,000; 100 unless given.
    limit: Option<usize>,
}

/// A ban.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct BanView {
    position: Position,
    /// The hash of the values of `by`.
    #[schema(value_type = String)]
    subject: Digest,
    /// What the subject is made of, such as `ip`.
    #[schema(value_type = Vec<String>)]
    by: Vec<Dimension>,
    #[schema(value_type = String)]
    name: Name,
    reason: String,
    #[schema(value_type = String)]
    from: Instant,
    /// When it ends by itself; for good unless given.
    #[schema(value_type = Option<String>)]
    until: Option<Instant>,
    lifted: Option<LiftedView>,
}

/// When an operator lifted a ban.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct LiftedView {
    position: Position,
    #[schema(value_type = String)]
    at: Instant,
}

/// A page of bans.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct BansPage {
    bans: Vec<BanView>,
    /// Pass it as `cursor` to go on; absent on the last page.
    cursor: Option<Position>,
    /// The last event that is looked at here.
    position: Position,
}

/// The bans of a subject, or of everybody, in order, also those that are over. A newer ban of a subject takes the place
/// of an older one.
#[utoipa::path(
    get, path = "/v1/bans", tag = "operators", security(("operator" = [])), params(Asked),
    responses((status = 200, description = "The bans in order", body = BansPage))
)]
pub(super) async fn banned(
    State(app): State<Arc<App>>,
    Operator(_): Operator,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let wanted = BansWanted {
        of: asked.subject.as_deref().map(|subject| whose(&app, subject)).transpose()?,
        after: asked.cursor.unwrap_or(0),
        limit: page::limit(asked.limit)?,
    };
    let page = app.following.fresh().await.bans(&wanted).await?;
    let cursor = page.cursor(|ban| ban.position);
    let bans = page.rows.into_iter().map(BanView::from).collect();
    Ok(reply::view(&BansPage { bans, cursor, position: page.position }))
}

fn whose(app: &App, subject: &str) -> Result<Banned, Problem> {
    let name = |text| text::name("subject", text).map(BanValue::Name);
    let (by, value) = match subject.split_once(':') {
        Some(("account", account)) => (Dimension::Account, name(account)?),
        Some(("key", key)) => (Dimension::Key, name(key)?),
        Some(("owner", owner)) => (Dimension::Owner, name(owner)?),
        Some(("end_user", user)) => (Dimension::EndUser, BanValue::Hash(app.edge.digest(user))),
        Some(("ip", ip)) => (Dimension::Ip, BanValue::Hash(address(app, ip)?)),
        Some(("hash", hash)) => return Ok(Banned { subject: text::parse("subject", hash)?, by: None }),
        Some(_) | None => {
            let what = "must be account:, key:, owner:, end_user:, ip: or hash: and a value";
            return Err(Problem::invalid("subject", what));
        }
    };
    // Names of accounts, keys and owners have the same hash.
    Ok(Banned { subject: app.edge.ban(&[value]), by: Some(by) })
}

impl From<Ban> for BanView {
    fn from(ban: Ban) -> Self {
        let Ban { position, at, subject, by, name, until, reason, lifted } = ban;
        let lifted = lifted.map(|Lifted { position, at }| LiftedView { position, at: Instant(at) });
        Self { position, subject, by, name, reason, from: Instant(at), until: until.map(Instant), lifted }
    }
}
