//! Starting an engine: load the book, then run its thread until it ends.

use super::append::Writer;
use super::collapse::Collapsed;
use super::config::EngineConfig;
use super::handle::{Handle, Shared};
use super::health::{Gauges, State};
use super::load::{LoadError, Loaded, Source, load};
use super::queue::Queue;
use super::recovery::Trouble;
use super::release::Releases;
use super::sequencer::{End, Sequencer};
use super::snapshots::Keeper;
use adapters::snapshot::Snapshots;
use adapters::system::Clock;
use domain::ids::{HashKey, Position};
use domain::log::EventStore;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::sync::oneshot;

/// What an engine works with.
pub struct Parts {
    pub store: Arc<dyn EventStore>,
    pub clock: Arc<dyn Clock>,
    /// The book's secret for hashes.
    pub key: HashKey,
    /// Where snapshots are kept; without them every start folds the whole log.
    pub snapshots: Option<Snapshots>,
}

/// How the book was loaded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Opening {
    /// Where the log ended.
    pub head: Position,
    /// The position of the snapshot that the fold began with; 0 without one.
    pub snapshot: Position,
    /// Events that were folded after it.
    pub events: u64,
}

/// Why an engine did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("the book cannot be loaded")]
    Load(#[from] LoadError),
    #[error("there is no thread for the engine")]
    Thread(#[from] io::Error),
    #[error("the engine's thread died while it loaded the book")]
    Died,
}

/// Loads the book and starts its engine, within a tokio runtime.
///
/// # Errors
/// When the log is damaged, cannot be read, or tells something that this release cannot fold.
pub async fn start(config: EngineConfig, parts: Parts) -> Result<(Handle, Opening), StartError> {
    let Parts { store, clock, key, snapshots } = parts;
    let source = Source {
        store: store.clone(),
        runtime: tokio::runtime::Handle::current(),
        key,
        bounds: config.bounds,
        snapshots: snapshots.map(Arc::new),
    };
    let (queue, gauges) = (Queue::new(config.queue_max), Gauges::new());
    let shared = Arc::new(Shared { queue, gauges, store, clock, thread: Mutex::default() });
    let handle = Handle(shared.clone());
    let (ready, opened) = oneshot::channel();
    let thread =
        thread::Builder::new().name("engine".into()).spawn(move || live(config, source, shared, ready))?;
    *handle.0.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
    let opening = opened.await.unwrap_or(Err(StartError::Died))?;
    Ok((handle, opening))
}

/// The life of the engine's thread.
fn live(
    config: EngineConfig,
    source: Source,
    shared: Arc<Shared>,
    ready: oneshot::Sender<Result<Opening, StartError>>,
) {
    let watch = DeathWatch(shared.clone());
    let loaded = match load(&source, None) {
        Ok(loaded) => loaded,
        Err(error) => {
            // Nobody to tell means that the start was given up.
            let _ = ready.send(Err(error.into()));
            return;
        }
    };
    let opening = Opening { head: loaded.head.position, snapshot: loaded.snapshot, events: loaded.events };
    let mut sequencer = sequencer(config, source, shared, loaded);
    if ready.send(Ok(opening)).is_ok() {
        let end = sequencer.run();
        watch.end(sequencer, end);
    }
}

fn sequencer(config: EngineConfig, source: Source, shared: Arc<Shared>, loaded: Loaded) -> Sequencer {
    shared.queue.serve_by(thread::current());
    shared.gauges.head.send_replace(loaded.head.position);
    shared.gauges.snapshot.store(loaded.snapshot, Ordering::Relaxed);
    Sequencer {
        keeper: Keeper::new(config.snapshot_every, loaded.snapshot),
        writer: Writer::new(source.store.clone(), loaded.head),
        releases: Releases::start(&source.runtime),
        book: loaded.book,
        pending: VecDeque::new(),
        out: Vec::new(),
        collapsed: Collapsed::default(),
        trouble: Trouble::default(),
        stopping: false,
        config,
        shared,
        source,
    }
}

/// Closes the queue and says so when the engine's thread ends, even by a panic: nobody may wait for it in vain.
struct DeathWatch(Arc<Shared>);

impl DeathWatch {
    fn end(&self, mut sequencer: Sequencer, end: End) {
        self.0.queue.close();
        let (why, failed) = match end {
            End::Asked => {
                let Sequencer { keeper, book, writer, source, shared, trouble, .. } = &mut sequencer;
                if !trouble.is_stale() {
                    keeper.finish(book, writer.committed, source, shared);
                }
                (Arc::from("it was asked to stop"), false)
            }
            End::Failed(why) => {
                tracing::error!(%why, "the engine has stopped");
                (why, true)
            }
        };
        // Whoever waits without an answer is told before the state is, so that nothing is left when `ended` returns.
        drop(sequencer);
        self.0.gauges.become_state(State::Stopped { why, failed });
    }
}

impl Drop for DeathWatch {
    fn drop(&mut self) {
        self.0.queue.close();
        let ended = matches!(*self.0.gauges.state.borrow(), State::Stopped { .. });
        if !ended {
            let why = "the engine's thread died".into();
            self.0.gauges.become_state(State::Stopped { why, failed: true });
        }
    }
}
