//! Usage of the current calendar month, by endpoint and in sum.

use crate::http::auth::AccountReader;
use crate::http::error::Problem;
use crate::http::view::Instant;
use crate::http::{App, reply};
use axum::extract::State;
use axum::response::Response;
use domain::account::{Account, Tally};
use domain::ids::Name;
use domain::money::Credits;
use domain::policy::Mode;
use domain::rejection::Rejection;
use domain::time::{Period, Timestamp};
use serde::Serialize;
use std::sync::Arc;

/// What was counted.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Counted {
    requests: u64,
    refused: u64,
    units: u64,
    #[schema(value_type = String)]
    charged: Credits,
    #[schema(value_type = String)]
    refunded: Credits,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Row {
    #[schema(value_type = String)]
    mode: Mode,
    /// `(other)` stands for all beyond the first hundred.
    endpoint: String,
    #[serde(flatten)]
    counted: Counted,
}

/// A month's usage by endpoint.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Usage {
    #[schema(value_type = String)]
    account: Name,
    /// The month `[from, to)` by the account's calendar.
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    endpoints: Vec<Row>,
}

/// A month's usage in sum.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Summary {
    #[schema(value_type = String)]
    account: Name,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    live: Counted,
    test: Counted,
}

impl From<&Tally> for Counted {
    fn from(tally: &Tally) -> Self {
        let Tally { requests, refused, units, charged, refunded } = *tally;
        Self { requests, refused, units, charged, refunded }
    }
}

struct Month {
    from: Timestamp,
    to: Timestamp,
    rows: Vec<(Mode, Arc<str>, Tally)>,
}

/// The current month of an account; one without any usage yet has no rows.
async fn month(app: &App, account: Name) -> Result<Month, Problem> {
    let name = account.clone();
    let month = app.engine.read(Some(account.clone()), move |book, now| {
        book.account(name.as_str()).map(|account| of(account, now))
    });
    Ok(month.await?.ok_or(Rejection::UnknownAccount(account))?)
}

fn of(account: &Account, now: Timestamp) -> Month {
    let (from, to) = account.calendar.period(Period::Month, now);
    let current = account.usage().filter(|usage| now < usage.to);
    Month { from, to, rows: current.map(|usage| usage.endpoints.clone()).unwrap_or_default() }
}

fn sum(rows: &[(Mode, Arc<str>, Tally)], mode: Mode) -> Counted {
    let mut sum = Tally::default();
    for (_, _, tally) in rows.iter().filter(|(of, _, _)| *of == mode) {
        sum.requests += tally.requests;
        sum.refused += tally.refused;
        sum.units += tally.units;
        sum.charged = sum.charged.plus(tally.charged);
        sum.refunded = sum.refunded.plus(tally.refunded);
    }
    Counted::from(&sum)
}

/// What the account did in the current calendar month, by endpoint.
#[utoipa::path(
    get, path = "/v1/account/usage", tag = "consumers",
    security(("account" = []), ("account_header" = []), ("gateway" = []), ("operator" = [])),
    params(("account" = Option<String>, Query, description = "Named by a gateway or an operator")),
    responses((status = 200, description = "The month by endpoint", body = Usage))
)]
pub(super) async fn usage(State(app): State<Arc<App>>, reader: AccountReader) -> Result<Response, Problem> {
    let Month { from, to, rows } = month(&app, reader.account.clone()).await?;
    let row = |(mode, endpoint, tally): &(Mode, Arc<str>, Tally)| Row {
        mode: *mode,
        endpoint: endpoint.to_string(),
        counted: tally.into(),
    };
    let endpoints = rows.iter().map(row).collect();
    Ok(reply::view(&Usage { account: reader.account, from: Instant(from), to: Instant(to), endpoints }))
}

/// What the account did in the current calendar month, in sum.
#[utoipa::path(
    get, path = "/v1/account/usage-summary", tag = "consumers",
    security(("account" = []), ("account_header" = []), ("gateway" = []), ("operator" = [])),
    params(("account" = Option<String>, Query, description = "Named by a gateway or an operator")),
    responses((status = 200, description = "The month in sum", body = Summary))
)]
pub(super) async fn summary(State(app): State<Arc<App>>, reader: AccountReader) -> Result<Response, Problem> {
    let Month { from, to, rows } = month(&app, reader.account.clone()).await?;
    let (live, test) = (sum(&rows, Mode::Live), sum(&rows, Mode::Test));
    Ok(reply::view(&Summary { account: reader.account, from: Instant(from), to: Instant(to), live, test }))
}
