//! What is wrong with an act whatever the account is like.

use super::Setting;
use crate::command::{AccountAct, Grant, NewKey};
use crate::ids::Name;
use crate::ledger::LotKind;
use crate::money::Credits;
use crate::policy::{Dimension, KeyKind, Limit, Policy};
use crate::rejection::Rejection;

/// Finds what needs no account to be wrong, so that it is told first.
pub(super) fn check(act: &AccountAct, setting: &Setting<'_>) -> Result<(), Rejection> {
    match act {
        AccountAct::Open { plan, opened, .. } => {
            if opened.is_some_and(|opened| opened > setting.now) {
                return Err(Rejection::invalid("opened", "must not lie in the future"));
            }
            plan_of(plan.as_ref(), setting).map(drop)
        }
        AccountAct::ChangePlan { plan } => plan_of(Some(plan), setting).map(drop),
        AccountAct::IssueKey(new) => kind_of(new, setting.policy).map(drop),
        AccountAct::Grant(grant) => check_grant(grant),
        AccountAct::Deduct { amount, .. } => check_amount(*amount),
        AccountAct::SetFigure { limit, key, .. } => check_figure(limit, key.as_ref(), setting.policy),
        AccountAct::Suspend { until, .. } if until.is_some_and(|until| until <= setting.now) => {
            Err(Rejection::invalid("until", "must lie in the future"))
        }
        AccountAct::Suspend { .. }
        | AccountAct::Detail(_)
        | AccountAct::ChangeKey { .. }
        | AccountAct::Reinstate { .. }
        | AccountAct::Terminate { .. } => Ok(()),
    }
}

/// The plan that an account gets: the one that is named, else the policy's default.
pub(super) fn plan_of(plan: Option<&Name>, setting: &Setting<'_>) -> Result<Option<Name>, Rejection> {
    let Policy { plans, callers, .. } = setting.policy;
    let plan = plan.or(callers.default_plan.as_ref());
    match plan {
        Some(plan) if !plans.contains_key(plan) => {
            let known: Vec<_> = plans.keys().map(Name::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            Err(Rejection::invalid("plan", format!("must be a plan of the policy in force: {known}")))
        }
        None if !plans.is_empty() => {
            Err(Rejection::invalid("plan", "is missing, and the policy has no default plan"))
        }
        Some(_) | None => Ok(plan.cloned()),
    }
}

/// The kind of a new key, if its approval names what the kind needs.
pub(super) fn kind_of<'p>(new: &NewKey, policy: &'p Policy) -> Result<&'p KeyKind, Rejection> {
    let kinds = &policy.keys.kinds;
    let kind = kinds.get(&new.kind).ok_or_else(|| {
        let known: Vec<_> = kinds.keys().map(Name::as_str).collect();
        Rejection::invalid("kind", format!("must be one of: {}", known.join(", ")))
    })?;
    match &kind.approval {
        Some(terms) if new.approval.as_ref() != Some(terms) => {
            let why = format!("must name the terms `{terms}` that an operator approved");
            Err(Rejection::invalid("approval", why))
        }
        Some(_) | None => Ok(kind),
    }
}

fn check_grant(grant: &Grant) -> Result<(), Rejection> {
    if grant.kind == LotKind::Refund {
        return Err(Rejection::invalid("kind", "must be grant, purchase, allowance or promotion"));
    }
    if grant.unit_value.is_some_and(|value| value < Credits::ZERO) {
        return Err(Rejection::invalid("unit_value", "must not be below zero"));
    }
    check_amount(grant.amount)
}

/// What one command may bring or take: above zero, and at most 10¹².
fn check_amount(amount: Credits) -> Result<(), Rejection> {
    let checked = Credits::positive(amount.decimal());
    checked.map(drop).map_err(|error| Rejection::Amount { field: "amount", error })
}

/// The limit of that name.
pub(crate) fn known_limit<'p>(policy: &'p Policy, name: &Name) -> Result<&'p Limit, Rejection> {
    let known = policy.limits.iter().find(|limit| limit.name == *name);
    known.ok_or_else(|| {
        let names: Vec<_> = policy.limits.iter().map(|limit| limit.name.as_str()).collect();
        Rejection::invalid("limit", format!("must be a limit of the policy in force: {}", names.join(", ")))
    })
}

/// A figure is of what the limit counts by: an account's keys and its owner are the account's own, too.
fn check_figure(limit: &Name, key: Option<&Name>, policy: &Policy) -> Result<(), Rejection> {
    let by = &known_limit(policy, limit)?.by;
    let by_account =
        [Dimension::Key, Dimension::Account, Dimension::Owner].iter().any(|own| by.contains(own));
    match key {
        None if !by_account => Err(Rejection::invalid("account", "is not what this limit counts by")),
        Some(_) if by_account && !by.contains(&Dimension::Key) => {
            Err(Rejection::invalid("key", "is not what this limit counts by"))
        }
        None | Some(_) => Ok(()),
    }
}
