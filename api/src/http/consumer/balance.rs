//! `GET /v1/account/balance`: available and held credit, and the lots behind it.

use super::as_of;
use crate::http::auth::AccountReader;
use crate::http::error::Problem;
use crate::http::read::Query;
use crate::http::view::{BalanceView, Instant};
use crate::http::{App, reply};
use axum::extract::State;
use axum::response::Response;
use domain::account::Account;
use domain::ids::{Name, Position};
use domain::ledger::{Ledger, LotKind};
use domain::money::Credits;
use domain::policy::Mode;
use domain::rejection::Rejection;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
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
    /// Of a past moment: how far the read models had come that it was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
}

/// When.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Named by a gateway or an operator.
    #[expect(dead_code, reason = "the extractor of the reader reads it")]
    account: Option<String>,
    /// A past instant, or a position of the log: the credit as it was then, with all that was due by then.
    as_of: Option<String>,
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
    params(Asked),
    responses((status = 200, description = "The credit now, or then", body = Credit))
)]
pub(super) async fn balance(
    State(app): State<Arc<App>>,
    reader: AccountReader,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    if let Some(as_of) = asked.as_of {
        let moment = as_of::moment(&as_of)?;
        return Ok(reply::view(&as_of::credit(&app, reader.account, moment).await?));
    }
    let name = reader.account.clone();
    let credit = app.engine.read(Some(name.clone()), move |book, now| {
        book.account(name.as_str()).map(|account| Credit::of(name.clone(), account, now))
    });
    let credit = credit.await?.ok_or(Rejection::UnknownAccount(reader.account))?;
    Ok(reply::view(&credit))
}

impl Credit {
    fn of(name: Name, account: &Account, now: Timestamp) -> Self {
        let empty = Ledger::default();
        let of = |mode| account.ledger(mode).unwrap_or(&empty);
        let credit = Self::at(name, of(Mode::Live), of(Mode::Test), (Instant(now), 0));
        Self { position: None, ..credit }
    }

    /// The credit of both ledgers at an instant, as read from views that had come so far.
    pub(super) fn at(
        account: Name,
        live: &Ledger,
        test: &Ledger,
        (at, position): (Instant, Position),
    ) -> Self {
        let balance =
            |ledger: &Ledger| BalanceView { available: ledger.available(at.0), held: ledger.held() };
        let BalanceView { available, held } = balance(live);
        let lots = live.lots().iter().map(|lot| LotView {
            lot: lot.id.to_string(),
            kind: lot.kind,
            left: lot.left,
            reserved: lot.reserved,
            effective: Instant(lot.effective),
            expires: lot.expires.map(Instant),
        });
        let (debt, test, position) = (live.debt(), balance(test), Some(position));
        Self { account, available, held, debt, lots: lots.collect(), test, at, position }
    }
}
