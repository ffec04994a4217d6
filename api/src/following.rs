//! Keeps the read models behind the log, beside the decisions and never in their way.

use crate::told;
use adapters::system;
use domain::ids::Position;
use domain::log::{BookKind, EventStore};
use projections::read::ReadModels;
use projections::runner::{RunError, Runner, STEP, Shelf, View, ViewError};
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

/// The pause after all views have caught up: under load a step then has many events, which costs less for each.
const PAUSE: Duration = Duration::from_millis(500);
/// The pause after a failure that may pass.
const RETRY: Duration = Duration::from_secs(1);
/// Longest that a reader waits for the views to reach what was durable when he asked, and a stop for their last step.
const PATIENCE: Duration = Duration::from_secs(2);

/// How far the views are, and whether they still follow.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub position: Position,
    /// Why they follow no more: the event that they cannot pass, or what else failed.
    pub stopped: Option<Arc<str>>,
}

/// The read models of a running service.
#[derive(Clone)]
pub struct Following {
    reads: Arc<dyn ReadModels>,
    standing: watch::Receiver<Standing>,
    head: watch::Receiver<Position>,
    asked: Arc<Notify>,
    stop: Arc<watch::Sender<bool>>,
}

/// When views begin to follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begin {
    Now,
    /// Once somebody reads them: for a book that is gone with the process.
    WhenAsked,
}

impl Following {
    /// The readers' side, and the work of keeping the views, which ends when it is told to stop, or with the last of
    /// its readers.
    pub fn new(
        (views, reads): (Arc<dyn Shelf>, Arc<dyn ReadModels>),
        log: Arc<dyn EventStore>,
        head: watch::Receiver<Position>,
        begin: Begin,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (tell, standing) = watch::channel(Standing::default());
        let (stop_it, stop) = watch::channel(false);
        let asked = Arc::new(Notify::new());
        let task = Task { views, log, head: head.clone(), asked: asked.clone(), stop, tell, most: STEP };
        (Self { reads, standing, head, asked, stop: Arc::new(stop_it) }, task.run(begin))
    }

    /// Gives the work a thread of its own, within a tokio runtime. Decisions come first: it runs where a processor is
    /// idle. In a sandbox nothing is urgent but that what is read is there.
    ///
    /// # Errors
    /// When there is no thread.
    pub fn start(
        models: (Arc<dyn Shelf>, Arc<dyn ReadModels>),
        log: Arc<dyn EventStore>,
        head: watch::Receiver<Position>,
        begin: Begin,
    ) -> io::Result<Self> {
        let (runtime, kind) = (Handle::current(), log.book().kind);
        let (following, work) = Self::new(models, log, head, begin);
        thread::Builder::new().name("views".into()).spawn(move || {
            if kind == BookKind::Wall {
                // The views' own threads start from this one and stand back like it.
                system::stand_back();
            }
            runtime.block_on(work);
        })?;
        Ok(following)
    }

    /// The rows, once they say what was durable when this was called; after two seconds as far as they are.
    pub async fn fresh(&self) -> &dyn ReadModels {
        let head = *self.head.borrow();
        let mut standing = self.standing.clone();
        self.asked.notify_one();
        let reached = standing.wait_for(|now| now.position >= head || now.stopped.is_some());
        // Late rows say themselves how late they are.
        let _ = tokio::time::timeout(PATIENCE, reached).await;
        &*self.reads
    }

    /// Follows no more, and returns when that is so, or when a step that is under way takes too long: cut off, it leaves
    /// nothing behind. The runtime must live until then.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let mut standing = self.standing.clone();
        let ended = async { while standing.changed().await.is_ok() {} };
        if tokio::time::timeout(PATIENCE, ended).await.is_err() {
            tracing::warn!("the read models are cut off in a step; they take it again after the next start");
        }
    }

    /// How far the views are now.
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }
}

struct Task {
    views: Arc<dyn Shelf>,
    log: Arc<dyn EventStore>,
    head: watch::Receiver<Position>,
    asked: Arc<Notify>,
    stop: watch::Receiver<bool>,
    tell: watch::Sender<Standing>,
    /// How long steps may be: shorter after a failure.
    most: usize,
}

impl Task {
    async fn run(mut self, begin: Begin) {
        if begin == Begin::WhenAsked {
            tokio::select! {
                () = self.asked.notified() => {}
                () = told_to_stop(self.stop.clone()) => return,
            }
        }
        while !self.is_stopped() {
            match self.follow().await {
                Ok(()) => return,
                Err(error) if error.is_passing() => {
                    tracing::warn!(error = %told(&error), "the read models stand still for a moment");
                    let _ = tokio::time::timeout(RETRY, told_to_stop(self.stop.clone())).await;
                }
                Err(error) => {
                    let why = told(&error);
                    tracing::error!(error = %why, "the read models follow no more; decisions go on");
                    self.tell.send_modify(|standing| standing.stopped = Some(why.into()));
                    return;
                }
            }
        }
    }

    /// Follows until it is told to stop.
    async fn follow(&mut self) -> Result<(), RunError> {
        let views = self.views.open().await.map_err(unopened)?;
        let mut runner = Runner::new(self.log.clone(), views).with_steps_of(self.most);
        let followed = self.follow_with(&mut runner).await;
        self.most = runner.most();
        followed
    }

    async fn follow_with(&mut self, runner: &mut Runner<Box<dyn View>>) -> Result<(), RunError> {
        while !self.is_stopped() {
            let head = *self.head.borrow_and_update();
            self.catch_up(runner, head).await?;
            tokio::select! {
                grown = self.head.changed() => if grown.is_err() { break },
                () = told_to_stop(self.stop.clone()) => break,
            }
            // Whoever reads does not wait for the pause, and neither does a stop.
            tokio::select! {
                () = self.asked.notified() => {}
                () = told_to_stop(self.stop.clone()) => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
        Ok(())
    }

    async fn catch_up(&self, runner: &mut Runner<Box<dyn View>>, head: Position) -> Result<(), RunError> {
        loop {
            let position = runner.step(head).await?;
            self.tell.send_modify(|standing| standing.position = position);
            if position >= head || self.is_stopped() {
                return Ok(());
            }
        }
    }

    fn is_stopped(&self) -> bool {
        *self.stop.borrow() || self.stop.has_changed().is_err()
    }
}

/// Ends when somebody says so, or nobody is left who could.
async fn told_to_stop(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn unopened(cause: ViewError) -> RunError {
    RunError::View { name: "(all)", position: 0, cause }
}
