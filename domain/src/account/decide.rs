//! What an operator, or the account's holder, may do to an account.

use super::check::{check, kind_of, known_limit, plan_of};
use super::{Account, Standing};
use crate::command::{AccountAct, Grant, NewKey};
use crate::event::{
    AccountOpened, AccountReinstated, AccountSuspended, AccountTerminated, Balance, CreditAdjusted,
    CreditGranted, Event, FigureSet, KeyChange, KeyChanged, KeyIssued, PlanChanged, Subject,
};
use crate::ids::Name;
use crate::ledger::{GrantError, NewLot, Overdraft};
use crate::money::Credits;
use crate::policy::{Dimension, KeyRules, Policy};
use crate::rejection::Rejection;
use crate::time::Timestamp;

/// What the rules of an account depend on besides the account.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    pub name: &'a Name,
    pub policy: &'a Policy,
    pub now: Timestamp,
}

/// Decides an act on an account; `None` stands for an account that was never opened.
pub fn decide(
    account: Option<&Account>,
    act: &AccountAct,
    setting: &Setting<'_>,
) -> Result<Event, Rejection> {
    check(act, setting)?;
    if let AccountAct::Open { .. } = act {
        return open(account, act, setting);
    }
    let account = account.ok_or_else(|| Rejection::UnknownAccount(setting.name.clone()))?;
    if account.terminated && !outlives_termination(act) {
        return Err(Rejection::AccountClosed(setting.name.clone()));
    }
    match act {
        AccountAct::Open { .. } => open(None, act, setting),
        AccountAct::Detail(detail) => Ok(Event::AccountDetailed(detail.clone())),
        AccountAct::ChangePlan { plan } => Ok(PlanChanged { plan: plan.clone() }.into()),
        AccountAct::IssueKey(key) => issue(account, key, setting),
        AccountAct::ChangeKey { key, change, reason } => change_key(account, key, change, reason.as_ref()),
        AccountAct::Grant(grant) => self::grant(account, grant, setting),
        AccountAct::Deduct { mode, amount, reason } => {
            let ledger = account.ledger(*mode);
            let available = account.balance(*mode, setting.now).0;
            let draws = ledger.and_then(|ledger| ledger.plan_charge(*amount, Overdraft::None, setting.now));
            let draws = draws.ok_or(Rejection::NotEnough { available })?;
            let balance = Balance(available.minus(*amount), account.balance(*mode, setting.now).1);
            Ok(CreditAdjusted { mode: *mode, draws, reason: reason.clone(), balance }.into())
        }
        AccountAct::SetFigure { limit, key, figure, reason } => {
            let subject = figure_subject(account, key.as_ref(), setting)?;
            may_differ(account, &subject, limit, setting.policy)?;
            let (limit, reason) = (limit.clone(), reason.clone());
            Ok(FigureSet { limit, subject, figure: *figure, reason }.into())
        }
        AccountAct::Suspend { reason, until } => {
            Ok(AccountSuspended { reason: reason.clone(), until: *until, escalation: None }.into())
        }
        AccountAct::Reinstate { reason } => match account.suspension(setting.now) {
            Some(_) => Ok(AccountReinstated { reason: reason.clone(), due: None }.into()),
            None => Err(Rejection::NothingToChange(format!("account `{}` is not suspended", setting.name))),
        },
        AccountAct::Terminate { reason } => Ok(AccountTerminated { reason: reason.clone() }.into()),
    }
}

/// Credit stays an account's own after it was closed: it can be corrected, paid out or written off.
fn outlives_termination(act: &AccountAct) -> bool {
    matches!(act, AccountAct::Grant(_) | AccountAct::Deduct { .. } | AccountAct::Detail(_))
}

fn open(account: Option<&Account>, act: &AccountAct, setting: &Setting<'_>) -> Result<Event, Rejection> {
    let AccountAct::Open { plan, owner, calendar, opened } = act else {
        return Err(Rejection::NotAllowed("not an opening".into()));
    };
    if account.is_some() {
        return Err(Rejection::AccountExists(setting.name.clone()));
    }
    let plan = plan_of(plan.as_ref(), setting)?;
    let opened = opened.unwrap_or(setting.now);
    let (owner, calendar) = (owner.clone(), calendar.clone());
    Ok(AccountOpened { plan, owner, calendar, opened }.into())
}

fn issue(account: &Account, new: &NewKey, setting: &Setting<'_>) -> Result<Event, Rejection> {
    let kind = kind_of(new, setting.policy)?;
    if account.suspension(setting.now).is_some() {
        return Err(Rejection::AccountSuspended(setting.name.clone()));
    }
    if let Some(old) = &new.replaces
        && account.key(old).is_none_or(super::Key::is_dead)
    {
        return Err(Rejection::UnknownKey(old.clone()));
    }
    may_have_key(account, new, &setting.policy.keys)?;
    let NewKey { key, hash, kind: kind_name, approval, replaces } = new.clone();
    Ok(KeyIssued { key, hash, kind: kind_name, mode: kind.mode, approval, replaces }.into())
}

