//! Where a test's book and its views are: both in a folder, or both in a database.

use adapters::store::postgres::PostgresStore;
use adapters::store::sqlite::SqliteStore;
use adapters::vault::Vault;
use adapters::views::{Difference, Identity, Views};
use api::service::Storage;
use counterfoil_tests::binary::counterfoil;
use counterfoil_tests::cluster::{Cluster, Database};
use counterfoil_tests::sandbox::{Sandbox, shipped};
use domain::log::EventStore;
use projections::runner::Runner;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use tempfile::TempDir;

/// Makes a test of each of these rules on every kind of database.
macro_rules! on_every_database {
    ($($rule:ident),* $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $rule() {
                super::$rule(&crate::home::Home::in_folder());
            })*
        }

        mod postgres {
            $(#[test]
            fn $rule() {
                super::$rule(&crate::home::Home::in_database());
            })*
        }
    };
}

/// A place for one book, empty at first.
pub(crate) struct Home {
    folder: TempDir,
    database: Option<Database>,
}

impl Home {
    pub(crate) fn in_folder() -> Self {
        Self { folder: TempDir::new().unwrap(), database: None }
    }

    pub(crate) fn in_database() -> Self {
        Self { database: Some(run(Cluster::shared().database())), ..Self::in_folder() }
    }

    /// The database, of a book in one.
    pub(crate) fn database(&self) -> &Database {
        self.database.as_ref().expect("a home in a database")
    }

    /// A service under the pay-as-you-go policy.
    pub(crate) fn payg(&self) -> Sandbox {
        let folder = self.folder.path().to_owned();
        let storage = match &self.database {
            Some(database) => Storage::Postgres(database.address(), folder),
            None => Storage::Folder(folder),
        };
        Sandbox::opened(&shipped("payg-tokens"), storage, |_| {})
    }

    pub(crate) fn rebuild(&self, more: &[&str]) -> Output {
        let mut command = Command::new(counterfoil());
        command.arg("rebuild").arg("--data").arg(self.folder.path()).args(more);
        if let Some(database) = &self.database {
            command.env("COUNTERFOIL_STORE", database.url());
        }
        command.output().expect("it runs")
    }

    /// The log, for readers.
    pub(crate) async fn log(&self) -> Arc<dyn EventStore> {
        match &self.database {
            Some(database) => Arc::new(PostgresStore::open_read_only(&database.address()).await.unwrap()),
            None => Arc::new(SqliteStore::open_read_only(self.folder.path()).await.unwrap()),
        }
    }

    pub(crate) fn views(&self, log: &Arc<dyn EventStore>) -> Views {
        let id = log.book().id;
        let vault = Vault::open(self.folder.path(), id, false).unwrap();
        let book = Identity { id, key: vault.hash_key() };
        match &self.database {
            Some(database) => Views::on(&database.address(), book),
            None => Views::of(self.folder.path(), book),
        }
    }

    pub(crate) fn throw_views_away(&self) {
        if self.database.is_some() {
            self.execute("usage", "DROP SCHEMA views CASCADE");
        } else {
            std::fs::remove_dir_all(self.folder.path().join("views")).unwrap();
        }
    }

    /// Does something to the rows of a view that is in use, whose tables go by their names alone.
    pub(crate) fn execute(&self, view: &str, sql: &str) {
        let place = self.in_use(view);
        run(async {
            if let Some(database) = &self.database {
                let mut client = database.client().await;
                client.execute(AssertSqlSafe(format!("SET search_path = {place}"))).await.unwrap();
                client.execute(AssertSqlSafe(sql)).await.unwrap();
            } else {
                let file = sqlx::sqlite::SqliteConnectOptions::new().filename(place);
                let mut connection = file.connect().await.unwrap();
                connection.execute(AssertSqlSafe(sql)).await.unwrap();
                connection.close().await.unwrap();
            }
        });
    }

    /// Makes a view one of an older fold.
    pub(crate) fn age(&self, view: &str) {
        if self.database.is_some() {
            self.execute(view, &format!("UPDATE views.checkpoint SET version = 1 WHERE view = '{view}'"));
        } else {
            self.execute(view, "UPDATE checkpoint SET version = 1");
        }
    }

    /// The file or the schema of a view that is in use.
    pub(crate) fn in_use(&self, view: &str) -> String {
        let Some(database) = &self.database else {
            return newest(self.folder.path(), view).to_string_lossy().into_owned();
        };
        let sql = format!("SELECT 'views_{view}_' || generation FROM views.checkpoint WHERE view = '{view}'");
        run(async { database.client().await.fetch_one(AssertSqlSafe(sql)).await.unwrap().get(0) })
    }

    /// All that the views hold: the bytes of the files, or the rows of the tables in order.
    pub(crate) fn contents(&self) -> Vec<Vec<u8>> {
        let Some(database) = &self.database else {
            return Views::NAMES
                .map(|view| std::fs::read(newest(self.folder.path(), view)).unwrap())
                .to_vec();
        };
        run(async {
            let mut client = database.client().await;
            let tables = "SELECT viewname::text FROM pg_views WHERE schemaname = 'views' ORDER BY 1";
            let tables = client.fetch_all(tables).await.unwrap();
            assert_eq!(tables.len(), 16, "every table has a name that stays");
            let mut contents = Vec::new();
            for table in tables {
                let table: String = table.get(0);
                let sql = format!("SELECT string_agg(t::text, ';' ORDER BY t::text) FROM views.{table} AS t");
                let rows: Option<String> = client.fetch_one(AssertSqlSafe(sql)).await.unwrap().get(0);
                contents.push(rows.unwrap_or_default().into_bytes());
            }
            contents
        })
    }
}

/// The file of a view's newest generation.
pub(crate) fn newest(folder: &Path, view: &str) -> PathBuf {
    let files = std::fs::read_dir(folder.join("views")).expect("a folder").flatten().map(|file| file.path());
    let is_it = |file: &PathBuf| {
        let stem = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        stem.starts_with(&format!("{view}-")) && file.extension().is_some_and(|extension| extension == "db")
    };
    files.filter(is_it).max().expect("a file")
}

/// What every view in use does not share with the log.
pub(crate) async fn differences(views: &Views, log: &Arc<dyn EventStore>) -> Vec<Difference> {
    let mut found = Vec::new();
    for name in Views::NAMES {
        let mut fresh = views.fresh(name).await.unwrap();
        let until = fresh.hold_still().await.unwrap().expect("a view in use");
        let mut runner = Runner::new(log.clone(), vec![fresh]);
        while runner.step(until).await.unwrap() < until {}
        fresh = runner.views().pop().expect("the view");
        found.extend(fresh.compare().await.unwrap());
        fresh.discard().await.unwrap();
    }
    found
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}
