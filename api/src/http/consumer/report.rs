//! `GET /v1/account/reports/{month}`: the monthly usage report, reconciled to the statement.

use super::range::Range;
use super::statement::Stand;
use super::usage::{Figures, all};
use crate::http::auth::AccountReader;
use crate::http::error::Problem;
use crate::http::read::{Path, Query};
use crate::http::view::Instant;
use crate::http::{App, reply};
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use domain::ids::{Name, Position};
use domain::money::Credits;
use domain::policy::Mode;
use projections::read::UsageWanted;
use projections::views::usage::{Span, Usage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How the report is wanted.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Named by a gateway or an operator.
    #[expect(dead_code, reason = "the extractor of the reader reads it")]
    account: Option<String>,
    /// `json` or `csv`; `json` unless given.
    format: Option<String>,
}

/// The total of one endpoint under one plan.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Total {
    #[schema(value_type = Option<String>)]
    plan: Option<Name>,
    #[schema(value_type = String)]
    endpoint: Arc<str>,
    #[serde(flatten)]
    figures: Figures,
}

/// What the statement says of the same month.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Check {
    #[schema(value_type = String)]
    charged: Credits,
    #[schema(value_type = String)]
    refunded: Credits,
    /// Whether usage adds up to the same.
    agrees: bool,
}

/// A month of an account. Live credit only.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Report {
    #[schema(value_type = String)]
    account: Name,
    /// The month `[from, to)` by the account's calendar.
    month: String,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    /// Whether the month is over: what is settled later counts in the month of its settlement.
    closed: bool,
    opening: Stand,
    closing: Stand,
    total: Figures,
    endpoints: Vec<Total>,
    statement: Check,
    /// The last event that is counted here.
    position: Position,
}

/// The usage report of a month: totals by plan and endpoint, checked against the statement.
#[utoipa::path(
    get, path = "/v1/account/reports/{month}", tag = "consumers",
    params(("month" = String, Path, description = "Such as 2026-01"), Asked),
    security(("account" = []), ("account_header" = []), ("gateway" = []), ("operator" = [])),
    responses((status = 200, description = "The month", content(
        (Report = "application/json"),
        (String = "text/csv"),
    )))
)]
pub(super) async fn report(
    State(app): State<Arc<App>>,
    reader: AccountReader,
    Path(month): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let csv = match asked.format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(Problem::invalid("format", "must be json or csv")),
    };
    let report = make(&app, reader.account, month).await?;
    Ok(if csv { table(&report) } else { reply::view(&report) })
}

async fn make(app: &App, account: Name, month: String) -> Result<Report, Problem> {
    let Range { from, to, now, .. } = Range::month(app, &account, &month).await?;
    let reads = app.following.fresh().await;
    let wanted = UsageWanted {
        account: account.clone(),
        by: Span::Month,
        from,
        to,
        mode: Some(Mode::Live),
        key: None,
        endpoint: None,
        after: None,
        limit: 0,
    };
    let mut rows: BTreeMap<(Option<Name>, Arc<str>), Usage> = BTreeMap::new();
    let position = all(reads, wanted, |row, usage| {
        let sum = rows.entry((row.plan.clone(), row.endpoint.clone())).or_default();
        *sum = sum.plus(usage);
    });
    let position = position.await?;
    let (opening, closing) = (reads.standing(&account, from).await?, reads.standing(&account, to).await?);
    let total = rows.values().fold(Usage::default(), |sum, usage| sum.plus(usage));
    let charged = closing.charged.minus(opening.charged);
    let refunded = closing.refunded.minus(opening.refunded);
    let agrees = (charged, refunded) == (total.charged, total.refunded);
    let row = |((plan, endpoint), usage): (_, Usage)| Total { plan, endpoint, figures: (&usage).into() };
    Ok(Report {
        account,
        month,
        from: Instant(from),
        to: Instant(to),
        closed: now >= to,
        opening: opening.into(),
        closing: closing.into(),
        total: (&total).into(),
        endpoints: rows.into_iter().map(row).collect(),
        statement: Check { charged, refunded, agrees },
        position,
    })
}

/// The totals as CSV (RFC 4180), the month and the account in every line.
fn table(report: &Report) -> Response {
    let mut out = csv::Writer::from_writer(Vec::new());
    let head = [
        "account",
        "month",
        "plan",
        "endpoint",
        "requests",
        "units",
        "refused",
        "settled",
        "late",
        "held",
        "released",
        "charged",
        "refunded",
        "uncollected",
    ];
    // A Vec takes all that is written, and every line has as many fields.
    let _ = out.write_record(head);
    for Total { plan, endpoint, figures } in &report.endpoints {
        let plan = plan.as_ref().map_or("", Name::as_str);
        let mut line =
            vec![report.account.to_string(), report.month.clone(), plan.into(), endpoint.to_string()];
        line.extend(figures.texts());
        let _ = out.write_record(&line);
    }
    let mut response = Response::new(Body::from(out.into_inner().unwrap_or_default()));
    let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
