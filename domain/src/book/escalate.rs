//! Signals gathered against a caller, and the bans and suspensions that they lead to.

use super::request::Asked;
use super::{Bans, Book, Draft, Piece, Who};
use crate::event::{AccountSuspended, BanStarted, Event, Facts, Fired, RequestDenied, Stream};
use crate::ids::{Digest, HashKey};
use crate::limits::{Ask, Rule};
use crate::policy::{Action, Dimension, Escalation, Kind, Policy, Signal};
use crate::time::{Calendar, Timestamp};

/// What kind of signal a refusal is, if any. Refusals of the banned and the suspended are none, so a ban does
/// not feed itself.
pub(super) fn signal(kind: Kind) -> Option<Signal> {
    match kind {
        Kind::RateLimited => Some(Signal::RateDenial),
        Kind::QueueFull => Some(Signal::QueueDenial),
        Kind::InsufficientCredits => Some(Signal::InsufficientCredit),
        Kind::Unauthenticated
        | Kind::Banned
        | Kind::Suspended
        | Kind::TooLarge
        | Kind::Limited
        | Kind::Allowed => None,
    }
}

/// The counter of an escalation for one caller.
pub(super) fn counter(
    key: HashKey,
    policy: &Policy,
    escalation: &Escalation,
    who: &Who<'_>,
    piece: Piece<'_>,
) -> Option<Digest> {
    let label = format!("signal {}", escalation.name);
    who.digest(key, policy, (&label, &escalation.by), piece)
}

/// The escalations that a signal of this request counts for, each with its counter.
pub(super) fn watching<'a>(
    key: HashKey,
    (policy, now): (&'a Policy, Timestamp),
    signal: Signal,
    who: &'a Who<'a>,
    facts: &'a Facts,
) -> impl Iterator<Item = (&'a Escalation, Digest)> {
    let piece = Piece::whole(facts);
    let hears = move |escalation: &&Escalation| {
        escalation.signal == signal && who.is_within(&escalation.only, policy, piece, now)
    };
    let listening = policy.escalations.iter().filter(hears);
    listening.filter_map(move |escalation| Some((escalation, counter(key, policy, escalation, who, piece)?)))
}

/// How one more signal is put to an escalation's counter.
pub(super) fn ask<'a>(escalation: &Escalation, now: Timestamp, utc: &'a Calendar) -> (Rule, Ask<'a>) {
    let rule = Rule::Rolling { window: escalation.window };
    (rule, Ask { now, weight: 1, figure: u64::from(u32::MAX), calendar: utc })
}

impl Book {
    /// Whether a refusal is recorded by itself, not only counted. What leads to a ban is, where others are no more: a
    /// count has no address and no time of its own. Up to a bound, since a caller may choose what an escalation counts by.
    pub(super) fn is_recorded(&self, asked: &Asked<'_>, stream: &Stream, kind: Kind) -> bool {
        let (recorded, requests) =
            (self.state.denials.recorded(stream, asked.now), &asked.rules.policy.requests);
        let at = (asked.rules.policy.as_ref(), asked.now);
        let listens = |signal| watching(self.key, at, signal, &asked.who, &asked.facts).next().is_some();
        recorded < requests.denials_per_minute
            || (recorded < requests.signals_per_minute() && signal(kind).is_some_and(listens))
    }

    /// What a refusal leads to.
    pub(super) fn escalate_denial(
        &self,
        stream: &Stream,
        denied: &RequestDenied,
        now: Timestamp,
    ) -> Vec<Draft> {
        let (Some(signal), Ok(rules)) = (signal(denied.kind), self.in_force(now)) else { return Vec::new() };
        let slot = self.slot_near(stream, None);
        let (name, account) = self.account_of(slot);
        let who = Who::of(&denied.ask, name, account);
        self.escalate(signal, (stream, &who), &denied.ask, (rules.policy, now))
    }

    /// What a signal leads to: bans and suspensions whose count it makes full.
    pub(super) fn escalate(
        &self,
        signal: Signal,
        (stream, who): (&Stream, &Who<'_>),
        facts: &Facts,
        (policy, now): (&Policy, Timestamp),
    ) -> Vec<Draft> {
        let mut drafts = Vec::new();
        let utc = Calendar::default();
        for (escalation, counter) in watching(self.key, (policy, now), signal, who, facts) {
            let (rule, ask) = ask(escalation, now, &utc);
            let gathered = self.state.meters.check(counter, &rule, &ask).count.saturating_add(1);
            if gathered < escalation.count {
                continue;
            }
            let step = self.state.fired.get(&counter).copied().unwrap_or(0).saturating_add(1);
            let fired = Fired { name: escalation.name.clone(), count: gathered, step, counter };
            drafts.extend(self.act(escalation, fired, (stream, who), facts, (policy, now)));
        }
        drafts
    }

    fn act(
        &self,
        escalation: &Escalation,
        fired: Fired,
        (stream, who): (&Stream, &Who<'_>),
        facts: &Facts,
        (policy, now): (&Policy, Timestamp),
    ) -> Vec<Draft> {
        let step = (fired.step as usize).min(escalation.steps.len());
        let Some(action) = step.checked_sub(1).and_then(|step| escalation.steps.get(step)) else {
            return Vec::new();
        };
        match action {
            Action::Ban(term) => {
                let by = escalation.by.clone();
                let subject = Bans::subject(self.key, policy, who, &by, Piece::whole(facts));
                let Some(subject) = subject else { return Vec::new() };
                let until = term.lasts.map(|lasts| now.plus(lasts));
                let reason = term.reason.clone().unwrap_or_else(|| escalation.name.to_string());
                let name = escalation.name.clone();
                let ban = BanStarted { by, subject, name, until, reason, escalation: Some(fired) };
                vec![Draft::new(stream.clone(), ban)]
            }
            Action::Suspend(term) => {
                let until = term.lasts.map(|lasts| now.plus(lasts));
                let reason = term.reason.clone().unwrap_or_else(|| escalation.name.to_string());
                let suspended = AccountSuspended { reason, until, escalation: Some(fired) };
                self.suspended(escalation, who, now)
                    .into_iter()
                    .map(|account| Draft::new(account, Event::from(suspended.clone())))
                    .collect()
            }
        }
    }

    /// The accounts that a suspension strikes: the caller's, or all of its owner's.
    fn suspended(&self, escalation: &Escalation, who: &Who<'_>, now: Timestamp) -> Vec<Stream> {
        let Some(name) = who.name else { return Vec::new() };
        let owner = who.account.and_then(|account| account.owner.as_ref());
        let accounts = self.state.accounts.iter();
        let struck: Vec<_> = match owner.filter(|_| escalation.by.contains(&Dimension::Owner)) {
            Some(owner) => accounts
                .filter(|(own, account)| account.owner.as_ref() == Some(owner) || *own == owner)
                .collect(),
            None => who.account.map(|account| (name, account)).into_iter().collect(),
        };
        let free = struck.into_iter().filter(|(_, account)| account.suspension(now).is_none());
        free.map(|(name, _)| Stream::Account(name.clone())).collect()
    }
}
