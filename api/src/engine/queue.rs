//! The bounded queue before the engine.
//!
//! A vector under a mutex that the engine takes whole: one lock for all that waits is cheaper than a
//! lock-free queue that is emptied one by one.

use super::job::Job;
use std::collections::VecDeque;
use std::iter;
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

pub(super) struct Queue {
    max: usize,
    /// Jobs that were pushed and not yet taken up, those that the engine has already fetched included.
    depth: AtomicUsize,
    waiting: Mutex<Waiting>,
    engine: OnceLock<Thread>,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// How many jobs wake the engine.
    wakes_at: usize,
    closed: bool,
}

/// Why a job was not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    Full,
    Closed,
}

impl Queue {
    pub(super) fn new(max: usize) -> Self {
        Self { max, depth: AtomicUsize::new(0), waiting: Mutex::default(), engine: OnceLock::new() }
    }

    /// Names the thread that is woken when something comes; called once, by that thread.
    pub(super) fn serve_by(&self, thread: Thread) {
        self.engine.get_or_init(|| thread);
    }

    /// Adds a job and wakes the engine if it may be asleep. What ends the engine, or brings a standby on, is never too
    /// much.
    pub(super) fn push(&self, job: Job) -> Result<(), Refused> {
        let urgent = matches!(job, Job::Stop | Job::GiveUp(_) | Job::Follow(..) | Job::Lead);
        if urgent {
            self.depth.fetch_add(1, Ordering::Relaxed);
        } else if self.reserve(1) == 0 {
            return Err(Refused::Full);
        }
        self.add(iter::once(job), 1)?;
        if urgent {
            self.wake();
        }
        Ok(())
    }

    /// Adds jobs in their order under one lock, as many as there is room for; the others are dropped, and their
    /// number is returned.
    pub(super) fn push_all(&self, jobs: Vec<Job>) -> Result<usize, Refused> {
        let wanted = jobs.len();
        let room = self.reserve(wanted);
        self.add(jobs.into_iter().take(room), room)?;
        Ok(wanted - room)
    }

    /// Counts as many jobs in as there is room for; how many.
    fn reserve(&self, wanted: usize) -> usize {
        let before = self.depth.fetch_add(wanted, Ordering::Relaxed);
        let room = wanted.min(self.max.saturating_sub(before));
        self.done(wanted - room);
        room
    }

    /// Adds jobs that were counted in.
    fn add(&self, jobs: impl Iterator<Item = Job>, counted: usize) -> Result<(), Refused> {
        let mut waiting = self.lock();
        if waiting.closed {
            self.done(counted);
            return Err(Refused::Closed);
        }
        let before = waiting.jobs.len();
        waiting.jobs.extend(jobs);
        // Whoever makes the number full wakes the engine; nobody else need.
        let full = (before + 1..=waiting.jobs.len()).contains(&waiting.wakes_at);
        drop(waiting);
        if full {
            self.wake();
        }
        Ok(())
    }

    /// Swaps all that waits for the empty `into`, so that both buffers are used again and again.
    pub(super) fn fetch(&self, into: &mut VecDeque<Job>) {
        debug_assert!(into.is_empty(), "what was fetched before is carried out first");
        mem::swap(&mut self.lock().jobs, into);
    }

    /// Whether so many jobs wait, or half of what there is room for, that the engine is not to sleep; once they do, it
    /// is woken.
    pub(super) fn has(&self, wanted: usize) -> bool {
        let mut waiting = self.lock();
        // Nobody is refused for want of room while the engine sleeps.
        waiting.wakes_at = wanted.min(self.max.div_ceil(2)).max(1);
        waiting.jobs.len() >= waiting.wakes_at
    }

    /// Counts jobs off that were taken up.
    pub(super) fn done(&self, jobs: usize) {
        self.depth.fetch_sub(jobs, Ordering::Relaxed);
    }

    /// Jobs that wait to be taken up.
    pub(super) fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    /// Refuses whatever comes from now on, and drops what waits: its senders hear that the engine stopped.
    pub(super) fn close(&self) {
        let dropped = {
            let mut waiting = self.lock();
            waiting.closed = true;
            mem::take(&mut waiting.jobs)
        };
        self.done(dropped.len());
    }

    pub(super) fn wake(&self) {
        if let Some(engine) = self.engine.get() {
            engine.unpark();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // Nothing that is done under the lock can leave the queue half changed.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::job::Read;
    use super::*;
    use domain::book::Book;
    use domain::time::Timestamp;
    use tokio::sync::oneshot;

    #[test]
    fn one_more_than_the_bound_is_refused_until_jobs_are_done() {
        let queue = Queue::new(1);
        assert_eq!(queue.push(Job::Stop), Ok(()));
        let (reply, _) = oneshot::channel();
        let read = Read::new(|_: &Book, _: Timestamp| (), reply);
        assert_eq!(queue.push(Job::Read(None, Box::new(read))), Err(Refused::Full));
        let mut jobs = VecDeque::new();
        queue.fetch(&mut jobs);
        assert_eq!((jobs.len(), queue.depth()), (1, 1), "fetched is not yet taken up");
        queue.done(1);
        assert_eq!(queue.push(Job::Stop), Ok(()));
    }

    #[test]
    fn of_many_jobs_those_are_taken_that_there_is_room_for() {
        let queue = Queue::new(2);
        assert_eq!(queue.push_all(vec![Job::Stop, Job::Stop, Job::Stop]), Ok(1));
        assert_eq!(queue.push_all(vec![Job::Stop]), Ok(1));
        assert_eq!(queue.depth(), 2);
        queue.close();
        assert_eq!(queue.push_all(vec![Job::Stop]), Err(Refused::Closed));
        assert_eq!(queue.depth(), 0);
    }

    #[test]
    fn the_engine_is_woken_by_whoever_makes_the_number_full() {
        let queue = Queue::new(10);
        let (woken, hears) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let engine = scope.spawn(|| {
                while !queue.has(3) {
                    std::thread::park();
                }
                woken.send(()).expect("somebody listens");
            });
            queue.serve_by(engine.thread().clone());
            for _ in 0..3 {
                assert!(hears.try_recv().is_err(), "fewer are not worth it");
                let (reply, _) = oneshot::channel();
                let read = Box::new(Read::new(|_: &Book, _: Timestamp| (), reply));
                assert_eq!(queue.push(Job::Read(None, read)), Ok(()));
            }
            hears.recv().expect("woken");
        });
    }

    #[test]
    fn a_queue_that_is_half_full_is_worth_waking_for() {
        let queue = Queue::new(3);
        assert!(!queue.has(1_000));
        assert_eq!(queue.push_all(vec![Job::Stop, Job::Stop]), Ok(0));
        assert!(queue.has(1_000));
    }

    #[test]
    fn a_closed_queue_takes_nothing() {
        let queue = Queue::new(1);
        queue.close();
        assert_eq!(queue.push(Job::Stop), Err(Refused::Closed));
        assert_eq!(queue.depth(), 0);
    }
}
