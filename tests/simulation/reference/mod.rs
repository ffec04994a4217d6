//! The reference ledger: the same rules, written the dumbest way from their description, sharing no code with the
//! book. It is told which command stands at which place of the log and at what time, and says what the answer and
//! every event must be.

mod abuse;
mod counts;
mod dues;
mod ledger;
mod operator;
mod outcome;
mod request;

use crate::spec::{By, Micro, Micros, Spec};
use crate::wish::{
    Asked, Balance, Caller, Draw, Fact, Request, Verdict, Wish, account_stream, ip_stream, total,
};
use abuse::Sender;
use counts::Counts;
use ledger::Ledger;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// All that the reference knows.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    specs: Rc<Vec<Spec>>,
    ids_max: usize,
    subjects_max: usize,
    /// The last event that was followed, and its time.
    pub(crate) position: u64,
    pub(crate) at: Micros,
    /// Versions as they were published, by place in `specs`.
    published: Vec<usize>,
    pub(crate) accounts: BTreeMap<String, Account>,
    decisions: BTreeMap<u64, Decision>,
    counts: Counts,
    signals: Counts,
    fired: BTreeMap<(String, String), u32>,
    bans: Vec<Ban>,
    ban_kinds: Vec<By>,
    ip_figures: BTreeMap<(String, u32), u64>,
    ids: Vec<Id>,
    /// Ids made up to here may have been forgotten.
    horizon: Micros,
    /// Refusals that were recorded, by stream and minute.
    recorded: BTreeMap<(String, Micros), usize>,
    /// Refusals that were only counted, by minute, stream and code: the first's sender, and how many.
    counted: BTreeMap<(Micros, String, &'static str), (Sender, u64)>,
    clients: BTreeSet<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    pub(crate) live: Ledger,
    /// Made by the first movement of test credit.
    pub(crate) test: Option<Ledger>,
    keys: Vec<Key>,
    figures: BTreeMap<String, u64>,
    suspension: Option<Suspension>,
    terminated: bool,
}

#[derive(Clone, Debug)]
struct Suspension {
    reason: String,
    until: Option<Micros>,
}

#[derive(Clone, Debug)]
struct Key {
    number: u32,
    test: bool,
    standing: Standing,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Standing {
    Active,
    Suspended,
    Revoked,
}

#[derive(Clone, Debug)]
struct Decision {
    account: Option<String>,
    test: bool,
    at: Micros,
    request: Request,
    /// The policy version that it was decided under.
    version: usize,
    open: Option<Open>,
    charged: Vec<Draw>,
    refunded: Micro,
    begun: Option<u64>,
    settled: Option<u64>,
    expired: bool,
    refunds: Vec<(String, u64, Micro)>,
}

#[derive(Clone, Debug)]
struct Open {
    until: Micros,
    hold: Vec<Draw>,
    /// Jobs at concurrency limits, by limit and subject.
    jobs: Vec<(String, String, u64)>,
    /// Its charge was made before the outcome.
    charged: bool,
}

#[derive(Clone, Debug)]
struct Ban {
    by: By,
    subject: String,
    name: String,
    until: Option<Micros>,
    /// The signal counter that led to it.
    counter: Option<(String, String)>,
}

#[derive(Clone, Debug)]
struct Id {
    actor: &'static str,
    id: String,
    content: u64,
    at: Micros,
    position: u64,
    /// These have a smaller memory of their own.
    anonymous_refusal: bool,
}

const MINUTE: Micros = 60_000_000;

impl Account {
    fn ledger(&self, test: bool) -> Option<&Ledger> {
        if test { self.test.as_ref() } else { Some(&self.live) }
    }

    fn ledger_mut(&mut self, test: bool) -> &mut Ledger {
        if test { self.test.get_or_insert_default() } else { &mut self.live }
    }

