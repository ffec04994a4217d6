//! The steps of a run: commands, turns, the ends of appends, time, and everything that can go wrong.

use crate::spec::{DAY, HOUR, Micros, SECOND};
use crate::store::{Ending, Orphan};
use crate::wish::Asked;
use crate::world::World;
use adapters::snapshot::SnapshotHeader;
use adapters::system::Clock;
use api::engine::FOLD_VERSION;
use domain::log::EventStore;
use std::rc::Rc;

/// Steps between two looks at the whole book.
const CHECK_EVERY: u64 = 250;
/// Rounds after which whoever still waits waits in vain.
const PATIENCE: u32 = 5_000;
/// Callers of a rush, at least: twice what a frame needs to leave with half of them.
const RUSH_MIN: usize = 64;

impl World {
    /// A whole run.
    pub(crate) fn run(&mut self, steps: u64) -> Result<(), (u64, String)> {
        self.start(None).and_then(|()| self.open_for_business()).map_err(|why| (0, why))?;
        let faulty = !self.chance.one_in(5);
        for step in 1..=steps {
            self.step(faulty).map_err(|why| (step, why))?;
            if step % CHECK_EVERY == 0 || step == steps {
                self.come_to_rest().and_then(|()| self.check_all()).map_err(|why| (step, why))?;
            }
        }
        Ok(())
    }

    /// Most runs begin with a policy and some accounts; some with nothing.
    fn open_for_business(&mut self) -> Result<(), String> {
        if self.chance.one_in(10) {
            return Ok(());
        }
        let now = self.time.wall_micros();
        for asked in self.program.opening(now, &mut self.chance) {
            self.send(0, Rc::new(asked));
        }
        self.come_to_rest()
    }

    fn step(&mut self, faulty: bool) -> Result<(), String> {
        if self.clock.now().is_err() && self.chance.one_in(15) {
            self.confirm();
        }
        match self.chance.below(100) {
            0..42 => {
                let asked = self.new_command();
                self.send_somewhere(Rc::new(asked));
            }
            42..48 => self.send_again(),
            48..74 => {
                let node = self.chance.index(self.nodes.len());
                self.turn(node)?;
            }
            74..86 => self.end_an_append(faulty),
            86..95 => self.pass_time(),
            _ if faulty => self.fault()?,
            _ => self.pass_time(),
        }
        Ok(())
    }

    fn new_command(&mut self) -> Asked {
        let now = self.time.wall_micros();
        self.program.next(&self.specs, now, &mut self.chance)
    }

    fn send_somewhere(&mut self, asked: Rc<Asked>) {
        let last = self.nodes.len() - 1;
        let node = if self.chance.one_in(6) { self.chance.index(self.nodes.len()) } else { last };
        self.send(node, asked);
    }

    /// Somebody who has no answer asks again, or somebody who has one does; now and then with another content.
    fn send_again(&mut self) {
        if self.retries.is_empty() {
            return;
        }
        let place = self.chance.index(self.retries.len());
        let asked =
            if self.chance.one_in(4) { self.retries[place].clone() } else { self.retries.swap_remove(place) };
        if self.chance.one_in(12) {
            let (actor, id, made) = (asked.actor, asked.id.clone(), asked.made);
            let other = Asked { actor, id, made, ..self.new_command() };
            return self.send_somewhere(Rc::new(other));
        }
        self.send_somewhere(asked);
    }

    fn end_an_append(&mut self, faulty: bool) {
        let flying = self.store.flying();
        if flying.is_empty() {
            return;
        }
        let id = self.chance.pick(&flying);
        let ending = if faulty && self.chance.one_in(6) { self.bad_ending() } else { Ending::Written };
        if ending != Ending::Written {
            self.report.add("faults", format!("append: {ending:?}"));
        }
        self.store.end(id, ending);
        self.report.add("steps", "end of an append");
    }

    fn bad_ending(&mut self) -> Ending {
        let endings = [
            Ending::Refused,
            Ending::Refused,
            Ending::LostWritten,
            Ending::LostWritten,
            Ending::LostLate,
            Ending::LostGone,
            Ending::FatalWritten,
            Ending::FatalGone,
        ];
        self.chance.pick(&endings)
    }

    fn pass_time(&mut self) {
        let spans = [1, 900, 2_000, 30_000, 400_000, SECOND, 7 * SECOND, 61 * SECOND];
        let span = if self.chance.one_in(60) {
            self.chance.pick(&[HOUR, 5 * HOUR, DAY])
        } else {
            self.chance.pick(&spans)
        };
        self.time.pass(span);
        self.report.add("steps", "time passes");
    }

    fn fault(&mut self) -> Result<(), String> {
        match self.chance.below(19) {
            0..3 => self.crash()?,
            3 => self.stop(),
            4..6 => self.usurp()?,
            6..8 => {
                let which = self.chance.index(1_000);
                let kind =
                    if self.store.arrive_late(which) { "late commit" } else { "late commit, too late" };
                self.report.add("faults", kind);
            }
            8..12 => self.clock_fault(),
            12 => {
                self.store.fail_reads(u32::try_from(self.chance.between(1, 3)).expect("small"));
                self.report.add("faults", "reads fail");
            }
            13 => self.flood(),
            14 | 15 => self.snapshot()?,
            _ => self.rush()?,
        }
        self.report.add("steps", "fault");
        Ok(())
    }

