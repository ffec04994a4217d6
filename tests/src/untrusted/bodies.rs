//! Requests over HTTP, of every route, one after another in one world.
//!
//! A text of blocks, with a blank line between each two. The first line of a block says who sends what, such as
//! `operator POST /v1/accounts`, or `gateway POST /v1/decisions/batch application/x-ndjson`; the rest is the body.

use super::nothing::Nothing;
use super::world::{BEGIN, KEY, Mark, NEW_KEY, audit};
use crate::sandbox::shipped;
use adapters::store::memory::MemoryStore;
use adapters::system::{Clock, ClockJump, SandboxClock};
use api::engine::{Engine, EngineConfig, Parts};
use api::following::{Begin, Following};
use api::http::ports::{Sandbox, Time};
use api::http::{App, AppParts, Door, Edge, Routes, Tokens};
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use domain::log::{BookId, BookInfo, BookKind, EventStore, codec};
use domain::time::{Span, Timestamp};
use serde_json::{Value, json};
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

const GATEWAY: &str = "a-gateway-token";
const OPERATOR: &str = "an-operator-token";
/// More requests than this in one text would only take time.
const REQUESTS_MAX: usize = 16;
/// More turns than any request takes.
const TURNS_MAX: usize = 10_000;
const BYTES_MAX: usize = 16 << 20;

/// No request is answered with a failure of the service, a refusal is a problem, and the log passes the audit.
pub fn bodies(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut world = World::new();
    for block in text.split("\n\n").take(REQUESTS_MAX) {
        let (head, body) = block.split_once('\n').unwrap_or((block, ""));
        if let Some(request) = request(head, body) {
            world.ask(request);
        }
    }
    world.check();
}

fn request(head: &str, body: &str) -> Option<Request<Body>> {
    let mut words = head.split(' ');
    let (who, method, target) = (words.next()?, words.next()?, words.next()?);
    let credential = match who {
        "gateway" => GATEWAY,
        "operator" => OPERATOR,
        "account" => NEW_KEY,
        other => other,
    };
    let mut request = Request::builder().method(method).uri(target);
    if !credential.is_empty() {
        request = request.header("authorization", format!("Bearer {credential}"));
    }
    for (name, value) in ["content-type", "idempotency-key", "x-forwarded-for"].into_iter().zip(words) {
        request = request.header(name, value);
    }
    request.body(Body::from(body.to_owned())).ok()
}

/// The whole service, but for sockets and threads.
struct World {
    engine: Engine,
    store: MemoryStore,
    door: Door,
}

impl World {
    /// A policy is in force, `acme` has an account with credit and a key.
    fn new() -> Self {
        static ROUTES: LazyLock<Routes> = LazyLock::new(Routes::default);
        let created = Timestamp::from_micros(BEGIN);
        let kind = BookKind::Sandbox;
        let store = MemoryStore::new(BookInfo { id: BookId([1; 16]), kind, created, store: None });
        let clock = Arc::new(Hands {
            wall: SandboxClock::new(created),
            zero: Instant::now(),
            looks: AtomicU64::new(0),
        });
        let parts = Parts { store: Arc::new(store.clone()), clock: clock.clone(), key: KEY, snapshots: None };
        let (engine, _) =
            Engine::open(EngineConfig::default(), parts, runtime().handle().clone()).expect("an empty log");
        let (log, head) = (Arc::new(store.clone()), engine.handle().head());
        let (following, work) =
            Following::new((Arc::new(Nothing), Arc::new(Nothing)), log, head, Begin::WhenAsked);
        runtime().spawn(work);
        let app = App::new(AppParts {
            engine: engine.handle(),
            following,
            edge: Edge::new(KEY, Arc::new(Mark)),
            keys: Arc::new(Mark),
            time: clock,
            tokens: Tokens::new(
                [(&"main".parse().expect("a name"), GATEWAY)],
                [(&"olga".parse().expect("a name"), OPERATOR)],
            ),
            proxies: vec!["10.0.0.0/8".parse().expect("a block of addresses")],
            require_https: false,
        });
        let mut world = Self { engine, store, door: Door::new(Arc::new(app), &ROUTES) };
        for (target, body) in beginnings() {
            let request = request(&format!("operator POST {target}"), &body.to_string()).expect("a request");
            assert_eq!(world.ask(request), 200, "{target}");
        }
        world
    }

