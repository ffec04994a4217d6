//! Reading a request's body: bounded, JSON only, and on a mistake the field is named.

use super::App;
use super::error::Problem;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use domain::event::RequestTag;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Largest body, except of a batch and a policy: 64 KiB.
pub(crate) const BODY_MAX: usize = 64 * 1024;
/// Largest batch, price list or policy: 1 MiB.
pub(crate) const BIG_MAX: usize = 1024 * 1024;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A body of a known shape.
pub(crate) struct Json<T>(pub(crate) T);

/// A write outside decisions: its body, and the tag by which a repeat is known.
pub(crate) struct Write<T, const MAX: usize = BODY_MAX> {
    pub(crate) body: T,
    pub(crate) request: Option<RequestTag>,
}

/// The whole body, at most `max` bytes.
pub(crate) async fn bytes<B>(headers: &HeaderMap, body: B, max: usize) -> Result<Bytes, Problem>
where
    B: hyper::body::Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
{
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > max) {
        return Err(Problem::body_too_large(max));
    }
    match Limited::new(body, max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::body_too_large(max)),
        Err(_) => Err(Problem::malformed(None, "the body broke off".to_owned())),
    }
}

/// A body without a type passes; one that is declared as anything but JSON does not.
pub(crate) fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    let fits = !headers.contains_key(CONTENT_TYPE) || is(headers, "application/json");
    if fits { Ok(()) } else { Err(Problem::media_type()) }
}

/// Whether the body is declared as of this type, whatever its parameters.
pub(crate) fn is(headers: &HeaderMap, media_type: &str) -> bool {
    let Some(kind) = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes) else { return false };
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or(kind).trim_ascii();
    essence.eq_ignore_ascii_case(media_type.as_bytes())
}

/// Reads an object of JSON fast; only when that fails, again in a way that knows where it was.
pub(crate) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Problem> {
    // A list of the members' values in their order would do for the reader, but nobody means it.
    match bytes.trim_ascii_start().first() {
        Some(b'[') => {
            return Err(Problem::malformed(None, "the body must be a JSON object, not a list".to_owned()));
        }
        None => return Err(Problem::malformed(None, "the body is empty; send a JSON object".to_owned())),
        Some(_) => {}
    }
    serde_json::from_slice(bytes).map_err(|error| located::<T>(bytes).unwrap_or_else(|| whole(&error)))
}

fn located<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let error = serde_path_to_error::deserialize::<_, T>(&mut reader).err()?;
    let path = Some(error.path().to_string()).filter(|path| path != ".");
    let error = error.into_inner();
    let text = error.to_string();
    if error.is_data() {
        return Some(Problem::malformed(member(path, &text), text));
    }
    // Of a value that cannot be a name the reader says that it expected a value.
    let sound = serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
    let named = path.filter(|_| sound);
    let what = named.as_ref().map_or(text, |path| format!("{path} is of a wrong type"));
    Some(Problem::malformed(named, what))
}

/// The field that a mistake is about: of one that is missing or given twice only the text tells the name.
fn member(path: Option<String>, text: &str) -> Option<String> {
    let named = text.strip_prefix("missing field `").or_else(|| text.strip_prefix("duplicate field `"));
    let Some(name) = named.and_then(|rest| rest.split('`').next()) else { return path };
    Some(match path {
        Some(path) if path.rsplit('.').next() == Some(name) => path,
        Some(path) => format!("{path}.{name}"),
        None => name.to_owned(),
    })
}

fn whole(error: &serde_json::Error) -> Problem {
    Problem::malformed(None, error.to_string())
}

/// The id of a write, from `Idempotency-Key`, with the fingerprint of method, path and body.
fn tag(app: &App, headers: &HeaderMap, what: [&[u8]; 3]) -> Result<Option<RequestTag>, Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let field = "Idempotency-Key";
    let id = key.to_str().map_err(|_| Problem::invalid(field, "must be printable ASCII"))?;
    super::text::request_id(field, id)?;
    Ok(Some(RequestTag { id: id.into(), fingerprint: app.edge.fingerprint(what) }))
}

/// The tag of a write that has no body.
pub(crate) struct Tag(pub(crate) Option<RequestTag>);

impl axum::extract::FromRequestParts<Arc<App>> for Tag {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        app: &Arc<App>,
    ) -> Result<Self, Problem> {
        let what = [parts.method.as_str().as_bytes(), parts.uri.path().as_bytes(), b"".as_slice()];
        tag(app, &parts.headers, what).map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        expect_json(&parts.headers)?;
        parse(&bytes::<Body>(&parts.headers, body, BODY_MAX).await?).map(Self)
    }
}

impl<T: DeserializeOwned, const MAX: usize> FromRequest<Arc<App>> for Write<T, MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        expect_json(&parts.headers)?;
        let bytes = bytes::<Body>(&parts.headers, body, MAX).await?;
        let what = [parts.method.as_str().as_bytes(), parts.uri.path().as_bytes(), &*bytes];
        let request = tag(app, &parts.headers, what)?;
        Ok(Self { body: parse(&bytes)?, request })
    }
}

/// Parts of the path; what is no UTF-8 is a problem as any other.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> axum::extract::FromRequestParts<Arc<App>> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        app: &Arc<App>,
    ) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, app).await;
        path.map(|path| Self(path.0)).map_err(|error| Problem::invalid("path", error.body_text()))
    }
}

/// The query; an unknown or wrong member is a problem.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> axum::extract::FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &Arc<App>,
    ) -> Result<Self, Problem> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query.map(|query| Self(query.0)).map_err(|error| unread(&error.body_text()))
    }
}

/// No member at all.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// What is wrong with a query, by the name of the member where the reader tells it.
fn unread(text: &str) -> Problem {
    let told = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(text);
    let is_name = |field: &str| field.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match told.split_once(": ").filter(|(field, _)| is_name(field)) {
        Some((field, what)) => Problem::invalid(field, format_args!("cannot be read: {what}")),
        None => Problem::invalid("query", format_args!("cannot be read: {told}")),
    }
}
