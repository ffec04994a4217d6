//! Reading what decisions depend on. Reading moves nothing.

use super::count::{Count, Walk};
use super::{Ban, Book, Piece, Who};
use crate::event::Facts;
use crate::ids::Name;
use crate::limits::{Rule, Verdict};
use crate::time::Timestamp;

/// One limit of a caller as it stands.
#[derive(Clone, PartialEq, Debug)]
pub struct LimitView {
    pub name: Name,
    pub rule: Rule,
    pub limit: u64,
    pub used: u64,
    pub remaining: u64,
    pub resets_at: Timestamp,
    /// Whether the figure is this subject's own.
    pub custom: bool,
}

impl LimitView {
    pub(super) fn of(count: &Count<'_>, verdict: &Verdict) -> Self {
        let Verdict { limit, count: used, remaining, resets_at, .. } = *verdict;
        let (name, rule, custom) = (count.limit.name.clone(), count.rule, count.custom);
        Self { name, rule, limit, used, remaining, resets_at, custom }
    }
}

impl Book {
    /// The limits that would speak of a request with these facts, in the policy's order.
    pub fn limits_of(&self, account: Option<&Name>, facts: &Facts, now: Timestamp) -> Vec<LimitView> {
        let Ok(rules) = self.in_force(now) else { return Vec::new() };
        let slot = account.and_then(|name| self.state.accounts.slot(name.as_str()));
        let (name, account) = self.account_of(slot);
        let who = Who::of(facts, name, account);
        let (key, policy, figures) = (self.key, rules.policy, &self.state.figures);
        let walk = Walk { key, policy, who, facts, now, figures, again: false, counters: &[] };
        walk.standing(|counter, rule, ask| self.state.meters.check(counter, rule, ask))
    }

    /// The ban in force against a caller.
    pub fn ban_of(&self, account: Option<&Name>, facts: &Facts, now: Timestamp) -> Option<&Ban> {
        let rules = self.in_force(now).ok()?;
        let slot = account.and_then(|name| self.state.accounts.slot(name.as_str()));
        let (name, account) = self.account_of(slot);
        let who = Who::of(facts, name, account);
        self.state.bans.find(self.key, rules.policy, &who, Piece::whole(facts), now)
    }

    /// Whether two books are the same state: field by field, but for what is only bookkeeping of the memory
    /// (idle counters, when to look at which account).
    pub fn differs_from(&self, other: &Self) -> Option<&'static str> {
        let (one, two) = (&self.state, &other.state);
        let now = one.at.max(two.at);
        let same = [
            ("head", one.head == two.head && one.at == two.at),
            ("home", one.home == two.home),
            ("catalogue", one.catalogue == two.catalogue),
            ("accounts", one.accounts == two.accounts),
            ("clients", one.clients == two.clients),
            ("counters", one.meters.live(now) == two.meters.live(now)),
            ("escalations", one.fired == two.fired),
            ("bans", one.bans == two.bans),
            ("figures", one.figures == two.figures),
            ("decisions", one.decisions == two.decisions),
            ("request ids", one.remembered == two.remembered),
            ("open", one.open == two.open),
            ("denials", one.denials == two.denials),
        ];
        same.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
    }
}
