//! Who speaks: a gateway, an operator, or a consumer with an API key. A handler that runs has proof.

use super::App;
use super::client::Client;
use super::error::Problem;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use domain::account::Standing;
use domain::ids::Name;
use domain::map::Map;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::net::IpAddr;
use std::sync::Arc;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// What a token opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Gateway,
    Operator,
}

/// The tokens of the configuration, by their SHA-256: looking one up compares hashes of secrets, so the
/// time it takes tells nothing about a token.
#[derive(Default)]
pub struct Tokens(Map<[u8; 32], (Role, Arc<str>)>);

impl Tokens {
    /// Gateways' and operators' tokens by name.
    pub fn new<'a>(
        gateways: impl IntoIterator<Item = (&'a Name, &'a str)>,
        operators: impl IntoIterator<Item = (&'a Name, &'a str)>,
    ) -> Self {
        let gateways =
            gateways.into_iter().map(|(name, token)| (Role::Gateway, format!("gateway:{name}"), token));
        let operators =
            operators.into_iter().map(|(name, token)| (Role::Operator, format!("operator:{name}"), token));
        let hashed =
            gateways.chain(operators).map(|(role, actor, token)| (hash(token), (role, actor.into())));
        Self(hashed.collect())
    }

    pub(crate) fn find(&self, token: &str) -> Option<(Role, &Arc<str>)> {
        self.0.get(&hash(token)).map(|(role, actor)| (*role, actor))
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// The token or key that a request carries.
pub(crate) fn credential(headers: &HeaderMap) -> Option<&str> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| token.trim());
    }
    headers.get(API_KEY)?.to_str().ok()
}

/// A gateway, by its token.
pub(crate) fn gateway<'a>(app: &'a App, headers: &HeaderMap) -> Result<&'a Arc<str>, Problem> {
    staff(app, headers, Role::Gateway)
}

fn staff<'a>(app: &'a App, headers: &HeaderMap, needed: Role) -> Result<&'a Arc<str>, Problem> {
    let token = credential(headers).ok_or_else(missing)?;
    match app.tokens.find(token) {
        Some((role, actor)) if role == needed => Ok(actor),
        Some(_) => Err(Problem::forbidden(match needed {
            Role::Gateway => "this path takes a gateway's token",
            Role::Operator => "this path takes an operator's token",
        })),
        None => Err(Problem::unauthenticated("the token opens nothing")),
    }
}

/// A gateway or an operator, by its token.
fn known<'a>(app: &'a App, headers: &HeaderMap) -> Result<(Role, &'a Arc<str>), Problem> {
    let token = credential(headers).ok_or_else(missing)?;
    app.tokens.find(token).ok_or_else(|| Problem::unauthenticated("the token opens nothing"))
}

fn missing() -> Problem {
    Problem::unauthenticated("send a token or an API key as `Authorization: Bearer …`")
}

/// A gateway spoke: `gateway:NAME`.
pub(crate) struct Gateway(pub(crate) Arc<str>);

/// An operator spoke: `operator:NAME`.
pub(crate) struct Operator(pub(crate) Arc<str>);

/// A gateway or an operator spoke.
pub(crate) struct Staff(pub(crate) Arc<str>);

/// A gateway, which may look at its own requests, or an operator, who may look at everybody's.
pub(crate) struct Asker {
    /// Whose requests only: `gateway:NAME`.
    pub(crate) own: Option<Arc<str>>,
}

/// An account's own key spoke.
pub(crate) struct Consumer {
    pub(crate) account: Name,
    pub(crate) key: Name,
}

impl Consumer {
    /// Who its acts are recorded as.
    pub(crate) fn actor(&self) -> Arc<str> {
        format!("account:{}", self.account).into()
    }
}

/// Whom a read is about, and that the reader may ask it.
pub(crate) struct Reader {
    /// The reader's own account, or the one that a gateway or an operator named.
    pub(crate) account: Option<Name>,
    /// The key that the reader came with.
    pub(crate) key: Option<Name>,
    /// The address that a gateway or an operator named, or that an anonymous reader came from.
    pub(crate) ip: Option<IpAddr>,
}