/// Whether the account has given what a key needs, and has not too many already.
fn may_have_key(account: &Account, new: &NewKey, rules: &KeyRules) -> Result<(), Rejection> {
    let more = account.more();
    if rules.needs_contact && !more.is_some_and(|more| more.contact) {
        return Err(Rejection::NotAllowed("a key needs contact data on file".into()));
    }
    if rules.needs_terms && more.is_none_or(|more| more.terms.is_none()) {
        return Err(Rejection::NotAllowed("a key needs an accepted version of the terms".into()));
    }
    if more.is_some_and(|more| more.unverified) {
        let why = "a key was compromised: a new one needs an operator's recorded verification";
        return Err(Rejection::NotAllowed(why.into()));
    }
    let alive = account.keys.iter().filter(|key| !key.is_dead()).count();
    if new.replaces.is_none() && alive >= rules.max as usize {
        return Err(Rejection::NotAllowed(format!("an account may have {} keys", rules.max)));
    }
    Ok(())
}

fn change_key(
    account: &Account,
    name: &Name,
    change: &KeyChange,
    reason: Option<&String>,
) -> Result<Event, Rejection> {
    let key = account.key(name).ok_or_else(|| Rejection::UnknownKey(name.clone()))?;
    let fits = match change {
        KeyChange::Revoked | KeyChange::Compromised { .. } => !key.is_dead(),
        KeyChange::Suspended => key.is_active(),
        KeyChange::Resumed => key.standing == Standing::Suspended,
        KeyChange::Verified => account.more().is_some_and(|more| more.unverified),
    };
    if !fits {
        return Err(Rejection::NothingToChange(format!("key `{name}` is {}", standing(key.standing))));
    }
    Ok(KeyChanged { key: name.clone(), change: change.clone(), reason: reason.cloned() }.into())
}

fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Active => "active",
        Standing::Suspended => "suspended",
        Standing::Revoked => "revoked",
        Standing::Compromised => "compromised",
    }
}

fn grant(account: &Account, grant: &Grant, setting: &Setting<'_>) -> Result<Event, Rejection> {
    let now = setting.now;
    let credit = setting.policy.credit.as_ref();
    let credit = credit.ok_or_else(|| Rejection::NotAllowed("this policy knows no credit".into()))?;
    let effective = grant.effective.unwrap_or(now);
    let validity = credit.validity.get(&grant.kind);
    let expires = grant.expires.or_else(|| validity.map(|validity| effective.plus(*validity)));
    let Grant { kind, amount, priority, unit_value, .. } = *grant;
    let lot = NewLot { kind, amount, effective, expires, priority, unit_value };
    let empty = crate::ledger::Ledger::default();
    let ledger = account.ledger(grant.mode).unwrap_or(&empty);
    let granted = ledger.plan_grant(lot, credit.promotions_repay_debt, now).map_err(refusal)?;
    let Balance(available, held) = account.balance(grant.mode, now);
    let usable = if effective <= now { amount } else { Credits::ZERO };
    let balance = Balance(available.plus(usable), held);
    Ok(CreditGranted { granted, mode: grant.mode, reason: grant.reason.clone(), balance }.into())
}

fn refusal(error: GrantError) -> Rejection {
    let field = match error {
        GrantError::Expired => "expires",
        GrantError::NotPositive | GrantError::TooManyLots | GrantError::Range => "amount",
    };
    Rejection::invalid(field, format!("cannot be granted: {error}"))
}

fn figure_subject(
    account: &Account,
    key: Option<&Name>,
    setting: &Setting<'_>,
) -> Result<Subject, Rejection> {
    match key {
        None => Ok(Subject::Account(setting.name.clone())),
        Some(key) if account.key(key).is_some() => Ok(Subject::Key(key.clone())),
        Some(key) => Err(Rejection::UnknownKey(key.clone())),
    }
}

/// An account's figure needs a plan that may have its own. A key's may only be lower where keys are counted apart,
/// so it is the account's own affair there; elsewhere it needs such a plan, too.
fn may_differ(account: &Account, subject: &Subject, limit: &Name, policy: &Policy) -> Result<(), Rejection> {
    let by_key = known_limit(policy, limit)?.by.contains(&Dimension::Key);
    if by_key && matches!(subject, Subject::Key(_)) {
        return Ok(());
    }
    match account.plan.as_ref().and_then(|plan| policy.plans.get(plan)) {
        Some(plan) if !plan.own_figures => {
            Err(Rejection::NotAllowed("accounts of this plan have the plan's figures".into()))
        }
        Some(_) | None => Ok(()),
    }
}
