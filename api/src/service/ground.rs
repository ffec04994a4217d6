//! What a book stands on: its log, its secrets, its snapshots, and whose turn it is to write.

#[cfg(feature = "eventstore")]
use super::kurrent;
use super::{ServiceError, TimeKind, new_book};
use crate::config::StoreUrl;
use crate::engine::{EngineConfig, Failure, Handle, Role};
use crate::http::App;
use crate::told;
use adapters::snapshot::Snapshots;
use adapters::store::memory::MemoryStore;
use adapters::store::postgres::{self, Address, PostgresStore};
use adapters::store::sqlite::{self, Claim, SqliteStore};
use adapters::vault::Vault;
use domain::ids::Position;
use domain::log::{BookInfo, EventStore, StoreError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Where a book is kept.
#[derive(Clone, Debug)]
pub enum Storage {
    /// Gone with the process.
    Memory,
    /// A folder of this machine.
    Folder(PathBuf),
    /// The log and the views in a database; keys and snapshots in a folder of this machine.
    Postgres(Address, PathBuf),
    /// The log in a stream of KurrentDB; the rest in a folder of this machine.
    #[cfg(feature = "eventstore")]
    Kurrent(Box<kurrent::KurrentUrl>, PathBuf),
}

impl Storage {
    /// The store with this URL, or the folder alone.
    ///
    /// # Errors
    /// When no store of this build has such a URL.
    pub fn named(store: Option<&StoreUrl>, folder: PathBuf) -> Result<Self, ServiceError> {
        match store.map(StoreUrl::reveal) {
            None => Ok(Self::Folder(folder)),
            #[cfg(feature = "eventstore")]
            Some(url) if kurrent::KurrentUrl::is_meant(url) => {
                Ok(Self::Kurrent(Box::new(url.parse()?), folder))
            }
            Some(url) if url.starts_with("postgres") => Ok(Self::Postgres(url.parse()?, folder)),
            Some(_) => Err(ServiceError::UnknownStore),
        }
    }

    /// Where the log is, in words that give no secret away.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Memory => "memory".to_owned(),
            Self::Folder(folder) => folder.display().to_string(),
            Self::Postgres(address, _) => address.to_string(),
            #[cfg(feature = "eventstore")]
            Self::Kurrent(url, _) => url.to_string(),
        }
    }

    /// Bytes of text at which a frame for this log is full.
    pub(super) fn frame_bytes(&self) -> usize {
        match self {
            #[cfg(feature = "eventstore")]
            Self::Kurrent(..) => kurrent::FRAME,
            _ => EngineConfig::default().batch_bytes,
        }
    }

    /// The folder of the keys and the snapshots, and of the views that are in no database.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Memory => None,
            Self::Folder(folder) | Self::Postgres(_, folder) => Some(folder),
            #[cfg(feature = "eventstore")]
            Self::Kurrent(_, folder) => Some(folder),
        }
    }
}

/// Events that a standby reads at once.
const PAGE: usize = 4_096;

/// How often a standby looks for new events, and asks for its turn.
const ASK: Duration = Duration::from_millis(100);

/// How often it is asked for by whoever cannot stand by: for longer than the turn of a process that died lasts.
const ASKS_MAX: u32 = 50;

/// The store, the secrets and the snapshots of a book.
pub(super) struct Ground {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) vault: Vault,
    pub(super) snapshots: Option<Snapshots>,
    pub(super) turn: Turn,
}

impl Ground {
    pub(super) async fn open(storage: &Storage, time: TimeKind) -> Result<Self, ServiceError> {
        let new = new_book(time)?;
        match storage {
            Storage::Memory => {
                let store = MemoryStore::new(new);
                let vault = Vault::in_memory(store.book().id)?;
                Ok(Self { store: Arc::new(store), vault, snapshots: None, turn: Turn::default() })
            }
            Storage::Folder(folder) => Self::folder(folder, new).await,
            Storage::Postgres(address, folder) => {
                let claim = Some(Claim::on(folder)?);
                Self::postgres(address, folder, new, claim).await
            }
            #[cfg(feature = "eventstore")]
            Storage::Kurrent(url, folder) => kurrent::ground(url, folder, new).await,
        }
    }

    /// As [`Ground::open`], for whoever holds the folder of a database's keys already: a copy may go there.
    pub(super) async fn to_seal(storage: &Storage, time: TimeKind) -> Result<Self, ServiceError> {
        match storage {
            Storage::Postgres(address, folder) => {
                Self::postgres(address, folder, new_book(time)?, None).await
            }
            other => Self::open(other, time).await,
        }
    }

