//! The whole service: with `ground`, the one place that names the adapters and puts them together.

mod ground;

use crate::config::Config;
use crate::engine::{self, EngineConfig, Failure, Handle, Opening, Role, StartError, State};
use crate::http::ports::{KeyMaker, NewKeyText, Sandbox, Sealing, SealingFailed, Time};
use crate::http::{App, AppParts, Edge, Server, Tokens};
use adapters::api_key::ApiKey;
use adapters::store::memory::MemoryStore;
use adapters::store::{postgres, sqlite};
use adapters::system::{self, Clock, SandboxClock, SystemClock};
use adapters::vault::{Under, Vault, VaultError};
use domain::book::Bounds;
use domain::ids::{Digest, HashKey, Name};
use domain::log::{BookId, BookInfo, BookKind, EventStore, StoreError, codec};
use domain::time::{Span, Timestamp};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ground::{Ground, Turn};
pub use ground::{Storage, read_only};

/// Whose time a service runs on.
#[derive(Clone, Copy, Debug)]
pub enum TimeKind {
    Wall,
    /// A clock that only moves when told to; a new book starts at this instant.
    Sandbox(Timestamp),
}

/// What a service is made with.
#[derive(Clone, Debug)]
pub struct Options {
    pub config: Config,
    pub storage: Storage,
    pub time: TimeKind,
}

/// A service that decides and is bound to its address, but does not answer over HTTP yet.
pub struct Service {
    engine: Handle,
    opening: Opening,
    app: Arc<App>,
    server: Server,
    turn: Turn,
}

impl Service {
    /// Opens the log, loads the book, starts the engine and binds the address.
    ///
    /// # Errors
    /// When a part cannot be opened; the error names it.
    pub async fn open(options: Options) -> Result<Self, ServiceError> {
        let Options { config, storage, time } = options;
        let ground = Ground::open(&storage, time).await?;
        let clock = Clocks::new(time, last_event(&*ground.store).await?);
        let key = ground.vault.hash_key();
        let parts =
            engine::Parts { store: ground.store, clock: clock.as_clock(), key, snapshots: ground.snapshots };
        let role = ground.turn.role();
        let (engine, opening) = engine::start_as(role, engine_config(&config), parts).await?;
        let app = Arc::new(app(&config, &engine, (ground.vault, key), clock));
        app.warm_up().await?;
        if role == Role::Standby {
            tokio::spawn(ground.turn.clone().follow(app.clone(), engine.clone(), opening.head));
        }
        let server =
            Server::bind(config.listen, config.bounds.connections).await.map_err(ServiceError::Bind)?;
        Ok(Self { engine, opening, app, server, turn: ground.turn })
    }

    /// The engine, for what is done before serving.
    pub fn engine(&self) -> &Handle {
        &self.engine
    }

    /// Whether another process writes the book for now.
    pub fn stands_by(&self) -> bool {
        self.engine.health().state == State::Standby
    }

    /// How the book was loaded.
    pub fn opening(&self) -> Opening {
        self.opening
    }

    /// The address that is bound, also when port 0 was asked for.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.server.address()
    }

    /// Makes an API key of the account, as an operator's call would, and returns its text.
    pub fn make_key(&self, prefix: &str) -> Result<NewKeyText, SealingFailed> {
        self.app.make_key(prefix)
    }

    /// What a key is looked up by.
    pub fn key_digest(&self, text: &str) -> Digest {
        self.app.key_digest(text)
    }

    /// Serves until `stop` ends or the engine does; then finishes what is under way.
    ///
    /// # Errors
    /// When the engine failed: the process should exit with an error and be started anew.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), ServiceError> {
        let Self { engine, app, server, turn, .. } = self;
        let (ended, held) = (engine.clone(), turn.clone());
        let either = async move {
            tokio::select! {
                () = stop => {}
                _ = ended.ended() => {}
                () = held.lost() => ended.give_up("another counterfoil has taken the book over"),
            }
        };
        // A policy published since the start may count addresses in another way.
        app.warm_up().await?;
        server.serve(app, either).await;
        engine.stop().await;
        // Nothing is decided any more: whoever waits may go on at once.
        turn.release().await;
        let (why, failed) = engine.ended().await;
        if failed { Err(ServiceError::Engine(why.to_string())) } else { Ok(()) }
    }
}

