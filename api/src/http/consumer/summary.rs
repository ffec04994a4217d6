//! `GET /v1/account/usage-summary`: usage in sum, and by period.

use super::range::Range;
use super::usage::{Figures, all, span};
use crate::http::auth::AccountReader;
use crate::http::error::Problem;
use crate::http::read::Query;
use crate::http::view::Instant;
use crate::http::{App, reply};
use axum::extract::State;
use axum::response::Response;
use domain::ids::{Name, Position};
use domain::policy::Mode;
use domain::time::Timestamp;
use projections::read::UsageWanted;
use projections::views::usage::Usage;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
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
}

/// The sum of one period.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Sum {
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    live: Figures,
    test: Figures,
}

/// Usage in sum.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Summary {
    #[schema(value_type = String)]
    account: Name,
    by: &'static str,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    /// All periods together.
    live: Figures,
    test: Figures,
    /// Each period in which anything happened.
    periods: Vec<Sum>,
    /// The last event that is counted here.
    position: Position,
}

/// Live and test.
type Both = [Usage; 2];

/// What an account did, in sum and by period.
#[utoipa::path(
    get, path = "/v1/account/usage-summary", tag = "consumers", params(Asked),
    security(("account" = []), ("account_header" = []), ("gateway" = []), ("operator" = [])),
    responses((status = 200, description = "The sums", body = Summary))
)]
pub(super) async fn summary(
    State(app): State<Arc<App>>,
    reader: AccountReader,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let account = reader.account;
    let Range { from, to, .. } =
        Range::of(&app, &account, (asked.from.as_deref(), asked.to.as_deref())).await?;
    let by = span(asked.by.as_deref())?;
    let wanted = UsageWanted {
        account: account.clone(),
        by,
        from,
        to,
        mode: None,
        key: None,
        endpoint: None,
        after: None,
        limit: 0,
    };
    let mut periods: BTreeMap<(Timestamp, Timestamp), Both> = BTreeMap::new();
    let position = all(app.following.fresh().await, wanted, |row, usage| {
        let sum = &mut periods.entry((row.from, row.to)).or_default()[usize::from(row.mode == Mode::Test)];
        *sum = sum.plus(usage);
    });
    let position = position.await?;
    let total =
        periods.values().fold(Both::default(), |sum, one| [sum[0].plus(&one[0]), sum[1].plus(&one[1])]);
    let [live, test] = total.each_ref().map(Figures::from);
    let (from, to) = (Instant(from), Instant(to));
    let periods = periods.iter().map(sum).collect();
    Ok(reply::view(&Summary { account, by: by.as_str(), from, to, live, test, periods, position }))
}

fn sum(((from, to), both): (&(Timestamp, Timestamp), &Both)) -> Sum {
    let [live, test] = both.each_ref().map(Figures::from);
    Sum { from: Instant(*from), to: Instant(*to), live, test }
}
