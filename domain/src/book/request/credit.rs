//! The last gate: credit to hold, or to charge at once.

use super::{Asked, Refusal};
use crate::book::{Book, price};
use crate::event::{Balance, Limited};
use crate::ledger::{Draws, Overdraft};
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

impl Book {
    /// Holds or charges credit; the inner error is the refusal for want of it.
    pub(super) fn credit(
        asked: &Asked<'_>,
        limited: Option<&Limited>,
    ) -> Result<Result<Credit, Refusal>, Rejection> {
        let Asked { rules, facts, now, .. } = asked;
        let limited = limited.map_or(&[][..], |limited| &limited.items);
        let (Some(credit), Some(list), Some(account)) =
            (&rules.policy.credit, rules.prices, asked.who.account)
        else {
            return Ok(Ok(Credit::default()));
        };
        let first = price::hold(list, facts, limited)?;
        let empty = crate::ledger::Ledger::default();
        let ledger = account.ledger(facts.mode).unwrap_or(&empty);
        let (available, held) = (ledger.available(*now), ledger.held());
        let Some(hold) = ledger.plan_hold(first, Overdraft::None, *now) else {
            return Ok(Err(Refusal {
                gate: "credit".parse().ok(),
                price: Some(first),
                ..Refusal::new(Kind::InsufficientCredits, "insufficient_credits")
            }));
        };
        if let Some(outcome) = asked.settle {
            let charge = credit.outcomes.charge(outcome);
            let cost = price::cost(list, facts, limited, None, charge)?;
            let settlement = ledger.plan_settle(&[], cost, credit.overdraft, *now);
            let charge = settlement.further;
            let balance = Some(Balance(available.minus(charge.total()), held));
            return Ok(Ok(Credit {
                hold: Draws::default(),
                charge,
                uncollected: settlement.uncollected,
                balance,
            }));
        }
        let after = available.minus(first);
        let charged_now = credit.charge == ChargeAt::Admission;
        let held = if charged_now { held } else { held.plus(hold.total()) };
        let (hold, charge) = if charged_now { (Draws::default(), hold) } else { (hold, Draws::default()) };
        Ok(Ok(Credit { hold, charge, uncollected: Credits::ZERO, balance: Some(Balance(after, held)) }))
    }
}
