//! Mistakes in what repeated signals lead to.

use super::{Faults, window_max};
use crate::limits::Rule;
use crate::policy::{Action, Dimension, Escalation, Excess, Limit, Signal};

impl Faults<'_> {
    pub(super) fn escalations(&mut self) {
        let policy = self.policy;
        self.distinct("escalations", policy.escalations.iter().map(|escalation| &escalation.name));
        for (index, escalation) in policy.escalations.iter().enumerate() {
            let field = format!("escalations[{index}]");
            self.subject(&format!("{field}.by"), &escalation.by);
            self.above_zero(format!("{field}.count"), escalation.count);
            self.longer_than_nothing(format!("{field}.window"), escalation.window);
            if escalation.window > window_max() {
                let what = format!("a window of {} is longer than what is kept", escalation.window);
                self.add(format!("{field}.window"), what, "give at most \"31d\"");
            }
            self.scope(&format!("{field}.only"), &escalation.only);
            self.signal(&field, escalation);
            self.steps(&field, escalation);
        }
    }

    /// A signal that this policy can never give, or gives at every request.
    fn signal(&mut self, field: &str, escalation: &Escalation) {
        let refuses = |limit: &&Limit| limit.excess == Excess::Deny && limit.mode.is_enforced();
        let mut refusing = self.policy.limits.iter().filter(refuses).map(|limit| limit.rule);
        let scope = &escalation.only;
        let field = format!("{field}.signal");
        match escalation.signal {
            Signal::RateDenial if refusing.all(|rule| rule == Rule::Concurrency) => {
                let remedy = "add a limit of requests over time that refuses";
                self.add(field, "no limit ever gives this signal", remedy);
            }
            Signal::QueueDenial if refusing.all(|rule| rule != Rule::Concurrency) => {
                let remedy = "add a limit with rule = \"concurrent\" that refuses";
                self.add(field, "no limit ever gives this signal", remedy);
            }
            Signal::InsufficientCredit if self.policy.credit.is_none() => {
                self.add(field, "without credit nothing gives this signal", "add [credit]");
            }
            Signal::StatusPoll if scope.endpoints.is_empty() && scope.classes.is_empty() => {
                let remedy = "name the endpoints that poll a status: only = { endpoints = [\"…\"] }";
                self.add(field, "every admitted request would be a poll", remedy);
            }
            Signal::RateDenial
            | Signal::QueueDenial
            | Signal::ClientError
            | Signal::StatusPoll
            | Signal::InsufficientCredit => {}
        }
    }

    fn steps(&mut self, field: &str, escalation: &Escalation) {
        let field = format!("{field}.steps");
        if escalation.steps.is_empty() {
            self.add(&field, "does nothing", "add a step, such as { ban = { for = \"24h\" } }");
        }
        for (index, step) in escalation.steps.iter().enumerate() {
            let last = index + 1 == escalation.steps.len();
            self.step(&format!("{field}[{index}]"), step, last, &escalation.by);
        }
    }

    fn step(&mut self, field: &str, step: &Action, last: bool, by: &[Dimension]) {
        let (Action::Ban(term) | Action::Suspend(term)) = step;
        match term.lasts {
            Some(lasts) => self.longer_than_nothing(field, lasts),
            None if !last => {
                let remedy = "give it a time with `for`, or make it the last step";
                self.add(field, "lasts for good, so the steps after it are never reached", remedy);
            }
            None => {}
        }
        if let Some(reason) = &term.reason {
            self.says_something(field, reason);
        }
        let holders = [Dimension::Account, Dimension::Owner, Dimension::Key];
        if matches!(step, Action::Suspend(_)) && !by.iter().any(|part| holders.contains(part)) {
            let remedy = "gather by `account`, `owner` or `key`, or use `ban`";
            self.add(field, "suspends an account, but the signals are not an account's", remedy);
        }
    }
}
