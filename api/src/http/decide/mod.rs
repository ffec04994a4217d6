//! Decisions: made, begun, settled, refunded, taken up again, and looked at.

mod answer;
mod batch;
mod begin;
mod body;
mod create;
mod explain;
mod get;
mod headers;
mod lines;
mod many;
mod outcome;
mod refund;
mod reprocess;
mod request;
mod settle;
#[cfg(test)]
mod tests;
mod wording;

pub use create::read_ask;
pub(crate) use create::respond;
pub(crate) use wording::Wordings;

use super::App;
use super::error::Problem;
use crate::engine::{Answer, Committed};
use domain::event::{Entry, Event};
use domain::rejection::Rejection;
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of decisions.
pub(crate) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(create::create))
        .routes(routes!(batch::batch))
        .routes(routes!(get::get))
        .routes(routes!(explain::explain))
        .routes(routes!(begin::begin))
        .routes(routes!(settle::settle))
        .routes(routes!(refund::refund))
        .routes(routes!(reprocess::reprocess))
        .routes(routes!(request::request))
}

/// The answer to a request, from what the engine committed.
pub(crate) fn answer(app: &App, committed: Committed) -> Result<Vec<u8>, Problem> {
    let Committed { answer, policy, position: _, at } = committed;
    let policy = policy.ok_or(Rejection::NoPolicy);
    match answer {
        Answer::Entry(entry) | Answer::Repeat(entry) => shown(app, &entry, &policy?),
        Answer::Collapsed(denied) => {
            let compiled = app.wordings.of(denied.under.policy(), &policy?);
            app.edge.follow(&compiled.policy);
            Ok(answer::denied(None, at, &denied, &compiled))
        }
        Answer::Rejected(rejection) => Err(rejection.into()),
    }
}

/// The answer that a decision's event gave.
pub(crate) fn shown(
    app: &App,
    entry: &Entry,
    policy: &Arc<domain::policy::Policy>,
) -> Result<Vec<u8>, Problem> {
    if let Event::RequestAdmitted(event) = &entry.event {
        let compiled = app.wordings.of(event.under.policy(), policy);
        app.edge.follow(policy);
        Ok(answer::admitted(entry.position, entry.at, event, &compiled))
    } else if let Event::RequestDenied(event) = &entry.event {
        let compiled = app.wordings.of(event.under.policy(), policy);
        app.edge.follow(policy);
        Ok(answer::denied(Some(entry.position), entry.at, event, &compiled))
    } else {
        Err(Rejection::UnknownDecision(entry.position).into())
    }
}

/// Reads a decision's body and drops it.
pub(crate) fn parse_only(raw: &[u8]) -> Result<(), Problem> {
    super::read::parse::<body::AskBody<'_>>(raw).map(drop)
}
