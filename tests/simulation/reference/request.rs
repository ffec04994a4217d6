//! The ladder of gates: key, ban, suspension, size, limits in order, credit.

use super::abuse::Sender;
use super::counts::Said;
use super::{Decision, MINUTE, Open, Reference, Standing};
use crate::spec::{
    By, CREDIT, ChargeAt, Credit, FREE, HOUR, Limit, Micro, Micros, Price, Rule, Signal, Spec,
};
use crate::wish::{Admitted, Balance, Caller, Denied, Draw, Fact, Outcome, Request, Verdict, total};

/// What credit an admission moves.
#[derive(Default)]
struct Paid {
    hold: Vec<Draw>,
    charge: Vec<Draw>,
    uncollected: Micro,
    balance: Option<Balance>,
}

/// A counter that a request moves: the limit, its subject, the weight and the figure in force.
type Counter = (Limit, String, u64, u64);

impl Reference {
    pub(super) fn request(&mut self, request: &Request, now: Micros) -> Result<Verdict, String> {
        let spec = self.in_force()?;
        let sender = self.sender(request);
        let unusable = self.unusable(request, &spec)?;
        if sender.account.is_none() && sender.ip.is_none() {
            return Err("Invalid ip".to_owned());
        }
        let refusal = unusable.or_else(|| self.struck(&sender, now)).or_else(|| too_large(request, &spec));
        let counters = self.counters(&spec, &sender, request);
        let refusal = refusal.or_else(|| self.limits(&sender, &counters, now));
        if let Some(denied) = refusal {
            return Ok(self.deny(&sender, denied, &spec, now));
        }
        let open = sender.account.as_ref().map_or(0, |name| self.open_of(name));
        if sender.account.is_some() && request.settle.is_none() && open >= spec.open_holds_max {
            return Err("TooManyHolds".to_owned());
        }
        let paid = match self.pay(request, &sender, &spec, now)? {
            Ok(paid) => paid,
            Err(denied) => return Ok(self.deny(&sender, denied, &spec, now)),
        };
        Ok(self.admit(request, (&sender, &spec), (counters, paid), now))
    }

    fn open_of(&self, name: &str) -> usize {
        let own = self.decisions.values().filter(|decision| decision.account.as_deref() == Some(name));
        own.filter(|decision| decision.open.is_some() && !decision.expired).count()
    }

    fn unusable(&self, request: &Request, spec: &Spec) -> Result<Option<Denied>, String> {
        let why = match &request.caller {
            Caller::Anonymous => (!spec.anonymous).then_some("missing_key"),
            Caller::Account(name) => {
                let account = self.accounts.get(name).ok_or("UnknownAccount")?;
                account.terminated.then_some("account_closed")
            }
            Caller::Key(number) => match self.key(*number).map(|(_, key)| key.standing) {
                None => Some("unknown_key"),
                Some(Standing::Active) => None,
                Some(Standing::Suspended) => Some("key_suspended"),
                Some(Standing::Revoked) => Some("key_revoked"),
            },
        };
        Ok(why.map(|why| denied("UNAUTHENTICATED", why)))
    }

    fn struck(&self, sender: &Sender, now: Micros) -> Option<Denied> {
        if let Some((name, until)) = self.banned(sender, now) {
            return Some(Denied { gate: Some(name), retry_at: until, ..denied("BANNED", "banned") });
        }
        let suspension = self.accounts.get(sender.account.as_ref()?)?.suspended(now)?;
        Some(Denied { retry_at: suspension.until, ..denied("SUSPENDED", &suspension.reason) })
    }

    /// Every counter that a request moves, in the policy's order.
    fn counters(&self, spec: &Spec, sender: &Sender, request: &Request) -> Vec<Counter> {
        let limits = spec.limits.iter().filter_map(|limit| {
            let subject = sender.subject(&limit.by)?;
            let weight = if limit.units { u64::from(request.units) } else { 1 };
            Some((limit.clone(), subject, weight, self.figure(limit, sender)))
        });
        limits.collect()
    }

    /// The figure in force: the account's own, the address's own, the policy's.
    fn figure(&self, limit: &Limit, sender: &Sender) -> u64 {
        let by_account = limit.by.contains(&By::Account) || limit.by.contains(&By::Key);
        let account = sender.account.as_ref().filter(|_| by_account);
        let account = account.and_then(|name| self.accounts[name].figures.get(limit.name));
        let ip = sender.ip.filter(|_| limit.by.contains(&By::Ip));
        let ip = ip.and_then(|ip| self.ip_figures.get(&(limit.name.to_owned(), ip)));
        account.or(ip).copied().unwrap_or(limit.figure)
    }

