//! Where a measurement keeps its log.

use super::Failed;
use crate::config::StoreUrl;
use crate::service::Storage;
use clap::Args;
use std::path::Path;

/// Which store.
#[derive(Args, Clone)]
pub(super) struct Place {
    /// An empty store for the log, such as `postgres://…`, in place of a folder that goes away; what is written stays
    /// there
    #[arg(long, value_name = "URL", env = "COUNTERFOIL_BENCH_STORE", hide_env_values = true)]
    pub(super) store: Option<StoreUrl>,
}

impl Place {
    /// The store that was named, or the folder; keys are in the folder either way.
    pub(super) fn with(&self, folder: &Path) -> Result<Storage, Failed> {
        Ok(Storage::named(self.store.as_ref(), folder.to_owned())?)
    }
}
