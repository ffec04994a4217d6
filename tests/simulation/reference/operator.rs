//! What operators do: accounts, keys, credit, figures, counts and policies.

use super::ledger::Lot;
use super::{Account, Key, Reference, Standing, Suspension, recorded};
use crate::spec::{By, Micros, Spec};
use crate::wish::{Act, Fact, Grant, KeyChange, LotRef, Verdict, account_stream, ip_stream, part};

impl Reference {
    pub(super) fn publish(&mut self, which: usize) -> Verdict {
        self.published.push(which);
        let policy = ("catalogue".to_owned(), Fact::PolicyPublished { number: self.published.len() });
        // A policy without a price list, or with that of the one before it, publishes none.
        let list = |which: usize| self.specs[which].credit.as_ref().map(|credit| &credit.price);
        let before = std::iter::once(None).chain(self.published.iter().map(|which| list(*which)));
        let lists = self.published.iter().map(|which| list(*which)).zip(before);
        let brings: Vec<bool> = lists.map(|(own, before)| own.is_some() && own != before).collect();
        let number = brings.iter().filter(|brings| **brings).count();
        let prices = ("catalogue".to_owned(), Fact::PricesPublished { number });
        let brings = brings.ends_with(&[true]);
        recorded([Some(policy), brings.then_some(prices)].into_iter().flatten())
    }

    pub(super) fn act(&mut self, name: &str, act: &Act, now: Micros) -> Result<Verdict, String> {
        let spec = self.in_force()?;
        if let Act::IssueKey { key, .. } = act
            && self.key(*key).is_some()
        {
            return Err("Invalid key".to_owned());
        }
        act.check(&spec, now)?;
        if *act == Act::Open {
            if self.accounts.contains_key(name) {
                return Err("AccountExists".to_owned());
            }
            self.accounts.insert(name.to_owned(), Account::default());
            return Ok(recorded([(account_stream(name), Fact::Opened)]));
        }
        let position = self.position + 1;
        let account = self.accounts.get_mut(name).ok_or("UnknownAccount")?;
        if account.terminated && !matches!(act, Act::Grant(_) | Act::Deduct { .. }) {
            return Err("AccountClosed".to_owned());
        }
        let fact = account.act(act, &spec, (position, now))?;
        Ok(recorded([(account_stream(name), fact)]))
    }

    pub(super) fn ip_figure(&mut self, limit: &str, ip: u32, figure: Option<u64>) -> Result<Verdict, String> {
        by_of(&self.in_force()?, limit, By::Ip).map_err(|()| "Invalid ip")?;
        match figure {
            Some(figure) => self.ip_figures.insert((limit.to_owned(), ip), figure),
            None => self.ip_figures.remove(&(limit.to_owned(), ip)),
        };
        Ok(recorded([(ip_stream(ip), Fact::FigureSet)]))
    }

    pub(super) fn reset_account(&mut self, limit: &str, account: &str) -> Result<Verdict, String> {
        self.in_force()?;
        if !self.accounts.contains_key(account) {
            return Err("UnknownAccount".to_owned());
        }
        self.counts.reset(limit, &part(By::Account, account));
        Ok(recorded([(account_stream(account), Fact::CountReset)]))
    }

    pub(super) fn reset_ip(&mut self, limit: &str, ip: u32) -> Result<Verdict, String> {
        self.in_force()?;
        self.counts.reset(limit, &part(By::Ip, &ip.to_string()));
        Ok(recorded([(ip_stream(ip), Fact::CountReset)]))
    }
}

/// Whether a limit is counted by a dimension.
fn by_of(spec: &Spec, limit: &str, by: By) -> Result<(), ()> {
    let known = spec.limits.iter().find(|known| known.name == limit).ok_or(())?;
    known.by.contains(&by).then_some(()).ok_or(())
}

impl Act {
    /// What is wrong whatever the account is like.
    fn check(&self, spec: &Spec, now: Micros) -> Result<(), String> {
        match self {
            Act::Figure { limit, .. } => {
                let counted = by_of(spec, limit, By::Account).or(by_of(spec, limit, By::Key));
                counted.map_err(|()| "Invalid account".to_owned())
            }
            Act::Suspend { until: Some(until) } if *until <= now => Err("Invalid until".to_owned()),
            _ => Ok(()),
        }
    }
}