    /// Sends a request, checks the answer, and returns its status.
    fn ask(&mut self, request: Request<Body>) -> u16 {
        let shown = format!("{} {}", request.method(), request.uri());
        let (status, json, body) = self.answer(request);
        assert!(status < 500, "{shown}: {status} {}", String::from_utf8_lossy(&body));
        let body: Option<Value> = json.then(|| serde_json::from_slice(&body).expect("the answer is JSON"));
        if status >= 400 {
            let problem = body.unwrap_or_default();
            assert!(problem["status"] == status && problem["code"].is_string(), "{shown}: {problem}");
        }
        status
    }

    /// Status, whether it is JSON, and the body.
    fn answer(&mut self, request: Request<Body>) -> (u16, bool, Vec<u8>) {
        let door = self.door.clone();
        self.drive(async move {
            let peer = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
            let response: Response<Body> = door.answer(peer, request).await;
            let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
            let json = kind.is_some_and(|kind| kind.ends_with("json") && !kind.contains("ndjson"));
            let status = response.status().as_u16();
            (status, json, to_bytes(response.into_body(), BYTES_MAX).await.expect("a whole body").to_vec())
        })
    }

    /// Lets a caller and the engine take turns.
    fn drive<T>(&mut self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        let mut turns = 0;
        runtime().block_on(poll_fn(|context| {
            if let Poll::Ready(answer) = call.as_mut().poll(context) {
                return Poll::Ready(answer);
            }
            turns += 1;
            assert!(turns < TURNS_MAX, "there is no answer");
            self.engine.turn();
            context.waker().wake_by_ref();
            Poll::Pending
        }))
    }

    fn check(mut self) {
        let handle = self.engine.handle();
        // What was decided is durable when a read has its answer.
        let book = self.drive(async move { handle.read(None, |book, _| book.clone()).await });
        let frames = runtime().block_on(self.store.read(1, usize::MAX)).expect("a log in memory");
        let entries = frames.iter().flat_map(|frame| frame.events().expect("a sound frame"));
        let entries: Vec<_> = entries.map(|(_, text)| codec::decode(text).expect("an event")).collect();
        audit(&entries, &book.expect("the engine lives"));
    }
}

fn beginnings() -> [(&'static str, Value); 4] {
    [
        ("/v1/policies", json!({"toml": shipped("payg-tokens")})),
        ("/v1/accounts", json!({"account": "acme"})),
        ("/v1/accounts/acme/grants", json!({"amount": "1000"})),
        ("/v1/accounts/acme/keys", json!({"kind": "live"})),
    ]
}

fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));
    &RUNTIME
}

/// A clock that moves when told to; pauses pass with every look at it.
struct Hands {
    wall: SandboxClock,
    zero: Instant,
    looks: AtomicU64,
}

impl Clock for Hands {
    fn now(&self) -> Result<Timestamp, ClockJump> {
        Clock::now(&self.wall)
    }

    fn monotonic(&self) -> Instant {
        self.zero + Duration::from_millis(self.looks.fetch_add(1, Ordering::Relaxed))
    }
}

impl Time for Hands {
    fn now(&self) -> Timestamp {
        Clock::now(&self.wall).expect("a clock that does not jump")
    }

    fn confirm(&self) {}

    fn sandbox(&self) -> Option<&dyn Sandbox> {
        Some(self)
    }
}

impl Sandbox for Hands {
    fn advance(&self, span: Span) -> Timestamp {
        self.wall.advance(span)
    }

    fn set(&self, at: Timestamp) -> Option<Timestamp> {
        self.wall.set(at).ok()
    }
}
