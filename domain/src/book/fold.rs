//! The fold: how each event changes the state. Nothing is decided here.

use super::decisions::{Decision, Open, Stage};
use super::{Ban, Book, Counters, Known, Who, admin, escalate, gauge, remembered};
use crate::account;
use crate::event::{
    BanLifted, BanStarted, CreditRefunded, Entry, Event, Facts, Fired, HoldExpired, RequestAdmitted,
    RequestBegun, RequestDenied, RequestSettled, Stream,
};
use crate::ids::{Digest, Position};
use crate::ledger::{Draws, Settlement};
use crate::money::Credits;
use crate::policy::{Policy, Signal};
use crate::pricing::Outcome;
use crate::time::{Calendar, Timestamp};
use std::num::NonZero;
use std::sync::Arc;

/// The log says something that the state before it contradicts.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Inconsistent {
    #[error("position {found} follows {head}")]
    Position { head: Position, found: Position },
    #[error("the time goes back")]
    Time,
    #[error("version {found} of stream {stream} follows {version}")]
    Version { stream: Stream, version: u64, found: u64 },
    #[error(transparent)]
    Account(#[from] account::Mismatch),
    #[error("the event speaks of decision d_{0}, which is not known")]
    Decision(Position),
    #[error("the event names policy {0}, which was never published")]
    Policy(u32),
}

