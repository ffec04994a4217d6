//! `GET /v1/pricing/costs`: what each operation costs now, and by the next announced list.

use crate::http::auth::Anyone;
use crate::http::error::Problem;
use crate::http::read::{Nothing, Query};
use crate::http::view::Instant;
use crate::http::{App, reply};
use axum::extract::State;
use axum::response::Response;
use domain::book::Book;
use domain::pricing::PriceList;
use domain::time::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// A version of the price list.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Version {
    number: u32,
    #[schema(value_type = String)]
    effective: Instant,
    #[schema(value_type = Object)]
    prices: Arc<PriceList>,
}

/// Prices now and next.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Costs {
    in_force: Option<Version>,
    announced: Option<Version>,
}

/// The price list in force, and the next announced one. A request is rated with the list in force when it was admitted.
#[utoipa::path(
    get, path = "/v1/pricing/costs", tag = "consumers",
    security((), ("account" = []), ("account_header" = []), ("gateway" = []), ("operator" = [])),
    responses((status = 200, description = "The lists", body = Costs))
)]
pub(super) async fn prices(
    State(app): State<Arc<App>>,
    _: Anyone,
    _: Query<Nothing>,
) -> Result<Response, Problem> {
    Ok(reply::view(&app.engine.read(None, costs).await?))
}

fn costs(book: &Book, now: Timestamp) -> Costs {
    let catalogue = book.catalogue();
    let number = catalogue.in_force(now).map_or(0, |rules| rules.under.prices());
    let in_force = catalogue.price_lists().iter().find(|list| list.number == number);
    let version = |list: &domain::catalogue::Published<PriceList>| Version {
        number: list.number,
        effective: Instant(list.effective),
        prices: list.content.clone(),
    };
    Costs { in_force: in_force.map(version), announced: catalogue.announced_prices(now).map(version) }
}
