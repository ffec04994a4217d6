//! One simulated book: its store, its time, its engines and its callers.

use crate::follow::{self, Commands};
use crate::node::{Heard, Node};
use crate::policies;
use crate::program::Program;
use crate::reference::Reference;
use crate::report::Report;
use crate::spec::Spec;
use crate::store::{Orphan, SimStore};
use crate::time::SimTime;
use crate::translate;
use crate::wish::Asked;
use adapters::snapshot::Snapshots;
use adapters::system::SystemClock;
use api::engine::{Engine, EngineConfig, LoadError, Parts, Source, State};
use counterfoil_tests::chance::Chance;
use domain::book::{Book, Bounds, Who};
use domain::ids::{Digest, HashKey};
use domain::log::{BookId, BookInfo, BookKind};
use domain::policy::{Dimension, Policy};
use domain::time::Timestamp;
use std::rc::Rc;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

/// Starts that had not to fold the whole log.
pub(crate) const FROM_A_SNAPSHOT: &str = "from a snapshot";
/// Frames that left with half of the callers while the others still waited.
pub(crate) const LEFT_IN_THE_MIDDLE: &str = "left in the middle";
/// Events from which a frame may do so.
const HALF_MIN: u32 = 16;

pub(crate) const KEY: HashKey = HashKey([7; 16]);

