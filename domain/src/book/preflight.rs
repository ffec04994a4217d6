//! The last gate: is there credit for the request, and what does it hold or cost at once.

use super::price;
use super::request::{Asked, Refusal};
use crate::event::{Balance, Limited};
use crate::ledger::{Draws, Ledger, Overdraft};
use crate::money::Credits;
use crate::policy::{ChargeAt, Kind};
use crate::rejection::Rejection;

/// What credit an admission moves.
#[derive(Default)]
pub(super) struct Credit {
    pub(super) hold: Draws,
    pub(super) charge: Draws,
    pub(super) uncollected: Credits,
    pub(super) balance: Option<Balance>,
}

/// Holds or charges credit; the inner error is the refusal for want of it.
pub(super) fn credit(
    asked: &Asked<'_>,
    limited: Option<&Limited>,
) -> Result<Result<Credit, Refusal>, Rejection> {
    let Asked { rules, facts, now, .. } = asked;
    let limited = limited.map_or(&[][..], |limited| &limited.items);
    let (Some(credit), Some(list), Some(account)) = (&rules.policy.credit, rules.prices, asked.who.account)
    else {
        return Ok(Ok(Credit::default()));
    };
    let first = price::hold(list, facts, limited)?;
    let empty = Ledger::default();
    let ledger = account.ledger(facts.mode).unwrap_or(&empty);
    let (available, held) = (ledger.available(*now), ledger.held());
    if let Some(outcome) = asked.settle {
        // Only asked for: what it costs is known already and charged in its place.
        if !Overdraft::None.covers(first, available) {
            return Ok(Err(too_little(first)));
        }
        let rule = credit.outcomes.charge(outcome);
        let cost = price::cost(list, facts, limited, None, rule)?;
        let (charge, uncollected) = ledger.plan_collect(cost, credit.overdraft.room(available), *now);
        let balance = Some(Balance(available.minus(charge.total()), held));
        return Ok(Ok(Credit { hold: Draws::default(), charge, uncollected, balance }));
    }
    price::check(list, facts, limited)?;
    let Some(draws) = ledger.plan_hold(first, Overdraft::None, *now) else {
        return Ok(Err(too_little(first)));
    };
    let left = available.minus(first);
    if credit.charge == ChargeAt::Admission {
        let balance = Some(Balance(left, held));
        return Ok(Ok(Credit { charge: draws, balance, ..Credit::default() }));
    }
    let balance = Some(Balance(left, held.plus(draws.total())));
    Ok(Ok(Credit { hold: draws, balance, ..Credit::default() }))
}

fn too_little(price: Credits) -> Refusal {
    let refusal = Refusal::new(Kind::InsufficientCredits, "insufficient_credits");
    Refusal { gate: "credit".parse().ok(), price: Some(price), ..refusal }
}
