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
use domain::book::{Away, Book};
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
    #[error(transparent)]
    Away(#[from] Away),
    #[error("there is no thread for the engine")]
    Thread(#[from] io::Error),
    #[error("the engine's thread died while it loaded the book")]
    Died,
}

/// Loads the book and starts its engine on a thread of its own, within a tokio runtime.
///
/// # Errors
/// When the log is damaged, cannot be read, or tells something that this release cannot fold, or that the book is
/// written elsewhere.
pub async fn start(config: EngineConfig, parts: Parts) -> Result<(Handle, Opening), StartError> {
    start_as(Role::Writer, config, parts).await
}

/// Who writes the book that an engine has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Writer,
    /// Another process. This one follows it, through [`Handle::follow`], until it is to [`Handle::lead`].
    Standby,
}

/// As [`start`], also for a book that another process writes.
///
/// # Errors
/// As [`start`].
pub async fn start_as(
    role: Role,
    config: EngineConfig,
    parts: Parts,
) -> Result<(Handle, Opening), StartError> {
    let runtime = tokio::runtime::Handle::current();
    let (ready, opened) = oneshot::channel();
    let live = move || match Engine::open(config, parts, runtime) {
        Ok((mut engine, opening)) => {
            match role {
                Role::Standby => engine.stand_by(),
                Role::Writer => {
                    if let Some(Err(away)) = engine.sequencer.as_ref().map(Sequencer::at_home) {
                        return drop(ready.send(Err(away.into())));
                    }
                }
            }
            if ready.send(Ok((engine.handle(), opening))).is_ok() {
                engine.run();
            }
        }
        // Nobody to tell means that the start was given up.
        Err(error) => drop(ready.send(Err(error.into()))),
    };
    let thread = thread::Builder::new().name("engine".into()).spawn(live)?;
    let (handle, opening) = opened.await.unwrap_or(Err(StartError::Died))?;
    *handle.0.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
    Ok((handle, opening))
}

/// An engine that is loaded and does nothing by itself.
///
/// [`start`] gives it a thread; a simulation takes its turns one by one. Dropped before its end it is an engine
/// that was killed: whoever waits for an answer hears that it stopped.
pub struct Engine {
    // Before the watch: whoever waits is told before the state is.
    sequencer: Option<Sequencer>,
    watch: DeathWatch,
}

impl Engine {
    /// Loads the book, on the thread that will take the turns. Blocks; must not run on a thread of the runtime.
    ///
    /// # Errors
    /// When the log is damaged, cannot be read, or tells something that this release cannot fold.
    pub fn open(
        config: EngineConfig,
        parts: Parts,
        runtime: tokio::runtime::Handle,
    ) -> Result<(Self, Opening), LoadError> {
        let Parts { store, clock, key, snapshots } = parts;
        let (bounds, snapshots) = (config.bounds, snapshots.map(Arc::new));
        let source = Source { store: store.clone(), runtime, key, bounds, snapshots };
        let loaded = load(&source)?;
        let opening =
            Opening { head: loaded.head.position, snapshot: loaded.snapshot, events: loaded.events };
        let (queue, gauges) = (Queue::new(config.queue_max), Gauges::new());
        let shared = Arc::new(Shared { queue, gauges, store, clock, thread: Mutex::default() });
        let watch = DeathWatch(shared.clone());
        Ok((Self { sequencer: Some(sequencer(config, source, shared, loaded)), watch }, opening))
    }

    /// Decides nothing until it is told to lead.
    pub fn stand_by(&mut self) {
        if let Some(sequencer) = &mut self.sequencer {
            sequencer.stand_by();
        }
    }

    /// What the rest of the process holds of it.
    pub fn handle(&self) -> Handle {
        Handle(self.watch.0.clone())
    }

    /// The running state, which may be ahead of the log; `None` once the engine has ended.
    pub fn book(&self) -> Option<&Book> {
        self.sequencer.as_ref().map(|sequencer| &sequencer.book)
    }

    /// Does what there is to do now and never waits; whether the engine lives on.
    pub fn turn(&mut self) -> bool {
        let Some(sequencer) = &mut self.sequencer else { return false };
        match sequencer.step() {
            Ok(()) => true,
            Err(end) => {
                self.end(end);
                false
            }
        }
    }

    /// Writes the snapshot that is due, if one is: an engine that has a thread lets another thread do that. Whether
    /// there was one.
    pub fn write_snapshot(&mut self) -> bool {
        let Some(sequencer) = &mut self.sequencer else { return false };
        sequencer.keeper.write_now(&sequencer.source, &sequencer.shared)
    }

    /// Turns and rests until the end.
    fn run(mut self) {
        if let Some(end) = self.sequencer.as_mut().map(Sequencer::run) {
            self.end(end);
        }
    }

    fn end(&mut self, end: End) {
        if let Some(sequencer) = self.sequencer.take() {
            self.watch.end(sequencer, end);
        }
    }
}

fn sequencer(config: EngineConfig, source: Source, shared: Arc<Shared>, loaded: Loaded) -> Sequencer {
    shared.queue.serve_by(thread::current());
    shared.gauges.head.send_replace(loaded.head.position);
    shared.gauges.snapshot.store(loaded.snapshot, Ordering::Relaxed);
    Sequencer {
        keeper: Keeper::new(config.snapshot_every, loaded.snapshot),
        writer: Writer::new(source.store.clone(), shared.clock.clone(), loaded.head),
        releases: Releases::start(&source.runtime),
        book: loaded.book,
        pending: VecDeque::new(),
        out: Vec::new(),
        collapsed: Collapsed::default(),
        trouble: Trouble::default(),
        stopping: false,
        standby: None,
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
