//! A book in KurrentDB, with its keys and snapshots beside the service.

use super::ServiceError;
use super::ground::{Ground, Turn, expect_whole};
use adapters::snapshot::Snapshots;
pub(super) use adapters::store::kurrentdb::{KurrentStore, KurrentUrl, KurrentUrlError, OpenError};
use adapters::vault::Vault;
use domain::log::{BookInfo, EventStore};
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// Bytes of text at which a frame is full. With what the server keeps beside it, it then leaves as one message of less than
/// 16 KiB: the rest of a longer one waits 40 ms for the beginning to be acknowledged, as the client does not set
/// `TCP_NODELAY`.
pub(super) const FRAME: usize = 7 * 1024;

pub(super) async fn read_only(url: &KurrentUrl) -> Result<Arc<dyn EventStore>, ServiceError> {
    Ok(Arc::new(KurrentStore::open_read_only(url).await?))
}

pub(super) async fn target(
    url: &KurrentUrl,
    new: BookInfo,
) -> Result<(Arc<dyn EventStore>, Turn), ServiceError> {
    Ok((Arc::new(KurrentStore::open(url, new).await?), Turn::default()))
}

pub(super) async fn ground(url: &KurrentUrl, folder: &Path, new: BookInfo) -> Result<Ground, ServiceError> {
    let failed = |source| ServiceError::Folder { folder: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let (store, snapshots) = (Arc::new(KurrentStore::open(url, new).await?), Snapshots::in_dir(folder));
    // A server that was restored from an old copy looks sound; a snapshot of what it lost tells.
    expect_whole(&*store, &snapshots).await?;
    let empty = store.head().await?.position == 0;
    let vault = Vault::open(folder, store.book().id, empty)?;
    let turn = Turn::Watched(store.clone());
    Ok(Ground { store, vault, snapshots: Some(snapshots), turn })
}
