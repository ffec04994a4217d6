//! `GET /v1/account/statement`: each movement of live credit, its cause, and the balance after it.

use super::range::Range;
use crate::http::auth::AccountReader;
use crate::http::error::Problem;
use crate::http::read::Query;
use crate::http::view::{DecisionId, Instant};
use crate::http::{App, page, reply};
use axum::extract::State;
use axum::response::Response;
use domain::ids::{Name, Position};
use domain::money::Credits;
use projections::read::LinesWanted;
use projections::views::statement::{Line, Standing};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Which movements.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Named by a gateway or an operator.
    #[expect(dead_code, reason = "the extractor of the reader reads it")]
    account: Option<String>,
    /// Not before this instant; the current month's beginning unless given …
    from: Option<String>,
    /// … and before this one; the current month's end unless given.
    to: Option<String>,
    /// The cursor of the page before.
    cursor: Option<u64>,
    /// Most lines of the page, 1 to 1,000; 100 unless given.
    limit: Option<usize>,
}

/// Credit and holds.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Stand {
    /// All that is owned and not reserved, less debt; also what takes effect later.
    #[schema(value_type = String)]
    credit: Credits,
    #[schema(value_type = String)]
    held: Credits,
}

impl From<Standing> for Stand {
    fn from(Standing { credit, held, .. }: Standing) -> Self {
        Self { credit, held }
    }
}

/// One movement.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Movement {
    position: Position,
    #[schema(value_type = String)]
    at: Instant,
    /// The event's type.
    cause: &'static str,
    #[schema(value_type = Option<String>)]
    decision_id: Option<DecisionId>,
    #[schema(value_type = Option<String>)]
    request_id: Option<Arc<str>>,
    #[schema(value_type = String)]
    actor: Arc<str>,
    /// What came to the credit, or went.
    #[schema(value_type = String)]
    credit: Credits,
    #[schema(value_type = String)]
    held: Credits,
    #[schema(value_type = String)]
    charged: Credits,
    #[schema(value_type = String)]
    refunded: Credits,
    #[schema(value_type = String)]
    uncollected: Credits,
    /// How it stood then.
    after: Stand,
}

/// A page of the statement.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = StatementPage)]
pub(crate) struct Page {
    #[schema(value_type = String)]
    account: Name,
    #[schema(value_type = String)]
    from: Instant,
    #[schema(value_type = String)]
    to: Instant,
    /// How it stood at `from`.
    opening: Stand,
    lines: Vec<Movement>,
    /// Pass it as `cursor` to go on; absent on the last page.
    cursor: Option<Position>,
    /// The last event that is looked at here.
    position: Position,
}

/// Each movement of live credit in order, with its cause and the running balance.
#[utoipa::path(
    get, path = "/v1/account/statement", tag = "consumers", params(Asked),
    security(("account" = []), ("account_header" = []), ("gateway" = []), ("operator" = [])),
    responses((status = 200, description = "The movements in order", body = Page))
)]
pub(super) async fn statement(
    State(app): State<Arc<App>>,
    reader: AccountReader,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let account = reader.account;
    let limit = page::limit(asked.limit)?;
    let Range { from, to, .. } =
        Range::of(&app, &account, (asked.from.as_deref(), asked.to.as_deref())).await?;
    let after = asked.cursor.unwrap_or(0);
    let wanted = LinesWanted { account: account.clone(), from, to, after, limit };
    let reads = app.following.fresh().await;
    let opening = reads.standing(&account, from).await?.into();
    let page = reads.statement(&wanted).await?;
    let cursor = page.cursor(|line| line.position);
    let lines = page.rows.into_iter().map(Movement::from).collect();
    let (from, to, position) = (Instant(from), Instant(to), page.position);
    Ok(reply::view(&Page { account, from, to, opening, lines, cursor, position }))
}

impl From<Line> for Movement {
    fn from(line: Line) -> Self {
        let Line { position, cause, actor, credit, held, charged, refunded, uncollected, .. } = line;
        Self {
            position,
            at: Instant(line.at),
            cause,
            decision_id: line.decision.map(DecisionId),
            request_id: line.request,
            actor,
            credit,
            held,
            charged,
            refunded,
            uncollected,
            after: line.after.into(),
        }
    }
}
