//! `GET /v1/account/usage`: what an account's keys did, by hour, day or month.

use super::range::Range;
use crate::http::auth::AccountReader;
use crate::http::error::Problem;
use crate::http::read::Query;
use crate::http::view::Instant;
use crate::http::{App, page, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::ids::{Name, Position};
use domain::money::Credits;
use domain::policy::Mode;
use projections::read::{ReadModels, UsageWanted};
use projections::views::usage::{Span, Usage, UsageKey};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which usage.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Named by a gateway or an operator.
    #[expect(dead_code, reason = "the extractor of the reader reads it")]
    account: Option<String>,
    /// `hour` (of UTC), `day` or `month` (of the account's calendar); `month` unless given.
    by: Option<String>,
    /// Periods that begin at or after this instant; the current month's beginning unless given …
    from: Option<String>,
    /// … and before this one; the current month's end unless given.
    to: Option<String>,
    /// `live` or `test`; both unless given.
    mode: Option<String>,
    /// Only what this key did.
    key: Option<String>,
    /// Only what was done at this endpoint, by its name in the policy.
    endpoint: Option<String>,
    /// The cursor of the page before.
    cursor: Option<String>,
    /// Most rows of the page, 1 to 1,000; 100 unless given.
    limit: Option<usize>,
}

/// What was counted. Credits of test keys stand in rows of test mode only.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Figures {
    /// Admitted.
    requests: u64,
    units: u64,
    refused: u64,
    /// Outcomes that came, holds that ran out.
    settled: u64,
    /// Outcomes and refunds of requests from an earlier period.
    late: u64,
    #[schema(value_type = String)]
    held: Credits,
    #[schema(value_type = String)]
    released: Credits,
    #[schema(value_type = String)]
    charged: Credits,
    #[schema(value_type = String)]
    refunded: Credits,
    #[schema(value_type = String)]
    uncollected: Credits,
}

impl From<&Usage> for Figures {
    fn from(usage: &Usage) -> Self {
        let Usage { requests, units, refused, settled, late, .. } = *usage;
        let Usage { held, released, charged, refunded, uncollected, .. } = *usage;
        Self { requests, units, refused, settled, late, held, released, charged, refunded, uncollected }
    }
}

impl Figures {
    /// Every figure, in order.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> {
        let counts = [self.requests, self.units, self.refused, self.settled, self.late];
        let credits = [self.held, self.released, self.charged, self.refunded, self.uncollected];
        counts.map(|count| count.to_string()).into_iter().chain(credits.map(|amount| amount.to_string()))
    }
}

/// One row: a period, what was asked with which key, and how it ended.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Row {
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    #[schema(value_type = String)]
    mode: Mode,
    #[schema(value_type = Option<String>)]
    plan: Option<Name>,
    #[schema(value_type = Option<String>)]
    key: Option<Name>,
    #[schema(value_type = String)]
    endpoint: Arc<str>,
    /// `open` at the decision, `refused`, an outcome, `expired`, or `refunded` apart from an outcome.
    ended: &'static str,
    /// The gate that refused.
    #[schema(value_type = Option<String>)]
    gate: Option<Name>,
    #[serde(flatten)]
    figures: Figures,
}

/// A page of usage.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = UsagePage)]
pub(crate) struct Page {
    #[schema(value_type = String)]
    account: Name,
    by: &'static str,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    rows: Vec<Row>,
    /// Pass it as `cursor` to go on; absent on the last page.
    cursor: Option<String>,
    /// The last event that is counted here.
    position: Position,
}

/// What an account's keys did: requests, units, credit and refusals, by period, key, endpoint and end.
#[utoipa::path(
    get, path = "/v1/account/usage", tag = "consumers", params(Asked),
    security(("account" = []), ("account_header" = []), ("gateway" = []), ("operator" = [])),
    responses((status = 200, description = "The rows in order", body = Page))
)]
pub(super) async fn usage(
    State(app): State<Arc<App>>,
    reader: AccountReader,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let account = reader.account;
    let limit = page::limit(asked.limit)?;
    let Range { from, to, .. } =
        Range::of(&app, &account, (asked.from.as_deref(), asked.to.as_deref())).await?;
    let by = span(asked.by.as_deref())?;
    let wanted = UsageWanted {
        account: account.clone(),
        by,
        from,
        to,
        mode: asked.mode.as_deref().map(mode).transpose()?,
        key: text::names("key", asked.key.as_deref())?,
        endpoint: asked.endpoint,
        after: asked.cursor.as_deref().map(|cursor| cursor::read(cursor, &account, by)).transpose()?,
        limit,
    };
    let page = app.following.fresh().await.usage(&wanted).await?;
    let cursor = page.cursor(|(key, _)| cursor::write(key));
    let rows = page.rows.iter().map(row).collect();
    let (from, to, position) = (Instant(from), Instant(to), page.position);
    Ok(reply::view(&Page { account, by: by.as_str(), from, to, rows, cursor, position }))
}

