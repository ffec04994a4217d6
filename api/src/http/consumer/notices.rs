//! `GET /v1/notices`: what was announced.

use crate::http::auth::Reader;
use crate::http::error::Problem;
use crate::http::read::{Nothing, Query};
use crate::http::view::Instant;
use crate::http::{App, reply};
use axum::extract::State;
use axum::response::Response;
use domain::book::Book;
use domain::ids::Name;
use domain::time::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// Most notices shown, the newest.
const NOTICES_MAX: usize = 100;

/// One announcement.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Notice {
    #[schema(value_type = String)]
    kind: Name,
    #[schema(value_type = String)]
    effective: Instant,
    text: String,
    /// Why the lead time was not kept.
    emergency: Option<String>,
    /// Whether it has taken effect.
    in_effect: bool,
}

/// The newest announcements, newest first.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Notices {
    notices: Vec<Notice>,
}

/// What was announced to consumers: maintenance, terms, removals. At most the newest 100.
#[utoipa::path(
    get, path = "/v1/notices", tag = "consumers",
    security(("account" = []), ("account_header" = []), ("gateway" = []), ("operator" = [])),
    responses((status = 200, description = "The announcements", body = Notices))
)]
pub(super) async fn notices(
    State(app): State<Arc<App>>,
    _: Reader,
    _: Query<Nothing>,
) -> Result<Response, Problem> {
    Ok(reply::view(&app.engine.read(None, newest).await?))
}

fn newest(book: &Book, now: Timestamp) -> Notices {
    let newest = book.catalogue().notices().iter().rev().take(NOTICES_MAX);
    let notices = newest.map(|notice| Notice {
        kind: notice.kind.clone(),
        effective: Instant(notice.effective),
        text: notice.text.clone(),
        emergency: notice.emergency.clone(),
        in_effect: notice.effective <= now,
    });
    Notices { notices: notices.collect() }
}
