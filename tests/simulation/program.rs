//! Random commands of gateways and operators over what there is by now.

use crate::spec::{By, CREDIT, FREE, HOUR, Micro, Micros, Rule, SECOND, Spec};
use crate::wish::{Act, Asked, Caller, Grant, KeyChange, Outcome, Request, Wish};
use counterfoil_tests::chance::Chance;

const ACCOUNTS: u64 = 6;
const ADDRESSES: u64 = 8;

/// What a generator of commands has to know: enough to speak of things that exist, most of the time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    sent: u64,
    keys: u32,
    refunds: u64,
    /// Decisions that were heard of.
    pub(crate) decisions: Vec<u64>,
    /// Addresses that a flood has used up to here.
    flooded: u32,
}

impl Program {
    /// A command that nobody sent before.
    pub(crate) fn next(&mut self, specs: &[Spec], now: Micros, chance: &mut Chance) -> Asked {
        let wish = self.wish(specs, now, chance);
        self.asked(wish, now, chance)
    }

    /// What a provider does first: the policy, some accounts, credit and keys.
    pub(crate) fn opening(&mut self, now: Micros, chance: &mut Chance) -> Vec<Asked> {
        let mut wishes = vec![Wish::Publish(0)];
        for number in 0..ACCOUNTS - 1 {
            let mut act = |act| wishes.push(Wish::Account { account: format!("a{number}"), act });
            act(Act::Open);
            act(Act::Grant(Grant { test: false, ..grant(now, chance) }));
            self.keys += 1;
            act(Act::IssueKey { key: self.keys, test: chance.one_in(4), replaces: None });
        }
        wishes.into_iter().map(|wish| self.asked(wish, now, chance)).collect()
    }

    /// A request of an address that was never seen.
    pub(crate) fn stranger(&mut self, now: Micros, chance: &mut Chance) -> Asked {
        self.flooded += 1;
        let ip = Some(1_000 + self.flooded);
        let request = Request { caller: Caller::Anonymous, ip, ..request(chance) };
        self.asked(Wish::Request(request), now, chance)
    }

    fn asked(&mut self, wish: Wish, now: Micros, chance: &mut Chance) -> Asked {
        self.sent += 1;
        let actor = chance.pick(&["gateway:one", "gateway:two"]);
        let age = chance.pick(&[100, 5_000, 30_000, 30_000, 200_000]);
        let millis = now / 1_000 - i64::try_from(chance.below(age)).expect("small");
        let (id, made) = match chance.below(5) {
            0 => (time_ordered(millis, self.sent), Some(millis * 1_000)),
            _ => (format!("r{}", self.sent), None),
        };
        Asked { actor, id, made, content: self.sent, wish }
    }

    fn wish(&mut self, specs: &[Spec], now: Micros, chance: &mut Chance) -> Wish {
        match chance.below(100) {
            0..52 => Wish::Request(self.request(chance)),
            66..71 => self.refund(chance),
            71..80 => account(chance, |chance| Act::Grant(grant(now, chance))),
            80..82 => account(chance, |_| Act::Open),
            82..84 => Wish::Publish(chance.index(specs.len())),
            84..87 => self.key(chance),
            87..89 => {
                account(chance, |chance| Act::Deduct { test: chance.one_in(4), amount: amount(chance) })
            }
            89..91 => account(chance, |chance| Act::Suspend { until: soon(now, chance) }),
            91..93 => account(chance, |_| Act::Reinstate),
            93..98 => figures(&specs[0], now, chance),
            98 if chance.one_in(6) => account(chance, |_| Act::Terminate),
            // From 52 to 65, and now and then above.
            _ => self.outcome(chance),
        }
    }

    fn request(&self, chance: &mut Chance) -> Request {
        let caller = match chance.below(10) {
            0..4 if self.keys > 0 => Caller::Key(self.any_key(chance)),
            0..8 => Caller::Account(any_account(chance)),
            _ => Caller::Anonymous,
        };
        let ip = Some(address(chance)).filter(|_| caller != Caller::Anonymous || !chance.one_in(20));
        let mut request = Request { caller, ..request(chance) };
        request.ip = request.ip.or(ip);
        request
    }

    fn any_key(&self, chance: &mut Chance) -> u32 {
        let key = if chance.one_in(15) { 1_000_000 } else { chance.between(1, u64::from(self.keys)) };
        u32::try_from(key).expect("small")
    }

    /// A decision that was heard of, the newer the likelier; now and then one that never was.
    fn decision(&self, chance: &mut Chance) -> u64 {
        if self.decisions.is_empty() || chance.one_in(40) {
            return 1_000_000_000;
        }
        let back = self.decisions.len() - 1 - chance.index(self.decisions.len().min(60));
        self.decisions[back]
    }

