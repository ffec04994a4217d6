//! May this request go through, and what does it cost: the ladder of gates, then the turn.
//!
//! The first gate that refuses wins: key, ban, suspension, size, the limits in the policy's order, credit.

use super::count::{self, Count, Walk};
use super::gauge::{Gauge, show};
use super::preflight::{Credit, credit};
use super::{Book, Draft, Piece, Verdict, Who, facts};
use crate::account::{Key, Standing};
use crate::catalogue::InForce;
use crate::command::{Ask, Caller};
use crate::event::{Facts, Personal, RequestAdmitted, RequestDenied, Stream};
use crate::ids::{Digest, Name, Position};
use crate::limits::{self, Rule};
use crate::money::Credits;
use crate::policy::{Excess, Kind, Mode, Signal};
use crate::pricing::Outcome;
use crate::rejection::Rejection;
use crate::time::{Calendar, Timestamp};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A request on its way down the ladder.
pub(super) struct Asked<'a> {
    pub(super) rules: InForce<'a>,
    pub(super) slot: Option<u32>,
    pub(super) who: Who<'a>,
    pub(super) facts: Arc<Facts>,
    pub(super) now: Timestamp,
    /// Set when the limited items of an earlier decision are taken up again.
    pub(super) again: Option<Position>,
    pub(super) settle: Option<Outcome>,
}

/// Why a gate refused.
pub(super) struct Refusal {
    pub(super) kind: Kind,
    pub(super) gate: Option<Name>,
    pub(super) reason: Arc<str>,
    pub(super) count: Option<u64>,
    pub(super) limit: Option<u64>,
    pub(super) retry_at: Option<Timestamp>,
    pub(super) price: Option<Credits>,
}

impl Refusal {
    pub(super) fn new(kind: Kind, reason: impl Into<Arc<str>>) -> Self {
        let (gate, count, limit, retry_at, price) = (None, None, None, None, None);
        Self { kind, gate, reason: reason.into(), count, limit, retry_at, price }
    }
}

impl Book {
    /// `slot` is that of the caller's account, if there is one.
    pub(super) fn decide_request(
        &self,
        ask: &Ask,
        slot: Option<u32>,
        now: Timestamp,
    ) -> Result<Verdict, Rejection> {
        let rules = self.in_force(now)?;
        let (key, refusal) = self.resolve(&ask.caller, slot, rules)?;
        let (name, account) = self.account_of(slot);
        let mode = key.map_or(Mode::Live, |key| key.mode);
        let (mut facts, personal) = facts::facts(ask, rules.policy, key.map(|key| key.name.clone()), mode)?;
        facts::note_plan(&mut facts, account, rules.policy);
        if slot.is_none() && facts.ip.is_none() {
            return Err(Rejection::invalid(
                "ip",
                "is needed when there is neither a known key nor an account",
            ));
        }
        let facts = Arc::new(facts);
        let who = Who { key, channel: ask.channel.as_ref(), ..Who::of(&facts, name, account) };
        let asked = Asked { rules, slot, who, facts: facts.clone(), now, again: None, settle: ask.settle };
        self.descend(&asked, refusal, personal)
    }

    /// The explicit taking up of items that a limit had put into an error state.
    pub(super) fn decide_reprocess(&self, decision: Position, now: Timestamp) -> Result<Verdict, Rejection> {
        let rules = self.in_force(now)?;
        let known = self.known(decision, now)?;
        let Some((ask, limited)) = known.limited.as_deref() else {
            return Err(Rejection::WrongState(decision, "has no items in an error state"));
        };
        let mut facts = (**ask).clone();
        if facts.items.is_empty() {
            facts.units = u32::try_from(limited.items.len()).unwrap_or(u32::MAX);
        }
        let mut places = 0..;
        facts.items.retain(|_| places.next().is_some_and(|place| limited.items.contains(&place)));
        let (name, account) = self.account_of(known.account);
        facts::note_plan(&mut facts, account, rules.policy);
        let facts = Arc::new(facts);
        let who = Who::of(&facts, name, account);
        let (slot, again) = (known.account, Some(decision));
        let asked = Asked { rules, slot, who, facts: facts.clone(), now, again, settle: None };
        let refusal = asked.who.key.and_then(unusable).or_else(|| slot.and_then(|slot| self.closed(slot)));
        self.descend(&asked, refusal, Personal::new())
    }

