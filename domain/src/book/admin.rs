//! Acts of operators: on accounts, bans, figures, counts and the catalogue.

use super::{Bans, Book, Draft, Piece, Who, count};
use crate::account::{self, Setting};
use crate::catalogue;
use crate::command::{AccountAct, Action, DimensionValue};
use crate::event::{BanLifted, BanStarted, CountReset, Details, Event, FigureSet, Stream, Subject};
use crate::ids::{Digest, Name};
use crate::policy::{Dimension, Limit, Policy};
use crate::rejection::Rejection;
use crate::time::Timestamp;
use std::collections::BTreeMap;

impl Book {
    pub(super) fn decide_act(&self, action: &Action, now: Timestamp) -> Result<Vec<Draft>, Rejection> {
        match action {
            Action::Account { account, act } => self.decide_account(account, act, now),
            Action::Ban { by, subject, reason, until, name } => {
                if until.is_some_and(|until| until <= now) {
                    return Err(Rejection::invalid("until", "must lie in the future"));
                }
                let (by, name, reason) = (by.clone(), name.clone(), reason.clone());
                let ban = BanStarted { by, subject: *subject, name, until: *until, reason, escalation: None };
                Ok(vec![Draft::new(Stream::Client(*subject), ban)])
            }
            Action::LiftBan { by, subject, reason } => {
                let ban = self.state.bans.get(*subject).filter(|ban| ban.is_in_force(now));
                ban.ok_or_else(|| Rejection::NotAllowed("there is no such ban in force".into()))?;
                let lifted = BanLifted { by: by.clone(), subject: *subject, reason: reason.clone() };
                Ok(vec![Draft::new(Stream::Client(*subject), lifted)])
            }
            Action::SetFigure { limit, subject, figure, reason } => {
                self.known_limit(limit, now)?;
                let (stream, subject) = (self.subject_stream(subject), subject.clone());
                let (limit, reason) = (limit.clone(), reason.clone());
                Ok(vec![Draft::new(stream, FigureSet { limit, subject, figure: *figure, reason })])
            }
            Action::ResetCount { limit, subject, values, reason } => {
                let rules = self.known_limit(limit, now)?;
                let counter = self.counter_of(rules, values)?;
                let (stream, subject) = (self.subject_stream(subject), subject.clone());
                let (limit, reason) = (limit.clone(), reason.clone());
                Ok(vec![Draft::new(stream, CountReset { limit, counter, subject, reason })])
            }
            Action::Publish(publish) => {
                let events = catalogue::decide(&self.state.catalogue, publish, now)?;
                Ok(events.into_iter().map(|event| Draft::new(Stream::Catalogue, event)).collect())
            }
            Action::Request(_)
            | Action::Begin { .. }
            | Action::Settle { .. }
            | Action::Refund(_)
            | Action::Reprocess { .. } => Ok(Vec::new()),
        }
    }

    fn decide_account(&self, name: &Name, act: &AccountAct, now: Timestamp) -> Result<Vec<Draft>, Rejection> {
        let policy = self.in_force(now)?.policy;
        if let AccountAct::IssueKey(key) = act
            && self.state.accounts.by_key(key.hash).is_some()
        {
            return Err(Rejection::invalid("key", "is in use"));
        }
        let event = account::decide(self.account(name.as_str()), act, &Setting { name, policy, now })?;
        Ok(vec![Draft::new(Stream::Account(name.clone()), event)])
    }

    fn known_limit(&self, name: &Name, now: Timestamp) -> Result<&Limit, Rejection> {
        let rules = self.in_force(now)?;
        let known = rules.policy.limits.iter().find(|limit| limit.name == *name);
        known.ok_or_else(|| Rejection::invalid("limit", "must name a limit of the policy in force"))
    }

    fn subject_stream(&self, subject: &Subject) -> Stream {
        match subject {
            Subject::Account(name) | Subject::Owner(name) => Stream::Account(name.clone()),
            Subject::Key(key) => {
                let mut accounts = self.state.accounts.iter();
                let owner = accounts.find(|(_, account)| account.key(key).is_some());
                owner.map_or(Stream::Catalogue, |(name, _)| Stream::Account(name.clone()))
            }
            Subject::Ip(digest) => Stream::Client(*digest),
        }
    }

    /// The counter that values of a limit's dimensions name.
    fn counter_of(
        &self,
        limit: &Limit,
        values: &BTreeMap<Dimension, DimensionValue>,
    ) -> Result<Digest, Rejection> {
        let mut hasher = self.key.hasher();
        hasher.part(limit.name.as_str().as_bytes());
        for dimension in &limit.by {
            let value = values.get(dimension).ok_or_else(|| {
                Rejection::invalid("subject", format!("must give {}", String::from(dimension.clone())))
            })?;
            match value {
                DimensionValue::Text(text) => hasher.part(text.as_bytes()),
                DimensionValue::Hash(digest) => hasher.part(&digest.0.to_be_bytes()),
            }
        }
        Ok(hasher.finish())
    }

    /// The subject under which bans of an address, a key or an account are kept.
    pub fn ban_subject(&self, who: &Who<'_>, by: &[Dimension], policy: &Policy) -> Option<Digest> {
        let details = Details::default();
        Bans::subject(self.key, policy, who, by, Piece { endpoint: "", details: &details })
    }
}

pub(super) fn figure_of(book: &Book, event: &FigureSet) -> Option<Digest> {
    let mut hasher = book.key.hasher();
    hasher.part(b"figure");
    match &event.subject {
        Subject::Ip(digest) => hasher.part(&digest.0.to_be_bytes()),
        Subject::Owner(name) => hasher.part(name.as_str().as_bytes()),
        Subject::Account(_) | Subject::Key(_) => return None,
    }
    Some(count::figure_key(book.key, &event.limit, hasher.finish()))
}

/// Whether an event of an account's stream is about the account's own figures.
pub(super) fn is_own(event: &Event) -> bool {
    !matches!(event, Event::FigureSet(FigureSet { subject: Subject::Ip(_) | Subject::Owner(_), .. }))
}
