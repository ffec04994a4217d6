//! Every refusal of this API in one closed table, as RFC 9457 problems.
//!
//! A `code` is stable; the wording of `detail` is for people and may change.

use crate::engine::Failure;
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use domain::rejection::Rejection;
use projections::runner::ViewError;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

/// A refused request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    /// The path of the field that is wrong, such as `items[2].endpoint`.
    field: Option<String>,
    /// Seconds after which the same request may succeed.
    retry_after: Option<u64>,
}

/// Seconds that a caller is told to wait when the service itself cannot answer now.
const RETRY_SOON: u64 = 1;

impl Problem {
    fn new(status: StatusCode, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, detail: detail.into(), field: None, retry_after: None }
    }

    /// A field whose value is not allowed; `what` says what is.
    pub fn invalid(field: impl Into<String>, what: impl fmt::Display) -> Self {
        let field = field.into();
        let detail = format!("{field} {what}");
        let code = "INVALID_FIELD";
        Self { field: Some(field), ..Self::new(StatusCode::BAD_REQUEST, code, detail) }
    }

    /// A body that is not what this path takes. The field is none when the body as a whole is wrong.
    pub fn malformed(field: Option<String>, what: String) -> Self {
        Self { field, ..Self::new(StatusCode::BAD_REQUEST, "MALFORMED_BODY", what) }
    }

    /// No token or key, or one that opens nothing.
    pub fn unauthenticated(detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", detail)
    }

    /// A caller who is known, but not allowed here.
    pub fn forbidden(detail: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", detail)
    }

    /// Plain HTTP where only HTTPS is accepted.
    pub fn https_required() -> Self {
        Self::new(StatusCode::FORBIDDEN, "HTTPS_REQUIRED", "this service is only spoken to over HTTPS")
    }

    /// Nothing stands at this path, or under this name.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
    }

    /// The path does not know this method.
    pub fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "this path does not take this method")
    }

    /// A body that is not declared as JSON.
    pub fn media_type() -> Self {
        let detail = "the body must be JSON: send `Content-Type: application/json`";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", detail)
    }

    /// A body beyond the limit of its path, in bytes.
    pub fn body_too_large(limit: usize) -> Self {
        let detail = format!("the body may have at most {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", detail)
    }

    /// Too many requests without a key from one address.
    pub fn rate_limited(seconds: u64) -> Self {
        let detail = "too many requests without a key; wait, or use a key";
        let code = "RATE_LIMITED";
        Self { retry_after: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail) }
    }

    /// Personal values cannot be encrypted, so nothing with personal values can be decided.
    pub fn sealing() -> Self {
        let detail = "the keys of personal values are not available; nothing was decided";
        let code = "VAULT_FAILED";
        Self { retry_after: Some(5), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail) }
    }

    /// The stable machine code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The problem as JSON: the body of its answer, and its place in a batch.
    pub fn to_json(&self) -> Vec<u8> {
        let view = View {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: &self.detail,
            field: self.field.as_deref(),
            retry_after: self.retry_after,
        };
        serde_json::to_vec(&view).unwrap_or_default()
    }
}

#[derive(Serialize)]
struct View<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    title: &'static str,
    status: u16,
    code: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

/// The table: what each rejection of the book is over HTTP.
fn entry(rejection: &Rejection) -> (StatusCode, &'static str) {
    use StatusCode as S;
    match rejection {
        Rejection::RequestIdReused => (S::CONFLICT, "REQUEST_ID_REUSED"),
        Rejection::RequestIdTooOld => (S::CONFLICT, "REQUEST_ID_TOO_OLD"),
        Rejection::Invalid { .. } => (S::BAD_REQUEST, "INVALID_FIELD"),
        Rejection::NoPolicy => (S::CONFLICT, "NO_POLICY"),
        Rejection::UnknownAccount(_) => (S::NOT_FOUND, "UNKNOWN_ACCOUNT"),
        Rejection::AccountExists(_) => (S::CONFLICT, "ACCOUNT_EXISTS"),
        Rejection::AccountClosed(_) => (S::CONFLICT, "ACCOUNT_CLOSED"),
        Rejection::AccountSuspended(_) => (S::FORBIDDEN, "ACCOUNT_SUSPENDED"),
        Rejection::UnknownKey(_) => (S::NOT_FOUND, "UNKNOWN_KEY"),
        Rejection::UnknownDecision(_) => (S::NOT_FOUND, "UNKNOWN_DECISION"),
        Rejection::Retired(_) => (S::GONE, "DECISION_RETIRED"),
        Rejection::WrongState(_, _) => (S::CONFLICT, "WRONG_STATE"),
        Rejection::NothingToChange(_) => (S::CONFLICT, "NOTHING_TO_CHANGE"),
        Rejection::NotAllowed(_) => (S::FORBIDDEN, "NOT_ALLOWED"),
        Rejection::RefundTooLarge { .. } => (S::CONFLICT, "REFUND_TOO_LARGE"),
        Rejection::NotEnough { .. } => (S::CONFLICT, "NOT_ENOUGH_CREDIT"),
        Rejection::NoticeTooShort(_) => (S::CONFLICT, "NOTICE_TOO_SHORT"),
        Rejection::Amount { .. } => (S::BAD_REQUEST, "INVALID_AMOUNT"),
        Rejection::TooManySubjects => (S::SERVICE_UNAVAILABLE, "TOO_MANY_SUBJECTS"),
        Rejection::TooManyHolds(_) => (S::TOO_MANY_REQUESTS, "TOO_MANY_HOLDS"),
    }
}

