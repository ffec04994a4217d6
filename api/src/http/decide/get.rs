//! `GET /v1/decisions/{id}`: the answer as it was given, and what became of it.

use crate::http::auth::Staff;
use crate::http::error::Problem;
use crate::http::event::EventView;
use crate::http::read::Path;
use crate::http::{App, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::book::{Book, Stage};
use domain::event::{Entry, Event, Under};
use domain::ids::Position;
use domain::policy::Policy;
use domain::rejection::Rejection;
use serde::Serialize;
use serde_json::value::RawValue;
use std::num::NonZero;
use std::sync::Arc;

/// A decision and its events.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Looked {
    /// The answer as it was given, word for word.
    #[schema(value_type = super::super::docs::Decision)]
    decision: Box<RawValue>,
    /// `open`, `expired`, `closed`, `denied`, or `retired` when it is too old to be settled or refunded.
    state: &'static str,
    /// The deciding event, then its beginning, that its time ran out, its outcome, its refunds, as they came.
    #[schema(value_type = Vec<super::super::docs::EventBody>)]
    events: Vec<EventView>,
}

/// Shows a decision again. Gateways and operators.
#[utoipa::path(
    get, path = "/v1/decisions/{id}", tag = "decisions", security(("gateway" = []), ("operator" = [])),
    params(("id" = String, Path, description = "The decision's id, such as `d_42`")),
    responses((status = 200, description = "The answer and the events", body = Looked))
)]
pub(crate) async fn get(
    State(app): State<Arc<App>>,
    Staff(_): Staff,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let position = text::decision(&id)?;
    let unknown = || Problem::from(Rejection::UnknownDecision(position));
    let entry = app.engine.entry(position).await?.ok_or_else(unknown)?;
    let under = under(&entry).ok_or_else(unknown)?;
    let (policy, trace) = app.engine.read(None, move |book, _| trace(book, position, under)).await?;
    let answer = super::shown(&app, &entry, &policy.ok_or(Rejection::NoPolicy)?)?;
    let mut events = vec![EventView::of(&entry)];
    for later in trace.later {
        events.extend(app.engine.entry(later).await?.as_ref().map(EventView::of));
    }
    let decision = String::from_utf8(answer).ok().and_then(|answer| RawValue::from_string(answer).ok());
    let decision = decision.ok_or_else(unknown)?;
    let denied = matches!(entry.event, Event::RequestDenied(_));
    Ok(reply::view(&Looked { decision, state: if denied { "denied" } else { trace.state }, events }))
}

pub(super) fn under(entry: &Entry) -> Option<Under> {
    if let Event::RequestAdmitted(event) = &entry.event {
        Some(event.under)
    } else if let Event::RequestDenied(event) = &entry.event {
        Some(event.under)
    } else {
        None
    }
}

/// What the book knows of a decision.
pub(super) struct Trace {
    state: &'static str,
    /// Positions of later events, in order.
    pub(super) later: Vec<Position>,
}

pub(super) fn trace(book: &Book, position: Position, under: Under) -> (Option<Arc<Policy>>, Trace) {
    let policy = book.catalogue().policy(under.policy()).cloned();
    let Some(decision) = book.decision(position) else {
        return (policy, Trace { state: "retired", later: Vec::new() });
    };
    let state = match decision.open.as_ref().map(|open| open.stage) {
        Some(Stage::Admitted | Stage::Charged) => "open",
        Some(Stage::Released) => "expired",
        None => "closed",
    };
    let once = [decision.begun, decision.expired, decision.settled].into_iter().flatten().map(NonZero::get);
    let refunds = decision.refunds.iter().map(|(_, position, _)| *position);
    let mut later: Vec<_> = once.chain(refunds).collect();
    later.sort_unstable();
    (policy, Trace { state, later })
}
