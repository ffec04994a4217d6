//! What falls due without anybody's command: holds, lots and suspensions that run out.

use super::decisions::Stage;
use super::{Book, Draft};
use crate::account::Account;
use crate::chunked::{Chunked, Frozen};
use crate::event::{AccountReinstated, CreditExpired, Entry, Event, HoldExpired, Stream};
use crate::ids::{Digest, Name, Position};
use crate::ledger::{Ledger, Settlement};
use crate::money::Credits;
use crate::policy::{Mode, OnExpiry};
use crate::time::Timestamp;
use std::collections::BTreeSet;

impl Book {
    /// The earliest instant at which something may fall due.
    pub fn next_due(&self) -> Option<Timestamp> {
        let anonymous = self.state.open.first().map(|(due, _)| *due);
        let accounts = self.state.dues.first().map(|(due, _)| due);
        [accounts, anonymous].into_iter().flatten().min()
    }

    /// Emits and applies at most `max` dues, earliest first.
    pub fn sweep(&mut self, now: Timestamp, max: usize, out: &mut Vec<Entry>) {
        let now = now.max(self.state.at);
        for _ in 0..max {
            if self.emit_anonymous(now, out) {
                continue;
            }
            let Some((_, slot)) = self.state.dues.first().filter(|(due, _)| *due <= now) else { return };
            if !self.emit_due(slot, now, out) {
                self.state.dues.drop_first();
                if let Some(due) = self.next_due_of(slot) {
                    self.state.dues.note(slot, due);
                }
            }
        }
    }

    /// Emits and applies what is due for one account, before it is read.
    pub fn settle_dues(&mut self, account: &Name, now: Timestamp, out: &mut Vec<Entry>) {
        if let Some(slot) = self.state.accounts.slot(account.as_str()) {
            self.settle_dues_of(slot, now.max(self.state.at), out);
        }
    }

    /// Emits and applies what is due for callers without an account.
    pub(super) fn settle_anonymous(&mut self, now: Timestamp, out: &mut Vec<Entry>) {
        while self.emit_anonymous(now, out) {}
    }

    fn emit_anonymous(&mut self, now: Timestamp, out: &mut Vec<Entry>) -> bool {
        let Some((due, decision)) = self.state.open.first().copied().filter(|(due, _)| *due <= now) else {
            return false;
        };
        let open = self.state.decisions.get(decision).and_then(|known| known.open.as_deref());
        let ip = open.and_then(|open| open.ask.ip).unwrap_or(Digest(0));
        let event = HoldExpired { decision, due, settlement: Settlement::default() };
        self.add(Draft::new(Stream::Client(ip), event), now, out);
        true
    }

    pub(super) fn settle_dues_of(&mut self, slot: u32, now: Timestamp, out: &mut Vec<Entry>) {
        while self.state.dues.of(slot) <= now && self.emit_due(slot, now, out) {}
    }

    fn emit_due(&mut self, slot: u32, now: Timestamp, out: &mut Vec<Entry>) -> bool {
        let Some((name, account)) = self.state.accounts.get(slot) else { return false };
        if account.next_due().is_none_or(|due| due > now) {
            return false;
        }
        let Some(event) = self.due_event(account, now) else { return false };
        self.add(Draft::new(Stream::Account(name.clone()), event), now, out);
        true
    }

    fn due_event(&self, account: &Account, now: Timestamp) -> Option<Event> {
        if let Some((due, decision)) =
            account.open_decisions().first().copied().filter(|(due, _)| *due <= now)
        {
            return Some(self.hold_expired(account, decision, due, now).into());
        }
        let ended = account.suspended_until().filter(|until| *until <= now);
        if let Some(due) = ended {
            let reason = "the suspension ran out".to_owned();
            return Some(AccountReinstated { reason, due: Some(due) }.into());
        }
        [Mode::Live, Mode::Test].into_iter().find_map(|mode| credit_expired(account.ledger(mode)?, mode, now))
    }