/// What an engine is started with, for those who need no server.
///
/// # Errors
/// When a part cannot be opened; the error names it.
pub async fn parts(storage: &Storage, time: TimeKind) -> Result<engine::Parts, ServiceError> {
    lay_out(storage, time).await.map(|(parts, ..)| parts)
}

async fn lay_out(storage: &Storage, time: TimeKind) -> Result<(engine::Parts, Vault, Clocks), ServiceError> {
    let Ground { store, vault, snapshots, .. } = Ground::open(storage, time).await?;
    let clock = Clocks::new(time, last_event(&*store).await?);
    let key = vault.hash_key();
    Ok((engine::Parts { store, clock: clock.as_clock(), key, snapshots }, vault, clock))
}

/// An engine on a log that is gone with the process, and the clock that its owner sets: no secrets, no HTTP.
///
/// # Errors
/// When there is no thread for the engine.
pub async fn in_memory(
    created: Timestamp,
    key: HashKey,
    config: EngineConfig,
) -> Result<(Handle, Arc<SandboxClock>), StartError> {
    let book = BookInfo { id: BookId([0; 16]), kind: BookKind::Sandbox, created };
    let clock = Arc::new(SandboxClock::new(created));
    let store = Arc::new(MemoryStore::new(book));
    let parts = engine::Parts { store, clock: clock.clone(), key, snapshots: None };
    let (engine, _) = engine::start(config, parts).await?;
    Ok((engine, clock))
}

/// What the wall clock says: where a sandbox begins.
pub fn now() -> Timestamp {
    SystemClock::start(Timestamp::EPOCH).now().unwrap_or_default()
}

fn new_book(time: TimeKind) -> Result<BookInfo, ServiceError> {
    let (kind, created) = match time {
        TimeKind::Wall => (BookKind::Wall, now()),
        TimeKind::Sandbox(start) => (BookKind::Sandbox, start),
    };
    system::new_book(kind, created).map_err(ServiceError::Random)
}

/// The time of the log's last event, before which no clock may start.
async fn last_event(store: &dyn EventStore) -> Result<Timestamp, ServiceError> {
    let head = store.head().await?.position;
    if head == 0 {
        return Ok(Timestamp::EPOCH);
    }
    let frames = store.read(head, 1).await?;
    let last = frames.last().and_then(|frame| frame.events().ok()?.last());
    let entry = last.and_then(|(_, text)| codec::decode(text).ok());
    entry.map(|entry| entry.at).ok_or(ServiceError::LastEvent(head))
}

fn engine_config(config: &Config) -> EngineConfig {
    let bounds = Bounds {
        ids_max: config.bounds.ids,
        decisions_max: config.bounds.decisions,
        subjects_max: config.bounds.subjects,
    };
    EngineConfig { queue_max: config.bounds.queue, bounds, ..EngineConfig::default() }
}

fn app(config: &Config, engine: &Handle, (vault, key): (Vault, HashKey), clock: Clocks) -> App {
    let vault = Arc::new(vault);
    let sealing = Arc::new(DaySealing { vault, clock: clock.as_clock() });
    let gateways = config.gateways.iter().map(|(name, token)| (name, token.reveal()));
    let operators = config.operators.iter().map(|(name, token)| (name, token.reveal()));
    App::new(AppParts {
        engine: engine.clone(),
        edge: Edge::new(key, sealing),
        keys: Arc::new(Keys(key)),
        time: Arc::new(BookTime { clock, engine: engine.clone() }),
        tokens: Tokens::new(gateways, operators),
        proxies: config.trusted_proxies.clone(),
        require_https: config.require_https,
    })
}

/// The clock of a book, and whether it can be moved.
#[derive(Clone)]
enum Clocks {
    Wall(Arc<SystemClock>),
    Sandbox(Arc<SandboxClock>),
}

impl Clocks {
    fn new(time: TimeKind, floor: Timestamp) -> Self {
        match time {
            TimeKind::Wall => Self::Wall(Arc::new(SystemClock::start(floor))),
            TimeKind::Sandbox(start) => Self::Sandbox(Arc::new(SandboxClock::new(start.max(floor)))),
        }
    }

