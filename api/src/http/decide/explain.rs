//! `GET /v1/decisions/{id}/explain`: why it was decided so, gate by gate, and what the cost is made of.

use super::get::trace;
use crate::http::auth::Staff;
use crate::http::error::Problem;
use crate::http::read::Path;
use crate::http::view::{BalanceView, DecisionId, Instant};
use crate::http::{App, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::event::{Details, Entry, Event};
use domain::ids::Position;
use domain::money::Credits;
use domain::pricing::{Breakdown, PriceList};
use domain::rejection::Rejection;
use projections::explain::{Decision, Gate};
use projections::views::requests::step;
use rust_decimal::Decimal;
use serde::Serialize;
use std::sync::Arc;

/// A gate of the ladder and what it said.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct GateView {
    /// `key`, `ban`, `suspension`, `credit`, or the name of a size or a limit.
    gate: String,
    /// `passed`, `refused`, `watched` (in shadow mode, would have refused), `limited` (items were put into an error
    /// state), `silent` (does not speak of such a request) or `not_asked` (a gate before it had refused).
    verdict: &'static str,
    means: Option<String>,
    /// What stands counted after the decision; a refused request counts nothing.
    counted: Option<u64>,
    limit: Option<u64>,
    remaining: Option<u64>,
    #[schema(value_type = Option<String>)]
    resets_at: Option<Instant>,
}

/// The cost of one unit or item: (base + table + size + units) × markup, raised to the minimum, rounded once.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct CostView {
    endpoint: String,
    /// How many units cost this.
    units: u32,
    #[schema(value_type = String)]
    base: Decimal,
    #[schema(value_type = String)]
    table: Decimal,
    #[schema(value_type = String)]
    size: Decimal,
    #[schema(value_type = String)]
    per_unit: Decimal,
    #[schema(value_type = String)]
    markup: Decimal,
    /// Whether the minimum took the place of a lower cost.
    raised_to_minimum: bool,
    /// The full cost of one, before it is rounded.
    #[schema(value_type = String)]
    cost: Decimal,
}

/// An event of the decision and what it moved.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct StepView {
    position: Position,
    #[serde(rename = "type")]
    kind: &'static str,
    #[schema(value_type = String)]
    at: Instant,
    #[schema(value_type = Option<String>)]
    outcome: Option<domain::pricing::Outcome>,
    #[schema(value_type = String)]
    charged: Credits,
    #[schema(value_type = String)]
    refunded: Credits,
}

/// Why a request was decided as it was.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Explained {
    #[schema(value_type = String)]
    decision_id: DecisionId,
    #[schema(value_type = String)]
    at: Instant,
    /// Number of the policy that it was decided under, in the order of publication.
    policy: u32,
    /// Number of the price list; 0 where there was none.
    price_list: u32,
    admitted: bool,
    /// Every gate in the order in which they are asked.
    gates: Vec<GateView>,
    /// The full cost by the attributes that are known, the outcome's own first; an outcome may charge less of it.
    costs: Vec<CostView>,
    #[schema(value_type = Option<super::super::docs::Balance>)]
    before: Option<BalanceView>,
    #[schema(value_type = Option<super::super::docs::Balance>)]
    after: Option<BalanceView>,
    /// What came of it, as it came.
    steps: Vec<StepView>,
}

/// Why a request was admitted or refused: every gate with its count, the cost and its parts, and what came after.
#[utoipa::path(
    get, path = "/v1/decisions/{id}/explain", tag = "decisions", security(("gateway" = []), ("operator" = [])),
    params(("id" = String, Path, description = "The decision's id, such as `d_42`")),
    responses((status = 200, description = "The reasons", body = Explained))
)]
pub(crate) async fn explain(
    State(app): State<Arc<App>>,
    Staff(_): Staff,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let position = text::decision(&id)?;
    let unknown = || Problem::from(Rejection::UnknownDecision(position));
    let entry = app.engine.entry(position).await?.ok_or_else(unknown)?;
    let decision = Decision::of(&entry).ok_or_else(unknown)?;
    let under = super::get::under(&entry).ok_or_else(unknown)?;
    let read = app.engine.read(None, move |book, _| {
        let (policy, trace) = trace(book, position, under);
        (policy, book.catalogue().price_list(under.prices()).cloned(), trace.later)
    });
    let (policy, list, later) = read.await?;
    let policy = policy.ok_or(Rejection::NoPolicy)?;
    let mut events = Vec::with_capacity(later.len());
    for position in later {
        events.extend(app.engine.entry(position).await?);
    }
    let (before, after) = decision.balances().unzip();
    Ok(reply::view(&Explained {
        decision_id: DecisionId(position),
        at: Instant(entry.at),
        policy: under.policy(),
        price_list: under.prices(),
        admitted: matches!(entry.event, Event::RequestAdmitted(_)),
        gates: decision.gates(&policy).into_iter().map(GateView::from).collect(),
        costs: list.map_or_else(Vec::new, |list| costs(&decision, &list, &events)),
        before: before.map(BalanceView::from),
        after: after.map(BalanceView::from),
        steps: events.iter().filter_map(step_view).collect(),
    }))
}

fn costs(decision: &Decision<'_>, list: &PriceList, events: &[Entry]) -> Vec<CostView> {
    let later = events.iter().find_map(details);
    decision.costs(list, later).into_iter().map(cost).collect()
}

/// The attributes that the outcome came with.
fn details(entry: &Entry) -> Option<&Details> {
    if let Event::RequestSettled(event) = &entry.event { Some(&event.details) } else { None }
}

fn cost((endpoint, units, parts): (String, u32, Breakdown)) -> CostView {
    let Breakdown { base, table, size, units: per_unit, markup, raised, exact } = parts;
    let plain = |figure: Decimal| figure.normalize();
    CostView {
        endpoint,
        units,
        base: plain(base),
        table: plain(table),
        size: plain(size),
        per_unit: plain(per_unit),
        markup: plain(markup),
        raised_to_minimum: raised,
        cost: plain(exact),
    }
}

fn step_view(entry: &Entry) -> Option<StepView> {
    let step = step(entry)?;
    Some(StepView {
        position: step.position,
        kind: step.kind,
        at: Instant(step.at),
        outcome: step.outcome,
        charged: step.charged,
        refunded: step.refunded,
    })
}

impl From<Gate> for GateView {
    fn from(gate: Gate) -> Self {
        let Gate { name, verdict, means, shown } = gate;
        Self {
            gate: name,
            verdict: verdict.as_str(),
            means,
            counted: shown.map(|shown| shown.counted),
            limit: shown.map(|shown| shown.limit),
            remaining: shown.map(|shown| shown.remaining),
            resets_at: shown.map(|shown| Instant(shown.resets)),
        }
    }
}
