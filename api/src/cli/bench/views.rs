//! What keeping the read models costs: all of them caught up together, then each rebuilt alone.

use super::Failed;
use super::place::Place;
use super::start::Start;
use crate::service;
use adapters::views::Views as Folder;
use clap::Args;
use domain::log::EventStore;
use projections::runner::{Runner, Shelf, View};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// How large the log is, and where it is kept: in a database the views are kept there as well.
#[derive(Args)]
pub(super) struct Views {
    #[command(flatten)]
    log: Start,
    #[command(flatten)]
    place: Place,
}

impl Views {
    pub(super) fn run(self) -> Result<(), Failed> {
        let folder = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.measure(folder.path()))
    }

    async fn measure(&self, folder: &Path) -> Result<(), Failed> {
        let storage = self.place.with(folder)?;
        let events = self.log.write(&storage).await?;
        let log = service::read_only(&storage).await?;
        let (views, _) = service::views(&storage, service::identity(&storage, &*log)?)?;
        println!("events: {events}");
        timed("all views, caught up", &log, views.open().await?, events).await?;
        for name in Folder::NAMES {
            timed(name, &log, vec![views.fresh(name).await?], events).await?;
        }
        Ok(())
    }
}

/// Folds views up to the head and prints how fast.
async fn timed<V: View>(
    what: &str,
    log: &Arc<dyn EventStore>,
    views: Vec<V>,
    events: u64,
) -> Result<(), Failed> {
    let (mut runner, began) = (Runner::new(log.clone(), views), Instant::now());
    while runner.step(events).await? < events {}
    let millis = began.elapsed().as_millis().max(1);
    println!("{what}: {millis} ms, {} events/s", u128::from(events) * 1_000 / millis);
    Ok(())
}
