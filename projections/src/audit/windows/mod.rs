//! Q1: no trailing window ever admits more than its limit. And what refusals say they counted, for Q2.
//!
//! Every admission is counted again from the events, by the policy that the event names, with figures and
//! subjects as the log has set them.

mod tally;
mod walk;

use super::Invariant::{self, Q1, Q2};
use super::report::{Findings, Place};
use super::world::World;
use domain::event::{
    CountReset, Entry, Event, LimitState, Limited, RequestAdmitted, RequestDenied, Subject, Under,
};
use domain::ids::{Name, Position};
use domain::limits::Rule;
use domain::map::Map;
use domain::policy::{Counts, Excess, Kind, Policy};
use domain::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use tally::{Moment, Tally};
use walk::{Asked, Move};

/// How many new counters come between two clearings of those that are over.
const CLEAR_EVERY: usize = 65_536;

/// All counters. Memory: one for each subject that still counts, with one stamp for each admission in its window.
#[derive(Debug, Default)]
pub(super) struct Windows {
    tallies: Map<String, Tally>,
    /// The counters that open decisions occupy, and with how many jobs.
    slots: Map<Position, Vec<(String, u64)>>,
    /// The shape of each limit when it was last seen: a changed one makes its counts inexact.
    shapes: BTreeMap<Name, String>,
    inexact: bool,
    policy: u32,
    clear_at: usize,
}

impl Windows {
    pub(super) fn observe(&mut self, entry: &Entry, world: &World, findings: &mut Findings) {
        match &entry.event {
            Event::RequestAdmitted(event) => {
                if let Some(policy) = self.policy_of(entry, event.under, world, findings) {
                    self.admitted(entry, event, (&policy, world), findings);
                }
            }
            Event::RequestDenied(event) => {
                if let Some(policy) = self.policy_of(entry, event.under, world, findings) {
                    self.denied(entry, event, (&policy, world), findings);
                }
            }
            Event::RequestSettled(event) => self.close(event.decision),
            Event::HoldExpired(event) => self.close(event.decision),
            Event::CountReset(event) => self.reset(event),
            Event::DenialsCollapsed(_)
            | Event::RequestBegun(_)
            | Event::CreditRefunded(_)
            | Event::AccountOpened(_)
            | Event::AccountDetailed(_)
            | Event::PlanChanged(_)
            | Event::KeyIssued(_)
            | Event::KeyChanged(_)
            | Event::CreditGranted(_)
            | Event::CreditAdjusted(_)
            | Event::CreditExpired(_)
            | Event::FigureSet(_)
            | Event::AccountSuspended(_)
            | Event::AccountReinstated(_)
            | Event::AccountTerminated(_)
            | Event::BanStarted(_)
            | Event::BanLifted(_)
            | Event::PolicyPublished(_)
            | Event::PricesPublished(_)
            | Event::NoticeAnnounced(_)
            | Event::BookSealed(_) => {}
        }
    }

    /// The policy that a decision names, which must be the one in force.
    fn policy_of(
        &mut self,
        entry: &Entry,
        under: Under,
        world: &World,
        findings: &mut Findings,
    ) -> Option<Arc<Policy>> {
        let expected = world.in_force(entry.at).policy();
        findings.expect_equal(Q1, place(entry), "number of the policy in force", (expected, under.policy()));
        let policy = world.policy(under.policy()).cloned();
        if let Some(policy) = policy.as_ref().filter(|_| self.policy != under.policy()) {
            self.policy = under.policy();
            self.note_shapes(policy);
        }
        policy
    }

    /// After a limit changed whom or what it counts, old and new counters are no longer comparable one by one.
    fn note_shapes(&mut self, policy: &Policy) {
        for limit in &policy.limits {
            let shape = format!("{:?} {:?} {:?} {:?}", limit.rule, limit.by, limit.counts, limit.calendar);
            let known = self.shapes.insert(limit.name.clone(), shape.clone());
            self.inexact |= known.is_some_and(|known| known != shape);
        }
    }

    fn admitted(
        &mut self,
        entry: &Entry,
        event: &RequestAdmitted,
        (policy, world): (&Policy, &World),
        findings: &mut Findings,
    ) {
        let account = world.account(&entry.stream);
        let again = event.reprocesses.is_some();
        let asked = Asked { world, policy, account, facts: &event.ask, at: entry.at, again };
        let moves = asked.moves();
        for one in &moves {
            let calendar = asked.calendar(one.limit);
            let moment = Moment { rule: one.rule, figure: one.figure, now: entry.at, calendar: &calendar };
            let tally = self.tally(one, entry.at);
            let before = tally.count(moment);
            if tally.exact && !self.inexact && is_alone(one, &moves) {
                let shown = shown(event, one, before);
                check_shown(entry, one, (shown, &event.limits), findings);
            }
            let weight = counted(one, event);
            if weight > 0 {
                check_limit(entry, one, (before, weight), findings);
                self.tally(one, entry.at).add(weight, moment);
                self.occupy(one, (entry.position, weight));
            }
        }
    }

    /// A refusal counts nothing; what it says was counted before it is what was admitted, and nothing else.
    fn denied(
        &mut self,
        entry: &Entry,
        event: &RequestDenied,
        (policy, world): (&Policy, &World),
        findings: &mut Findings,
    ) {
        if !matches!(event.kind, Kind::RateLimited | Kind::QueueFull) {
            return;
        }
        let (Some(gate), Some(stated)) = (&event.gate, event.count) else { return };
        let account = world.account(&entry.stream);
        let asked = Asked { world, policy, account, facts: &event.ask, at: entry.at, again: false };
        let moves = asked.moves();
        let Some(one) = moves.iter().find(|one| one.limit.name == *gate) else { return };
        if !is_alone(one, &moves) {
            return;
        }
        let calendar = asked.calendar(one.limit);
        let moment = Moment { rule: one.rule, figure: one.figure, now: entry.at, calendar: &calendar };
        let tally = self.tally(one, entry.at);
        let count = tally.count(moment);
        // A bucket that nothing flows back to shows what was used only until its idle counter is let go.
        let shown = one.figure > 0 || !matches!(one.rule, Rule::TokenBucket { .. });
        if tally.exact && shown && !self.inexact {
            findings.expect_equal(Q2, place(entry), format!("count of {}", one.counter), (count, stated));
        }
    }