    fn suspended(&self, now: Micros) -> Option<&Suspension> {
        self.suspension.as_ref().filter(|suspension| suspension.until.is_none_or(|until| now < until))
    }
}

impl Reference {
    /// Under these policies, for a book that remembers so many request ids and counts so many subjects.
    pub(crate) fn new(specs: Rc<Vec<Spec>>, ids_max: usize, subjects_max: usize) -> Self {
        Self {
            specs,
            ids_max,
            subjects_max,
            position: 0,
            at: 0,
            published: Vec::new(),
            accounts: BTreeMap::new(),
            decisions: BTreeMap::new(),
            counts: Counts::default(),
            signals: Counts::default(),
            fired: BTreeMap::new(),
            bans: Vec::new(),
            ban_kinds: Vec::new(),
            ip_figures: BTreeMap::new(),
            ids: Vec::new(),
            horizon: 0,
            recorded: BTreeMap::new(),
            counted: BTreeMap::new(),
            clients: BTreeSet::new(),
        }
    }

    /// What a command comes to at this time, as the next thing after all that was followed. What it records has
    /// happened when this returns; the caller then follows its events.
    pub(crate) fn answer(&mut self, asked: &Asked, now: Micros) -> Result<Verdict, String> {
        self.nothing_is_due_for(&asked.wish, now)?;
        let verdict = match self.recall(asked) {
            Some(verdict) => verdict,
            None => match self.carry_out(&asked.wish, now) {
                Ok(verdict) => verdict,
                Err(why) => Verdict::Rejected(why),
            },
        };
        if let Verdict::Recorded(facts) = &verdict {
            let (stream, fact) = &facts[0];
            let anonymous = stream.starts_with("ip ") && matches!(fact, Fact::Denied(_));
            self.remember(asked, anonymous, now);
            for (stream, _) in facts {
                self.clients.insert(stream.clone());
            }
        }
        Ok(verdict)
    }

    /// One event of the log was followed.
    pub(crate) fn follow(&mut self, position: u64, at: Micros) {
        (self.position, self.at) = (position, at);
    }

    /// The engine that counted refusals is gone, and what it had not recorded with it.
    pub(crate) fn lose_counted(&mut self) {
        self.counted.clear();
    }

    fn carry_out(&mut self, wish: &Wish, now: Micros) -> Result<Verdict, String> {
        match wish {
            Wish::Request(request) => self.request(request, now),
            Wish::Begin { decision } => self.begin(*decision, now),
            Wish::Settle { decision, outcome, pieces } => self.settle(*decision, (*outcome, *pieces), now),
            Wish::Refund { decision, refund, amount } => self.refund(*decision, refund, *amount, now),
            Wish::Account { account, act } => self.act(account, act, now),
            Wish::Ban { ip, until } => self.ban_ip(*ip, *until, now),
            Wish::LiftBan { ip } => self.lift_ban(*ip, now),
            Wish::IpFigure { limit, ip, figure } => self.ip_figure(limit, *ip, *figure),
            Wish::ResetAccount { limit, account } => self.reset_account(limit, account),
            Wish::ResetIp { limit, ip } => self.reset_ip(limit, *ip),
            Wish::Publish(which) => Ok(self.publish(*which)),
        }
    }

    fn recall(&self, asked: &Asked) -> Option<Verdict> {
        let known = self.ids.iter().find(|known| known.actor == asked.actor && known.id == asked.id);
        match known {
            Some(known) if known.content == asked.content => Some(Verdict::Repeat(known.position)),
            Some(_) => Some(Verdict::Rejected("RequestIdReused".to_owned())),
            None if asked.made.is_some_and(|made| made <= self.horizon) => {
                Some(Verdict::Rejected("RequestIdTooOld".to_owned()))
            }
            None => None,
        }
    }

