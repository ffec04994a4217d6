//! `GET /v1/account/balance`: available and held credit, and the lots behind it.

use crate::http::auth::AccountReader;
use crate::http::error::Problem;
use crate::http::view::{BalanceView, Instant};
use crate::http::{App, reply};
use axum::extract::State;
use axum::response::Response;
use domain::account::Account;
use domain::ids::Name;
use domain::ledger::{Ledger, LotKind};
use domain::money::Credits;
use domain::policy::Mode;
use domain::rejection::Rejection;
use domain::time::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// Credit of one account.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Credit {
    #[schema(value_type = String)]
    account: Name,
    /// Unreserved credit that can be used now, less debt: below zero after an overdraft.
    #[schema(value_type = String)]
    available: Credits,
    #[schema(value_type = String)]
    held: Credits,
    #[schema(value_type = String)]
    debt: Credits,
    lots: Vec<LotView>,
    /// The ledger of test keys.
    #[schema(value_type = super::super::docs::Balance)]
    test: BalanceView,
    #[schema(value_type = String)]
    at: Instant,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct LotView {
    lot: String,
    #[schema(value_type = String)]
    kind: LotKind,
    #[schema(value_type = String)]
    left: Credits,
    #[schema(value_type = String)]
    reserved: Credits,
    #[schema(value_type = String)]
    effective: Instant,
    #[schema(value_type = Option<String>)]
    expires: Option<Instant>,
}

/// The credit of the caller's account, or of the one that a gateway or an operator names.
#[utoipa::path(
    get, path = "/v1/account/balance", tag = "consumers",
    security(("account" = []), ("account_header" = []), ("gateway" = []), ("operator" = [])),
    params(("account" = Option<String>, Query, description = "Named by a gateway or an operator")),
    responses((status = 200, description = "The credit now", body = Credit))
)]
pub(super) async fn balance(State(app): State<Arc<App>>, reader: AccountReader) -> Result<Response, Problem> {
    let name = reader.account.clone();
    let credit = app.engine.read(Some(name.clone()), move |book, now| {
        book.account(name.as_str()).map(|account| Credit::of(name.clone(), account, now))
    });
    let credit = credit.await?.ok_or(Rejection::UnknownAccount(reader.account))?;
    Ok(reply::view(&credit))
}

impl Credit {
    fn of(name: Name, account: &Account, now: Timestamp) -> Self {
        let BalanceView { available, held } = account.balance(Mode::Live, now).into();
        let ledger = account.ledger(Mode::Live);
        let lots = ledger.into_iter().flat_map(Ledger::lots).map(|lot| LotView {
            lot: lot.id.to_string(),
            kind: lot.kind,
            left: lot.left,
            reserved: lot.reserved,
            effective: Instant(lot.effective),
            expires: lot.expires.map(Instant),
        });
        let debt = ledger.map_or(Credits::ZERO, Ledger::debt);
        let test = account.balance(Mode::Test, now).into();
        Self { account: name, available, held, debt, lots: lots.collect(), test, at: Instant(now) }
    }
}
