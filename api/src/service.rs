//! The whole service: with `ground`, the one place that names the adapters and puts them together.

mod copy;
mod ground;
#[cfg(feature = "eventstore")]
mod kurrent;
mod ports;

use crate::config::Config;
use crate::engine::{self, EngineConfig, Failure, Handle, Opening, Role, StartError, State};
use crate::following::{Begin, Following};
use crate::http::ports::{NewKeyText, SealingFailed};
use crate::http::{App, AppParts, Edge, Server, Tokens};
use crate::moving::CannotMove;
use adapters::store::memory::MemoryStore;
use adapters::store::{postgres, sqlite};
use adapters::system::{self, Clock, SandboxClock, SystemClock};
use adapters::vault::{Vault, VaultError};
use adapters::views::{Identity, Views};
use domain::ids::{Digest, HashKey};
use domain::log::{BookId, BookInfo, BookKind, EventStore, StoreError, codec};
use domain::time::Timestamp;
use ground::{Ground, Turn};
use ports::{BookTime, Clocks, DaySealing, Keys};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

pub use copy::Copy;
pub use ground::{Storage, has_book, read_only};

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
    /// Where the views of a book in memory are.
    views: Option<TempDir>,
    turn: Turn,
    store: Arc<dyn EventStore>,
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
        let log = ground::log_of_views(&storage, &ground.store).await?;
        let store = ground.store.clone();
        let parts =
            engine::Parts { store: ground.store, clock: clock.as_clock(), key, snapshots: ground.snapshots };
        let role = ground.turn.role();
        let started = engine::start_as(role, engine_config(&config, &storage), parts).await;
        if started.is_err() {
            ground.turn.release().await;
        }
        let (engine, opening) = started?;
        let (views, temporary) = views(&storage, Identity { id: log.book().id, key })?;
        let begin = if temporary.is_some() { Begin::WhenAsked } else { Begin::Now };
        let reads = views.reads();
        let following = Following::start((Arc::new(views), reads), log, engine.head(), begin);
        let following = following.map_err(ServiceError::Thread)?;
        let app = Arc::new(app(&config, (&engine, following), (ground.vault, key), clock));
        app.warm_up().await?;
        if role == Role::Standby {
            tokio::spawn(ground.turn.clone().follow(app.clone(), engine.clone(), opening.head));
        }
        let server =
            Server::bind(config.listen, config.bounds.connections).await.map_err(ServiceError::Bind)?;
        Ok(Self { engine, opening, app, server, views: temporary, turn: ground.turn, store })
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
        let Self { engine, app, server, turn, store, views: _kept, .. } = self;
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
        server.serve(app.clone(), either).await;
        engine.stop().await;
        app.stop_views().await;
        // Nothing is decided any more: whoever waits may go on at once.
        turn.release().await;
        let (why, failed) = engine.ended().await;
        if failed {
            return Err(ServiceError::Engine(why.to_string()));
        }
        if let Err(error) = store.checkpoint().await {
            tracing::warn!(error = %crate::told(&error), "the log is not whole in one file; the next start sees to it");
        }
        Ok(())
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
    let book = BookInfo { id: BookId([0; 16]), kind: BookKind::Sandbox, created, store: None };
    let clock = Arc::new(SandboxClock::new(created));
    let store = Arc::new(MemoryStore::new(book));
    let parts = engine::Parts { store, clock: clock.clone(), key, snapshots: None };
    let (engine, _) = engine::start(config, parts).await?;
    Ok((engine, clock))
}

/// The read models of a book: in its database, or else in its folder. For a book in memory, also the folder that is
/// gone with them.
///
/// # Errors
/// When there is no room for that folder.
pub fn views(storage: &Storage, book: Identity) -> Result<(Views, Option<TempDir>), ServiceError> {
    if let Storage::Postgres(address, _) = storage {
        return Ok((Views::on(address, book), None));
    }
    if let Some(folder) = storage.folder() {
        return Ok((Views::of(folder, book), None));
    }
    let folder = tempfile::tempdir().map_err(ServiceError::Temporary)?;
    Ok((Views::of(folder.path(), book), Some(folder)))
}

/// The book of a log and the key that it hashes with, which lies in the folder of its secrets.
///
/// # Errors
/// When the key is not there.
pub fn identity(storage: &Storage, log: &dyn EventStore) -> Result<Identity, ServiceError> {
    let id = log.book().id;
    let vault = match storage.folder() {
        Some(folder) => Vault::open(folder, id, false)?,
        None => Vault::in_memory(id)?,
    };
    Ok(Identity { id, key: vault.hash_key() })
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

fn engine_config(config: &Config, storage: &Storage) -> EngineConfig {
    let bounds = config.bounds.of_book();
    let (queue_max, snapshot_every) = (config.bounds.queue, config.bounds.snapshot_every);
    let batch_bytes = storage.frame_bytes();
    EngineConfig { queue_max, batch_bytes, snapshot_every, bounds, ..EngineConfig::default() }
}

fn app(
    config: &Config,
    (engine, following): (&Handle, Following),
    (vault, key): (Vault, HashKey),
    clock: Clocks,
) -> App {
    let vault = Arc::new(vault);
    let sealing = Arc::new(DaySealing { vault, clock: clock.as_clock() });
    let gateways = config.gateways.iter().map(|(name, token)| (name, token.reveal()));
    let operators = config.operators.iter().map(|(name, token)| (name, token.reveal()));
    App::new(AppParts {
        engine: engine.clone(),
        following,
        edge: Edge::new(key, sealing),
        keys: Arc::new(Keys(key)),
        time: Arc::new(BookTime { clock, engine: engine.clone() }),
        tokens: Tokens::new(gateways, operators),
        proxies: config.trusted_proxies.clone(),
        require_https: config.require_https,
    })
}

/// Why a service did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    #[error(
        "the log lacks the event at position {position}, which {} is a snapshot of: what was durable is gone, or this is \
         a copy that is not finished. Finish it with `counterfoil copy`; else restore the folder, or remove the \
         snapshot to go on without what was lost",
        snapshot.display()
    )]
    Lost { position: u64, snapshot: PathBuf },
    #[error("the event log cannot be opened")]
    Open(#[from] sqlite::OpenError),
    #[error("this build has no store with such a URL: postgres://… and kurrentdb://… are known")]
    UnknownStore,
    #[error("another counterfoil writes this book: {0}; stop it first")]
    Served(String),
    #[error(transparent)]
    Move(#[from] CannotMove),
    #[cfg(feature = "eventstore")]
    #[error("the store's URL cannot be used")]
    StoreUrl(#[from] kurrent::KurrentUrlError),
    #[cfg(feature = "eventstore")]
    #[error("the event log cannot be opened")]
    OpenStream(#[from] kurrent::OpenError),
    #[error("the folder {} cannot be made", folder.display())]
    Folder { folder: PathBuf, source: io::Error },
    #[error("the store's URL cannot be used")]
    Address(#[from] postgres::AddressError),
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
    #[error("there is no folder for what lasts as long as the process")]
    Temporary(#[source] io::Error),
    #[error("there is no thread for the read models")]
    Thread(#[source] io::Error),
    #[error("the engine cannot start")]
    Start(#[from] StartError),
    #[error("the address cannot be bound")]
    Bind(#[source] io::Error),
    #[error("the engine gives no answer")]
    Failure(#[from] Failure),
    #[error("the engine failed: {0}")]
    Engine(String),
}