pub(crate) struct World {
    pub(crate) chance: Chance,
    pub(crate) time: SimTime,
    pub(crate) clock: Arc<SystemClock<SimTime>>,
    pub(crate) store: SimStore,
    pub(crate) specs: Rc<Vec<Spec>>,
    policies: Vec<Arc<Policy>>,
    pub(crate) config: EngineConfig,
    snapshots: Option<TempDir>,
    pub(crate) runtime: Runtime,
    /// The engines that run: the last one is the one that should, others were taken the book from.
    pub(crate) nodes: Vec<Node>,
    clients: u32,
    commands: Commands,
    /// Commands whose answer was never heard, to be sent again.
    pub(crate) retries: Vec<Rc<Asked>>,
    pub(crate) program: Program,
    pub(crate) report: Report,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let time = SimTime::new();
        let created = Timestamp::from_micros(time.wall_micros());
        let book = BookInfo { id: BookId([1; 16]), kind: BookKind::Wall, created, store: None };
        let specs = Rc::new(policies::family(&mut chance));
        let clock = Arc::new(SystemClock::watch(time.clone(), created));
        let snapshots = chance.maybe(4, |_| TempDir::new().expect("a folder"));
        let config = config(&mut chance);
        Self {
            chance,
            time,
            clock,
            store: SimStore::new(book),
            policies: translate::policies(&specs),
            specs,
            config,
            snapshots,
            runtime: Builder::new_current_thread().build().expect("a runtime"),
            nodes: Vec::new(),
            clients: 0,
            commands: Commands::new(),
            retries: Vec::new(),
            program: Program::default(),
            report: Report::default(),
        }
    }

    /// What is known before anything happened.
    fn blank(&self) -> Reference {
        let Bounds { ids_max, subjects_max, .. } = self.config.bounds;
        Reference::new(self.specs.clone(), ids_max, subjects_max)
    }

    pub(crate) fn snapshots(&self) -> Option<Snapshots> {
        self.snapshots.as_ref().map(|dir| Snapshots::in_dir(dir.path()))
    }

    pub(crate) fn source(&self) -> Source {
        Source {
            store: Arc::new(self.store.clone()),
            runtime: self.runtime.handle().clone(),
            key: KEY,
            bounds: self.config.bounds,
            snapshots: None,
        }
    }

    /// Starts an engine over what the store holds. `before` is what another engine's callers knew of the log.
    pub(crate) fn start(&mut self, before: Option<Reference>) -> Result<(), String> {
        let mut reference = before.unwrap_or_else(|| self.blank());
        reference.lose_counted();
        self.clients += 1;
        let (engine, opening) = loop {
            let parts = Parts {
                store: Arc::new(self.store.client(self.clients)),
                clock: self.clock.clone(),
                key: KEY,
                snapshots: self.snapshots(),
            };
            match Engine::open(self.config.clone(), parts, self.runtime.handle().clone()) {
                Ok(opened) => break opened,
                Err(error) if error.is_passing() => self.report.add("faults", "start over an unreadable log"),
                Err(error @ LoadError::Store(_)) => return Err(format!("the log does not open: {error}")),
                Err(error) => return Err(format!("the log does not fold: {error:?}")),
            }
        };
        if opening.head != self.store.durable() {
            return Err(format!("the log ends at {}, the engine at {}", self.store.durable(), opening.head));
        }
        if opening.snapshot > 0 {
            self.report.add("starts", FROM_A_SNAPSHOT);
        } else {
            self.report.add("starts", "from the first event");
        }
        let followed = follow::foreign(&mut reference, (&self.store, &self.commands), opening.head)?;
        self.report.add_many("events", "followed after a start", followed);
        self.nodes.push(Node::new(self.clients, engine, reference));
        Ok(())
    }

    /// Sends a command to one of the engines.
    pub(crate) fn send(&mut self, node: usize, asked: Rc<Asked>) {
        let key = (asked.actor.to_owned(), asked.id.clone(), asked.content);
        self.commands.entry(key).or_insert_with(|| asked.clone());
        let command = translate::command(&asked, &self.policies, |ip| self.ban_subject(ip));
        self.nodes[node].send(asked, command);
        self.report.add("steps", "command");
    }

    fn ban_subject(&self, ip: u32) -> Digest {
        let who = Who { ip: Some(translate::digest(ip)), ..Who::default() };
        let book = Book::new(KEY, Bounds::default());
        book.ban_subject(&who, &[Dimension::Ip], &self.policies[0]).expect("an address")
    }

    /// One turn of an engine; then its callers hear what there is to hear, and all of it is checked.
    pub(crate) fn turn(&mut self, node: usize) -> Result<(), String> {
        let durable_before = self.store.durable();
        let (client, decided_before) = (self.nodes[node].client, self.nodes[node].decided());
        let alive = self.nodes[node].engine.turn();
        if self.store.durable() != durable_before {
            return Err("an append ended that nobody has ended".to_owned());
        }
        if alive && self.store.told(client).sync_failed {
            return Err("an engine goes on after a failed sync".to_owned());
        }
        self.report.add("steps", "turn");
        if self.left_in_the_middle(node, decided_before) {
            self.report.add("frames", LEFT_IN_THE_MIDDLE);
        }
        self.listen(node)?;
        if !alive {
            self.bury(node)?;
        }
        Ok(())
    }

    /// Whether a frame left in this turn between the commands that waited for it, although it was not full.
    fn left_in_the_middle(&self, node: usize, decided_before: Option<u64>) -> bool {
        let node = &self.nodes[node];
        let Some(frame) = self.store.frame_in_flight(node.client) else { return false };
        let is_new = decided_before.is_some_and(|before| frame.end() > before);
        let is_open = frame.count() >= HALF_MIN && frame.text().len() < self.config.batch_bytes;
        is_new && is_open && node.decided().is_some_and(|decided| decided > frame.end())
    }

    /// Lets the answers out that the engine has let go.
    fn listen(&mut self, node: usize) -> Result<(), String> {
        self.runtime.block_on(async {
            yield_now().await;
            yield_now().await;
        });
        let heard = self.nodes[node].hear();
        let followed = self.nodes[node].follow(&self.store, &self.commands, &heard)?;
        self.report.add_many("events", "followed", followed);
        for one in heard {
            self.check_heard(node, one)?;
        }
        Ok(())
    }

    fn check_heard(&mut self, node: usize, heard: Heard) -> Result<(), String> {
        match &heard.outcome {
            Ok(committed) => {
                let kind = crate::check::answer(&self.store, &heard.asked, committed)?;
                self.report.add("answers", kind);
                self.program.decisions.extend(crate::check::decision(committed));
            }
            Err(failure) => {
                crate::check::failure(failure, &self.report, &self.nodes[node])?;
                self.report.add("no answer", crate::check::failure_kind(failure));
                self.retries.push(heard.asked);
            }
        }
        Ok(())
    }

    /// An engine has ended by itself: its callers have heard so.
    fn bury(&mut self, node: usize) -> Result<(), String> {
        let state = self.nodes[node].handle.health().state;
        let State::Stopped { why, failed } = state else {
            return Err("it ended and does not say so".to_owned());
        };
        self.report.add("ends", crate::check::end(&self.nodes[node], &self.store, &why, failed)?);
        self.remove(node, |_| Orphan::Gone)
    }

    /// Takes an engine away as it stands. Whoever waits for it will ask again.
    pub(crate) fn remove(
        &mut self,
        node: usize,
        mut fate: impl FnMut(&mut Chance) -> Orphan,
    ) -> Result<(), String> {
        let node = self.nodes.remove(node);
        let (client, last) = (node.client, self.nodes.is_empty());
        let (reference, lost) = node.abandon();
        let chance = &mut self.chance;
        for fate in self.store.orphan(client, || fate(chance)) {
            self.report.add("faults", format!("append orphaned: {fate:?}"));
        }
        self.retries.extend(lost);
        if last { self.start(Some(reference)) } else { Ok(()) }
    }
}

fn config(chance: &mut Chance) -> EngineConfig {
    let bounds = Bounds {
        ids_max: chance.pick(&[40, 1_000, 1_000_000]),
        decisions_max: 1_000_000,
        subjects_max: chance.pick(&[200, 1_000_000, 1_000_000, 1_000_000]),
    };
    EngineConfig {
        queue_max: chance.pick(&[8, 64, 4_096]),
        batch_bytes: chance.pick(&[700, 4_000, 512 * 1024]),
        sweep_max: chance.pick(&[1, 256]),
        snapshot_every: chance.pick(&[1, 7, 100]),
        bounds,
    }
}