    fn hold_expired(
        &self,
        account: &Account,
        decision: Position,
        due: Timestamp,
        now: Timestamp,
    ) -> HoldExpired {
        let known = self.state.decisions.get(decision);
        let open = known.and_then(|known| known.open.as_deref()).filter(|open| open.stage == Stage::Admitted);
        let Some(open) = open else {
            return HoldExpired { decision, due, settlement: Settlement::default() };
        };
        let policy = self.state.catalogue.policy(open.under.policy());
        let credit = policy.and_then(|policy| policy.credit.as_ref());
        let charges = credit.is_some_and(|credit| credit.on_expiry == OnExpiry::Charge);
        let cost = if charges { open.hold.total() } else { Credits::ZERO };
        let empty = Ledger::default();
        let ledger = account.ledger(open.ask.mode).unwrap_or(&empty);
        let overdraft = credit.map(|credit| credit.overdraft).unwrap_or_default();
        HoldExpired { decision, due, settlement: ledger.plan_settle(&open.hold, cost, overdraft, now) }
    }

    /// Sees to it that an account is looked at in time, after an event of its own.
    pub(super) fn note_due(&mut self, slot: u32, event: &Event) {
        let due = match event {
            // It draws on lots, which brings no due nearer, and may open a hold.
            Event::RequestAdmitted(admitted) => admitted.until,
            Event::RequestDenied(_) | Event::DenialsCollapsed(_) => None,
            _ => self.next_due_of(slot),
        };
        if let Some(due) = due {
            self.state.dues.note(slot, due);
        }
    }

    fn next_due_of(&self, slot: u32) -> Option<Timestamp> {
        self.state.accounts.get(slot).and_then(|(_, account)| account.next_due())
    }
}

/// When to look at which account. No account's next due lies before its entry; an entry may be too early,
/// which costs one look.
#[derive(Clone, Debug, Default)]
pub(super) struct Dues {
    queue: BTreeSet<(Timestamp, u32)>,
    /// Each account's entry, by slot: what a snapshot keeps.
    queued: Chunked<Timestamp, CHUNK>,
}

/// Entries of a chunk: with its head 1 KiB.
const CHUNK: usize = 126;

/// Each account's entry, by slot.
pub(super) type FrozenDues = Frozen<Timestamp, CHUNK>;

impl From<FrozenDues> for Dues {
    fn from(frozen: FrozenDues) -> Self {
        let queued = frozen.thaw();
        let entries = queued.iter().copied().zip(0..);
        Self { queue: entries.filter(|(due, _)| *due != Timestamp::FAR).collect(), queued }
    }
}

impl Dues {
    pub(super) fn freeze(&self) -> FrozenDues {
        self.queued.freeze()
    }

    /// Nothing of this account is due before.
    fn of(&self, slot: u32) -> Timestamp {
        self.queued.get(slot as usize).copied().unwrap_or(Timestamp::FAR)
    }

    fn first(&self) -> Option<(Timestamp, u32)> {
        self.queue.first().copied()
    }

    fn drop_first(&mut self) {
        if let Some((_, slot)) = self.queue.pop_first() {
            self.queued[slot as usize] = Timestamp::FAR;
        }
    }

    fn note(&mut self, slot: u32, due: Timestamp) {
        let place = slot as usize;
        while self.queued.len() <= place {
            self.queued.push(Timestamp::FAR);
        }
        let queued = self.queued[place];
        if due < queued {
            self.queue.remove(&(queued, slot));
            self.queue.insert((due, slot));
            self.queued[place] = due;
        }
    }
}

fn credit_expired(ledger: &Ledger, mode: Mode, now: Timestamp) -> Option<Event> {
    let draws = ledger.plan_expiry(now);
    let due = draws.iter().filter_map(|draw| draw.lot.and_then(|lot| lot.expires)).min()?;
    Some(CreditExpired { mode, draws, due }.into())
}
