//! An account's own key: looked at, rotated, revoked.

use crate::http::auth::Consumer;
use crate::http::error::Problem;
use crate::http::operator::keys::{Issued, KeyView, issue_key, record};
use crate::http::read::{Nothing, Path, Query, Tag};
use crate::http::{App, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::event::KeyChange;
use domain::ids::Name;
use domain::rejection::Rejection;
use serde::Serialize;
use std::sync::Arc;

/// The key that the request came with.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Current {
    #[schema(value_type = String)]
    account: Name,
    #[schema(value_type = super::super::operator::keys::KeyView)]
    #[serde(flatten)]
    key: KeyView,
}

/// The key that this request came with.
#[utoipa::path(
    get, path = "/v1/account/api-key/current", tag = "consumers",
    security(("account" = []), ("account_header" = [])),
    responses((status = 200, description = "The key, without its text", body = Current))
)]
pub(super) async fn current(
    State(app): State<Arc<App>>,
    consumer: Consumer,
    _: Query<Nothing>,
) -> Result<Response, Problem> {
    let Consumer { account, key } = consumer;
    let view = view(&app, &account, key.clone()).await?;
    Ok(reply::view(&Current { account, key: view }))
}

async fn view(app: &App, account: &Name, key: Name) -> Result<KeyView, Problem> {
    let (name, wanted) = (account.clone(), key.clone());
    let view =
        app.engine.read(None, move |book, _| book.account(name.as_str())?.key(&wanted).map(KeyView::of));
    Ok(view.await?.ok_or(Rejection::UnknownKey(key))?)
}

/// Revokes one of the account's own keys. Credit stays as it is.
#[utoipa::path(
    delete, path = "/v1/account/api-keys/{key}", tag = "consumers",
    security(("account" = []), ("account_header" = [])),
    params(("key" = String, Path, description = "The key's name")),
    responses((status = 200, description = "The event `KeyChanged`", body = super::super::docs::EventBody))
)]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    consumer: Consumer,
    Path(key): Path<String>,
    Tag(request): Tag,
) -> Result<Response, Problem> {
    let (actor, key) = (consumer.actor(), text::name("key", &key)?);
    record(&app, actor, request, (consumer.account, key), (KeyChange::Revoked, None)).await
}

/// Replaces one of the account's own keys by a new one of the same kind, shown once.
#[utoipa::path(
    post, path = "/v1/account/api-keys/{key}/rotate", tag = "consumers",
    security(("account" = []), ("account_header" = [])),
    params(("key" = String, Path, description = "The key's name")),
    responses((status = 200, description = "The new key's text and the event `KeyIssued`", body = Issued))
)]
pub(super) async fn rotate(
    State(app): State<Arc<App>>,
    consumer: Consumer,
    Path(key): Path<String>,
    Tag(request): Tag,
) -> Result<Response, Problem> {
    let key = text::name("key", &key)?;
    let kind = view(&app, &consumer.account, key.clone()).await?.kind;
    issue_key(&app, consumer.actor(), request, consumer.account.clone(), (kind, None, Some(key))).await
}
