//! A refusal as readers of the past see it.

use super::App;
use super::error::Problem;
use super::view::{DecisionId, Instant};
use domain::ids::{Name, Position};
use domain::policy::{Kind, Policy};
use projections::views::denials::Denial;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A refusal, or those of a minute that were recorded as one.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct Refusal {
    position: Position,
    #[schema(value_type = String)]
    at: Instant,
    /// Absent where several refusals were recorded as one.
    #[schema(value_type = Option<String>)]
    decision_id: Option<DecisionId>,
    /// As it was answered: the policy's code, or `UNAUTHENTICATED` `BANNED` `SUSPENDED` `TOO_LARGE` `RATE_LIMITED`
    /// `QUEUE_FULL` `INSUFFICIENT_CREDITS`.
    code: String,
    #[schema(value_type = String)]
    reason: Arc<str>,
    /// The limit, size, ban or price that refused, where it has a name.
    #[schema(value_type = Option<String>)]
    gate: Option<Name>,
    #[schema(value_type = String)]
    endpoint: Arc<str>,
    #[schema(value_type = Option<String>)]
    key: Option<Name>,
    /// What the gate had counted, and the figure that it met.
    counted: Option<u64>,
    limit: Option<u64>,
    /// When the same request could pass this gate; absent where waiting cannot help.
    #[schema(value_type = Option<String>)]
    retry_at: Option<Instant>,
    /// How many refusals this stands for; the rest of it is that of the first.
    count: u64,
    /// When the minute began whose refusals were recorded as one.
    #[schema(value_type = Option<String>)]
    since: Option<Instant>,
}

/// The codes of refusals, as the policies word them that they were refused under.
pub(crate) struct Codes(BTreeMap<u32, Arc<Policy>>);

impl Codes {
    /// Those of these refusals.
    pub(crate) async fn of(app: &App, denials: &[Denial]) -> Result<Self, Problem> {
        let numbers: BTreeSet<_> = denials.iter().map(|denial| denial.policy).collect();
        let read = app.engine.read(None, move |book, _| {
            let known = |number| book.catalogue().policy(number).cloned();
            numbers.into_iter().filter_map(|number| Some((number, known(number)?))).collect()
        });
        Ok(Self(read.await?))
    }

    fn code(&self, kind: Kind, policy: u32) -> String {
        let wording = self.0.get(&policy).and_then(|policy| policy.responses.get(&kind));
        let code = wording.and_then(|wording| wording.code.clone());
        code.unwrap_or_else(|| kind.code().to_owned())
    }

    pub(crate) fn shown(&self, denial: &Denial) -> Refusal {
        Refusal {
            position: denial.position,
            at: Instant(denial.at),
            decision_id: denial.since.is_none().then_some(DecisionId(denial.position)),
            code: self.code(denial.kind, denial.policy),
            reason: denial.reason.clone(),
            gate: denial.gate.clone(),
            endpoint: denial.endpoint.clone(),
            key: denial.key.clone(),
            counted: denial.count,
            limit: denial.limit,
            retry_at: denial.retry_at.map(Instant),
            count: denial.times,
            since: denial.since.map(Instant),
        }
    }
}