    fn tally(&mut self, one: &Move<'_>, now: Timestamp) -> &mut Tally {
        if self.tallies.len() > self.clear_at {
            self.tallies.retain(|_, tally| !tally.is_over(now));
            self.clear_at = 2 * self.tallies.len() + CLEAR_EVERY;
        }
        self.tallies.entry_ref(one.counter.as_str()).or_insert_with(|| Tally::new(one.rule))
    }

    fn occupy(&mut self, one: &Move<'_>, (position, jobs): (Position, u64)) {
        if one.rule == Rule::Concurrency {
            self.slots.entry(position).or_default().push((one.counter.clone(), jobs));
        }
    }

    fn close(&mut self, decision: Position) {
        for (counter, jobs) in self.slots.remove(&decision).unwrap_or_default() {
            if let Some(tally) = self.tallies.get_mut(&counter) {
                tally.close(jobs);
            }
        }
    }

    /// The event names the counter by a hash only; its subject tells which counters it can be.
    fn reset(&mut self, event: &CountReset) {
        let subject = match &event.subject {
            Subject::Account(name) => format!("account={name}"),
            Subject::Key(name) => format!("key={name}"),
            Subject::Owner(name) => format!("owner={name}"),
            Subject::Ip(digest) => format!("ip={digest}"),
        };
        let dimension = subject.split('=').next().unwrap_or_default();
        let prefix = format!("{} ", event.limit);
        let (own, any) = (format!(" {subject}"), format!(" {dimension}="));
        for (counter, tally) in self.tallies.iter_mut().filter(|(counter, _)| counter.starts_with(&prefix)) {
            let speaks = counter.ends_with(&own) || counter.contains(&format!("{own} "));
            if speaks || !counter.contains(&any) {
                tally.reset();
            }
        }
    }
}

fn place(entry: &Entry) -> Place<'_> {
    Place { position: entry.position, stream: Some(&entry.stream) }
}

/// What an admission counts at one counter: jobs only when they stay open; items in an error state not at all
/// where items may be put into one.
fn counted(one: &Move<'_>, event: &RequestAdmitted) -> u64 {
    if one.rule == Rule::Concurrency && event.until.is_none() {
        return 0;
    }
    let limited = event.limited.as_ref().filter(|_| one.limit.excess == Excess::Limit);
    limited.map_or(one.weight, |limited| without(one, limited))
}

fn without(one: &Move<'_>, limited: &Limited) -> u64 {
    let stay: Vec<_> = one.parts.iter().filter(|(item, _)| !limited.items.contains(item)).collect();
    match one.limit.counts {
        Counts::Calls if stay.is_empty() => 0,
        Counts::Calls => one.weight,
        Counts::Items | Counts::Attribute(_) => stay.iter().map(|(_, weight)| weight).sum(),
    }
}

fn largest(one: &Move<'_>) -> u64 {
    match one.rule {
        Rule::TokenBucket { burst, .. } => burst,
        Rule::Cooldown { .. } => 1,
        Rule::Rolling { .. } | Rule::Bucket { .. } | Rule::Concurrency => one.figure,
    }
}

fn check_limit(entry: &Entry, one: &Move<'_>, (before, weight): (u64, u64), findings: &mut Findings) {
    // A pause counts a request once, whatever it carries.
    let weight = if matches!(one.rule, Rule::Cooldown { .. }) { 1 } else { weight };
    let (most, total) = (largest(one), before.saturating_add(weight));
    if total > most && one.limit.mode.is_enforced() {
        let expected = format!("at most {most}");
        findings.add(Q1, place(entry), format!("admitted by {}", one.counter), (expected, total));
    }
}

/// Whether this is the only counter of its limit, so that what an event shows of the limit is about this one.
fn is_alone(one: &Move<'_>, moves: &[Move<'_>]) -> bool {
    moves.iter().filter(|other| other.limit.name == one.limit.name).count() == 1
}

/// What an admission should show as remaining; none where it shows something else: in a limited state, in
/// shadow, or of a pause.
fn shown(event: &RequestAdmitted, one: &Move<'_>, before: u64) -> Option<u64> {
    let is_marked = event.limited.is_some() && one.limit.excess == Excess::Limit;
    let is_pause = matches!(one.rule, Rule::Cooldown { .. });
    let after = before.saturating_add(one.weight);
    (!is_marked && !is_pause && after <= largest(one)).then(|| largest(one) - after)
}

fn check_shown(
    entry: &Entry,
    one: &Move<'_>,
    (remaining, limits): (Option<u64>, &[LimitState]),
    findings: &mut Findings,
) {
    let Some(LimitState(_, figure, left, _)) = limits.iter().find(|shown| shown.0 == one.limit.name) else {
        return;
    };
    let place = place(entry);
    let which = |what: &str, invariant: Invariant| (format!("{what} of {}", one.counter), invariant);
    let (what, invariant) = which("figure", Q1);
    findings.expect_equal(invariant, place, what, (largest(one), *figure));
    // More or less than was admitted can only come from a refusal that counted.
    if let Some(remaining) = remaining {
        let (what, invariant) = which("remaining", Q2);
        findings.expect_equal(invariant, place, what, (remaining, *left));
    }
}