    fn as_clock(&self) -> Arc<dyn Clock> {
        match self {
            Self::Wall(clock) => clock.clone(),
            Self::Sandbox(clock) => clock.clone(),
        }
    }
}

struct BookTime {
    clock: Clocks,
    engine: Handle,
}

impl Time for BookTime {
    fn now(&self) -> Timestamp {
        // While a jump is unconfirmed nothing is decided; what is left to time goes on where it was.
        self.clock.as_clock().now().unwrap_or_else(|jump| jump.expected)
    }

    fn confirm(&self) {
        self.engine.confirm_clock();
    }

    fn sandbox(&self) -> Option<&dyn Sandbox> {
        match self.clock {
            Clocks::Wall(_) => None,
            Clocks::Sandbox(_) => Some(self),
        }
    }
}

impl Sandbox for BookTime {
    fn advance(&self, span: Span) -> Timestamp {
        let now = match &self.clock {
            Clocks::Wall(_) => self.now(),
            Clocks::Sandbox(clock) => clock.advance(span),
        };
        self.engine.wake();
        now
    }

    fn set(&self, at: Timestamp) -> Option<Timestamp> {
        let now = match &self.clock {
            Clocks::Wall(_) => None,
            Clocks::Sandbox(clock) => clock.set(at).ok(),
        };
        self.engine.wake();
        now
    }
}

/// Seals under the key of the day.
struct DaySealing {
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
}

impl Sealing for DaySealing {
    fn seal(&self, clear: &str) -> Result<Arc<str>, SealingFailed> {
        let now = self.clock.now().unwrap_or_else(|jump| jump.expected);
        self.vault.seal(Under::Day(now), clear).map_err(|error| SealingFailed(error.to_string()))
    }

    fn open(&self, sealed: &str, at: Timestamp) -> Option<String> {
        // Sealed just before the event was stamped, perhaps on the day before.
        let days = [at, at.minus(Span::from_secs(60))];
        days.into_iter().find_map(|day| self.vault.open_sealed(Under::Day(day), sealed).ok().flatten())
    }
}

struct Keys(HashKey);

impl KeyMaker for Keys {
    fn make(&self, prefix: &str) -> Result<NewKeyText, SealingFailed> {
        let failed = |error: io::Error| SealingFailed(error.to_string());
        let prefix = prefix.trim_end_matches('_');
        let prefix = if prefix.is_empty() { "key" } else { prefix };
        let prefix: Name = prefix.parse().map_err(|_| SealingFailed("the prefix is no name".to_owned()))?;
        let key = ApiKey::generate(&prefix).map_err(failed)?;
        let name = format!("k_{:016x}", u64::from_be_bytes(system::random().map_err(failed)?));
        let name = name.parse().map_err(|_| SealingFailed("the key's name is no name".to_owned()))?;
        Ok(NewKeyText { text: key.expose().to_owned(), name })
    }

    fn digest(&self, text: &str) -> Digest {
        match ApiKey::parse(text) {
            Ok(key) => key.digest(&self.0),
            Err(_) => self.0.digest([b"no-api-key".as_slice(), text.as_bytes()]),
        }
    }
}

/// Why a service did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error(
        "the log lacks the event at position {position}, which {} is a snapshot of: what was durable is gone. Restore \
         the folder from a copy; or remove the snapshot, to go on without what was lost",
        snapshot.display()
    )]
    Lost { position: u64, snapshot: PathBuf },
    #[error("the event log cannot be opened")]
    Open(#[from] sqlite::OpenError),
    #[error("the event log cannot be opened")]
    OpenPostgres(#[from] postgres::OpenError),
    #[error("the event log cannot be read")]
    Store(#[from] StoreError),
    #[error("the last event, at position {0}, cannot be read")]
    LastEvent(u64),
    #[error("the secret keys cannot be opened")]
    Vault(#[from] VaultError),
    #[error("the system gives no random bytes")]
    Random(#[source] io::Error),
    #[error("the engine cannot start")]
    Start(#[from] StartError),
    #[error("the address cannot be bound")]
    Bind(#[source] io::Error),
    #[error("the engine gives no answer")]
    Failure(#[from] Failure),
    #[error("the engine failed: {0}")]
    Engine(String),
}
