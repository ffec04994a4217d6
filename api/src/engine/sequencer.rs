//! The engine's thread: its state and its loop.

use super::append::{Landed, Writer};
use super::collapse::Collapsed;
use super::config::EngineConfig;
use super::handle::Shared;
use super::health::State;
use super::job::Job;
use super::load::Source;
use super::recovery::Trouble;
use super::release::Releases;
use super::snapshots::Keeper;
use adapters::system::ClockJump;
use domain::book::Book;
use domain::event::Entry;
use domain::log::BookKind;
use domain::time::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Longest sleep of an engine on a wall clock, so that a jump of the clock is noticed without traffic.
const NAP_MAX: Duration = Duration::from_secs(1);
/// Sends of a frame of unknown outcome after which an engine that was told to stop gives up.
const STOPPING_SENDS_MAX: u32 = 5;

/// Everything that the engine's thread owns.
pub(super) struct Sequencer {
    pub(super) config: EngineConfig,
    pub(super) shared: Arc<Shared>,
    pub(super) source: Source,
    pub(super) book: Book,
    pub(super) writer: Writer,
    /// Jobs that were fetched and not yet taken up.
    pub(super) pending: VecDeque<Job>,
    /// The events of the command in hand; empty between commands.
    pub(super) out: Vec<Entry>,
    pub(super) collapsed: Collapsed,
    pub(super) trouble: Trouble,
    pub(super) releases: Releases,
    pub(super) keeper: Keeper,
    pub(super) stopping: bool,
    /// Why nothing is decided here: another process writes the book, and this one folds what it writes.
    pub(super) standby: Option<Arc<str>>,
}

/// Why the loop ended.
pub(super) enum End {
    /// It was asked to, and everything before is durable.
    Asked,
    /// It can't go on.
    Failed(Arc<str>),
}

/// What the clock says at the beginning of a turn.
pub(super) type Now = Result<Timestamp, ClockJump>;

impl Sequencer {
    /// Turns until the end; whoever still waits then hears that the engine stopped.
    pub(super) fn run(&mut self) -> End {
        // The store's futures may use the runtime's timers and sockets although this thread polls them.
        let runtime = self.source.runtime.clone();
        let _inside = runtime.enter();
        loop {
            let now = self.now();
            if let Err(end) = self.turn(now) {
                return end;
            }
            self.keeper.begin(&self.source, &self.shared);
            self.rest(now);
        }
    }

    /// A turn by itself, for whoever rests otherwise.
    pub(super) fn step(&mut self) -> Result<(), End> {
        let runtime = self.source.runtime.clone();
        let _inside = runtime.enter();
        self.turn(self.now())
    }

    /// One turn: hear of the append, do what is due and what waits, and send off what came of it.
    fn turn(&mut self, now: Now) -> Result<(), End> {
        self.pump()?;
        self.recover()?;
        if let (Ok(now), None) = (now, self.refusal()) {
            self.keep_agenda(now)?;
        }
        self.work()?;
        self.pump()?;
        self.releases.flush();
        if self.stopping { self.finish() } else { Ok(()) }
    }

    /// The time, never before the last event's.
    pub(super) fn now(&self) -> Now {
        self.shared.clock.now().map(|now| now.max(self.book.at()))
    }

    /// The time of an event that no command of this turn asked for: a clock that jumped does not hold it up.
    pub(super) fn stamp(&self) -> Timestamp {
        self.now().unwrap_or(self.book.at())
    }

    /// Hears of the append in flight and sends the next frame off, until there is nothing to hear or to send.
    pub(super) fn pump(&mut self) -> Result<(), End> {
        loop {
            match self.writer.poll() {
                Some(Ok(landed)) => self.landed(landed)?,
                Some(Err(unsure)) => self.unsure(&unsure),
                None => {}
            }
            if !self.writer.depart() {
                self.keep();
                return Ok(());
            }
        }
    }

    /// Freezes the book where a frame ends, if a snapshot is due: the open frame is empty then, and all before it is
    /// durable or in flight. (A book that has yet to be rebuilt is further than that.)
    pub(super) fn keep(&mut self) {
        let head = self.writer.open.head();
        let ends_there = self.writer.open.frame.is_empty() && self.book.head() == head.position;
        if ends_there && self.keeper.is_due(head.position, &self.source) {
            self.keeper.freeze(&self.book, head);
            self.keeper.committed(self.writer.committed);
        }
    }