    fn remember(&mut self, asked: &Asked, anonymous_refusal: bool, now: Micros) {
        let (actor, id, content) = (asked.actor, asked.id.clone(), asked.content);
        let position = self.position + 1;
        self.ids.push(Id { actor, id, content, at: now, position, anonymous_refusal });
        let keep = now - self.spec().map_or(0, |spec| spec.remember);
        for (of_refusals, max) in [(false, self.ids_max), (true, self.ids_max / 8)] {
            while let Some(place) = self.ids.iter().position(|id| id.anonymous_refusal == of_refusals) {
                let (at, old) = (self.ids[place].at, self.ids[place].at < keep);
                let kept = self.ids.iter().filter(|id| id.anonymous_refusal == of_refusals).count();
                if !old && kept <= max {
                    break;
                }
                self.ids.remove(place);
                // A refusal that had to go for want of room says nothing of the others' age.
                if old || !of_refusals {
                    self.horizon = self.horizon.max(at);
                }
            }
        }
    }

    /// The policy in force: every one here takes effect when it is published.
    fn spec(&self) -> Option<&Spec> {
        self.published.last().map(|which| &self.specs[*which])
    }

    fn in_force(&self) -> Result<Spec, String> {
        self.spec().cloned().ok_or_else(|| "NoPolicy".to_owned())
    }

    /// The account and key of a key's number.
    fn key(&self, number: u32) -> Option<(&str, &Key)> {
        self.accounts.iter().find_map(|(name, account)| {
            account.keys.iter().find(|key| key.number == number).map(|key| (name.as_str(), key))
        })
    }

    /// The account that a request is sent for, if the book knows it.
    fn caller(&self, caller: &Caller) -> Option<String> {
        match caller {
            Caller::Key(number) => self.key(*number).map(|(name, _)| name.to_owned()),
            Caller::Account(name) => self.accounts.contains_key(name).then(|| name.clone()),
            Caller::Anonymous => None,
        }
    }

    fn stream(account: Option<&String>, ip: Option<u32>) -> String {
        account.map_or_else(|| ip_stream(ip.unwrap_or(0)), |account| account_stream(account))
    }

    /// The stream that a refusal of a request is told in.
    pub(crate) fn stream_of(&self, wish: &Wish) -> Option<String> {
        let Wish::Request(request) = wish else { return None };
        Some(self.sender(request).stream())
    }

    /// Whether a book of this many subjects may be full. Which idle ones it has let go is its own affair, so all
    /// that ever were are taken for kept.
    pub(crate) fn may_be_full(&self, wish: &Wish) -> Result<(), String> {
        if self.subjects_at_most() >= self.subjects_max {
            return Ok(());
        }
        Err(format!("{} subjects at most, and {wish:?} was refused as one too many", self.subjects_at_most()))
    }

    /// No fewer subjects than a book can hold at this point, whatever it has let go.
    fn subjects_at_most(&self) -> usize {
        self.counts.ever() + self.signals.ever() + self.clients.len() + self.accounts.len()
    }

    /// Available and held credit of every account, live and test.
    pub(crate) fn balances(&self, now: Micros) -> Vec<(String, Balance, Balance)> {
        let all = self.accounts.iter().map(|(name, account)| {
            let test = account.test.as_ref().map_or((0, 0), |ledger| ledger.balance(now));
            (name.clone(), account.live.balance(now), test)
        });
        all.collect()
    }

    /// Decisions of an account that wait for their outcome or for the end of their time.
    pub(crate) fn waiting(&self, account: &str) -> BTreeSet<u64> {
        let waits = |decision: &Decision| decision.open.is_some() && !decision.expired;
        let own = |decision: &Decision| decision.account.as_deref() == Some(account);
        let all = self.decisions.iter().filter(|(_, decision)| waits(decision) && own(decision));
        all.map(|(place, _)| *place).collect()
    }

    /// Every decision, by its position.
    pub(crate) fn decisions(&self) -> impl Iterator<Item = (u64, Foretold)> {
        let told = |decision: &Decision| (total(&decision.charged), decision.refunded, decision.settled);
        self.decisions.iter().map(move |(place, decision)| (*place, told(decision)))
    }
}

/// Of a decision: what was charged, what of it was given back, and the event of its outcome.
pub(crate) type Foretold = (Micro, Micro, Option<u64>);

fn recorded(facts: impl IntoIterator<Item = (String, Fact)>) -> Verdict {
    Verdict::Recorded(facts.into_iter().collect())
}
