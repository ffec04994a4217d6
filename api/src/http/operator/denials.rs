//! `GET /v1/denials`: what was refused, and to whom.

use super::super::read::Query;
use super::super::refusal::{Codes, Refusal};
use super::super::{App, auth::Operator, error::Problem, page, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::event::Stream;
use domain::ids::{Digest, Position};
use projections::read::{DenialsWanted, Refused};
use projections::views::denials::Denial;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;

/// Which refusals.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// `account:NAME`, or `ip:` and an address, or its hash as the log shows it; everybody unless given.
    subject: Option<String>,
    /// Recorded not before this instant …
    from: Option<String>,
    /// … and before this one.
    to: Option<String>,
    /// The cursor of the page before.
    cursor: Option<u64>,
    /// Most refusals of the page, 1 to 1,000; 100 unless given.
    limit: Option<usize>,
}

/// A refusal, and to whom.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct RefusalOf {
    /// `account-NAME` or `client-HASH`.
    #[schema(value_type = String)]
    stream: Stream,
    /// The hash of the caller's address.
    #[schema(value_type = Option<String>)]
    ip: Option<Digest>,
    #[serde(flatten)]
    refusal: Refusal,
}

/// A page of refusals.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct DenialsPage {
    denials: Vec<RefusalOf>,
    /// Pass it as `cursor` to go on; absent on the last page.
    cursor: Option<Position>,
    /// The last event that is looked at here.
    position: Position,
}

/// What was refused to an account, to an address or to everybody, in order. Refusals that are only counted come when
/// their minute has ended.
#[utoipa::path(
    get, path = "/v1/denials", tag = "operators", security(("operator" = [])), params(Asked),
    responses((status = 200, description = "The refusals in order", body = DenialsPage))
)]
pub(super) async fn refusals(
    State(app): State<Arc<App>>,
    Operator(_): Operator,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let (from, to) = text::times((asked.from.as_deref(), asked.to.as_deref()))?;
    let wanted = DenialsWanted {
        of: asked.subject.as_deref().map_or(Ok(Refused::Everybody), |subject| refused(&app, subject))?,
        from,
        to,
        after: asked.cursor.unwrap_or(0),
        limit: page::limit(asked.limit)?,
    };
    let page = app.following.fresh().await.denials(&wanted).await?;
    let codes = Codes::of(&app, &page.rows).await?;
    let cursor = page.cursor(|denial| denial.position);
    let denials = page.rows.iter().map(|denial| shown(denial, &codes)).collect();
    Ok(reply::view(&DenialsPage { denials, cursor, position: page.position }))
}

fn refused(app: &App, subject: &str) -> Result<Refused, Problem> {
    match subject.split_once(':') {
        Some(("account", name)) => text::name("subject", name).map(Refused::Account),
        Some(("ip", ip)) => address(app, ip).map(Refused::Ip),
        Some(_) | None => Err(Problem::invalid("subject", "must be account: or ip: and a value")),
    }
}

/// The hash by which an address is counted: of the address, or as the log shows it.
pub(super) fn address(app: &App, text: &str) -> Result<Digest, Problem> {
    let of_address = text.parse::<IpAddr>().ok().map(|ip| app.edge.ip_digest(ip));
    let found = of_address.or_else(|| text.parse().ok());
    found.ok_or_else(|| Problem::invalid("subject", "must name an address, or its hash of 32 digits"))
}

fn shown(denial: &Denial, codes: &Codes) -> RefusalOf {
    RefusalOf { stream: denial.stream.clone(), ip: denial.ip, refusal: codes.shown(denial) }
}
