//! After the admission: begin, settle, refund.

use super::decisions::{Decision, Open, Stage};
use super::{Book, Draft, Verdict, Who, facts, price};
use crate::command::{Attributes, Refund};
use crate::event::{Balance, CreditRefunded, Details, Personal, RequestBegun, RequestSettled, Stream};
use crate::ids::{Digest, Name, Position};
use crate::ledger::{Ledger, RefundError, Refundable, Refunded, Settlement};
use crate::money::Credits;
use crate::policy::{ChargeAt, CreditRules, Policy, Signal};
use crate::pricing::{Charge, Outcome};
use crate::rejection::Rejection;
use crate::time::Timestamp;
use std::num::NonZero;

impl Book {
    /// A decision that can still be spoken of.
    pub(super) fn known(&self, position: Position, now: Timestamp) -> Result<&Decision, Rejection> {
        let Some(decision) = self.state.decisions.get(position) else {
            let retired = self.state.decisions.is_retired(position);
            return Err(if retired { Rejection::Retired } else { Rejection::UnknownDecision }(position));
        };
        let retention = self.in_force(now)?.policy.requests.retention;
        if now.since(decision.at) > retention && !decision.is_waiting() {
            return Err(Rejection::Retired(position));
        }
        Ok(decision)
    }

    fn policy_of(&self, open: &Open) -> Result<&Policy, Rejection> {
        self.state.catalogue.policy(open.under.policy()).map(|policy| &**policy).ok_or(Rejection::NoPolicy)
    }

    fn stream_of(&self, decision: &Decision, ip: Option<Digest>) -> (Stream, Option<&Name>) {
        match self.account_of(decision.account).0 {
            Some(name) => (Stream::Account(name.clone()), Some(name)),
            None => (Stream::Client(ip.unwrap_or(Digest(0))), None),
        }
    }

    fn ledger_of(&self, decision: &Decision) -> Option<&Ledger> {
        self.account_of(decision.account).1?.ledger(decision.mode)
    }

    /// The job starts: what was held for it is charged, once.
    pub(super) fn decide_begin(&self, position: Position, now: Timestamp) -> Result<Verdict, Rejection> {
        let decision = self.known(position, now)?;
        if let Some(begun) = decision.begun.map(NonZero::get) {
            return Ok(Verdict::Repeat(begun));
        }
        let open = decision.open.as_deref().filter(|_| decision.settled.is_none());
        let open = open.ok_or(Rejection::WrongState(position, "has its outcome already"))?;
        let credit = self.policy_of(open)?.credit.as_ref();
        if credit.is_none_or(|credit| credit.charge != ChargeAt::Begin) {
            return Err(Rejection::WrongState(position, "is not charged when it begins"));
        }
        if open.stage == Stage::Charged {
            return Err(Rejection::WrongState(position, "was charged when its hold ran out"));
        }
        let empty = Ledger::default();
        let ledger = self.ledger_of(decision).unwrap_or(&empty);
        let list = self.state.catalogue.price_list(open.under.prices());
        // Callers without an account have no credit: nothing is charged to them, and nothing is left uncollected.
        let cost = match list.filter(|_| decision.account.is_some()) {
            Some(list) => price::hold(list, &open.ask, &open.limited)?,
            None => Credits::ZERO,
        };
        let overdraft = credit.map(|credit| credit.overdraft).unwrap_or_default();
        let settlement = ledger.plan_settle(&open.hold, cost, overdraft, now);
        let balance = after(balance(ledger, now), open.hold.total(), Some(&settlement), None);
        let (stream, _) = self.stream_of(decision, open.ask.ip);
        Ok(Verdict::Record(vec![Draft::new(
            stream,
            RequestBegun { decision: position, settlement, balance },
        )]))
    }

    /// The outcome: the final cost is charged, the rest of the hold given back. A second settle gets the first
    /// result again.
    pub(super) fn decide_settle(
        &self,
        position: Position,
        outcome: Outcome,
        attributes: &Attributes,
        now: Timestamp,
    ) -> Result<Verdict, Rejection> {
        let decision = self.known(position, now)?;
        if let Some(settled) = decision.settled.map(NonZero::get) {
            return Ok(Verdict::Repeat(settled));
        }
        let Some(open) = decision.open.as_deref() else {
            return Err(Rejection::WrongState(position, "was settled when it was admitted"));
        };
        let policy = self.policy_of(open)?;
        let mut personal = Personal::new();
        let details = facts::details(attributes, policy, None, &mut personal)?;
        let (settlement, refund) = match &policy.credit {
            Some(credit) => self.collect(decision, (open, credit), (outcome, &details), now)?,
            None => (None, None),
        };
        let ledger = self.ledger_of(decision);
        let balance = ledger.map(|ledger| {
            after(balance(ledger, now), open.hold.total(), settlement.as_ref(), refund.as_deref())
        });
        let settled = RequestSettled { decision: position, outcome, details, settlement, refund, balance };
        let (stream, name) = self.stream_of(decision, open.ask.ip);
        let mut drafts = vec![Draft { personal, ..Draft::new(stream.clone(), settled) }];
        if outcome == Outcome::ClientError {
            let who = Who::of(&open.ask, name, self.account_of(decision.account).1);
            let at = (policy, now);
            drafts.extend(self.escalate(Signal::ClientError, (&stream, &who), &open.ask, at));
        }
        Ok(Verdict::Record(drafts))
    }