fn field(rejection: &Rejection) -> Option<&'static str> {
    match rejection {
        Rejection::Invalid { field, .. } | Rejection::Amount { field, .. } => Some(field),
        Rejection::NoticeTooShort(_) => Some("effective"),
        Rejection::RefundTooLarge { .. } | Rejection::NotEnough { .. } => Some("amount"),
        Rejection::RequestIdReused
        | Rejection::RequestIdTooOld
        | Rejection::NoPolicy
        | Rejection::UnknownAccount(_)
        | Rejection::AccountExists(_)
        | Rejection::AccountClosed(_)
        | Rejection::AccountSuspended(_)
        | Rejection::UnknownKey(_)
        | Rejection::UnknownDecision(_)
        | Rejection::Retired(_)
        | Rejection::WrongState(_, _)
        | Rejection::NothingToChange(_)
        | Rejection::NotAllowed(_)
        | Rejection::TooManySubjects
        | Rejection::TooManyHolds(_) => None,
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let (status, code) = entry(&rejection);
        let field = field(&rejection).map(str::to_owned);
        let retry_after = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(RETRY_SOON);
        Self { status, code, detail: rejection.to_string().into(), field, retry_after }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.to_json()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<ViewError> for Problem {
    /// The read models are beside the log: decisions go on, and what is missing will be there again.
    fn from(error: ViewError) -> Self {
        tracing::warn!(%error, "a read model cannot be read");
        let detail = "the read models cannot be read now; decisions go on";
        let code = "VIEWS_UNAVAILABLE";
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self { retry_after: Some(RETRY_SOON), ..Self::new(status, code, detail) }
    }
}

impl From<Failure> for Problem {
    /// The service's own troubles are all 503: nothing was decided, and the same request may be sent again.
    fn from(failure: Failure) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let (code, detail, wait) = match failure {
            Failure::Overloaded { retry_after } => {
                ("OVERLOADED", "more requests are waiting than may", retry_after.retry_after())
            }
            Failure::Refusing(_) => ("REFUSING", "the event store takes no more events for now", 5),
            Failure::Standby => {
                ("STANDBY", "this is a standby: another instance writes the book and decides", RETRY_SOON)
            }
            Failure::ClockJumped => {
                ("CLOCK_JUMPED", "the clock jumped; an operator must confirm the time", 5)
            }
            Failure::Stopped => ("STOPPED", "the service is stopping", RETRY_SOON),
            failure if failure.is_damage() => {
                ("LOG_DAMAGED", "the log is damaged and the service stops", RETRY_SOON)
            }
            Failure::Store(_) | Failure::Unreadable { .. } => {
                ("STORE_FAILED", "the event store failed; nothing was decided", RETRY_SOON)
            }
        };
        Self { retry_after: Some(wait), ..Self::new(status, code, detail) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::money::{Credits, MoneyError};
    use domain::time::Span;
    use std::fmt::Write as _;

    fn samples() -> Vec<Rejection> {
        let name = || "acme".parse().expect("a name");
        vec![
            Rejection::RequestIdReused,
            Rejection::RequestIdTooOld,
            Rejection::invalid("ip", "must be an address"),
            Rejection::NoPolicy,
            Rejection::UnknownAccount(name()),
            Rejection::AccountExists(name()),
            Rejection::AccountClosed(name()),
            Rejection::AccountSuspended(name()),
            Rejection::UnknownKey(name()),
            Rejection::UnknownDecision(7),
            Rejection::Retired(7),
            Rejection::WrongState(7, "was never begun"),
            Rejection::NothingToChange("key `k` is revoked".into()),
            Rejection::NotAllowed("this is not allowed".into()),
            Rejection::RefundTooLarge { left: Credits::whole(2) },
            Rejection::NotEnough { available: Credits::whole(2) },
            Rejection::NoticeTooShort(Span::from_secs(30 * 86_400)),
            Rejection::Amount { field: "amount", error: MoneyError::Places },
            Rejection::TooManySubjects,
            Rejection::TooManyHolds(name()),
        ]
    }

    #[test]
    fn the_table_of_rejections() {
        let mut table = String::new();
        for rejection in samples() {
            let Problem { status, code, detail, field, .. } = rejection.into();
            let field = field.unwrap_or_default();
            writeln!(table, "{} {code} {field:?} {detail}", status.as_u16()).expect("a String");
        }
        insta::assert_snapshot!(table, @r#"
        409 REQUEST_ID_REUSED "" the same id was used before with another content
        409 REQUEST_ID_TOO_OLD "" the request id is older than this book remembers, so it is not decided anew
        400 INVALID_FIELD "ip" ip must be an address
        409 NO_POLICY "" there is no policy yet
        404 UNKNOWN_ACCOUNT "" there is no account `acme`
        409 ACCOUNT_EXISTS "" account `acme` exists already
        409 ACCOUNT_CLOSED "" account `acme` is closed
        403 ACCOUNT_SUSPENDED "" account `acme` is suspended
        404 UNKNOWN_KEY "" there is no key `acme`
        404 UNKNOWN_DECISION "" there is no admitted decision d_7
        410 DECISION_RETIRED "" decision d_7 is past its retention; corrections are an operator's adjustment
        409 WRONG_STATE "" decision d_7 was never begun
        409 NOTHING_TO_CHANGE "" key `k` is revoked
        403 NOT_ALLOWED "" this is not allowed
        409 REFUND_TOO_LARGE "amount" only 2 of the charge can still be refunded
        409 NOT_ENOUGH_CREDIT "amount" only 2 is available
        409 NOTICE_TOO_SHORT "effective" a change must be announced 30d before it takes effect, unless it is marked as an emergency with a reason
        400 INVALID_AMOUNT "amount" amount has more than 6 decimals
        503 TOO_MANY_SUBJECTS "" this book has as many subjects as it may hold
        429 TOO_MANY_HOLDS "" account `acme` has as many open holds as it may
        "#);
    }
}
