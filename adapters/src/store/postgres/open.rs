//! Opening a log: the schema, the identity and a look at the tail.

use super::address::Address;
use super::link::{Link, Purpose};
use super::{APPENDING, PostgresStore, classify, rows};
use crate::store::verified;
use domain::log::{BookInfo, BookKind, Cause, StoreError};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnection;
use sqlx::{ConnectOptions, Connection, Row, query};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;

/// Reads may be long: pages of the log on a disk that is cold.
const READING: Purpose = Purpose { limit: Duration::from_secs(30), durable: true, also: "" };

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the book is of the {found} kind and was to be opened as {wanted}; a book never changes its kind"
    )]
    OtherKind { found: BookKind, wanted: BookKind },
    #[error("there is no book in {0}")]
    NoBook(Address),
    #[error("the book's database {address} cannot be used")]
    Database {
        address: Address,
        #[source]
        cause: Cause,
    },
    #[error("the book's schema is not one this version can bring up to date")]
    Schema(#[source] MigrateError),
    #[error("the end of the log is not sound")]
    Log(#[source] StoreError),
    #[error(
        "the secret keys are not those of the book in {0}: copy keys.json from the data folder of the instance that \
         serves it"
    )]
    OtherKeys(Address),
}

impl OpenError {
    fn database(address: &Address, error: sqlx::Error) -> Self {
        Self::Database { address: address.clone(), cause: classify::told(error) }
    }
}

/// Opens the log, and makes the book when there is none.
pub(super) async fn founded(address: &Address, new: BookInfo) -> Result<PostgresStore, OpenError> {
    let failed = |error| OpenError::database(address, error);
    let mut connection = address.options().connect().await.map_err(failed)?;
    if !is_current(&mut connection).await.map_err(failed)? {
        migrate(&mut connection, address).await?;
    }
    warn_of_forgetful(&mut connection).await.map_err(failed)?;
    if rows::book(&mut connection).await.map_err(failed)?.is_none() {
        rows::found_book(&mut connection, new).await.map_err(failed)?;
    }
    let store = opened(address, connection).await?;
    if store.book.kind != new.kind {
        return Err(OpenError::OtherKind { found: store.book.kind, wanted: new.kind });
    }
    Ok(store)
}

/// Opens the log of a book that there is.
pub(super) async fn existing(address: &Address) -> Result<PostgresStore, OpenError> {
    let failed = |error| OpenError::database(address, error);
    let mut connection = address.options().connect().await.map_err(failed)?;
    if !has_table(&mut connection, "book").await.map_err(failed)? {
        return Err(OpenError::NoBook(address.clone()));
    }
    opened(address, connection).await
}

async fn opened(address: &Address, mut connection: PgConnection) -> Result<PostgresStore, OpenError> {
    let failed = |error| OpenError::database(address, error);
    let found = rows::book(&mut connection).await.map_err(failed)?;
    let (book, key_check) = found.ok_or_else(|| OpenError::NoBook(address.clone()))?;
    look_at_tail(&mut connection).await?;
    // What this connection was told for its own purposes ends with it.
    connection.close().await.map_err(failed)?;
    let (reader, appender) = (Link::new(address, READING), Arc::new(Link::new(address, APPENDING)));
    Ok(PostgresStore {
        book,
        has_key: key_check.is_some(),
        address: address.clone(),
        reader,
        appender,
        writer: OnceLock::new(),
        lost: watch::Sender::new(false),
    })
}

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/events/postgres");

/// Brings the schema up to date. Not by `Migrator::run`: the future of that one is not `Send` for a borrowed connection.
async fn migrate(connection: &mut PgConnection, address: &Address) -> Result<(), OpenError> {
    MIGRATIONS.run_direct(None, connection, false).await.map_err(|error| match error {
        MigrateError::Execute(error) => OpenError::database(address, error),
        other => OpenError::Schema(other),
    })
}

/// Whether there is nothing to migrate: then a user is enough that may not change the schema.
async fn is_current(connection: &mut PgConnection) -> sqlx::Result<bool> {
    if !has_table(connection, "_sqlx_migrations").await? {
        return Ok(false);
    }
    let rows = query("SELECT checksum FROM _sqlx_migrations WHERE success ORDER BY version")
        .fetch_all(connection)
        .await?;
    let known: Vec<&[u8]> = MIGRATIONS.iter().map(|migration| &*migration.checksum).collect();
    let found: Vec<&[u8]> = rows.iter().map(|row| row.try_get("checksum")).collect::<Result<_, _>>()?;
    Ok(found == known)
}

async fn has_table(connection: &mut PgConnection, name: &str) -> sqlx::Result<bool> {
    query("SELECT to_regclass($1) IS NOT NULL").bind(name).fetch_one(connection).await?.try_get(0)
}

/// A server that syncs nothing answers before anything is durable. It is the operator's to know.
async fn warn_of_forgetful(connection: &mut PgConnection) -> sqlx::Result<()> {
    for setting in ["fsync", "full_page_writes"] {
        let row = query("SELECT current_setting($1)").bind(setting).fetch_one(&mut *connection).await?;
        if row.try_get::<&str, _>(0)? != "on" {
            tracing::warn!(
                "the database runs with {setting} off: a loss of power may take what was answered"
            );
        }
    }
    Ok(())
}

/// The cheap check at every start: damage would likely show in the last frame. `audit` reads the rest.
async fn look_at_tail(connection: &mut PgConnection) -> Result<(), OpenError> {
    let rows = rows::tail(connection).await;
    let rows = rows.map_err(|error| OpenError::Log(classify::of_read(error, 0)))?;
    let frames = rows.iter().map(rows::frame).collect::<Result<_, _>>();
    frames.and_then(verified).map(drop).map_err(OpenError::Log)
}
