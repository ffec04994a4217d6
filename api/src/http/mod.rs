//! The HTTP API.
//!
//! To add an endpoint: one file with its body, its handler (an extractor of `auth` first) and its
//! `#[utoipa::path]`, one line in the `routes` of its folder, and one line in the list of `tests/http/`.

mod auth;
pub mod client;
mod consumer;
mod decide;
pub mod docs;
mod edge;
mod error;
mod event;
mod events;
mod health;
mod metrics;
mod noop;
mod openapi;
mod operator;
mod page;
pub mod ports;
mod read;
mod refusal;
mod reply;
mod server;
mod text;
mod view;

pub use auth::Tokens;
pub use decide::read_ask;
pub use edge::Edge;
pub use error::Problem;
pub use openapi::document;
pub use server::{Door, Server};

use crate::config::Cidr;
use crate::engine::Handle;
use crate::following::Following;
use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use client::Anonymous;
use decide::Wordings;
use ports::{KeyMaker, Time};
use std::sync::Arc;
use std::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What every handler works with.
pub struct App {
    engine: Handle,
    following: Following,
    edge: Edge,
    keys: Arc<dyn KeyMaker>,
    time: Arc<dyn Time>,
    tokens: Tokens,
    proxies: Vec<Cidr>,
    require_https: bool,
    wordings: Wordings,
    anonymous: Anonymous,
}

/// What an [`App`] is made of.
pub struct AppParts {
    pub engine: Handle,
    pub following: Following,
    pub edge: Edge,
    pub keys: Arc<dyn KeyMaker>,
    pub time: Arc<dyn Time>,
    pub tokens: Tokens,
    pub proxies: Vec<Cidr>,
    pub require_https: bool,
}

impl App {
    pub fn new(parts: AppParts) -> Self {
        let AppParts { engine, following, edge, keys, time, tokens, proxies, require_https } = parts;
        let (wordings, anonymous) = (Wordings::default(), Anonymous::default());
        Self { engine, following, edge, keys, time, tokens, proxies, require_https, wordings, anonymous }
    }

    /// A new API key, for an account that is set up before anyone is served.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn make_key(&self, prefix: &str) -> Result<ports::NewKeyText, ports::SealingFailed> {
        self.keys.make(prefix)
    }

    /// What a key is looked up by.
    pub fn key_digest(&self, text: &str) -> domain::ids::Digest {
        self.keys.digest(text)
    }

    /// Lets the read models rest, and returns when they do.
    pub async fn stop_views(&self) {
        self.following.stop().await;
    }

    /// Learns the policy in force, before the first request.
    ///
    /// # Errors
    /// When the engine has stopped.
    pub async fn warm_up(&self) -> Result<(), crate::engine::Failure> {
        let policy = self
            .engine
            .read(None, |book, now| book.catalogue().in_force(now).map(|rules| rules.policy.clone()));
        if let Some(policy) = policy.await? {
            self.edge.follow(&policy);
        }
        Ok(())
    }
}

/// All routes with their documentation.
fn documented() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .merge(decide::routes())
        .merge(consumer::routes())
        .merge(operator::routes())
        .routes(routes!(events::events))
        .routes(routes!(noop::noop))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::engine))
        .routes(routes!(metrics::metrics))
}

/// The routes, which any app may stand behind.
pub struct Routes(Router<Arc<App>>);

impl Default for Routes {
    fn default() -> Self {
        let (router, api) = documented().split_for_parts();
        let router = router
            .fallback(async || Problem::not_found("there is nothing at this path"))
            .method_not_allowed_fallback(async || Problem::method())
            .merge(openapi::pages(openapi::finished(api)))
            .layer(from_fn(log));
        Self(router)
    }
}

impl Routes {
    fn with(&self, app: Arc<App>) -> Router {
        self.0.clone().with_state(app)
    }
}

/// One line per request, at debug: what is in a body, a query or a header is never logged.
async fn log(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let (method, start) = (request.method().clone(), Instant::now());
    let response = next.run(request).await;
    let path = matched.as_ref().map_or("(none)", MatchedPath::as_str);
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    tracing::debug!(%method, path, status = response.status().as_u16(), micros);
    response
}
