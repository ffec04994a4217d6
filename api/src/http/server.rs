//! Connections: HTTP/1.1 by hyper, decisions straight from it, everything else through the router.

use super::client::{self, Peer};
use super::error::Problem;
use super::{App, Routes, decide, noop};
use axum::BoxError;
use axum::body::Body;
use axum::http::{Method, Request, Response};
use axum::response::IntoResponse;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

/// How long a client may take for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long connections may take to end when the service stops.
const GRACE: Duration = Duration::from_secs(10);
/// The pause after the system refused a connection, such as for want of file descriptors.
const BREATH: Duration = Duration::from_millis(50);

/// A bound listener, ready to serve.
pub struct Server {
    listener: TcpListener,
    connections: usize,
}

impl Server {
    /// Binds the address, for at most so many connections at once.
    ///
    /// # Errors
    /// When the address is in use or not allowed.
    pub async fn bind(address: SocketAddr, connections: usize) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await?, connections })
    }

    /// The real address, also when port 0 was asked for.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` ends; then waits for requests under way, for a while.
    pub async fn serve(self, app: Arc<App>, stop: impl Future<Output = ()>) {
        let door = Door::new(app, &Routes::default());
        let room = Arc::new(Semaphore::new(self.connections));
        let (closing, closed) = watch::channel(false);
        let mut stop = std::pin::pin!(stop);
        loop {
            let (permit, accepted) = tokio::select! {
                () = &mut stop => break,
                accepted = accept(&self.listener, &room) => accepted,
            };
            let Ok((stream, peer)) = accepted else {
                tokio::time::sleep(BREATH).await;
                continue;
            };
            let (door, closed) = (door.clone(), closed.clone());
            tokio::spawn(async move {
                converse(stream, peer.ip(), door, closed).await;
                drop(permit);
            });
        }
        drop(self.listener);
        let _ = closing.send(true);
        drop(closed);
        let _ = tokio::time::timeout(GRACE, closing.closed()).await;
    }
}

type Permit = Option<tokio::sync::OwnedSemaphorePermit>;

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (Permit, io::Result<(TcpStream, SocketAddr)>) {
    // The semaphore is never closed.
    let permit = room.clone().acquire_owned().await.ok();
    (permit, listener.accept().await)
}

async fn converse(stream: TcpStream, peer: IpAddr, door: Door, mut closed: watch::Receiver<bool>) {
    // Without it a small answer waits for the client's acknowledgement of the one before.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let door = door.clone();
        async move { Ok::<_, Infallible>(door.answer(peer, request).await) }
    });
    let mut http = http1::Builder::new();
    http.pipeline_flush(true).timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT);
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // A client that breaks off is no event of ours.
        _ = connection.as_mut() => return,
        _ = closed.wait_for(|closed| *closed) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// What every connection leads to.
#[derive(Clone)]
pub struct Door {
    app: Arc<App>,
    router: TowerToHyperService<axum::Router>,
}

impl Door {
    /// The routes over this app.
    pub fn new(app: Arc<App>, routes: &Routes) -> Self {
        let router = TowerToHyperService::new(routes.with(app.clone()));
        Self { app, router }
    }

    /// The answer to one request, whoever read it from wherever.
    pub async fn answer<B>(&self, peer: IpAddr, mut request: Request<B>) -> Response<Body>
    where
        B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let app = &*self.app;
        if app.require_https && !client::is_https(peer, request.headers(), &app.proxies) {
            return Problem::https_required().into_response();
        }
        if request.method() == Method::POST {
            match request.uri().path() {
                "/v1/decisions" => return decide::respond(app, request).await,
                "/v1/noop" => return noop::respond(app, request).await,
                _ => {}
            }
        }
        request.extensions_mut().insert(Peer(peer));
        let Ok(response) = self.router.call(request).await;
        response
    }
}