    fn said(&self, (limit, subject, weight, figure): &Counter, now: Micros) -> Said {
        self.counts.ask((limit, *figure), subject, (*weight, self.jobs(limit.name, subject)), now)
    }

    fn jobs(&self, limit: &str, subject: &str) -> u64 {
        let open = self.decisions.values().filter_map(|decision| decision.open.as_ref());
        let own = open.flat_map(|open| &open.jobs).filter(|job| job.0 == limit && job.1 == subject);
        own.map(|job| job.2).sum()
    }

    fn limits(&self, sender: &Sender, counters: &[Counter], now: Micros) -> Option<Denied> {
        let (counter, said) = counters
            .iter()
            .map(|counter| (counter, self.said(counter, now)))
            .find(|(_, said)| !said.passes)?;
        let (limit, _, weight, _) = counter;
        let (code, retry_at) = match limit.rule {
            Rule::Concurrent(hint) => {
                let waits = *weight <= said.limit;
                ("QUEUE_FULL", waits.then(|| self.job_retry(sender, hint, now)))
            }
            Rule::Cooldown(_) | Rule::Rolling(_) | Rule::Bucket(_) | Rule::Tokens { .. } => {
                ("RATE_LIMITED", said.retry_at)
            }
        };
        let (gate, count, figure) = (Some(limit.name.to_owned()), Some(said.count), Some(said.limit));
        Some(Denied { gate, count, limit: figure, retry_at, ..denied(code, limit.name) })
    }

    /// The policy's hint, one second without, at most until the account's first hold runs out.
    fn job_retry(&self, sender: &Sender, hint: Option<Micros>, now: Micros) -> Micros {
        let own = self.decisions.values().filter(|it| it.account.is_some() && it.account == sender.account);
        let own = own.filter(|it| !it.expired).filter_map(|it| it.open.as_ref());
        let first = own.map(|open| open.until).min().unwrap_or(Micros::MAX);
        (now + hint.unwrap_or(1_000_000)).min(first)
    }

    /// Holds or charges; the inner error is the refusal for want of credit.
    fn pay(
        &self,
        request: &Request,
        sender: &Sender,
        spec: &Spec,
        now: Micros,
    ) -> Result<Result<Paid, Denied>, String> {
        let (Some(credit), Some(name)) = (&spec.credit, &sender.account) else {
            return Ok(Ok(Paid::default()));
        };
        let test = self.is_test(request);
        let ledger = self.accounts[name].ledger(test).cloned().unwrap_or_default();
        let first = credit.price.hold(request)?;
        let (available, held) = ledger.balance(now);
        if first > 0 && first > available {
            let (gate, price) = (Some("credit".to_owned()), Some(first));
            let short = denied("INSUFFICIENT_CREDITS", "insufficient_credits");
            return Ok(Err(Denied { gate, price, balance: Some((available, held)), ..short }));
        }
        if let Some(outcome) = request.settle {
            let cost = credit.cost(request, request.pieces, outcome)?;
            let moved = ledger.plan(&[], cost, credit.overdraft.unwrap_or(0), now);
            let balance = Some((available - total(&moved.further), held));
            let (charge, uncollected) = (moved.further, moved.uncollected);
            return Ok(Ok(Paid { hold: Vec::new(), charge, uncollected, balance }));
        }
        let draws = ledger.draw(first, now);
        if credit.charge == ChargeAt::Admission {
            let balance = Some((available - first, held));
            return Ok(Ok(Paid { charge: draws, balance, ..Paid::default() }));
        }
        let balance = Some((available - first, held + first));
        Ok(Ok(Paid { hold: draws, balance, ..Paid::default() }))
    }

    pub(super) fn is_test(&self, request: &Request) -> bool {
        let Caller::Key(number) = &request.caller else { return false };
        self.key(*number).is_some_and(|(_, key)| key.test)
    }