pub(super) fn span(by: Option<&str>) -> Result<Span, Problem> {
    let Some(by) = by else { return Ok(Span::Month) };
    let found = Span::ALL.into_iter().find(|span| span.as_str() == by);
    found.ok_or_else(|| Problem::invalid("by", "must be hour, day or month"))
}

fn mode(mode: &str) -> Result<Mode, Problem> {
    let found = [Mode::Live, Mode::Test].into_iter().find(|known| known.name() == mode);
    found.ok_or_else(|| Problem::invalid("mode", "must be live or test"))
}

fn row((key, usage): &(UsageKey, Usage)) -> Row {
    Row {
        from: Instant(key.from),
        to: Instant(key.to),
        mode: key.mode,
        plan: key.plan.clone(),
        key: key.key.clone(),
        endpoint: key.endpoint.clone(),
        ended: key.ended.as_str(),
        gate: key.gate.clone(),
        figures: usage.into(),
    }
}

/// Every row of what is wanted, page by page.
pub(super) async fn all(
    reads: &dyn ReadModels,
    mut wanted: UsageWanted,
    mut take: impl FnMut(&UsageKey, &Usage),
) -> Result<Position, Problem> {
    wanted.limit = page::MAX;
    for _ in 0..PAGES_MAX {
        let page = reads.usage(&wanted).await?;
        page.rows.iter().for_each(|(key, usage)| take(key, usage));
        wanted.after = page.rows.last().map(|(key, _)| key.clone());
        if !page.more {
            return Ok(page.position);
        }
    }
    Err(Problem::invalid("from", "asks for more than 100,000 rows at once: take a shorter time"))
}

/// Pages that one sum goes through at most.
const PAGES_MAX: usize = 100;

mod cursor {
    //! The place of a row, as an opaque text.

    use super::{Mode, Problem, Span, UsageKey, mode};
    use data_encoding::BASE64URL_NOPAD;
    use domain::ids::Name;
    use domain::time::Timestamp;
    use projections::views::usage::Ended;
    use serde::{Deserialize, Serialize};
    use std::sync::Arc;

    #[derive(Serialize, Deserialize)]
    struct Place(i64, i64, String, Option<Name>, Option<Name>, Arc<str>, String, Option<Name>);

    pub(super) fn write(row: &UsageKey) -> String {
        let (mode, ended) = (row.mode.name().to_owned(), row.ended.as_str().to_owned());
        let (plan, key, gate) = (row.plan.clone(), row.key.clone(), row.gate.clone());
        let (from, to) = (row.from.micros(), row.to.micros());
        let place = Place(from, to, mode, plan, key, row.endpoint.clone(), ended, gate);
        BASE64URL_NOPAD.encode(&serde_json::to_vec(&place).unwrap_or_default())
    }

    pub(super) fn read(cursor: &str, account: &Name, by: Span) -> Result<UsageKey, Problem> {
        let wrong = || Problem::invalid("cursor", "must be the `cursor` of an earlier page");
        let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).map_err(|_| wrong())?;
        let place: Place = serde_json::from_slice(&bytes).map_err(|_| wrong())?;
        let Place(from, to, of, plan, key, endpoint, end, gate) = place;
        let of: Mode = mode(&of).map_err(|_| wrong())?;
        let ended = Ended::ALL.into_iter().find(|ended| ended.as_str() == end).ok_or_else(wrong)?;
        let (from, to) = (Timestamp::from_micros(from), Timestamp::from_micros(to));
        let account = Some(account.clone());
        Ok(UsageKey { account, by, from, to, mode: of, plan, key, endpoint, ended, gate })
    }
}
