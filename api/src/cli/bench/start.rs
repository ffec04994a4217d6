//! What a start costs: a full fold, and a fold of what a snapshot does not cover.

use super::Failed;
use super::requests::Requests;
use crate::engine::{self, EngineConfig};
use crate::service::{self, Storage, TimeKind};
use clap::Args;
use domain::book::{Book, Bounds};
use domain::log::{ChainHash, EventStore, FrameBuilder, codec};
use indicatif::{ProgressBar, ProgressStyle};
use std::path::Path;
use std::time::{Duration, Instant};

/// How large the log is.
#[derive(Args)]
pub(super) struct Start {
    /// Events of the log
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    events: u64,
    /// Accounts that they belong to
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub(super) accounts: u64,
}

/// Events of one frame: what a server commits at once when decisions come as streams of lines.
const FRAME: u64 = 256;

impl Start {
    pub(super) fn run(self) -> Result<(), Failed> {
        let folder = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.measure(folder.path()))
    }

    async fn measure(&self, folder: &Path) -> Result<(), Failed> {
        let events = self.write(&Storage::Folder(folder.into())).await?;
        // The first start finds no snapshot and folds everything; its clean stop writes one.
        let (full, folded) = start(folder).await?;
        let (covered, after) = start(folder).await?;
        let rate = u128::from(folded) * 1_000 / full.as_millis().max(1);
        println!("events: {events}, accounts: {}", self.accounts);
        println!("full fold: {} ms, {rate} events/s", full.as_millis());
        println!("start with a snapshot: {} ms, {after} events after it", covered.as_millis());
        Ok(())
    }

    /// Writes a log as the engine would, without waiting for anybody.
    pub(super) async fn write(&self, storage: &Storage) -> Result<u64, Failed> {
        let parts = service::parts(storage, TimeKind::Wall).await?;
        let mut requests = Requests::new(self.accounts);
        let mut book = Book::new(parts.key, Bounds::default());
        let mut frame = FrameBuilder::open(1, ChainHash::ZERO);
        let progress = bar(self.events);
        while book.head() < self.events {
            decide(&mut book, &mut requests, &mut frame)?;
            if u64::from(frame.len()) >= FRAME || book.head() >= self.events {
                progress.set_position(book.head());
                frame = append(&*parts.store, frame).await?;
            }
        }
        progress.finish_and_clear();
        Ok(book.head())
    }
}

/// Carries out the next command, and encodes what came of it.
pub(super) fn decide(
    book: &mut Book,
    requests: &mut Requests,
    frame: &mut FrameBuilder,
) -> Result<(), Failed> {
    let ((command, now), mut out) = (requests.next(), Vec::new());
    book.execute(&command, now, &mut out)?;
    for entry in &out {
        frame.push_with(|text| codec::encode(entry, text))?;
    }
    Ok(())
}

/// Appends a frame; the one that follows it.
pub(super) async fn append(store: &dyn EventStore, frame: FrameBuilder) -> Result<FrameBuilder, Failed> {
    let (next, last) = (frame.next_position(), frame.last());
    let frame = frame.finish().ok_or("a frame without events")?;
    match store.append(&frame).await? {
        domain::log::AppendOutcome::Appended => Ok(FrameBuilder::open(next, last)),
        domain::log::AppendOutcome::Conflict { head } => {
            Err(format!("another writer is at {}", head.position).into())
        }
    }
}

/// Starts the engine and stops it again; gives the time until it decided, and the events folded.
async fn start(folder: &Path) -> Result<(Duration, u64), Failed> {
    let parts = service::parts(&Storage::Folder(folder.into()), TimeKind::Wall).await?;
    let began = Instant::now();
    let (engine, opening) = engine::start(EngineConfig::default(), parts).await?;
    let took = began.elapsed();
    engine.stop().await;
    engine.ended().await;
    Ok((took, opening.events))
}

/// A bar on a terminal, nothing elsewhere.
fn bar(events: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("writing {bar:40} {pos}/{len} {eta}");
    ProgressBar::new(events).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
