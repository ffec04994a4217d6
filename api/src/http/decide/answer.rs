//! The answer to a decision, made from the recorded event and its policy only, so that a repeat is word for word.

use super::headers;
use super::wording::{Compiled, Words};
use crate::http::view::{BalanceView, DecisionId, Instant, LimitsView};
use domain::event::{Facts, LimitState, Limited, RequestAdmitted, RequestDenied};
use domain::ids::{Name, Position};
use domain::money::Credits;
use domain::policy::template::{Part, Placeholder, Value};
use domain::policy::{Kind, Plan};
use domain::time::Timestamp;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What both admissions and denials show.
pub(crate) struct Shown<'a> {
    pub(crate) position: Option<Position>,
    pub(crate) at: Timestamp,
    kind: Kind,
    gate: Option<&'a Name>,
    reason: Option<&'a str>,
    ask: &'a Facts,
    limits: &'a [LimitState],
    retry_after: Option<u64>,
}

/// The answer as JSON.
#[derive(Serialize)]
struct View<'a> {
    decision_id: Option<DecisionId>,
    allowed: bool,
    code: &'a str,
    reason: Option<&'a str>,
    message: Option<&'a str>,
    held: Credits,
    charged: Credits,
    balance: Option<BalanceView>,
    limits: LimitsView<'a>,
    limited: Option<LimitedView<'a>>,
    shadow: &'a [Name],
    plan: Option<PlanView<'a>>,
    expires_at: Option<Instant>,
    retry_after: Option<u64>,
    response: ResponseView<'a>,
}

#[derive(Serialize)]
struct LimitedView<'a> {
    gate: &'a Name,
    status_reason: &'a str,
    items: &'a [u32],
}

/// The caller's plan under the policy of the decision.
#[derive(Serialize)]
struct PlanView<'a> {
    name: &'a Name,
    attributes: BTreeMap<&'a Name, &'a str>,
    contact: Option<&'a str>,
}

/// What the gateway should give its caller.
#[derive(Serialize)]
struct ResponseView<'a> {
    status: u16,
    headers: Headers<'a>,
    body: Option<&'a str>,
}

#[derive(Default)]
struct Headers<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl Serialize for Headers<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'a> Shown<'a> {
    fn admitted(position: Position, at: Timestamp, event: &'a RequestAdmitted) -> Self {
        let gate = event.limited.as_ref().map(|limited| &limited.gate);
        Self {
            position: Some(position),
            at,
            kind: if gate.is_some() { Kind::Limited } else { Kind::Allowed },
            gate,
            reason: gate.map(Name::as_str),
            ask: &event.ask,
            limits: &event.limits,
            retry_after: None,
        }
    }

    fn denied(position: Option<Position>, at: Timestamp, event: &'a RequestDenied) -> Self {
        Self {
            position,
            at,
            kind: event.kind,
            gate: event.gate.as_ref(),
            reason: Some(&event.reason),
            ask: &event.ask,
            limits: &event.limits,
            retry_after: event.retry_at.map(|retry| retry.since(at).retry_after()),
        }
    }

    fn plan(&self, compiled: &'a Compiled) -> Option<(&'a Name, &'a Plan)> {
        compiled.policy.plans.get_key_value(self.ask.plan.as_ref()?)
    }

