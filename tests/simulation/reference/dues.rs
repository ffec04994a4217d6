//! What falls due by itself: holds, suspensions and credit whose time is over, and minutes of counted refusals.

use super::{MINUTE, Reference, Sender};
use crate::spec::Micros;
use crate::wish::{Fact, First, Moved, Wish, account_stream, total};

impl Reference {
    /// What the book must have recorded before it looks at a command: the dues of the account that it concerns, or
    /// those of callers without one.
    pub(super) fn nothing_is_due_for(&self, wish: &Wish, now: Micros) -> Result<(), String> {
        let of = |decision: &u64| self.decisions.get(decision).and_then(|decision| decision.account.clone());
        if let Wish::Begin { decision } | Wish::Settle { decision, .. } | Wish::Refund { decision, .. } = wish
            && self.known(*decision, now).is_err()
        {
            // The book may have let it go, and then cannot tell whose it was.
            return Ok(());
        }
        let account = match wish {
            Wish::Request(request) => self.caller(&request.caller),
            Wish::Begin { decision } | Wish::Settle { decision, .. } | Wish::Refund { decision, .. } => {
                of(decision)
            }
            Wish::Account { account, .. } => self.accounts.contains_key(account).then(|| account.clone()),
            Wish::Ban { .. }
            | Wish::LiftBan { .. }
            | Wish::IpFigure { .. }
            | Wish::ResetAccount { .. }
            | Wish::ResetIp { .. }
            | Wish::Publish(_) => None,
        };
        match self.due_of(account.as_deref(), now) {
            Some(due) => Err(format!("{due} was due for {account:?} at {now} before {wish:?}")),
            None => Ok(()),
        }
    }

    /// Something of this account (or of callers without one) that should have been recorded by now.
    fn due_of(&self, account: Option<&str>, now: Micros) -> Option<String> {
        let holds = self.decisions.iter().filter(|(_, decision)| decision.account.as_deref() == account);
        for (position, decision) in holds {
            if !decision.expired && decision.open.as_ref().is_some_and(|open| open.until <= now) {
                return Some(format!("the expiry of d_{position}"));
            }
        }
        let account = self.accounts.get(account?)?;
        let ended = account.suspension.as_ref().and_then(|suspension| suspension.until);
        if ended.is_some_and(|until| until <= now) {
            return Some("the end of a suspension".to_owned());
        }
        let test = account.test.as_ref().and_then(|ledger| ledger.expired(now));
        account.live.expired(now).or(test).map(|_| "the expiry of credit".to_owned())
    }

    /// Something, of anybody, that should have been recorded by now.
    pub(crate) fn anything_due(&self, now: Micros) -> Option<String> {
        let accounts = self.accounts.keys().map(|name| Some(name.as_str()));
        let counted = self.counted.keys().find(|(from, ..)| from + MINUTE <= now);
        std::iter::once(None)
            .chain(accounts)
            .find_map(|account| self.due_of(account, now))
            .or_else(|| counted.map(|(from, stream, _)| format!("the minute {from} of {stream}")))
    }

    /// Checks an event that nobody asked for, makes it happen, and says what it must have been and what follows it.
    ///
    /// How many refusals an engine counted is known only of the engine whose answers were all heard; of a `foreign`
    /// one it is believed.
    pub(crate) fn by_itself(
        &mut self,
        (stream, fact): (&str, &Fact),
        foreign: bool,
        now: Micros,
    ) -> Result<Vec<(String, Fact)>, String> {
        match fact {
            Fact::HoldExpired { decision, .. } => self.expire_hold(*decision, now).map(|fact| vec![fact]),
            Fact::CreditExpired { test, .. } => self.expire_credit(stream, *test, now).map(|fact| vec![fact]),
            Fact::Reinstated { .. } => self.end_suspension(stream, now).map(|fact| vec![fact]),
            Fact::Counted { from, count, first } => {
                if foreign {
                    self.believe(stream, *from, (*count, first));
                }
                self.record_minute(stream, *from, first.code).map(|fact| vec![fact])
            }
            other => Err(format!("{other:?} has no command")),
        }
    }

    fn expire_hold(&mut self, position: u64, now: Micros) -> Result<(String, Fact), String> {
        let decision = self.decisions.get_mut(&position).ok_or("a hold of no decision expired")?;
        let stream = Self::stream(decision.account.as_ref(), decision.request.ip);
        let spec = &self.specs[decision.version];
        let open = decision.open.as_mut().filter(|_| !decision.expired);
        let open = open.ok_or_else(|| format!("d_{position} is not open"))?;
        let due = open.until;
        if due > now {
            return Err(format!("the hold of d_{position} ran out before {due}"));
        }
        decision.expired = true;
        let hold = std::mem::take(&mut open.hold);
        open.jobs.clear();
        let account = decision.account.as_ref().and_then(|name| self.accounts.get_mut(name));
        let mut moved = Moved::default();
        if let (Some(account), Some(credit), false) = (account, &spec.credit, open.charged) {
            let cost = if credit.expiry_charges { total(&hold) } else { 0 };
            let ledger = account.ledger_mut(decision.test);
            moved = ledger.plan(&hold, cost, 0, now);
            ledger.settle(&moved);
            open.charged = cost > 0;
            decision.charged.extend(&moved.from_hold);
        } else if let Some(name) = &decision.account {
            self.accounts.get_mut(name).expect("an account of a decision").ledger_mut(decision.test);
        }
        Ok((stream, Fact::HoldExpired { decision: position, due, moved }))
    }

    fn expire_credit(&mut self, stream: &str, test: bool, now: Micros) -> Result<(String, Fact), String> {
        let account = self.accounts.iter_mut().find(|(name, _)| account_stream(name) == stream);
        let (_, account) = account.ok_or("credit of no account expired")?;
        let ledger = account.ledger_mut(test);
        let (draws, due) = ledger.expired(now).ok_or_else(|| format!("no credit of {stream} was due"))?;
        ledger.charge(&draws);
        Ok((stream.to_owned(), Fact::CreditExpired { test, draws, due }))
    }

    fn end_suspension(&mut self, stream: &str, now: Micros) -> Result<(String, Fact), String> {
        let account = self.accounts.iter_mut().find(|(name, _)| account_stream(name) == stream);
        let (_, account) = account.ok_or("no account was reinstated")?;
        let due = account.suspension.take().and_then(|suspension| suspension.until);
        let due = due.filter(|due| *due <= now).ok_or("a suspension ended before its time")?;
        Ok((stream.to_owned(), Fact::Reinstated { due: Some(due) }))
    }

    /// The counted refusals of a minute: exactly as many as were answered.
    fn record_minute(
        &mut self,
        stream: &str,
        from: Micros,
        code: &'static str,
    ) -> Result<(String, Fact), String> {
        let counted = self.counted.remove(&(from, stream.to_owned(), code));
        let (sender, count) =
            counted.ok_or_else(|| format!("nothing of {stream} was counted from {from}"))?;
        let told = First { code, key: sender.key, ip: sender.ip };
        Ok((stream.to_owned(), Fact::Counted { count, from, first: told }))
    }

    fn believe(&mut self, stream: &str, from: Micros, (count, first): (u64, &First)) {
        let account = self.accounts.keys().find(|name| account_stream(name) == stream).cloned();
        let sender = Sender { account, key: first.key, ip: first.ip, endpoint: "" };
        self.counted.insert((from, stream.to_owned(), first.code), (sender, count));
    }
}