    fn landed(&mut self, landed: Landed) -> Result<(), End> {
        match landed {
            Landed::Durable { cargo, events, took } => {
                // Before the answers go out: whoever has one finds it in the figures.
                self.note_commit(events, took);
                self.releases.add_all(cargo.waiters);
                // They go before the next frame is even polled.
                self.releases.flush();
                self.keeper.committed(self.writer.committed);
                Ok(())
            }
            Landed::Refused(error) => self.roll_back(&error),
            Landed::Rival(head) => Err(End::Failed(
                format!("another writer has this book, which ends at {}; stepping down", head.position)
                    .into(),
            )),
            Landed::Dead(error) => Err(End::Failed(crate::told(&error).into())),
        }
    }

    fn note_commit(&mut self, events: u64, took: Duration) {
        let gauges = &self.shared.gauges;
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        gauges.committed(self.writer.committed.position, events, micros);
        let since = self.book.remembered().since();
        gauges.remembers(since.map(|since| self.book.at().since(since)));
        gauges.become_state(State::Running);
        self.trouble.clear();
    }

    /// Takes up what waits, until the open frame is full behind one in flight, or that one is there.
    fn work(&mut self) -> Result<(), End> {
        if self.pending.is_empty() {
            self.shared.queue.fetch(&mut self.pending);
        }
        while !self.stopping && !self.writer.is_ready() {
            if self.is_full() {
                self.writer.hurry();
                self.pump()?;
                if self.is_full() {
                    break;
                }
            }
            let Some(job) = self.pending.pop_front() else { break };
            self.take_up(job)?;
            // Before any answer goes out: whoever has one finds room for what he asks next.
            self.shared.queue.done(1);
            if self.writer.is_half() {
                self.pump()?;
            }
        }
        Ok(())
    }

    pub(super) fn is_full(&self) -> bool {
        let frame = &self.writer.open.frame;
        !frame.is_empty() && frame.bytes() >= self.config.batch_bytes
    }

    /// Whether everything before the stop is durable.
    fn finish(&mut self) -> Result<(), End> {
        if self.writer.unsure_sends() >= STOPPING_SENDS_MAX {
            return Err(End::Failed(
                "stopped while it was unknown whether the last append was written".into(),
            ));
        }
        if self.collapsed.total() > 0
            && self.refusal().is_none()
            && self.record_minutes(Timestamp::FAR, None)?
        {
            self.pump()?;
        }
        if self.writer.is_clear() {
            self.releases.flush();
            return Err(End::Asked);
        }
        Ok(())
    }

    /// Sleeps until something comes: a job, the append, or the next due.
    fn rest(&self, now: Now) {
        if self.writer.is_ready() {
            return;
        }
        let full = self.is_full();
        if !full && (!self.pending.is_empty() || self.shared.queue.has(self.writer.wants())) {
            return;
        }
        let due = if full { None } else { self.due_in(now) };
        let again = [self.writer.resend_at(), self.trouble.until(), self.writer.lingers_until()];
        let again = again.into_iter().flatten().min();
        let again = again.map(|at| at.saturating_duration_since(self.shared.clock.monotonic()));
        match [due, again].into_iter().flatten().min() {
            Some(Duration::ZERO) => {}
            Some(pause) => thread::park_timeout(pause),
            None => thread::park(),
        }
    }

    /// How long until something falls due; `None` when only a call can bring it about.
    fn due_in(&self, now: Now) -> Option<Duration> {
        // A sandbox's time stands still until somebody moves it, and then the engine is woken.
        if self.source.store.book().kind == BookKind::Sandbox {
            let is_due = now.is_ok_and(|now| self.next_due().is_some_and(|due| due <= now));
            return (is_due && self.refusal().is_none()).then_some(Duration::ZERO);
        }
        let (Ok(now), None) = (now, self.refusal()) else { return Some(NAP_MAX) };
        let Some(due) = self.next_due() else { return Some(NAP_MAX) };
        Some(Duration::from_micros(due.since(now).micros().unsigned_abs()).min(NAP_MAX))
    }
}