    fn value(
        &self,
        of: Placeholder,
        words: &'a Words,
        message: Option<&'a str>,
        compiled: &'a Compiled,
    ) -> Option<Value<'a>> {
        match of {
            Placeholder::Code => Some(Value::Text(&words.code)),
            Placeholder::Reason => self.reason.map(Value::Text),
            Placeholder::Message => message.map(Value::Text),
            Placeholder::RetryAfter => {
                self.retry_after.and_then(|seconds| i64::try_from(seconds).ok()).map(Value::Int)
            }
            Placeholder::Contact => {
                let plan = self.plan(compiled).and_then(|(_, plan)| plan.contact.as_deref());
                plan.or(compiled.policy.contact.as_deref()).map(Value::Text)
            }
            Placeholder::Plan => self.plan(compiled).map(|(name, _)| Value::Text(name.as_str())),
            Placeholder::Gate => self.gate.map(|gate| Value::Text(gate.as_str())),
            Placeholder::Endpoint => Some(Value::Text(&self.ask.endpoint)),
            Placeholder::StatusReason => {
                let gate = self.gate.filter(|_| self.kind == Kind::Limited)?;
                Some(Value::Text(compiled.status_reason(gate)))
            }
            Placeholder::Limit(place, part) => self.limit(compiled, place, part).map(Value::Int),
        }
    }

    fn limit(&self, compiled: &Compiled, place: usize, part: Part) -> Option<i64> {
        let name = &compiled.policy.limits.get(place)?.name;
        let LimitState(_, limit, remaining, resets) = self.limits.iter().find(|state| state.0 == *name)?;
        match part {
            Part::Limit => i64::try_from(*limit).ok(),
            Part::Remaining => i64::try_from(*remaining).ok(),
            Part::Reset => (*resets < Timestamp::FAR).then(|| resets.unix_seconds()),
        }
    }

    fn headers(&self, words: &'a Words, message: Option<&'a str>, compiled: &'a Compiled) -> Headers<'a> {
        let mut headers = Vec::with_capacity(words.headers.len() + 4);
        for (name, template) in &words.headers {
            if let Some(text) = template.render(|of| self.value(of, words, message, compiled)) {
                headers.push((&**name, text.into()));
            }
        }
        if words.body.is_some() && !words.own.content_type {
            headers.push(("Content-Type", "application/json".into()));
        }
        let told = |name, text: String| (!text.is_empty()).then(|| (name, text.into()));
        if !words.own.rate_limit_policy {
            headers.extend(told("RateLimit-Policy", headers::policy(self.limits, compiled)));
        }
        if !words.own.rate_limit {
            headers.extend(told("RateLimit", headers::state(self.limits, compiled, self.at)));
        }
        if let Some(seconds) = self.retry_after.filter(|_| !words.own.retry_after) {
            headers.push(("Retry-After", itoa::Buffer::new().format(seconds).to_owned().into()));
        }
        Headers(headers)
    }

    /// Fills in what this answer has of its own, and writes it.
    fn write(&self, compiled: &Compiled, more: &More<'_>) -> Vec<u8> {
        let words = compiled.words(self.kind);
        let plain = |of| self.value(of, words, None, compiled);
        let message = words.message.as_ref().and_then(|message| message.render(plain));
        let message = message.as_deref();
        let value = |of| self.value(of, words, message, compiled);
        let body = words.body.as_ref().and_then(|body| body.render(value));
        let headers = self.headers(words, message, compiled);
        let view = View {
            decision_id: self.position.map(DecisionId),
            allowed: self.kind.is_allowed(),
            code: &words.code,
            reason: self.reason,
            message,
            held: more.held,
            charged: more.charged,
            balance: more.balance,
            limits: LimitsView(self.limits),
            limited: more.limited.map(|limited| LimitedView {
                gate: &limited.gate,
                status_reason: compiled.status_reason(&limited.gate),
                items: &limited.items,
            }),
            shadow: more.shadow,
            plan: self.plan(compiled).map(|(name, plan)| self.plan_view(name, plan)),
            expires_at: more.until.map(Instant),
            retry_after: self.retry_after,
            response: ResponseView { status: words.status, headers, body: body.as_deref() },
        };
        let mut out = Vec::with_capacity(1_024);
        // Every part is a text, a figure or a list of them, and a Vec takes all that is written.
        drop(serde_json::to_writer(&mut out, &view));
        out
    }

    fn plan_view(&self, name: &'a Name, plan: &'a Plan) -> PlanView<'a> {
        let policy = plan.attributes.iter().map(|(name, value)| (name, value.as_str()));
        let own = self.ask.own.iter().map(|(name, value)| (name, value.as_str()));
        PlanView { name, attributes: policy.chain(own).collect(), contact: plan.contact.as_deref() }
    }
}

/// What only some answers have.
#[derive(Default)]
struct More<'a> {
    held: Credits,
    charged: Credits,
    balance: Option<BalanceView>,
    limited: Option<&'a Limited>,
    shadow: &'a [Name],
    until: Option<Timestamp>,
}

/// The answer to an admitted request.
pub(crate) fn admitted(
    position: Position,
    at: Timestamp,
    event: &RequestAdmitted,
    compiled: &Compiled,
) -> Vec<u8> {
    let more = More {
        held: event.hold.total(),
        charged: event.charge.total(),
        balance: event.balance.map(BalanceView::from),
        limited: event.limited.as_ref(),
        shadow: &event.shadow,
        until: event.until,
    };
    Shown::admitted(position, at, event).write(compiled, &more)
}

/// The answer to a refused request; the position is none for one that was only counted.
pub(crate) fn denied(
    position: Option<Position>,
    at: Timestamp,
    event: &RequestDenied,
    compiled: &Compiled,
) -> Vec<u8> {
    let more = More { balance: event.balance.map(BalanceView::from), ..More::default() };
    Shown::denied(position, at, event).write(compiled, &more)
}
