//! What a book stands on: its log, its secrets, its snapshots, and whose turn it is to write.

#[cfg(feature = "eventstore")]
use super::kurrent;
use super::{ServiceError, TimeKind, new_book};
use crate::config::StoreUrl;
use adapters::snapshot::Snapshots;
use adapters::store::memory::MemoryStore;
use adapters::store::postgres::{self, Address, PostgresStore};
use adapters::store::sqlite::{Claim, SqliteStore};
use adapters::vault::Vault;
use domain::log::{BookInfo, EventStore};
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
    /// The log in a database; keys, snapshots and views in a folder of this machine.
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

    /// The folder of the keys, the snapshots and the views.
    pub(super) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Memory => None,
            Self::Folder(folder) | Self::Postgres(_, folder) => Some(folder),
            #[cfg(feature = "eventstore")]
            Self::Kurrent(_, folder) => Some(folder),
        }
    }
}

/// How often a process that waits for its turn asks for it.
const ASK: Duration = Duration::from_millis(100);

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
            Storage::Postgres(address, folder) => Self::postgres(address, folder, new).await,
            #[cfg(feature = "eventstore")]
            Storage::Kurrent(url, folder) => kurrent::ground(url, folder, new).await,
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

    async fn postgres(address: &Address, folder: &Path, new: BookInfo) -> Result<Self, ServiceError> {
        let claim = Claim::on(folder)?;
        let store = Arc::new(PostgresStore::open(address, new).await?);
        let snapshots = Snapshots::in_dir(folder);
        expect_whole(&*store, &snapshots).await?;
        let empty = !store.has_key() && store.head().await?.position == 0;
        let vault = Vault::open(folder, store.book().id, empty)?;
        store.expect_key(&key_check(&vault, store.book())).await?;
        let turn = Turn(Some(Arc::new(Held { store: store.clone(), _folder: claim })));
        turn.wait().await?;
        Ok(Self { store, vault, snapshots: Some(snapshots), turn })
    }
}

/// What the book's key makes of the book's id: gives nothing away, and another key gives another text.
fn key_check(vault: &Vault, book: BookInfo) -> String {
    vault.hash_key().digest([b"key-check".as_slice(), &book.id.0]).to_string()
}

/// The turn to write a log that other processes may want to write as well. Empty for a log that only one can open.
#[derive(Clone, Default)]
pub(super) struct Turn(Option<Arc<Held>>);

struct Held {
    store: Arc<PostgresStore>,
    /// Two processes of one machine do not share a folder.
    _folder: Claim,
}

impl Turn {
    /// Waits until it is this process's turn.
    async fn wait(&self) -> Result<(), ServiceError> {
        let Some(held) = &self.0 else { return Ok(()) };
        let mut known = None;
        while let postgres::Claim::Held { holder } = held.store.claim().await? {
            if known.as_ref() != Some(&holder) {
                tracing::info!(%holder, "another counterfoil writes this book; waiting until it is gone");
                known = Some(holder);
            }
            tokio::time::sleep(ASK).await;
        }
        Ok(())
    }

    /// Ends when another process has taken the turn from this one.
    pub(super) async fn lost(&self) {
        match &self.0 {
            Some(held) => held.store.lost().await,
            None => std::future::pending().await,
        }
    }

    /// Lets the next process write at once.
    pub(super) async fn release(&self) {
        if let Some(held) = &self.0
            && let Err(error) = held.store.release().await
        {
            tracing::warn!(%error, "the turn to write could not be given up; it runs out by itself");
        }
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
        Storage::Kurrent(..) => Err(ServiceError::NotReadOnly),
    }
}

/// A log that lost its end looks like a shorter one, whole and sound; only what was noted beside it can tell.
pub(super) async fn expect_whole(log: &dyn EventStore, snapshots: &Snapshots) -> Result<(), ServiceError> {
    match snapshots.ahead_of(log).await? {
        Some((snapshot, position)) => Err(ServiceError::Lost { position, snapshot }),
        None => Ok(()),
    }
}
