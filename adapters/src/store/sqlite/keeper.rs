//! Moves the write-ahead log into the database, beside the appends.

use super::classify;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row, query};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// Bytes of events between two checkpoints; up to twice as many bytes in the write-ahead log. Small, because a
/// commit that meets a checkpoint waits for the disk to take what that one wrote.
const EVERY: usize = 2 * 1024 * 1024;

/// Pages (of 4 KiB, 16 MiB in all) beyond which the writer is made to pause for a moment.
///
/// SQLite begins the write-ahead log anew only when a write finds all of it checkpointed. Under unbroken load
/// that moment never comes by itself, and the log would grow without end.
const LONG: i64 = 4 * 1024;

/// The handle on the task that checkpoints.
pub(super) struct Keeper {
    wake: mpsc::Sender<()>,
    written: AtomicUsize,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Starts on a connection of its own, so that its syncs delay no append.
    pub(super) fn start(
        own: SqliteConnection,
        writer: Arc<Mutex<SqliteConnection>>,
        broken: Arc<AtomicBool>,
    ) -> Self {
        let (wake, woken) = mpsc::channel(1);
        let task = tokio::spawn(keep(own, writer, broken, woken));
        Self { wake, written: AtomicUsize::new(0), task }
    }

    /// Counts what was appended and wakes the task when it is time. Costs an addition.
    pub(super) fn wrote(&self, bytes: usize) {
        if self.written.fetch_add(bytes, Ordering::Relaxed) + bytes >= EVERY {
            self.written.store(0, Ordering::Relaxed);
            // Full means that it is awake already.
            let _ = self.wake.try_send(());
        }
    }

    /// Ends the task after the checkpoint it may be in, and closes its connection.
    pub(super) async fn stop(self) {
        drop(self.wake);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the checkpoint task failed");
        }
    }
}

async fn keep(
    mut own: SqliteConnection,
    writer: Arc<Mutex<SqliteConnection>>,
    broken: Arc<AtomicBool>,
    mut woken: mpsc::Receiver<()>,
) {
    while woken.recv().await.is_some() {
        if let Err(error) = checkpoint(&mut own, &writer).await {
            tracing::error!(%error, "a checkpoint of the log failed");
            if classify::is_fatal(&error) {
                broken.store(true, Ordering::Release);
                return;
            }
        }
    }
    if let Err(error) = own.close().await {
        tracing::warn!(%error, "the checkpoint connection did not close in order");
    }
}

async fn checkpoint(own: &mut SqliteConnection, writer: &Mutex<SqliteConnection>) -> Result<(), sqlx::Error> {
    let pages = passive(own).await?;
    if pages > LONG {
        // The bulk is done; what came meanwhile takes a millisecond or two, with the writer held back.
        let _pause = writer.lock().await;
        passive(own).await?;
    }
    Ok(())
}

/// Moves all of the write-ahead log into the database and cuts it off; whether nobody who reads it stood in the way.
pub(super) async fn empty(own: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    let busy: i64 = query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(own).await?.try_get(0)?;
    Ok(busy == 0)
}

/// Checkpoints what it can without waiting for anyone; returns the pages in the write-ahead log.
async fn passive(own: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    query("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(own).await?.try_get(1)
}
