//! The files of a log: private to their owner, locked by one process, and on disk before they are read.

use super::OpenError;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Length that the write-ahead log has from the start. The keeper sees to it that it rarely needs more.
const WAL_BYTES: u64 = 24 * 1024 * 1024;

/// The database in a book's directory.
pub(super) fn database(dir: &Path) -> PathBuf {
    dir.join("events.db")
}

/// The write-ahead log in a book's directory.
fn wal(dir: &Path) -> PathBuf {
    dir.join("events.db-wal")
}

/// Takes the book for this process; the lock lasts until the file is dropped, however the process ends.
pub(super) fn lock(dir: &Path) -> Result<File, OpenError> {
    named(dir, DirBuilder::new().recursive(true).mode(0o700).create(dir))?;
    let path = dir.join("book.lock");
    let file = named(&path, private(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
        Err(TryLockError::Error(error)) => named(&path, Err(error)),
    }
}

/// Makes the database's file when there is none, and syncs what an earlier process left.
///
/// That process may have been killed between writing and syncing: the system then shows us bytes that a
/// loss of power would still take away, so they are synced before anybody acts on them. This comes before
/// SQLite opens the file, because closing any handle on it drops the process's locks on it.
pub(super) fn settle(dir: &Path) -> Result<(), OpenError> {
    let (database, wal) = (database(dir), wal(dir));
    named(&database, private(&database).and_then(|file| file.sync_all()))?;
    match File::open(&wal).and_then(|file| file.sync_all()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        settled => named(&wal, settled)?,
    }
    named(dir, File::open(dir).and_then(|folder| folder.sync_all()))
}

/// Names the file or folder that a failure is about.
fn named<T>(path: &Path, outcome: io::Result<T>) -> Result<T, OpenError> {
    outcome.map_err(|source| OpenError::File { path: path.to_owned(), source })
}

/// Fills an empty write-ahead log with zeros, which SQLite reads as the end of it.
///
/// A disk without so much room has better use for what is left: the log stays empty then and grows as it must.
pub(super) fn fill_wal(dir: &Path) -> Result<(), OpenError> {
    let path = wal(dir);
    named(&path, fill(&path))
}

fn fill(path: &Path) -> io::Result<()> {
    let mut file = private(path)?;
    if file.metadata()?.len() > 0 {
        return Ok(());
    }
    let filled = io::copy(&mut io::repeat(0).take(WAL_BYTES), &mut file);
    if let Err(error) = &filled
        && matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    {
        tracing::warn!(%error, "the disk has no room for the whole write-ahead log");
        file.set_len(0)?;
        return file.sync_all();
    }
    filled?;
    file.sync_all()
}

/// Opens a file that only its owner may read and write, making it when there is none.
fn private(path: &Path) -> io::Result<File> {
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    // Write-ahead log and index take their mode from the database, so an old file is tightened too.
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(file)
}