    /// An engine is killed between two steps. What was on its way may arrive, now or later, whole or torn, or not.
    fn crash(&mut self) -> Result<(), String> {
        self.report.add("faults", "crash");
        let node = self.chance.index(self.nodes.len());
        let fates = [Orphan::Gone, Orphan::Late, Orphan::Written, Orphan::Torn];
        self.remove(node, |chance| chance.pick(&fates))
    }

    fn stop(&mut self) {
        self.report.add("faults", "stop in good order");
        let node = self.chance.index(self.nodes.len());
        self.nodes[node].stop();
    }

    /// Another engine takes the book while the first still lives and has appends in flight.
    fn usurp(&mut self) -> Result<(), String> {
        if self.nodes.len() > 2 {
            return Ok(());
        }
        self.report.add("faults", "second writer");
        let known = self.nodes.last().map(|node| node.reference.clone());
        self.start(known)
    }

    fn clock_fault(&mut self) {
        let far: Micros = self.chance.pick(&[6 * SECOND, HOUR, 40 * DAY]);
        match self.chance.below(4) {
            0 => {
                self.time.set_wall(far);
                self.report.add("faults", "clock jumps ahead");
            }
            1 => {
                self.time.set_wall(-far.min(HOUR));
                self.report.add("faults", "clock jumps back");
            }
            2 => {
                self.time.stand_still(far.min(HOUR));
                self.report.add("faults", "clock stands still");
            }
            _ => self.confirm(),
        }
    }

    fn confirm(&mut self) {
        if let Some(node) = self.nodes.last() {
            node.handle.confirm_clock();
            self.report.add("steps", "clock confirmed");
        }
    }

    /// Many addresses that were never seen.
    fn flood(&mut self) {
        self.report.add("faults", "flood of new subjects");
        for _ in 0..self.chance.between(20, 120) {
            let now = self.time.wall_micros();
            let asked = self.program.stranger(now, &mut self.chance);
            self.send_somewhere(Rc::new(asked));
        }
    }

    /// So many callers at once, and again when the first are answered, that a frame leaves in the middle of them.
    fn rush(&mut self) -> Result<(), String> {
        if self.config.queue_max < RUSH_MIN {
            return Ok(());
        }
        self.report.add("faults", "rush of callers");
        for _ in 0..self.chance.between(2, 4) {
            for _ in 0..self.chance.between(RUSH_MIN as u64, 2 * RUSH_MIN as u64) {
                let asked = Rc::new(self.new_command());
                self.send(self.nodes.len() - 1, asked);
            }
            self.turn(self.nodes.len() - 1)?;
            self.end_an_append(true);
        }
        Ok(())
    }

    /// What the thread that writes snapshots would do: the running book is written as it was frozen, however many
    /// commands changed it since. Now and then a release with another fold has been here.
    fn snapshot(&mut self) -> Result<(), String> {
        let Some(snapshots) = self.snapshots() else { return Ok(()) };
        if self.chance.one_in(3) {
            let (book, head) = (self.store.book().id, self.store.durable_head());
            let (position, hash) = (head.position, head.hash);
            let header = SnapshotHeader { book, fold_version: FOLD_VERSION + 1, position, hash };
            let written = snapshots.write(&header, &"a state of another shape");
            written.map_err(|error| error.to_string())?;
            self.report.add("faults", "snapshot of another fold");
            return Ok(());
        }
        let node = self.chance.index(self.nodes.len());
        let node = &mut self.nodes[node];
        let before = node.handle.health().snapshot;
        if node.engine.write_snapshot() {
            if node.handle.health().snapshot <= before {
                return Err(format!("a snapshot was not written after that of event {before}"));
            }
            self.report.add("faults", "snapshot of a running book");
        }
        Ok(())
    }

    /// Lets all that is on its way come to its end, without new faults: everyone is answered, and nothing is due.
    pub(crate) fn come_to_rest(&mut self) -> Result<(), String> {
        self.store.fail_reads(0);
        while self.nodes.len() > 1 {
            self.remove(0, |_| Orphan::Gone)?;
        }
        for _ in 0..PATIENCE {
            if self.is_at_rest()? {
                return Ok(());
            }
            for id in self.store.flying() {
                self.store.end(id, Ending::Written);
            }
            self.time.pass(20_000);
            if self.clock.now().is_err() {
                self.confirm();
            }
            if let Some(asked) = self.retries.pop() {
                self.send(0, asked);
            } else if self.nodes[0].waiting() == 0
                && self.nodes[0].handle.health().head < self.store.durable()
            {
                // Somebody else's frame arrived late. Only an append of its own tells an engine so.
                let asked = Rc::new(self.new_command());
                self.send(0, asked);
            }
            self.turn(0)?;
        }
        let node = &self.nodes[0];
        let due = node.reference.anything_due(self.time.wall_micros());
        let (waiting, health) = (node.waiting(), node.handle.health());
        Err(format!("no rest: {waiting} wait in vain, {due:?} is due, {health:?}"))
    }

    fn is_at_rest(&self) -> Result<bool, String> {
        let node = self.nodes.last().ok_or("no engine runs")?;
        if node.waiting() > 0 || !self.retries.is_empty() || !self.store.flying().is_empty() {
            return Ok(false);
        }
        let Some(book) = node.engine.book() else { return Ok(false) };
        let Ok(now) = self.clock.now() else { return Ok(false) };
        let now = now.max(book.at());
        let all = book.head() == self.store.durable() && node.reference.position == book.head();
        Ok(all && node.reference.anything_due(now.micros()).is_none())
    }
}