    fn outcome(&self, chance: &mut Chance) -> Wish {
        let decision = self.decision(chance);
        if chance.one_in(6) {
            return Wish::Begin { decision };
        }
        Wish::Settle { decision, outcome: outcome(chance), pieces: pieces(chance) }
    }

    fn refund(&mut self, chance: &mut Chance) -> Wish {
        if !chance.one_in(4) {
            self.refunds += 1;
        }
        let refund = format!("f{}", self.refunds);
        let amount = chance.maybe(2, |chance| amount(chance) / 8);
        Wish::Refund { decision: self.decision(chance), refund, amount }
    }

    fn key(&mut self, chance: &mut Chance) -> Wish {
        if self.keys > 0 && chance.one_in(2) {
            let key = self.any_key(chance);
            let change = chance.pick(&[KeyChange::Suspended, KeyChange::Resumed, KeyChange::Revoked]);
            return account(chance, |_| Act::ChangeKey { key, change });
        }
        let replaces = if self.keys > 0 { chance.maybe(4, |chance| self.any_key(chance)) } else { None };
        self.keys += u32::from(!chance.one_in(10));
        let (key, test) = (self.keys, chance.one_in(4));
        account(chance, |_| Act::IssueKey { key, test, replaces })
    }
}

/// A `UUIDv7` of this millisecond.
fn time_ordered(millis: i64, number: u64) -> String {
    let (high, low) = (millis >> 16, millis & 0xFFFF);
    format!("{high:08x}-{low:04x}-7000-8000-{number:012x}")
}

fn any_account(chance: &mut Chance) -> String {
    format!("a{}", chance.below(ACCOUNTS))
}

fn account(chance: &mut Chance, act: impl FnOnce(&mut Chance) -> Act) -> Wish {
    Wish::Account { account: any_account(chance), act: act(chance) }
}

fn address(chance: &mut Chance) -> u32 {
    u32::try_from(chance.between(1, ADDRESSES)).expect("small")
}

fn request(chance: &mut Chance) -> Request {
    Request {
        caller: Caller::Anonymous,
        ip: (!chance.one_in(6)).then(|| address(chance)),
        endpoint: chance.pick(&["/a", "/a", "/b", FREE]),
        pieces: pieces(chance),
        units: if chance.one_in(4) { 2 } else { 1 },
        settle: chance.maybe(3, outcome),
    }
}

fn pieces(chance: &mut Chance) -> Option<u32> {
    (!chance.one_in(12)).then(|| u32::try_from(chance.below(18)).expect("small"))
}

fn outcome(chance: &mut Chance) -> Outcome {
    let all = [Outcome::ClientError, Outcome::SystemError, Outcome::Cancelled];
    if chance.one_in(2) { Outcome::Succeeded } else { chance.pick(&all) }
}

fn amount(chance: &mut Chance) -> Micro {
    Micro::from(chance.between(1, 40)) * CREDIT + Micro::from(chance.below(3)) * 250_001
}

fn soon(now: Micros, chance: &mut Chance) -> Option<Micros> {
    let spans = [-SECOND, 0, SECOND, 30 * SECOND, HOUR];
    chance.maybe(2, |chance| now + chance.pick(&spans))
}

fn grant(now: Micros, chance: &mut Chance) -> Grant {
    Grant {
        promotion: chance.one_in(3),
        amount: amount(chance),
        test: chance.one_in(5),
        effective: chance.maybe(6, |chance| now + chance.pick(&[-SECOND, 5 * SECOND, HOUR])),
        expires: chance.maybe(2, |chance| now + chance.pick(&[-SECOND, SECOND, 40 * SECOND, 3 * HOUR])),
        priority: chance.pick(&[0, 0, 0, -1, 5]),
    }
}

/// Figures of their own, counts set back, bans.
fn figures(spec: &Spec, now: Micros, chance: &mut Chance) -> Wish {
    let limit = &spec.limits[chance.index(spec.limits.len())];
    // What a stopped token bucket shows is not foretold: see "Known quirks" in ARCHITECTURE.md.
    let least = u64::from(matches!(limit.rule, Rule::Tokens { .. }));
    let figure = chance.maybe(2, |chance| chance.between(least, 6));
    let counts = !matches!(limit.rule, Rule::Cooldown(_));
    match chance.below(5) {
        0 => Wish::Ban { ip: address(chance), until: soon(now, chance) },
        1 => Wish::LiftBan { ip: address(chance) },
        2 if limit.by == [By::Account] => {
            Wish::ResetAccount { limit: limit.name, account: any_account(chance) }
        }
        2 if limit.by == [By::Ip] => Wish::ResetIp { limit: limit.name, ip: address(chance) },
        3 if counts => account(chance, |_| Act::Figure { limit: limit.name, figure }),
        _ if counts => Wish::IpFigure { limit: limit.name, ip: address(chance), figure },
        _ => Wish::LiftBan { ip: address(chance) },
    }
}
