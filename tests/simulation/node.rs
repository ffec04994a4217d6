//! One engine, its callers, and the reference as far as this engine knows the log.

use crate::follow::{self, Commands};
use crate::reference::Reference;
use crate::store::SimStore;
use crate::wish::Asked;
use api::engine::{Committed, Engine, Failure, Handle};
use domain::book::Book;
use domain::command::Command;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

type Submitting = Pin<Box<dyn Future<Output = Result<Committed, Failure>>>>;

/// A caller who waits.
struct Call {
    asked: Rc<Asked>,
    submitting: Submitting,
}

/// What a caller heard.
pub(crate) struct Heard {
    pub(crate) asked: Rc<Asked>,
    pub(crate) outcome: Result<Committed, Failure>,
}

pub(crate) struct Node {
    pub(crate) client: u32,
    pub(crate) engine: Engine,
    pub(crate) handle: Handle,
    pub(crate) reference: Reference,
    calls: Vec<Call>,
    stopping: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// Whether it was asked to end.
    pub(crate) asked_to_stop: bool,
    /// Heard at once, when the command was sent.
    early: Vec<Heard>,
}

impl Node {
    /// An engine that begins where `reference` has followed the log to.
    pub(crate) fn new(client: u32, engine: Engine, reference: Reference) -> Self {
        let handle = engine.handle();
        let (calls, early) = (Vec::new(), Vec::new());
        Self { client, engine, handle, reference, calls, stopping: None, asked_to_stop: false, early }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.calls.len() + self.early.len()
    }

    /// The last event that it has decided, durable or not.
    pub(crate) fn decided(&self) -> Option<u64> {
        self.engine.book().map(Book::head)
    }

    /// Sends a command.
    pub(crate) fn send(&mut self, asked: Rc<Asked>, command: Command) {
        let handle = self.handle.clone();
        let mut submitting: Submitting = Box::pin(async move { handle.submit(command).await });
        // The first look puts it into the queue.
        match look(&mut submitting) {
            Poll::Ready(outcome) => self.early.push(Heard { asked, outcome }),
            Poll::Pending => self.calls.push(Call { asked, submitting }),
        }
    }

    /// Asks the engine to end in good order.
    pub(crate) fn stop(&mut self) {
        self.asked_to_stop = true;
        let handle = self.handle.clone();
        let mut stopping: Pin<Box<dyn Future<Output = ()>>> = Box::pin(async move { handle.stop().await });
        if look(&mut stopping).is_pending() {
            self.stopping = Some(stopping);
        }
    }

    /// Lets every caller look whether there is an answer.
    pub(crate) fn hear(&mut self) -> Vec<Heard> {
        let (mut heard, mut waiting) = (std::mem::take(&mut self.early), Vec::new());
        for mut call in self.calls.drain(..) {
            match look(&mut call.submitting) {
                Poll::Ready(outcome) => heard.push(Heard { asked: call.asked, outcome }),
                Poll::Pending => waiting.push(call),
            }
        }
        self.calls = waiting;
        heard
    }

    /// Whoever still waits will never hear an answer.
    pub(crate) fn abandon(self) -> (Reference, Vec<Rc<Asked>>) {
        (self.reference, self.calls.into_iter().map(|call| call.asked).collect())
    }

    /// Follows the log as far as this engine knows that it is durable.
    pub(crate) fn follow(
        &mut self,
        store: &SimStore,
        commands: &Commands,
        heard: &[Heard],
    ) -> Result<u64, String> {
        let until = self.handle.health().head;
        follow::own(&mut self.reference, (store, commands), until, heard)
    }
}

fn look<T>(waiting: &mut Pin<Box<dyn Future<Output = T>>>) -> Poll<T> {
    waiting.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}