    async fn folder(folder: &Path, new: BookInfo) -> Result<Self, ServiceError> {
        let (claim, snapshots) = (Claim::on(folder)?, Snapshots::in_dir(folder));
        if !snapshots.is_empty() {
            // Before anything opens it to write: that moves what is left of the write-ahead log into the file, for good.
            let log = SqliteStore::open_read_only(folder).await?;
            let whole = expect_whole(&log, &snapshots).await;
            log.close().await?;
            whole?;
        }
        let store = claim.open(new).await?;
        let empty = store.head().await?.position == 0;
        let vault = Vault::open(folder, store.book().id, empty)?;
        Ok(Self { store: Arc::new(store), vault, snapshots: Some(snapshots), turn: Turn::default() })
    }

    async fn postgres(
        address: &Address,
        folder: &Path,
        new: BookInfo,
        claim: Option<Claim>,
    ) -> Result<Self, ServiceError> {
        let store = Arc::new(PostgresStore::open(address, new).await?);
        let snapshots = Snapshots::in_dir(folder);
        expect_whole(&*store, &snapshots).await?;
        let empty = !store.has_key() && store.head().await?.position == 0;
        let vault = Vault::open(folder, store.book().id, empty)?;
        store.expect_key(&key_check(&vault, store.book())).await?;
        let turn = Turn::Leased(Arc::new(Held { store: store.clone(), _folder: claim }));
        if let Some(holder) = turn.take().await? {
            tracing::info!(%holder, "another counterfoil writes this book; standing by until it is gone");
        }
        Ok(Self { store, vault, snapshots: Some(snapshots), turn })
    }
}

/// What the book's key makes of the book's id: gives nothing away, and another key gives another text.
fn key_check(vault: &Vault, book: BookInfo) -> String {
    vault.hash_key().digest([b"key-check".as_slice(), &book.id.0]).to_string()
}

/// The turn to write a log that other processes may want to write as well.
#[derive(Clone, Default)]
pub(super) enum Turn {
    /// Only one process can open the log.
    #[default]
    Sole,
    /// The database gives it to one at a time.
    Leased(Arc<Held>),
    /// Whoever appends has it; the one before hears of it.
    #[cfg(feature = "eventstore")]
    Watched(Arc<kurrent::KurrentStore>),
}

pub(super) struct Held {
    store: Arc<PostgresStore>,
    /// Two processes of one machine do not share a folder.
    _folder: Option<Claim>,
}

impl Turn {
    /// Takes the turn to write, or says who has it.
    async fn take(&self) -> Result<Option<String>, StoreError> {
        let Self::Leased(held) = self else { return Ok(None) };
        match held.store.claim().await? {
            postgres::Claim::Taken { .. } => Ok(None),
            postgres::Claim::Held { holder } => Ok(Some(holder)),
        }
    }

    /// Takes the turn to write, also from a process that has just died with it.
    pub(super) async fn wait(&self) -> Result<(), ServiceError> {
        for _ in 0..ASKS_MAX {
            if self.role() == Role::Writer || self.take().await?.is_none() {
                return Ok(());
            }
            tokio::time::sleep(ASK).await;
        }
        self.take().await?.map_or(Ok(()), |holder| Err(ServiceError::Served(holder)))
    }

    /// Whether this process writes the log, or only follows it.
    pub(super) fn role(&self) -> Role {
        match self {
            Self::Leased(held) if !held.store.is_writer() => Role::Standby,
            _ => Role::Writer,
        }
    }

    /// Brings a standby on until it is this process's turn, and then lets it decide.
    pub(super) async fn follow(self, app: Arc<App>, engine: Handle, head: Position) {
        let Self::Leased(held) = &self else { return };
        let mut next = head + 1;
        loop {
            match self.step(held, &app, &engine, &mut next).await {
                Ok(true) | Err(Failure::Stopped) => return,
                Ok(false) => {}
                Err(failure) if failure.is_damage() => return engine.give_up(&told(&failure)),
                Err(failure) => {
                    tracing::warn!(error = told(&failure), "the log cannot be followed; trying again");
                }
            }
            tokio::time::sleep(ASK).await;
        }
    }

