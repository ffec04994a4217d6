//! What the provider knows of an account.

use super::super::read::Path;
use super::super::read::Write;
use super::super::{App, auth::Operator, error::Problem, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::command::{AccountAct, Action};
use domain::event::AccountDetailed;
use domain::ids::Name;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most attributes, or end users, of one change.
const ENTRIES_MAX: usize = 100;

/// What changes; what is absent stays.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Details {
    /// Whether contact data is on file.
    contact: Option<bool>,
    /// The version of the terms that was accepted.
    terms: Option<String>,
    owner: Option<String>,
    /// Zone and reset hour change together: what is left out of the two is UTC, or 0.
    zone: Option<String>,
    reset_hour: Option<u8>,
    /// Plan attributes of this account's own.
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    /// End users to block (`true`) or to block no longer (`false`).
    #[serde(default)]
    blocked: BTreeMap<String, bool>,
}

/// Records details of an account: contact, terms, owner, calendar, plan attributes, blocked end users.
#[utoipa::path(
    patch, path = "/v1/accounts/{id}", tag = "operators", security(("operator" = [])), request_body = Details,
    params(("id" = String, Path, description = "The account")),
    responses((status = 200, description = "The event `AccountDetailed`", body = super::super::docs::EventBody))
)]
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Path(id): Path<String>,
    Write { body, request }: Write<Details>,
) -> Result<Response, Problem> {
    let account = text::name("account", &id)?;
    let details = body.detailed(&app)?;
    let act = AccountAct::Detail(Box::new(details));
    reply::record(&app, actor, request, Action::Account { account, act }).await
}

impl Details {
    fn detailed(self, app: &App) -> Result<AccountDetailed, Problem> {
        if self.attributes.len() > ENTRIES_MAX || self.blocked.len() > ENTRIES_MAX {
            return Err(Problem::invalid("attributes", "and blocked may have at most 100 entries each"));
        }
        if let Some(terms) = &self.terms {
            text::plain("terms", terms, 64)?;
        }
        Ok(AccountDetailed {
            contact: self.contact,
            terms: self.terms,
            owner: text::names("owner", self.owner.as_deref())?,
            calendar: super::accounts::calendar(self.zone.as_deref(), self.reset_hour)?,
            attributes: attributes(self.attributes)?,
            blocked: self
                .blocked
                .into_iter()
                .map(|(user, blocked)| (app.edge.digest(&user), blocked))
                .collect(),
        })
    }
}

fn attributes(given: BTreeMap<String, String>) -> Result<BTreeMap<Name, String>, Problem> {
    let one = |(name, value): (String, String)| {
        let field = format!("attributes.{name}");
        text::plain(&field, &value, 256)?;
        Ok((text::name("attributes", &name)?, value))
    };
    given.into_iter().map(one).collect()
}