    /// What an outcome charges, and what it gives back of an earlier charge.
    fn collect(
        &self,
        decision: &Decision,
        (open, credit): (&Open, &CreditRules),
        (outcome, details): (Outcome, &Details),
        now: Timestamp,
    ) -> Result<(Option<Settlement>, Option<Box<Refunded>>), Rejection> {
        let list = self.state.catalogue.price_list(open.under.prices());
        let (Some(list), Some(_)) = (list, decision.account) else { return Ok((None, None)) };
        let charge = credit.outcomes.charge(outcome);
        let cost = price::cost(list, &open.ask, &open.limited, Some(details), charge)?;
        let empty = Ledger::default();
        let ledger = self.ledger_of(decision).unwrap_or(&empty);
        if open.stage == Stage::Charged {
            return correct(decision, (charge, cost), (ledger, credit), now);
        }
        let settlement = ledger.plan_settle(&open.hold, cost, credit.overdraft, now);
        let moved = !cost.is_zero() || !open.hold.is_empty();
        Ok((moved.then_some(settlement), None))
    }

    /// Charged credit goes back, by an id of its own; the same id gets the first result again, and no other amount.
    pub(super) fn decide_refund(&self, refund: &Refund, now: Timestamp) -> Result<Verdict, Rejection> {
        let position = refund.decision;
        let decision = self.known(position, now)?;
        if let Some((_, first, amount)) = decision.refunds.iter().find(|(id, ..)| *id == refund.refund) {
            let same = refund.amount.is_none_or(|again| again == *amount);
            return if same { Ok(Verdict::Repeat(*first)) } else { Err(Rejection::RequestIdReused) };
        }
        let left = decision.charged.total().minus(decision.refunded);
        let amount = refund.amount.unwrap_or(left);
        let empty = Ledger::default();
        let ledger = self.ledger_of(decision).unwrap_or(&empty);
        let rules = self.in_force(now)?;
        let validity = rules.policy.credit.as_ref().map(|credit| credit.refund_validity);
        let charge = Refundable { charged: &decision.charged, refunded: decision.refunded };
        let returned =
            ledger.plan_refund(charge, amount, validity, now).map_err(|error| no_refund(error, left))?;
        let balance = after(balance(ledger, now), Credits::ZERO, None, Some(&returned));
        let (id, reason) = (refund.refund.clone(), refund.reason.clone());
        let event = CreditRefunded { decision: position, refund: id, amount, returned, reason, balance };
        let (stream, _) = self.stream_of(decision, None);
        Ok(Verdict::Record(vec![Draft::new(stream, event)]))
    }
}

/// After a charge at admission or at the beginning: a cheaper outcome gives the difference back where its rule
/// says so; a dearer one is not collected, since a hold is charged once.
fn correct(
    decision: &Decision,
    (charge, cost): (Charge, Credits),
    (ledger, credit): (&Ledger, &CreditRules),
    now: Timestamp,
) -> Result<(Option<Settlement>, Option<Box<Refunded>>), Rejection> {
    let charged = decision.charged.total();
    if cost > charged {
        let settlement = Settlement { uncollected: cost.minus(charged), ..Settlement::default() };
        return Ok((Some(settlement), None));
    }
    let left = charged.minus(decision.refunded);
    let back = if charge == Charge::None { Credits::ZERO } else { left.minus(cost) };
    if !back.is_positive() {
        return Ok((None, None));
    }
    let refundable = Refundable { charged: &decision.charged, refunded: decision.refunded };
    let refund = ledger.plan_refund(refundable, back, Some(credit.refund_validity), now);
    Ok((None, Some(Box::new(refund.map_err(|error| no_refund(error, left))?))))
}

fn no_refund(error: RefundError, left: Credits) -> Rejection {
    match error {
        RefundError::NotPositive if left.is_zero() => Rejection::RefundTooLarge { left },
        RefundError::NotPositive => Rejection::invalid("amount", "must be above zero"),
        RefundError::Exceeds { refundable } => Rejection::RefundTooLarge { left: refundable },
        RefundError::TooManyLots | RefundError::Range => Rejection::NotAllowed(error.to_string()),
    }
}

fn balance(ledger: &Ledger, now: Timestamp) -> Balance {
    Balance(ledger.available(now), ledger.held())
}

/// The balance that a settlement and a refund leave behind. A settlement ends the whole hold; what it reserved
/// on overdraft was taken off the available credit when it was held.
fn after(
    Balance(available, held): Balance,
    reserved: Credits,
    settlement: Option<&Settlement>,
    refund: Option<&Refunded>,
) -> Balance {
    let back = refund.map(Refunded::total).unwrap_or_default();
    let Some(settlement) = settlement else { return Balance(available.plus(back), held) };
    let freed = settlement.rest.released.total().minus(settlement.further.total());
    Balance(available.plus(freed).plus(back), held.minus(reserved))
}