    async fn step(
        &self,
        held: &Held,
        app: &App,
        engine: &Handle,
        next: &mut Position,
    ) -> Result<bool, Failure> {
        catch_up(&held.store, engine, next).await?;
        if self.role() == Role::Standby && self.take().await?.is_some() {
            return Ok(false);
        }
        // Nobody but this process appends any more: what is there now is all that there is.
        catch_up(&held.store, engine, next).await?;
        app.warm_up().await?;
        engine.lead()?;
        if engine.led().await {
            tracing::info!(head = *next - 1, "the writer is gone; this process decides from now on");
        }
        Ok(true)
    }

    /// Ends when another process has taken the turn from this one.
    pub(super) async fn lost(&self) {
        match self {
            Self::Sole => std::future::pending().await,
            Self::Leased(held) => held.store.lost().await,
            #[cfg(feature = "eventstore")]
            Self::Watched(store) => store.lost().await,
        }
    }

    /// Lets the next process write at once.
    pub(super) async fn release(&self) {
        if let Self::Leased(held) = self
            && let Err(error) = held.store.release().await
        {
            tracing::warn!(%error, "the turn to write could not be given up; it runs out by itself");
        }
    }
}

/// Folds all that the log holds from `next` on, a page after another.
async fn catch_up(store: &PostgresStore, engine: &Handle, next: &mut Position) -> Result<(), Failure> {
    loop {
        let frames = store.read(*next, PAGE).await?;
        let Some(last) = frames.last() else { break };
        *next = last.end() + 1;
        engine.follow(frames).await?;
    }
    engine.caught_up();
    Ok(())
}

/// The log for those who keep the views. They run where a processor is idle: on the log's own connection, whoever waits for
/// a repeat or for an event of the past would wait until they had one.
pub(super) async fn log_of_views(
    storage: &Storage,
    log: &Arc<dyn EventStore>,
) -> Result<Arc<dyn EventStore>, ServiceError> {
    match storage {
        Storage::Memory => Ok(log.clone()),
        kept => read_only(kept).await,
    }
}

/// The log for readers, also while a service writes it.
///
/// # Errors
/// When there is no log, or it cannot be opened.
pub async fn read_only(storage: &Storage) -> Result<Arc<dyn EventStore>, ServiceError> {
    match storage {
        Storage::Memory => Ok(Arc::new(MemoryStore::new(new_book(TimeKind::Wall)?))),
        Storage::Folder(folder) => Ok(Arc::new(SqliteStore::open_read_only(folder).await?)),
        Storage::Postgres(address, _) => Ok(Arc::new(PostgresStore::open_read_only(address).await?)),
        #[cfg(feature = "eventstore")]
        Storage::Kurrent(url, _) => kurrent::read_only(url).await,
    }
}

/// Whether there is a book, also one that cannot be opened now.
pub async fn has_book(storage: &Storage) -> bool {
    match read_only(storage).await {
        Err(ServiceError::Open(sqlite::OpenError::NoBook { .. })) => false,
        Err(ServiceError::OpenPostgres(postgres::OpenError::NoBook(_))) => false,
        #[cfg(feature = "eventstore")]
        Err(ServiceError::OpenStream(kurrent::OpenError::Nothing { .. })) => false,
        Ok(_) | Err(_) => true,
    }
}

/// A store to copy a book to, which is made as `new` when there is none, and the turn to write there.
pub(super) async fn target(
    storage: &Storage,
    new: BookInfo,
) -> Result<(Arc<dyn EventStore>, Turn), ServiceError> {
    match storage {
        Storage::Memory => Ok((Arc::new(MemoryStore::new(new)), Turn::default())),
        Storage::Folder(folder) => Ok((Arc::new(Claim::on(folder)?.open(new).await?), Turn::default())),
        Storage::Postgres(address, _) => {
            let store = Arc::new(PostgresStore::open(address, new).await?);
            let turn = Turn::Leased(Arc::new(Held { store: store.clone(), _folder: None }));
            turn.wait().await?;
            Ok((store, turn))
        }
        #[cfg(feature = "eventstore")]
        Storage::Kurrent(url, _) => kurrent::target(url, new).await,
    }
}

/// A log that lost its end looks like a shorter one, whole and sound; only what was noted beside it can tell.
pub(super) async fn expect_whole(log: &dyn EventStore, snapshots: &Snapshots) -> Result<(), ServiceError> {
    match snapshots.ahead_of(log).await? {
        Some((snapshot, position)) => Err(ServiceError::Lost { position, snapshot }),
        None => Ok(()),
    }
}
