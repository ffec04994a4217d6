//! Policies, price lists and notices, published with the notice that the policy promises.

use super::super::read::{BIG_MAX, Write};
use super::super::{App, auth::Operator, error::Problem, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::command::{Action, Publish};
use domain::policy::Policy;
use domain::pricing::PriceList;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::Arc;

/// A price list.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "the field's name is that of the wire")]
pub(crate) struct Prices {
    /// As early as the notice period allows unless given.
    effective: Option<String>,
    /// Why the notice period is not kept.
    emergency: Option<String>,
    #[schema(value_type = Object)]
    prices: PriceList,
}

/// Publishes a price list. Requests are rated with the list in force when they were admitted.
#[utoipa::path(
    post, path = "/v1/price-lists", operation_id = "publish_prices", tag = "operators", security(("operator" = [])), request_body = Prices,
    responses((status = 200, description = "The event `PricesPublished`", body = super::super::docs::EventBody))
)]
pub(super) async fn prices(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Write { body, request }: Write<Prices, BIG_MAX>,
) -> Result<Response, Problem> {
    body.prices.check().map_err(|error| Problem::invalid("prices", error))?;
    let effective = text::time("effective", body.effective.as_deref())?;
    let prices = Arc::new(body.prices);
    let publish = Publish::Prices { prices, effective, emergency: body.emergency };
    reply::record(&app, actor, request, Action::Publish(publish)).await
}

/// A policy: its text in TOML, or its normal form in JSON.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPolicy {
    /// As early as the notice period allows unless given.
    effective: Option<String>,
    /// Why the notice period is not kept.
    emergency: Option<String>,
    /// The text of a policy file …
    toml: Option<String>,
    /// … or a policy as the log keeps it.
    #[schema(value_type = Option<Object>)]
    policy: Option<Box<RawValue>>,
}

/// Publishes a policy; its own price list takes effect with it.
#[utoipa::path(
    post, path = "/v1/policies", tag = "operators", security(("operator" = [])), request_body = NewPolicy,
    responses((status = 200, description = "The event `PolicyPublished`", body = super::super::docs::EventBody))
)]
pub(super) async fn policy(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Write { body, request }: Write<NewPolicy, BIG_MAX>,
) -> Result<Response, Problem> {
    let policy = Arc::new(body.read()?);
    let effective = text::time("effective", body.effective.as_deref())?;
    let publish = Publish::Policy { policy, effective, emergency: body.emergency };
    reply::record(&app, actor, request, Action::Publish(publish)).await
}

impl NewPolicy {
    fn read(&self) -> Result<Policy, Problem> {
        match (&self.toml, &self.policy) {
            (Some(toml), None) => Policy::from_toml(toml).map_err(|mistakes| all("toml", &mistakes)),
            (None, Some(json)) => {
                let read = Policy::from_normal(json.get());
                let policy = read.map_err(|error| Problem::invalid("policy", error))?;
                let faults = policy.check();
                let told =
                    faults.iter().map(|fault| format!("{}: {}; {}", fault.field, fault.what, fault.remedy));
                let told: Vec<_> = told.collect();
                if told.is_empty() { Ok(policy) } else { Err(all("policy", &told)) }
            }
            (Some(_), Some(_)) | (None, None) => {
                Err(Problem::invalid("toml", "or policy must be given, one of them"))
            }
        }
    }
}

/// Most mistakes that one answer names.
const MISTAKES_MAX: usize = 20;

fn all(field: &str, mistakes: &[impl ToString]) -> Problem {
    let named: Vec<_> = mistakes.iter().take(MISTAKES_MAX).map(ToString::to_string).collect();
    Problem::invalid(field, format_args!("has mistakes: {}", named.join(" | ")))
}

/// Something to announce.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewNotice {
    /// Such as `maintenance`, `terms`, `removal`.
    kind: String,
    effective: String,
    text: String,
    /// Why the lead time is not kept.
    emergency: Option<String>,
}

/// Announces something to all consumers, with the lead time that the policy promises for its kind.
#[utoipa::path(
    post, path = "/v1/notices", tag = "operators", security(("operator" = [])), request_body = NewNotice,
    responses((status = 200, description = "The event `NoticeAnnounced`", body = super::super::docs::EventBody))
)]
pub(super) async fn notice(
    State(app): State<Arc<App>>,
    Operator(actor): Operator,
    Write { body, request }: Write<NewNotice>,
) -> Result<Response, Problem> {
    text::plain("text", &body.text, 4_096)?;
    let effective = text::parse("effective", &body.effective)?;
    let kind = text::name("kind", &body.kind)?;
    let publish = Publish::Notice { kind, effective, text: body.text, emergency: body.emergency };
    reply::record(&app, actor, request, Action::Publish(publish)).await
}