    fn admit(
        &mut self,
        request: &Request,
        (sender, spec): (&Sender, &Spec),
        (counters, paid): (Vec<Counter>, Paid),
        now: Micros,
    ) -> Verdict {
        let limits = counters.iter().filter(|counter| !matches!(counter.0.rule, Rule::Cooldown(_)));
        let said = limits.map(|counter| (counter.0.name.to_owned(), self.said(counter, now)));
        let limits = said.map(|(name, said)| (name, said.limit, said.left)).collect();
        let hold_for = spec.credit.as_ref().map_or(24 * HOUR, |credit| credit.hold_for);
        let until = request.settle.is_none().then_some(now + hold_for);
        let jobs = self.count(counters, until.is_some(), now);
        let Paid { hold, charge, uncollected, balance } = paid;
        let test = self.is_test(request);
        let account = sender.account.as_ref().and_then(|name| self.accounts.get_mut(name));
        if let Some(account) = account.filter(|_| !hold.is_empty() || !charge.is_empty()) {
            account.ledger_mut(test).reserve(&hold);
            account.ledger_mut(test).charge(&charge);
        }
        let charged = !charge.is_empty();
        let open = until.map(|until| Open { until, hold: hold.clone(), jobs, charged });
        let decision = Decision {
            account: sender.account.clone(),
            test,
            at: now,
            request: request.clone(),
            version: *self.published.last().expect("a policy is in force"),
            open,
            charged: charge.clone(),
            refunded: 0,
            begun: None,
            settled: None,
            expired: false,
            refunds: Vec::new(),
        };
        self.decisions.insert(self.position + 1, decision);
        let fact = Admitted { until, hold, charge, uncollected, balance, limits };
        let mut facts = vec![(sender.stream(), Fact::Admitted(Box::new(fact)))];
        if request.settle == Some(Outcome::ClientError) {
            facts.extend(self.gather(Signal::ClientError, sender, now));
        }
        Verdict::Recorded(facts)
    }

    /// Counts what was admitted, and returns the jobs that it opened.
    fn count(&mut self, counters: Vec<Counter>, open: bool, now: Micros) -> Vec<(String, String, u64)> {
        let mut jobs = Vec::new();
        for (limit, subject, weight, figure) in counters {
            if !matches!(limit.rule, Rule::Concurrent(_)) {
                self.counts.add(limit.name, &subject, now, (weight, figure));
            } else if open {
                self.counts.note(limit.name, &subject);
                jobs.push((limit.name.to_owned(), subject, weight));
            }
        }
        jobs
    }

    fn deny(&mut self, sender: &Sender, denied: Denied, spec: &Spec, now: Micros) -> Verdict {
        let (stream, minute) = (sender.stream(), now - now % MINUTE);
        let most = if self.is_signal(sender, denied.code) { 100 } else { 1 } * spec.denials_per_minute;
        let recorded = self.recorded.entry((stream.clone(), minute)).or_default();
        if *recorded >= most {
            let first = (sender.clone(), 0);
            self.counted.entry((minute, stream.clone(), denied.code)).or_insert(first).1 += 1;
            return Verdict::Counted(stream, Box::new(denied));
        }
        *recorded += 1;
        let mut facts = vec![(stream, Fact::Denied(Box::new(denied.clone())))];
        facts.extend(self.gather_denial(sender, denied.code, now));
        Verdict::Recorded(facts)
    }
}

fn denied(code: &'static str, reason: &str) -> Denied {
    Denied { code, reason: reason.to_owned(), ..Denied::default() }
}

fn too_large(request: &Request, spec: &Spec) -> Option<Denied> {
    let max = spec.size_max.filter(|max| request.pieces.is_some_and(|pieces| pieces > *max))?;
    Some(Denied { gate: Some("size".to_owned()), limit: Some(u64::from(max)), ..denied("TOO_LARGE", "size") })
}

impl Credit {
    /// The final cost of an outcome.
    pub(super) fn cost(
        &self,
        request: &Request,
        pieces: Option<u32>,
        outcome: Outcome,
    ) -> Result<Micro, String> {
        let one = match outcome {
            _ if request.endpoint == FREE => 0,
            Outcome::Succeeded => self.price.full(request, pieces)?,
            Outcome::ClientError if self.client_error_base => self.price.base(request),
            Outcome::ClientError | Outcome::SystemError | Outcome::Cancelled => 0,
        };
        Ok(one * Micro::from(request.units))
    }
}

impl Price {
    /// What an admission reserves.
    pub(super) fn hold(&self, request: &Request) -> Result<Micro, String> {
        let one = if self.estimate { self.full(request, request.pieces)? } else { self.base(request) };
        Ok(one * Micro::from(request.units))
    }

    fn base(&self, request: &Request) -> Micro {
        if request.endpoint == FREE { 0 } else { half_even(self.base * self.markup) }
    }

    fn full(&self, request: &Request, pieces: Option<u32>) -> Result<Micro, String> {
        if request.endpoint == FREE {
            return Ok(0);
        }
        let pieces = pieces.ok_or("Invalid attributes")?;
        let exact = (self.base + Micro::from(pieces) * self.piece) * self.markup;
        let minimum = self.minimum.filter(|_| exact > 0).unwrap_or(0) * CREDIT;
        Ok(half_even(exact.max(minimum)))
    }
}

/// Rounds millionths of millionths to millionths, a half to the even neighbour.
fn half_even(exact: Micro) -> Micro {
    let (whole, rest) = (exact / CREDIT, exact % CREDIT);
    let up = 2 * rest > CREDIT || (2 * rest == CREDIT && whole % 2 == 1);
    whole + Micro::from(up)
}
