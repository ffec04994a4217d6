//! What falls due without a command: holds and credit that run out, and minutes whose counted refusals are recorded.

use super::collapse::minute_of;
use super::sequencer::{End, Sequencer};
use domain::time::Timestamp;

impl Sequencer {
    /// Settles a bounded part of what is due; the rest waits for the next turn, behind the commands.
    pub(super) fn keep_agenda(&mut self, now: Timestamp) -> Result<(), End> {
        if self.is_full() {
            return Ok(());
        }
        if self.book.next_due().is_some_and(|due| due <= now) {
            self.book.sweep(now, self.config.sweep_max, &mut self.out);
            self.write_out()?;
        }
        self.record_minutes(minute_of(now), Some(self.config.sweep_max))?;
        Ok(())
    }

    /// Records counted refusals of minutes before `until`, at most `max` events of them; whether there were any.
    pub(super) fn record_minutes(&mut self, until: Timestamp, max: Option<usize>) -> Result<bool, End> {
        let mut recorded = 0;
        while max.is_none_or(|max| recorded < max) {
            let Some(minute) = self.collapsed.take_before(until) else { break };
            let now = self.stamp();
            self.book.collapse(minute.stream.clone(), minute.event(), now, &mut self.out);
            self.writer.open.cargo.minutes.push(minute);
            self.write_out()?;
            recorded += 1;
        }
        if recorded > 0 {
            self.count_collapsed();
        }
        Ok(recorded > 0)
    }

    /// When the next of them falls due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        [self.book.next_due(), self.collapsed.due()].into_iter().flatten().min()
    }
}
