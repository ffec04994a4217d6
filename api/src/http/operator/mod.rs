//! What operators do: accounts, keys, credit, figures, bans, and the catalogue. Every act is an event.

mod accounts;
mod banned;
mod bans;
mod catalogue;
mod clock;
mod credit;
mod denials;
mod details;
mod figures;
pub(crate) mod keys;
mod standing;

use super::App;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of operators.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(accounts::open))
        .routes(routes!(accounts::show, details::patch))
        .routes(routes!(accounts::plan))
        .routes(routes!(keys::issue))
        .routes(routes!(keys::change))
        .routes(routes!(credit::grant))
        .routes(routes!(credit::deduct))
        .routes(routes!(figures::account))
        .routes(routes!(figures::subject))
        .routes(routes!(figures::reset))
        .routes(routes!(standing::suspend))
        .routes(routes!(standing::reinstate))
        .routes(routes!(standing::terminate))
        .routes(routes!(bans::ban, banned::banned))
        .routes(routes!(bans::lift))
        .routes(routes!(denials::refusals))
        .routes(routes!(catalogue::prices))
        .routes(routes!(catalogue::policy))
        .routes(routes!(catalogue::notice))
        .routes(routes!(clock::confirm))
        .routes(routes!(clock::sandbox))
}