    fn descend(
        &self,
        asked: &Asked<'_>,
        refusal: Option<Refusal>,
        personal: Personal,
    ) -> Result<Verdict, Rejection> {
        let mut gauge = Gauge::of(asked.rules.policy.limits.len());
        let refusal = refusal
            .or_else(|| self.ban(asked))
            .or_else(|| suspension(asked))
            .or_else(|| size(asked))
            .or_else(|| self.limits(asked, &mut gauge));
        if let Some(refusal) = refusal {
            return self.refuse(asked, refusal, gauge, personal);
        }
        self.check_room(asked)?;
        let credit = match credit(asked, gauge.limited.as_ref())? {
            Ok(credit) => credit,
            Err(refusal) => return self.refuse(asked, refusal, gauge, personal),
        };
        // From here it succeeds.
        Ok(Verdict::Record(self.admit(asked, gauge, credit, personal)))
    }

    /// The key that is asking, and the refusal that an unusable key or account earns.
    fn resolve(
        &self,
        caller: &Caller,
        slot: Option<u32>,
        rules: InForce<'_>,
    ) -> Result<(Option<&Key>, Option<Refusal>), Rejection> {
        match caller {
            Caller::Key(hash) => {
                let Some((slot, key)) = self.state.accounts.by_key(*hash) else {
                    return Ok((None, Some(Refusal::new(Kind::Unauthenticated, "unknown_key"))));
                };
                Ok((Some(key), unusable(key).or_else(|| self.closed(slot))))
            }
            Caller::Account(name) => {
                let slot = slot.ok_or_else(|| Rejection::UnknownAccount(name.clone()))?;
                Ok((None, self.closed(slot)))
            }
            Caller::Anonymous if rules.policy.callers.anonymous => Ok((None, None)),
            Caller::Anonymous => Ok((None, Some(Refusal::new(Kind::Unauthenticated, "missing_key")))),
        }
    }

    fn closed(&self, slot: u32) -> Option<Refusal> {
        let (_, account) = self.state.accounts.get(slot)?;
        account.is_terminated().then(|| Refusal::new(Kind::Unauthenticated, "account_closed"))
    }

    fn ban(&self, asked: &Asked<'_>) -> Option<Refusal> {
        if asked.who.account.is_some_and(|account| account.blocks(asked.facts.end_user)) {
            return Some(Refusal::new(Kind::Banned, "end_user_blocked"));
        }
        let piece = Piece::whole(&asked.facts);
        let ban = self.state.bans.find(self.key, asked.rules.policy, &asked.who, piece, asked.now)?;
        let (gate, retry_at) = (Some(ban.name.clone()), ban.until);
        Some(Refusal { gate, retry_at, ..Refusal::new(Kind::Banned, "banned") })
    }

    fn limits(&self, asked: &Asked<'_>, gauge: &mut Gauge) -> Option<Refusal> {
        let walk = self.walk(asked);
        let visited = walk.each(|count| {
            gauge.counters[count.place] = Some(count.counter);
            self.gate(asked, &count, gauge)
        });
        match visited {
            ControlFlow::Continue(()) => None,
            ControlFlow::Break(refusal) => Some(refusal),
        }
    }

