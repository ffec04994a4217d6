//! What the engine does with one job.

use super::batch::Waiter;
use super::failure::Failure;
use super::handle::{policy_number, policy_of};
use super::job::{Decided, Job, Reading, Verdict};
use super::sequencer::{End, Now, Sequencer};
use domain::book::Reply;
use domain::command::Command;
use domain::ids::Name;
use domain::rejection::Rejection;
use domain::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Sequencer {
    /// Carries out one job, or tells its sender why not.
    ///
    /// The clock is read here, not once for all that waits: a sandbox's clock may have been moved after the turn
    /// began and before the job was sent, and a job must never be decided at a time before it was sent.
    pub(super) fn take_up(&mut self, job: Job) -> Result<(), End> {
        let now = self.now();
        match job {
            Job::Command(command, reply) => match self.admit(now) {
                Err(failure) => {
                    let _ = reply.send(Err(failure));
                }
                Ok(now) => {
                    let decided = self.decide(&command, now)?;
                    self.hold(Waiter::Command(reply, decided));
                }
            },
            Job::Read(account, reading) => self.look(account.as_ref(), reading, now)?,
            Job::Follow(frames, done) => {
                self.follow(&frames)?;
                let _ = done.send(());
            }
            Job::Lead => self.lead()?,
            Job::GiveUp(why) => return Err(End::Failed(why)),
            Job::Stop => {
                self.stopping = true;
                self.writer.hurry();
                self.shared.queue.close();
            }
        }
        Ok(())
    }

    /// Whether commands are decided now, and at what time.
    fn admit(&self, now: Now) -> Result<Timestamp, Failure> {
        if self.standby.is_some() {
            return Err(Failure::Standby);
        }
        if let Some(why) = self.refusal() {
            return Err(Failure::Refusing(why));
        }
        now.map_err(|_| Failure::ClockJumped)
    }

    fn decide(&mut self, command: &Command, now: Timestamp) -> Result<Decided, End> {
        let now = now.max(self.book.at());
        let reply = self.book.execute(command, now, &mut self.out);
        self.encode_out()?;
        let decided = self.answer(reply, now);
        self.out.clear();
        Ok(decided)
    }

    /// The answer, with what is needed to render it. Takes its event out of `out`, so that comes last.
    fn answer(&mut self, reply: Result<Reply, Rejection>, now: Timestamp) -> Decided {
        let (verdict, named) = match reply {
            Ok(Reply::Done(index)) => {
                let entry = self.out.swap_remove(index);
                let named = policy_number(&entry);
                (Verdict::Entry(Arc::new(entry)), named)
            }
            Ok(Reply::Repeat(first)) => (Verdict::Repeat(first), None),
            Ok(Reply::Collapsed(denied, stream)) => {
                self.collapsed.count(stream.clone(), &denied, now);
                self.count_collapsed();
                let named = denied.under.policy();
                (Verdict::Collapsed(denied, stream), Some(named))
            }
            Err(rejection) => (Verdict::Rejected(rejection), None),
        };
        let (position, at) = match &verdict {
            Verdict::Entry(entry) => (entry.position, entry.at),
            Verdict::Repeat(_) | Verdict::Collapsed(..) | Verdict::Rejected(_) => (self.book.head(), now),
        };
        Decided { verdict, policy: policy_of(&self.book, named, now), position, at }
    }

    /// Takes a read's value. While nothing can be recorded, dues stay open and the book is shown as it is.
    fn look(&mut self, account: Option<&Name>, mut reading: Box<dyn Reading>, now: Now) -> Result<(), End> {
        let outcome = match (now, self.refusal()) {
            (Err(_), _) => Err(Failure::ClockJumped),
            (_, Some(why)) if self.trouble.is_stale() => Err(Failure::Refusing(why)),
            (Ok(now), refusal) => Ok((now.max(self.book.at()), refusal)),
        };
        let (now, refusal) = match outcome {
            Ok(admitted) => admitted,
            Err(failure) => {
                reading.give(Err(failure));
                return Ok(());
            }
        };
        if let (Some(account), None) = (account, refusal) {
            self.book.settle_dues(account, now, &mut self.out);
            self.write_out()?;
        }
        reading.take(&self.book, now);
        self.hold(Waiter::Read(reading));
        Ok(())
    }

    fn hold(&mut self, waiter: Waiter) {
        if let Some(durable) = self.writer.hold(waiter) {
            self.releases.add(durable);
        }
    }

    /// Encodes the events in hand, and has done with them.
    pub(super) fn write_out(&mut self) -> Result<(), End> {
        self.encode_out()?;
        self.out.clear();
        Ok(())
    }

    /// The book has applied these events already, so one that cannot be written ends the engine.
    fn encode_out(&mut self) -> Result<(), End> {
        self.writer.write(&self.out).map_err(|error| {
            End::Failed(
                format!(
                    "an event after position {} cannot be written: {error}",
                    self.writer.committed.position
                )
                .into(),
            )
        })
    }

    pub(super) fn count_collapsed(&self) {
        self.shared.gauges.collapsed.store(self.collapsed.total(), Ordering::Relaxed);
    }
}
