//! Acts of operators: on accounts, bans, figures, counts and the catalogue.

use super::client::{self, ClientAct};
use super::{Bans, Book, Draft, Piece, Who, count};
use crate::account::{self, Setting};
use crate::catalogue;
use crate::command::{AccountAct, Action, DimensionValue, Publish};
use crate::event::{CountReset, Details, Event, FigureSet, Stream, Subject};
use crate::ids::{Digest, HashKey, Name};
use crate::policy::{Dimension, Limit, Policy};
use crate::rejection::Rejection;
use crate::time::Timestamp;
use std::collections::BTreeMap;

impl Book {
    pub(super) fn decide_act(&self, action: &Action, now: Timestamp) -> Result<Vec<Draft>, Rejection> {
        match action {
            Action::Account { account, act } => self.decide_account(account, act, now),
            Action::Ban { by, subject, reason, until, name } => {
                let (by, name, reason) = (by.clone(), name.clone(), reason.clone());
                self.decide_ban(*subject, &ClientAct::Ban { by, name, reason, until: *until }, now)
            }
            Action::LiftBan { by, subject, reason } => {
                self.decide_ban(*subject, &ClientAct::Lift { by: by.clone(), reason: reason.clone() }, now)
            }
            Action::SetFigure { limit, subject, figure, reason } => {
                let set = FigureSet {
                    limit: limit.clone(),
                    subject: subject.clone(),
                    figure: *figure,
                    reason: reason.clone(),
                };
                self.decide_figure(set, now)
            }
            Action::ResetCount { limit, subject, values, reason } => {
                let rules = self.known_limit(limit, now)?;
                let counter = self.counter_of(rules, values, now)?;
                let (stream, subject) = (self.subject_stream(subject)?, subject.clone());
                let (limit, reason) = (limit.clone(), reason.clone());
                Ok(vec![Draft::new(stream, CountReset { limit, counter, subject, reason })])
            }
            Action::Publish(publish) => {
                if let Publish::Policy { policy, .. } = publish {
                    self.keeps_plans(policy)?;
                }
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

    /// Nobody comes on a plan that an announced policy does not have.
    fn is_kept(&self, plan: &Name, now: Timestamp) -> Result<(), Rejection> {
        let announced = self.state.catalogue.policies().iter().filter(|policy| policy.effective > now);
        let without = announced.filter(|policy| !policy.content.plans.contains_key(plan));
        without.map(|policy| policy.effective).min().map_or(Ok(()), |at| {
            Err(Rejection::invalid("plan", format!("{plan} ends at {at} with an announced policy")))
        })
    }

    /// A policy without the plan of an account would leave that account without the plan's limits.
    fn keeps_plans(&self, policy: &Policy) -> Result<(), Rejection> {
        let open = self.state.accounts.iter().filter(|(_, account)| !account.is_terminated());
        let mut plans = open.filter_map(|(name, account)| Some((name, account.plan.as_ref()?)));
        let Some((name, plan)) = plans.find(|(_, plan)| !policy.plans.contains_key(*plan)) else {
            return Ok(());
        };
        let told = format!("has no plan {plan}, which account {name} is on; keep it until no account is");
        Err(Rejection::invalid("policy", told))
    }

    fn decide_ban(&self, subject: Digest, act: &ClientAct, now: Timestamp) -> Result<Vec<Draft>, Rejection> {
        let event = client::decide(self.state.bans.get(subject), subject, act, now)?;
        Ok(vec![Draft::new(Stream::Client(subject), event)])
    }

    fn decide_account(&self, name: &Name, act: &AccountAct, now: Timestamp) -> Result<Vec<Draft>, Rejection> {
        let policy = self.in_force(now)?.policy;
        if let AccountAct::IssueKey(key) = act
            && (self.state.accounts.by_key(key.hash).is_some()
                || self.state.accounts.of_key(&key.key).is_some())
        {
            return Err(Rejection::invalid("key", "is in use"));
        }
        let event = account::decide(self.account(name.as_str()), act, &Setting { name, policy, now })?;
        let plan = match &event {
            Event::AccountOpened(opened) => opened.plan.as_ref(),
            Event::PlanChanged(changed) => Some(&changed.plan),
            _ => None,
        };
        if let Some(plan) = plan {
            self.is_kept(plan, now)?;
        }
        if matches!(event, Event::AccountOpened(_)) && self.is_full() {
            return Err(Rejection::TooManySubjects);
        }
        Ok(vec![Draft::new(Stream::Account(name.clone()), event)])
    }

    fn known_limit(&self, name: &Name, now: Timestamp) -> Result<&Limit, Rejection> {
        account::known_limit(self.in_force(now)?.policy, name)
    }

    /// Figures of addresses and owners are the book's; those of accounts and keys follow the account's rules.
    fn decide_figure(&self, set: FigureSet, now: Timestamp) -> Result<Vec<Draft>, Rejection> {
        let limit = self.known_limit(&set.limit, now)?;
        let (limit_name, figure, reason) = (set.limit.clone(), set.figure, set.reason.clone());
        let act = |key| AccountAct::SetFigure { limit: limit_name, key, figure, reason };
        let dimension = match &set.subject {
            Subject::Account(name) => return self.decide_account(name, &act(None), now),
            Subject::Key(key) => {
                let owner = self.account_of(self.state.accounts.of_key(key)).0;
                let owner = owner.ok_or_else(|| Rejection::UnknownKey(key.clone()))?;
                return self.decide_account(owner, &act(Some(key.clone())), now);
            }
            Subject::Owner(_) => Dimension::Owner,
            Subject::Ip(_) => Dimension::Ip,
        };
        if !limit.by.contains(&dimension) {
            let field = if dimension == Dimension::Ip { "ip" } else { "owner" };
            return Err(Rejection::invalid(field, "is not what this limit counts by"));
        }
        let policy = self.in_force(now)?.policy;
        let plan = policy.callers.default_plan.as_ref().and_then(|plan| policy.plans.get(plan));
        if dimension == Dimension::Ip && plan.is_some_and(|plan| !plan.own_figures) {
            return Err(Rejection::NotAllowed("callers of this plan have the plan's figures".into()));
        }
        Ok(vec![Draft::new(self.subject_stream(&set.subject)?, set)])
    }

    /// The stream that tells of an operator's act on a subject. An owner that is no account itself has a stream
    /// of its own beside the addresses.
    fn subject_stream(&self, subject: &Subject) -> Result<Stream, Rejection> {
        let account = |name: &Name| self.account(name.as_str()).map(|_| Stream::Account(name.clone()));
        match subject {
            Subject::Account(name) => account(name).ok_or_else(|| Rejection::UnknownAccount(name.clone())),
            Subject::Key(key) => {
                let owner = self.account_of(self.state.accounts.of_key(key)).0;
                let owner = owner.ok_or_else(|| Rejection::UnknownKey(key.clone()))?;
                Ok(Stream::Account(owner.clone()))
            }
            Subject::Owner(name) => Ok(account(name).unwrap_or_else(|| {
                Stream::Client(self.key.digest([b"owner".as_slice(), name.as_str().as_bytes()]))
            })),
            Subject::Ip(digest) => Ok(Stream::Client(*digest)),
        }
    }

    /// The counter that values of a limit's dimensions name.
    fn counter_of(
        &self,
        limit: &Limit,
        values: &BTreeMap<Dimension, DimensionValue>,
        now: Timestamp,
    ) -> Result<Digest, Rejection> {
        let attributes = &self.in_force(now)?.policy.attributes;
        let mut hasher = self.key.hasher();
        hasher.part(limit.name.as_str().as_bytes());
        for dimension in &limit.by {
            let value = values.get(dimension).ok_or_else(|| {
                Rejection::invalid("values", format!("must give {}", String::from(dimension.clone())))
            })?;
            match value {
                DimensionValue::Text(text) if dimension.is_hidden(attributes) => {
                    hasher.part(&self.key.digest([text.as_bytes()]).0.to_be_bytes());
                }
                DimensionValue::Text(text) => hasher.part(text.as_bytes()),
                DimensionValue::Hash(digest) => hasher.part(&digest.0.to_be_bytes()),
            }
        }
        Ok(hasher.finish())
    }

    /// The subject under which bans of an address, a key or an account are kept.
    pub fn ban_subject(&self, who: &Who<'_>, by: &[Dimension], policy: &Policy) -> Option<Digest> {
        let details = Details::default();
        Bans::subject(self.key, policy, who, by, Piece::bare(&details))
    }
}

/// Where the figure of an address or an owner is looked up; `None` for an account's own and its keys', which the
/// account itself has.
pub fn figure_of(key: HashKey, limit: &Name, subject: &Subject) -> Option<Digest> {
    let mut hasher = key.hasher();
    hasher.part(b"figure");
    match subject {
        Subject::Ip(digest) => hasher.part(&digest.0.to_be_bytes()),
        Subject::Owner(name) => hasher.part(name.as_str().as_bytes()),
        Subject::Account(_) | Subject::Key(_) => return None,
    }
    Some(count::figure_key(key, limit, hasher.finish()))
}

/// Whether an event of an account's stream is about the account's own figures.
pub(super) fn is_own(event: &Event) -> bool {
    let Event::FigureSet(figure) = event else { return true };
    !matches!(figure.subject, Subject::Ip(_) | Subject::Owner(_))
}