/// As [`Reader`], and about an account.
pub(crate) struct AccountReader {
    pub(crate) account: Name,
}

/// As [`Reader`]; a caller without a key may ask too, a little.
pub(crate) struct Anyone {
    pub(crate) reader: Reader,
    /// Whether a key or a token told who asks.
    pub(crate) is_known: bool,
}

impl FromRequestParts<Arc<App>> for Gateway {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        gateway(app, &parts.headers).cloned().map(Self)
    }
}

impl FromRequestParts<Arc<App>> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        staff(app, &parts.headers, Role::Operator).cloned().map(Self)
    }
}

impl FromRequestParts<Arc<App>> for Staff {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        known(app, &parts.headers).map(|(_, actor)| Self(actor.clone()))
    }
}

impl FromRequestParts<Arc<App>> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let own = match known(app, &parts.headers)? {
            (Role::Gateway, actor) => Some(actor.clone()),
            (Role::Operator, _) => None,
        };
        Ok(Self { own })
    }
}

impl FromRequestParts<Arc<App>> for Consumer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let key = credential(&parts.headers).ok_or_else(missing)?;
        if app.tokens.find(key).is_some() {
            return Err(Problem::forbidden("this path takes an account's own API key"));
        }
        consumer(app, key).await
    }
}

impl FromRequestParts<Arc<App>> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let credential = credential(&parts.headers).ok_or_else(missing)?;
        reader(app, parts, credential).await
    }
}

impl FromRequestParts<Arc<App>> for AccountReader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let Reader { account, .. } = Reader::from_request_parts(parts, app).await?;
        let account = account
            .ok_or_else(|| Problem::invalid("account", "must be named by a gateway or an operator"))?;
        Ok(Self { account })
    }
}

impl FromRequestParts<Arc<App>> for Anyone {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        if let Some(credential) = credential(&parts.headers) {
            return Ok(Self { reader: reader(app, parts, credential).await?, is_known: true });
        }
        let query: About = query(parts)?;
        if query.account.is_some() || query.ip.is_some() {
            return Err(missing());
        }
        let Client(ip) = Client::from_request_parts(parts, app).await?;
        app.anonymous.admit(app.edge.counted(ip), app.time.now())?;
        let reader = Reader { account: None, key: None, ip: Some(ip) };
        Ok(Self { reader, is_known: false })
    }
}

/// Whom a gateway or an operator asks about.
#[derive(Deserialize)]
struct About {
    account: Option<String>,
    ip: Option<String>,
}

fn query(parts: &Parts) -> Result<About, Problem> {
    let query = axum::extract::Query::<About>::try_from_uri(&parts.uri);
    query.map(|query| query.0).map_err(|error| Problem::invalid("query", error.body_text()))
}

async fn reader(app: &Arc<App>, parts: &Parts, credential: &str) -> Result<Reader, Problem> {
    let About { account, ip } = query(parts)?;
    if app.tokens.find(credential).is_some() {
        let account = super::text::names("account", account.as_deref())?;
        let ip = ip.map(|ip| super::text::ip("ip", &ip)).transpose()?;
        return Ok(Reader { account, key: None, ip });
    }
    let Consumer { account: own, key } = consumer(app, credential).await?;
    if ip.is_some() || account.is_some_and(|account| account != own.as_str()) {
        return Err(Problem::forbidden("a key reads its own account only"));
    }
    Ok(Reader { account: Some(own), key: Some(key), ip: None })
}

/// The account of an active key.
async fn consumer(app: &Arc<App>, key: &str) -> Result<Consumer, Problem> {
    let digest = app.keys.digest(key);
    let found = app.engine.read(None, move |book, _| {
        let (slot, key) = book.accounts().by_key(digest)?;
        let (account, state) = book.accounts().get(slot)?;
        let opens = key.standing == Standing::Active && !state.is_terminated();
        opens.then(|| Consumer { account: account.clone(), key: key.name.clone() })
    });
    found.await?.ok_or_else(|| Problem::unauthenticated("the key opens nothing"))
}
