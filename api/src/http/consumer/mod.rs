//! What consumers read: limits, balance, usage, holds, refusals, their key, prices and notices. Reading costs nothing.

mod as_of;
mod balance;
mod denials;
mod holds;
mod key;
mod limits;
mod notices;
mod prices;
mod range;
mod report;
mod statement;
mod summary;
mod usage;

use super::App;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of consumers.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(limits::limits))
        .routes(routes!(balance::balance))
        .routes(routes!(usage::usage))
        .routes(routes!(summary::summary))
        .routes(routes!(statement::statement))
        .routes(routes!(holds::holds))
        .routes(routes!(denials::denials))
        .routes(routes!(report::report))
        .routes(routes!(key::current))
        .routes(routes!(key::revoke))
        .routes(routes!(key::rotate))
        .routes(routes!(prices::prices))
        .routes(routes!(notices::notices))
}
