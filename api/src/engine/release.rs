//! Letting go of the answers that are durable.

use super::batch::Waiter;
use std::mem;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Hands all answers of a commit to one task of the runtime, which completes them there: the engine's thread
/// wakes one task instead of dozens, and the tasks that wait are woken by a thread of the pool that runs them.
pub(super) struct Releases {
    ready: Vec<Waiter>,
    // Bounded by the queue: nobody waits here who did not wait there.
    away: mpsc::UnboundedSender<Vec<Waiter>>,
}

impl Releases {
    pub(super) fn start(runtime: &Handle) -> Self {
        let (away, mut arriving) = mpsc::unbounded_channel::<Vec<Waiter>>();
        runtime.spawn(async move {
            while let Some(ready) = arriving.recv().await {
                ready.into_iter().for_each(Waiter::give);
            }
        });
        Self { ready: Vec::new(), away }
    }

    pub(super) fn add(&mut self, waiter: Waiter) {
        self.ready.push(waiter);
    }

    pub(super) fn add_all(&mut self, waiters: Vec<Waiter>) {
        if self.ready.is_empty() {
            self.ready = waiters;
        } else {
            self.ready.extend(waiters);
        }
    }

    /// Sends off what has gathered.
    pub(super) fn flush(&mut self) {
        if !self.ready.is_empty() {
            // Without a runtime nobody waits any more.
            let _ = self.away.send(mem::take(&mut self.ready));
        }
    }
}