impl Book {
    /// Folds one event. The only way in which the state changes.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Inconsistent> {
        let request = entry.request.as_ref().map(|tag| remembered::name(self.key, &entry.actor, &tag.id));
        let slot = self.slot_near(&entry.stream, None);
        self.fold(entry, Known { slot, request, ..Known::default() })
    }

    /// As [`Book::apply`], with what was found out before.
    pub(super) fn fold(&mut self, entry: &Entry, known: Known) -> Result<(), Inconsistent> {
        let Known { slot, request, counters } = known;
        self.check_place(entry, slot)?;
        self.state.head = entry.position;
        self.state.at = entry.at;
        let slot = self.enter(entry, slot);
        match &entry.event {
            Event::RequestAdmitted(event) => self.fold_admitted(entry, slot, event, &counters)?,
            Event::RequestDenied(event) => self.fold_denied(entry, slot, event),
            Event::RequestBegun(event) => self.fold_begun(entry, event)?,
            Event::RequestSettled(event) => self.fold_settled(entry, event)?,
            Event::HoldExpired(event) => self.fold_expired(entry, event)?,
            Event::CreditRefunded(event) => self.fold_refunded(entry, event)?,
            Event::BanStarted(event) => self.fold_ban(entry.at, event),
            Event::BanLifted(event) => self.fold_lifted(event),
            Event::AccountSuspended(event) => self.fold_fired(event.escalation.as_ref()),
            Event::CountReset(event) => self.state.meters.reset(event.counter),
            Event::FigureSet(event) => {
                if let Some(digest) = admin::figure_of(self.key, &event.limit, &event.subject) {
                    match event.figure {
                        Some(figure) => self.state.figures.insert(digest, figure),
                        None => drop(self.state.figures.remove(&digest)),
                    }
                }
            }
            Event::BookSealed(event) => self.fold_sealed(entry.position, event),
            Event::AccountOpened(_)
            | Event::AccountDetailed(_)
            | Event::PlanChanged(_)
            | Event::KeyIssued(_)
            | Event::KeyChanged(_)
            | Event::CreditGranted(_)
            | Event::CreditAdjusted(_)
            | Event::CreditExpired(_)
            | Event::AccountReinstated(_)
            | Event::AccountTerminated(_)
            | Event::PolicyPublished(_)
            | Event::PricesPublished(_)
            | Event::NoticeAnnounced(_)
            // None of them counts for anything.
            | Event::DenialsCollapsed(_) => {}
        }
        self.fold_own(entry, slot)?;
        self.remember(entry, request);
        Ok(())
    }

    fn check_place(&self, entry: &Entry, slot: Option<u32>) -> Result<(), Inconsistent> {
        let (head, found) = (self.state.head, entry.position);
        if found != head + 1 {
            return Err(Inconsistent::Position { head, found });
        }
        if entry.at < self.state.at {
            return Err(Inconsistent::Time);
        }
        let version = self.version(&entry.stream, slot);
        if entry.version != version + 1 {
            let (stream, found) = (entry.stream.clone(), entry.version);
            return Err(Inconsistent::Version { stream, version, found });
        }
        Ok(())
    }

    /// Counts the stream's version and finds its account.
    fn enter(&mut self, entry: &Entry, slot: Option<u32>) -> Option<u32> {
        match &entry.stream {
            Stream::Account(name) => Some(slot.unwrap_or_else(|| self.state.accounts.enter(name))),
            Stream::Client(digest) => {
                self.state.clients.insert(*digest, entry.version);
                None
            }
            Stream::Catalogue => {
                self.state.catalogue.apply(entry);
                None
            }
            Stream::Book => {
                self.state.home.moves = entry.version;
                None
            }
        }
    }

    /// The account's own part: its version, and events that are about itself.
    fn fold_own(&mut self, entry: &Entry, slot: Option<u32>) -> Result<(), Inconsistent> {
        let Some(slot) = slot else { return Ok(()) };
        let Some(account) = self.state.accounts.get_mut(slot) else { return Ok(()) };
        if admin::is_own(&entry.event) {
            account.apply(entry)?;
        } else {
            account.version = entry.version;
        }
        if let Event::KeyIssued(_) = &entry.event {
            self.state.accounts.index_key(slot);
        }
        self.note_due(slot, &entry.event);
        Ok(())
    }

    fn policy_under(&self, number: u32) -> Result<Arc<Policy>, Inconsistent> {
        self.state.catalogue.policy(number).cloned().ok_or(Inconsistent::Policy(number))
    }

    fn fold_admitted(
        &mut self,
        entry: &Entry,
        slot: Option<u32>,
        event: &RequestAdmitted,
        counters: &Counters,
    ) -> Result<(), Inconsistent> {
        let policy = self.policy_under(event.under.policy())?;
        let slots = self.count_admitted((&policy, entry.at), slot, event, counters);
        self.signal(&policy, entry.at, (slot, Signal::StatusPoll), &event.ask);
        if event.outcome == Some(Outcome::ClientError) {
            self.signal(&policy, entry.at, (slot, Signal::ClientError), &event.ask);
        }
        if let Some(account) = slot.and_then(|slot| self.state.accounts.get_mut(slot)) {
            account.admitted(entry, event)?;
        } else if let Some(until) = event.until {
            self.state.open.insert((until, entry.position));
        }
        if let Some(first) = event.reprocesses.and_then(|first| self.state.decisions.get_mut(first)) {
            first.limited = None;
        }
        self.state.decisions.keep(entry.position, decision(entry, slot, event, slots));
        let (requests, most) = (&policy.requests, self.bounds.decisions_max);
        self.state.decisions.retire(entry.at, requests.retention, most);
        Ok(())
    }

    fn count_admitted(
        &mut self,
        (policy, now): (&Policy, Timestamp),
        slot: Option<u32>,
        event: &RequestAdmitted,
        counters: &Counters,
    ) -> Vec<(crate::ids::Digest, u64)> {
        let (name, account) = slot.and_then(|slot| self.state.accounts.get(slot)).unzip();
        let walk = super::Walk {
            key: self.key,
            policy,
            who: Who::of(&event.ask, name, account),
            facts: &event.ask,
            now,
            figures: &self.state.figures,
            again: event.reprocesses.is_some(),
            counters,
        };
        gauge::record(&walk, &mut self.state.meters, (event.limited.as_ref(), event.until.is_some()))
    }

    fn fold_denied(&mut self, entry: &Entry, slot: Option<u32>, event: &RequestDenied) {
        self.state.denials.record(&entry.stream, entry.at);
        let policy = self.state.catalogue.in_force(entry.at).map(|rules| rules.policy.clone());
        if let (Some(signal), Some(policy)) = (escalate::signal(event.kind), policy) {
            self.signal(&policy, entry.at, (slot, signal), &event.ask);
        }
    }

    /// Counts a signal at every escalation that watches for it.
    fn signal(
        &mut self,
        policy: &Policy,
        now: Timestamp,
        (slot, signal): (Option<u32>, Signal),
        facts: &Facts,
    ) {
        if !policy.escalations.iter().any(|escalation| escalation.signal == signal) {
            return;
        }
        let (name, account) = slot.and_then(|slot| self.state.accounts.get(slot)).unzip();
        let who = Who::of(facts, name, account);
        let utc = Calendar::default();
        for (escalation, counter) in escalate::watching(self.key, (policy, now), signal, &who, facts) {
            let (rule, ask) = escalate::ask(escalation, now, &utc);
            self.state.meters.admit(counter, &rule, &ask);
        }
    }

    fn fold_begun(&mut self, entry: &Entry, event: &RequestBegun) -> Result<(), Inconsistent> {
        self.move_credit(entry, event.decision, Some(&event.settlement), None)?;
        let decision = self.decision_mut(event.decision)?;
        decision.begun = NonZero::new(entry.position);
        if let Some(open) = &mut decision.open {
            open.stage = Stage::Charged;
            open.hold = Draws::default();
        }
        Ok(())
    }

    fn fold_settled(&mut self, entry: &Entry, event: &RequestSettled) -> Result<(), Inconsistent> {
        self.move_credit(entry, event.decision, event.settlement.as_ref(), event.refund.as_deref())?;
        let decision = self.decision_mut(event.decision)?;
        decision.settled = NonZero::new(entry.position);
        let (slot, open) = (decision.account, decision.open.take());
        let Some(open) = open else { return Ok(()) };
        self.close(slot, event.decision, &open);
        if event.outcome == Outcome::ClientError {
            let policy = self.policy_under(open.under.policy())?;
            self.signal(&policy, entry.at, (slot, Signal::ClientError), &open.ask);
        }
        Ok(())
    }

    fn fold_expired(&mut self, entry: &Entry, event: &HoldExpired) -> Result<(), Inconsistent> {
        self.move_credit(entry, event.decision, Some(&event.settlement), None)?;
        let charged = event.settlement.charged();
        let decision = self.decision_mut(event.decision)?;
        let slot = decision.account;
        let Some(mut open) = decision.open.take() else { return Ok(()) };
        self.close(slot, event.decision, &open);
        open.slots.clear();
        open.hold = Draws::default();
        if open.stage == Stage::Admitted {
            open.stage = if charged.is_positive() { Stage::Charged } else { Stage::Released };
        }
        let decision = self.decision_mut(event.decision)?;
        decision.open = Some(open);
        decision.expired = NonZero::new(entry.position);
        Ok(())
    }

    fn fold_refunded(&mut self, entry: &Entry, event: &CreditRefunded) -> Result<(), Inconsistent> {
        self.move_credit(entry, event.decision, None, Some(&event.returned))?;
        let decision = self.decision_mut(event.decision)?;
        decision.refunds.push((event.refund.clone(), entry.position, event.amount));
        Ok(())
    }

    /// Moves credit of a decision's account, and keeps what was charged and given back.
    fn move_credit(
        &mut self,
        entry: &Entry,
        position: Position,
        settlement: Option<&Settlement>,
        refund: Option<&crate::ledger::Refunded>,
    ) -> Result<(), Inconsistent> {
        let decision = self.state.decisions.get_mut(position).ok_or(Inconsistent::Decision(position))?;
        if let Some(settlement) = settlement {
            decision.charged.extend(settlement.from_hold.iter().chain(&settlement.further).copied());
        }
        decision.refunded =
            decision.refunded.plus(refund.map_or(Credits::ZERO, crate::ledger::Refunded::total));
        let mode = decision.mode;
        let account = decision.account.and_then(|slot| self.state.accounts.get_mut(slot));
        let Some(account) = account else { return Ok(()) };
        if let Some(settlement) = settlement {
            account.settled(mode, settlement)?;
        }
        if let Some(refund) = refund {
            account.refunded(entry, mode, refund)?;
        }
        Ok(())
    }

    /// Frees what an open decision occupied.
    fn close(&mut self, slot: Option<u32>, position: Position, open: &Open) {
        for (counter, jobs) in &open.slots {
            self.state.meters.release(*counter, *jobs);
        }
        match slot.and_then(|slot| self.state.accounts.get_mut(slot)) {
            Some(account) => account.closed(position, open.until),
            None => {
                self.state.open.remove(&(open.until, position));
            }
        }
    }

    fn decision_mut(&mut self, position: Position) -> Result<&mut Decision, Inconsistent> {
        self.state.decisions.get_mut(position).ok_or(Inconsistent::Decision(position))
    }

    fn fold_ban(&mut self, at: Timestamp, event: &BanStarted) {
        self.state.bans.start(&event.by, event.subject, Ban::started(event, at));
        self.fold_fired(event.escalation.as_ref());
    }

    fn fold_lifted(&mut self, event: &BanLifted) {
        let ban = self.state.bans.lift(event.subject);
        if let Some(counter) = ban.and_then(|ban| ban.counter) {
            self.state.meters.reset(counter);
        }
    }

    /// An escalation that fired starts again at nothing, one step further.
    fn fold_fired(&mut self, fired: Option<&Fired>) {
        if let Some(fired) = fired {
            self.state.meters.reset(fired.counter);
            self.state.fired.insert(fired.counter, fired.step);
        }
    }

    fn remember(&mut self, entry: &Entry, request: Option<Digest>) {
        let Some((request, tag)) = request.zip(entry.request.as_ref()) else { return };
        let anonymous = matches!((&entry.stream, &entry.event), (Stream::Client(_), Event::RequestDenied(_)));
        self.state.remembered.remember(request, tag, (entry.at, entry.position), anonymous);
        let keep = self.state.catalogue.in_force(entry.at).map(|rules| rules.policy.requests.remember);
        self.state.remembered.forget(entry.at, keep.unwrap_or_default(), self.bounds.ids_max);
    }
}

fn decision(
    entry: &Entry,
    slot: Option<u32>,
    event: &RequestAdmitted,
    slots: Vec<(crate::ids::Digest, u64)>,
) -> Decision {
    let limited = event.limited.clone();
    let open = event.until.map(|until| {
        let stage = if event.charge.is_empty() { Stage::Admitted } else { Stage::Charged };
        let limited = limited.as_ref().map(|limited| limited.items.clone()).unwrap_or_default();
        let (ask, hold) = (event.ask.clone(), event.hold.clone());
        Box::new(Open { ask, under: event.under, until, hold, slots, stage, limited })
    });
    Decision {
        account: slot,
        mode: event.ask.mode,
        at: entry.at,
        charged: event.charge.clone(),
        refunded: Credits::ZERO,
        settled: None,
        begun: None,
        expired: None,
        refunds: Vec::new(),
        open,
        limited: limited.map(|limited| Box::new((event.ask.clone(), limited))),
    }
}