    fn walk<'a>(&'a self, asked: &'a Asked<'a>) -> Walk<'a> {
        Walk {
            key: self.key,
            policy: asked.rules.policy,
            who: asked.who,
            facts: &asked.facts,
            now: asked.now,
            figures: &self.state.figures,
            again: asked.again.is_some(),
            counters: &[],
        }
    }

    fn gate(&self, asked: &Asked<'_>, count: &Count<'_>, gauge: &mut Gauge) -> ControlFlow<Refusal> {
        let limit = count.limit;
        if limit.excess == Excess::Limit && limit.mode.is_enforced() {
            self.mark(asked, count, gauge);
            return ControlFlow::Continue(());
        }
        let verdict = self.check(asked, count, count.weight);
        show(gauge, count, &verdict, count.weight);
        if verdict.admitted {
            return ControlFlow::Continue(());
        }
        if limit.mode.is_enforced() {
            return ControlFlow::Break(denial(asked, count, &verdict));
        }
        if !gauge.shadow.contains(&limit.name) {
            gauge.shadow.push(limit.name.clone());
        }
        ControlFlow::Continue(())
    }

    fn check(&self, asked: &Asked<'_>, count: &Count<'_>, weight: u64) -> limits::Verdict {
        let utc = Calendar::default();
        let calendar = count::calendar(count.limit, asked.who.account, &utc);
        let ask = limits::Ask { now: asked.now, weight, figure: count.figure, calendar };
        self.state.meters.check(count.counter, &count.rule, &ask)
    }

    /// Puts the items that do not fit into an error state, the last ones first. What an earlier limit has put
    /// there weighs nothing here.
    fn mark(&self, asked: &Asked<'_>, count: &Count<'_>, gauge: &mut Gauge) {
        let weight = count::counted(count, gauge.limited.as_ref());
        let mut verdict = self.check(asked, count, weight);
        if !verdict.admitted {
            let left = verdict.limit.saturating_sub(verdict.count);
            gauge.limit(count, left);
            let fits = count::counted(count, gauge.limited.as_ref());
            verdict = self.check(asked, count, fits);
        }
        show(gauge, count, &verdict, count::counted(count, gauge.limited.as_ref()));
    }

    pub(super) fn is_full(&self) -> bool {
        let state = &self.state;
        state.meters.len() + state.clients.len() + state.accounts.len() >= self.bounds.subjects_max
    }

    fn is_new(&self, stream: &Stream) -> bool {
        match stream {
            Stream::Client(digest) => !self.state.clients.contains(digest),
            Stream::Account(_) | Stream::Catalogue | Stream::Book => false,
        }
    }

    /// Bounds that are no gates of the provider: a new subject or one more hold must still fit.
    fn check_room(&self, asked: &Asked<'_>) -> Result<(), Rejection> {
        if self.is_full() {
            let meters = &self.state.meters;
            let known = self.walk(asked).each(|count| {
                if meters.contains(count.counter) {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
            if known.is_break() || self.is_new(&self.stream(asked)) {
                return Err(Rejection::TooManySubjects);
            }
        }
        let Some((name, account)) = asked.who.name.zip(asked.who.account) else { return Ok(()) };
        let most = asked.rules.policy.requests.open_holds_max as usize;
        if asked.settle.is_none() && account.open_decisions().len() >= most {
            return Err(Rejection::TooManyHolds(name.clone()));
        }
        Ok(())
    }

    fn admit(&self, asked: &Asked<'_>, gauge: Gauge, credit: Credit, personal: Personal) -> Vec<Draft> {
        let stream = self.stream(asked);
        let until = match asked.settle {
            Some(_) => None,
            None => Some(asked.now.plus(asked.rules.policy.hold_for())),
        };
        let admitted = RequestAdmitted {
            ask: asked.facts.clone(),
            under: asked.rules.under,
            until,
            hold: credit.hold,
            charge: credit.charge,
            uncollected: credit.uncollected,
            outcome: asked.settle,
            limits: gauge.limits,
            limited: gauge.limited,
            shadow: gauge.shadow,
            balance: credit.balance,
            reprocesses: asked.again,
        };
        let counters = gauge.counters;
        let mut drafts = vec![Draft { stream: stream.clone(), event: admitted.into(), personal, counters }];
        let at = (asked.rules.policy.as_ref(), asked.now);
        drafts.extend(self.escalate(Signal::StatusPoll, (&stream, &asked.who), &asked.facts, at));
        if asked.settle == Some(Outcome::ClientError) {
            drafts.extend(self.escalate(Signal::ClientError, (&stream, &asked.who), &asked.facts, at));
        }
        drafts
    }

    fn refuse(
        &self,
        asked: &Asked<'_>,
        refusal: Refusal,
        gauge: Gauge,
        personal: Personal,
    ) -> Result<Verdict, Rejection> {
        let stream = self.stream(asked);
        if self.is_full() && self.is_new(&stream) {
            return Err(Rejection::TooManySubjects);
        }
        let Refusal { kind, gate, reason, count, limit, retry_at, price } = refusal;
        let balance = asked.who.account.filter(|_| price.is_some());
        let denied = RequestDenied {
            ask: asked.facts.clone(),
            under: asked.rules.under,
            kind,
            gate,
            reason,
            count,
            limit,
            retry_at,
            price,
            limits: gauge.unmoved(),
            balance: balance.map(|account| account.balance(asked.facts.mode, asked.now)),
        };
        if !self.is_recorded(asked, &stream, kind) {
            return Ok(Verdict::Collapse(Box::new(denied), stream));
        }
        let consequences = self.escalate_denial(&stream, &denied, asked.now);
        let mut drafts = vec![Draft { personal, ..Draft::new(stream, denied) }];
        drafts.extend(consequences);
        Ok(Verdict::Record(drafts))
    }

    fn stream(&self, asked: &Asked<'_>) -> Stream {
        match asked.slot.and_then(|slot| self.state.accounts.get(slot)) {
            Some((name, _)) => Stream::Account(name.clone()),
            None => Stream::Client(asked.facts.ip.unwrap_or(Digest(0))),
        }
    }
}

/// The refusal that a key earns which may not be used.
fn unusable(key: &Key) -> Option<Refusal> {
    let reason = match key.standing {
        Standing::Active => return None,
        Standing::Suspended => "key_suspended",
        Standing::Revoked => "key_revoked",
        Standing::Compromised => "key_compromised",
    };
    Some(Refusal::new(Kind::Unauthenticated, reason))
}

fn denial(asked: &Asked<'_>, count: &Count<'_>, verdict: &limits::Verdict) -> Refusal {
    let limit = count.limit;
    let jobs = limit.rule == Rule::Concurrency;
    let kind = if jobs { Kind::QueueFull } else { Kind::RateLimited };
    let reason = limit.reason().replace("{endpoint}", count.endpoint);
    let retry_at = match verdict.retry_after {
        Some(wait) => Some(asked.now.plus(wait)),
        None if jobs && count.weight <= verdict.limit => Some(job_retry(asked, limit)),
        None => None,
    };
    let (gate, counted, figure) = (Some(limit.name.clone()), Some(verdict.count), Some(verdict.limit));
    Refusal { gate, count: counted, limit: figure, retry_at, ..Refusal::new(kind, reason) }
}

/// The policy's hint, at most the time to the earliest expiry of one of the account's holds.
fn job_retry(asked: &Asked<'_>, limit: &crate::policy::Limit) -> Timestamp {
    let first = asked.who.account.and_then(|account| account.open_decisions().first());
    let earliest = first.map_or(Timestamp::FAR, |(until, _)| *until);
    let hint = limit.retry_hint.unwrap_or(crate::time::Span::from_secs(1));
    asked.now.plus(hint).min(earliest)
}

fn suspension(asked: &Asked<'_>) -> Option<Refusal> {
    let suspension = asked.who.account?.suspension(asked.now)?;
    let retry_at = suspension.until;
    Some(Refusal { retry_at, ..Refusal::new(Kind::Suspended, suspension.reason.as_str()) })
}

fn size(asked: &Asked<'_>) -> Option<Refusal> {
    let facts = &asked.facts;
    let items = facts.items.iter().map(|item| Piece::item(item, facts));
    let whole = Some(Piece::whole(facts)).filter(|_| facts.items.is_empty());
    let mut pieces = items.chain(whole);
    pieces.find_map(|piece| asked.rules.policy.sizes.iter().find_map(|size| too_large(asked, size, piece)))
}

fn too_large(asked: &Asked<'_>, size: &crate::policy::Size, piece: Piece<'_>) -> Option<Refusal> {
    let value = piece.number(&size.attribute)?;
    let fits = value <= rust_decimal::Decimal::from(size.max);
    if fits || !asked.who.is_within(&size.only, asked.rules.policy, piece, asked.now) {
        return None;
    }
    let (gate, limit) = (Some(size.name.clone()), Some(size.max));
    Some(Refusal { gate, limit, ..Refusal::new(Kind::TooLarge, size.name.as_str()) })
}
