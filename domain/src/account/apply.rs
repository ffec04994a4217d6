//! The account's part of the fold: each event of its stream, and nothing decided here.

use super::{Account, Key, Standing, Suspension};
use crate::event::{
    AccountDetailed, AccountOpened, Entry, Event, FigureSet, KeyChange, KeyChanged, KeyIssued,
    RequestAdmitted, Subject,
};
use crate::ids::{Name, Position};
use crate::ledger::{LotId, Refunded, Settlement};
use crate::policy::Mode;
use crate::time::Timestamp;

/// The log says something that the account's state contradicts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Mismatch {
    #[error(transparent)]
    Ledger(#[from] crate::ledger::Mismatch),
    #[error("the event speaks of a key that the account does not have")]
    NoKey,
}

impl Account {
    /// A request was admitted.
    pub fn admitted(&mut self, entry: &Entry, event: &RequestAdmitted) -> Result<(), Mismatch> {
        if !event.hold.is_empty() || !event.charge.is_empty() {
            let ledger = self.ledger_mut(event.ask.mode);
            ledger.apply_hold(&event.hold)?;
            ledger.apply_charge(&event.charge)?;
        }
        if let Some(until) = event.until {
            self.open.insert((until, entry.position));
        }
        Ok(())
    }

    /// A hold was settled, begun or ran out, or part of it.
    pub fn settled(&mut self, mode: Mode, settlement: &Settlement) -> Result<(), Mismatch> {
        Ok(self.ledger_mut(mode).apply_settle(settlement)?)
    }

    /// A charge was given back.
    pub fn refunded(&mut self, entry: &Entry, mode: Mode, refund: &Refunded) -> Result<(), Mismatch> {
        Ok(self.ledger_mut(mode).apply_refund(refund, entry.position, entry.at)?)
    }

    /// A decision is open no more.
    pub fn closed(&mut self, decision: Position, until: Timestamp) {
        self.open.remove(&(until, decision));
    }

    /// Folds an event that is about the account itself; events of its requests come through the book.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Mismatch> {
        self.version = entry.version;
        match &entry.event {
            Event::AccountOpened(event) => self.open_with(event),
            Event::AccountDetailed(event) => self.detail(event),
            Event::PlanChanged(event) => self.plan = Some(event.plan.clone()),
            Event::KeyIssued(event) => self.issue(event, entry.at),
            Event::KeyChanged(event) => self.change_key(event)?,
            Event::CreditGranted(event) => {
                let id = LotId::new(entry.position, 0);
                self.ledger_mut(event.mode).apply_grant(id, &event.granted)?;
            }
            Event::CreditAdjusted(event) => self.ledger_mut(event.mode).apply_charge(&event.draws)?,
            Event::CreditExpired(event) => self.ledger_mut(event.mode).apply_expiry(&event.draws)?,
            Event::FigureSet(event) => self.set_figure(event)?,
            Event::AccountSuspended(event) => {
                let (reason, until) = (event.reason.clone(), event.until);
                self.suspension = Some(Box::new(Suspension { reason, since: entry.at, until }));
            }
            Event::AccountReinstated(_) => self.suspension = None,
            Event::AccountTerminated(_) => self.terminate(),
            Event::CountReset(_)
            | Event::BanStarted(_)
            | Event::BanLifted(_)
            | Event::RequestAdmitted(_)
            | Event::RequestDenied(_)
            | Event::DenialsCollapsed(_)
            | Event::RequestBegun(_)
            | Event::RequestSettled(_)
            | Event::HoldExpired(_)
            | Event::CreditRefunded(_)
            | Event::PolicyPublished(_)
            | Event::PricesPublished(_)
            | Event::NoticeAnnounced(_)
            | Event::BookSealed(_) => {}
        }
        Ok(())
    }

    fn open_with(&mut self, event: &AccountOpened) {
        self.opened = event.opened;
        self.plan.clone_from(&event.plan);
        self.owner.clone_from(&event.owner);
        self.calendar = event.calendar.clone();
    }

    fn detail(&mut self, event: &AccountDetailed) {
        if let Some(owner) = &event.owner {
            self.owner = Some(owner.clone());
        }
        if let Some(calendar) = &event.calendar {
            self.calendar = calendar.clone();
        }
        let more = self.more.get_or_insert_default();
        more.contact = event.contact.unwrap_or(more.contact);
        if event.terms.is_some() {
            more.terms.clone_from(&event.terms);
        }
        more.attributes.extend(event.attributes.iter().map(|(name, value)| (name.clone(), value.clone())));
        for (end_user, blocked) in &event.blocked {
            if *blocked {
                more.blocked.insert(*end_user)
            } else {
                more.blocked.remove(end_user)
            };
        }
    }

    fn issue(&mut self, event: &KeyIssued, at: Timestamp) {
        if let Some(old) = &event.replaces {
            self.keys
                .iter_mut()
                .filter(|key| key.name == *old)
                .for_each(|key| key.standing = Standing::Revoked);
        }
        let KeyIssued { key, hash, kind, mode, .. } = event.clone();
        let (standing, figures) = (Standing::Active, Vec::new());
        self.keys.push(Key { name: key, hash, kind, mode, issued: at, standing, figures });
    }

    fn change_key(&mut self, event: &KeyChanged) -> Result<(), Mismatch> {
        let unverified = match &event.change {
            KeyChange::Compromised { .. } => Some(true),
            KeyChange::Verified => Some(false),
            KeyChange::Revoked | KeyChange::Suspended | KeyChange::Resumed => None,
        };
        if let Some(unverified) = unverified {
            self.more.get_or_insert_default().unverified = unverified;
        }
        let key = self.key_mut(&event.key)?;
        key.standing = match &event.change {
            KeyChange::Revoked => Standing::Revoked,
            KeyChange::Suspended => Standing::Suspended,
            KeyChange::Resumed => Standing::Active,
            KeyChange::Compromised { .. } => Standing::Compromised,
            KeyChange::Verified => key.standing,
        };
        Ok(())
    }

    fn key_mut(&mut self, name: &Name) -> Result<&mut Key, Mismatch> {
        self.keys.iter_mut().find(|key| key.name == *name).ok_or(Mismatch::NoKey)
    }

    fn set_figure(&mut self, event: &FigureSet) -> Result<(), Mismatch> {
        if let Subject::Key(name) = &event.subject {
            let key = self.key_mut(name)?;
            key.figures.retain(|(limit, _)| *limit != event.limit);
            key.figures.extend(event.figure.map(|figure| (event.limit.clone(), figure)));
            return Ok(());
        }
        let figures = &mut self.more.get_or_insert_default().figures;
        match event.figure {
            Some(figure) => figures.insert(event.limit.clone(), figure),
            None => figures.remove(&event.limit),
        };
        Ok(())
    }

    fn terminate(&mut self) {
        self.terminated = true;
        self.keys.iter_mut().for_each(|key| key.standing = Standing::Revoked);
    }
}