impl Account {
    fn act(&mut self, act: &Act, spec: &Spec, (position, now): (u64, Micros)) -> Result<Fact, String> {
        match act {
            Act::Open => Err("AccountExists".to_owned()),
            Act::IssueKey { key, test, replaces } => self.issue(*key, *test, *replaces, now),
            Act::ChangeKey { key, change } => self.change_key(*key, *change),
            Act::Grant(grant) => self.grant(grant, spec, (position, now)),
            Act::Deduct { test, amount } => {
                let (available, held) = self.ledger(*test).map_or((0, 0), |ledger| ledger.balance(now));
                if *amount > available {
                    return Err(format!("NotEnough {available}"));
                }
                let draws = self.ledger_mut(*test).draw(*amount, now);
                self.ledger_mut(*test).charge(&draws);
                Ok(Fact::Deducted { draws, balance: (available - amount, held) })
            }
            Act::Figure { limit, figure } => {
                match figure {
                    Some(figure) => self.figures.insert((*limit).to_owned(), *figure),
                    None => self.figures.remove(*limit),
                };
                Ok(Fact::FigureSet)
            }
            Act::Suspend { until } => {
                self.suspension = Some(Suspension { reason: "operator".to_owned(), until: *until });
                Ok(Fact::Suspended { until: *until, fired: None })
            }
            Act::Reinstate => {
                self.suspended(now).ok_or("NothingToChange")?;
                self.suspension = None;
                Ok(Fact::Reinstated { due: None })
            }
            Act::Terminate => {
                self.terminated = true;
                self.keys.iter_mut().for_each(|key| key.standing = Standing::Revoked);
                Ok(Fact::Terminated)
            }
        }
    }

    fn issue(&mut self, number: u32, test: bool, replaces: Option<u32>, now: Micros) -> Result<Fact, String> {
        if self.suspended(now).is_some() {
            return Err("AccountSuspended".to_owned());
        }
        if let Some(old) = replaces {
            let old = self.keys.iter_mut().find(|key| key.number == old);
            let old = old.filter(|key| key.standing != Standing::Revoked).ok_or("UnknownKey")?;
            old.standing = Standing::Revoked;
        }
        self.keys.push(Key { number, test, standing: Standing::Active });
        Ok(Fact::KeyIssued)
    }

    fn change_key(&mut self, number: u32, change: KeyChange) -> Result<Fact, String> {
        let key = self.keys.iter_mut().find(|key| key.number == number).ok_or("UnknownKey")?;
        let (fits, standing) = match change {
            KeyChange::Revoked => (key.standing != Standing::Revoked, Standing::Revoked),
            KeyChange::Suspended => (key.standing == Standing::Active, Standing::Suspended),
            KeyChange::Resumed => (key.standing == Standing::Suspended, Standing::Active),
        };
        if !fits {
            return Err("NothingToChange".to_owned());
        }
        key.standing = standing;
        Ok(Fact::KeyChanged)
    }

    fn grant(&mut self, grant: &Grant, spec: &Spec, (position, now): (u64, Micros)) -> Result<Fact, String> {
        let credit = spec.credit.as_ref().ok_or("NotAllowed")?;
        let effective = grant.effective.unwrap_or(now);
        let validity = credit.promotion_validity.filter(|_| grant.promotion);
        let expires = grant.expires.or(validity.map(|validity| effective + validity));
        if expires.is_some_and(|expires| expires <= effective.max(now)) {
            return Err("Invalid expires".to_owned());
        }
        let (available, held) = self.ledger(grant.test).map_or((0, 0), |ledger| ledger.balance(now));
        let ledger = self.ledger_mut(grant.test);
        let repays = effective <= now && (credit.promotions_repay || !grant.promotion);
        let repaid = if repays { ledger.debt.min(grant.amount) } else { 0 };
        let what = LotRef { id: (position, 0), expires, priority: grant.priority };
        ledger.grant(Lot { what, left: grant.amount, reserved: 0, effective }, repaid);
        let usable = if effective <= now { grant.amount } else { 0 };
        Ok(Fact::Granted { repaid, expires, balance: (available + usable, held) })
    }
}
