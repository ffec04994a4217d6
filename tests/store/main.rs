//! The event stores: one contract for all, and what is special about each.

mod faulty;
mod kurrentdb;
mod moving;
mod postgres;
mod sqlite;

use adapters::store::kurrentdb::KurrentStore;
use adapters::store::memory::MemoryStore;
use adapters::store::postgres::{Claim, PostgresStore};
use adapters::store::sqlite::SqliteStore;
use async_trait::async_trait;
use counterfoil_tests::cluster::{Cluster, Database};
use counterfoil_tests::contract::{Harness, book};
use counterfoil_tests::event_store_contract;
use domain::log::BookKind;
use kurrentdb::Place;
use tempfile::TempDir;
use tokio::sync::OnceCell;

event_store_contract!(memory, MemoryHarness);
event_store_contract!(sqlite_contract, SqliteHarness);
event_store_contract!(kurrentdb_contract, KurrentHarness);
event_store_contract!(postgres_contract, PostgresHarness);

struct MemoryHarness(MemoryStore);

#[async_trait]
impl Harness for MemoryHarness {
    type Store = MemoryStore;

    fn new() -> Self {
        Self(MemoryStore::new(book(BookKind::Wall)))
    }

    async fn open(&self) -> MemoryStore {
        self.0.clone()
    }

    async fn close(&self, store: MemoryStore) {
        drop(store);
    }
}

struct SqliteHarness(TempDir);

#[async_trait]
impl Harness for SqliteHarness {
    type Store = SqliteStore;

    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    async fn open(&self) -> SqliteStore {
        SqliteStore::open(self.0.path(), book(BookKind::Wall)).await.unwrap()
    }

    async fn close(&self, store: SqliteStore) {
        store.close().await.unwrap();
    }
}

struct KurrentHarness(Place);

#[async_trait]
impl Harness for KurrentHarness {
    type Store = KurrentStore;

    fn new() -> Self {
        Self(Place::new())
    }

    async fn open(&self) -> KurrentStore {
        KurrentStore::open(&self.0.url(), book(BookKind::Wall)).await.unwrap()
    }

    async fn close(&self, store: KurrentStore) {
        drop(store);
    }
}

struct PostgresHarness(OnceCell<Database>);

#[async_trait]
impl Harness for PostgresHarness {
    type Store = PostgresStore;

    fn new() -> Self {
        Self(OnceCell::new())
    }

    async fn open(&self) -> PostgresStore {
        let database = self.0.get_or_init(|| Cluster::shared().database()).await;
        let store = PostgresStore::open(&database.address(), book(BookKind::Wall)).await.unwrap();
        assert!(matches!(store.claim().await.unwrap(), Claim::Taken { .. }));
        store
    }

    async fn close(&self, store: PostgresStore) {
        store.release().await.unwrap();
    }
}
