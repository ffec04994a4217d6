//! Beginning, settling and refunding a decision.

use super::{Decision, Reference};
use crate::spec::{ChargeAt, Credit, Micro, Micros, Signal, Spec};
use crate::wish::{Back, Balance, Draw, Fact, Moved, Outcome, Verdict, total};

impl Reference {
    /// A decision that can still be spoken of.
    pub(super) fn known(&self, position: u64, now: Micros) -> Result<Decision, String> {
        let decision = self.decisions.get(&position).ok_or_else(|| format!("UnknownDecision {position}"))?;
        let spec = self.in_force()?;
        let waits = decision.open.is_some() && !decision.expired;
        if now - decision.at > spec.retention && !waits {
            return Err(format!("Retired {position}"));
        }
        Ok(decision.clone())
    }

    fn decided_under(&self, decision: &Decision) -> Spec {
        self.specs[decision.version].clone()
    }

    fn balance_of(&self, decision: &Decision, now: Micros) -> Option<Balance> {
        let account = self.accounts.get(decision.account.as_ref()?)?;
        account.ledger(decision.test).map(|ledger| ledger.balance(now))
    }

    /// Moves credit of a decision's account.
    fn move_credit(&mut self, decision: &Decision, moved: Option<&Moved>, back: Option<&Back>, now: Micros) {
        let position = self.position + 1;
        let account = decision.account.as_ref().and_then(|name| self.accounts.get_mut(name));
        let Some(account) = account.filter(|_| moved.is_some() || back.is_some()) else { return };
        let ledger = account.ledger_mut(decision.test);
        if let Some(moved) = moved {
            ledger.settle(moved);
        }
        if let Some(back) = back {
            ledger.refund(back, position, now);
        }
    }

    pub(super) fn begin(&mut self, position: u64, now: Micros) -> Result<Verdict, String> {
        let decision = self.known(position, now)?;
        if let Some(begun) = decision.begun {
            return Ok(Verdict::Repeat(begun));
        }
        let wrong = || format!("WrongState {position}");
        let open = decision.open.clone().filter(|_| decision.settled.is_none()).ok_or_else(wrong)?;
        let credit = self.decided_under(&decision).credit;
        let credit = credit.filter(|credit| credit.charge == ChargeAt::Begin).ok_or_else(wrong)?;
        if open.charged {
            return Err(wrong());
        }
        let paid = decision.account.as_ref().map(|_| credit.price.hold(&decision.request));
        let moved = self.plan(&decision, &open.hold, paid.transpose()?.unwrap_or(0), &credit, now);
        self.move_credit(&decision, Some(&moved), None, now);
        let kept = self.decisions.get_mut(&position).expect("a known decision");
        kept.begun = Some(self.position + 1);
        kept.charged.extend(moved.from_hold.iter().chain(&moved.further));
        if let Some(open) = &mut kept.open {
            open.charged = true;
            open.hold.clear();
        }
        let balance = self.balance_of(&decision, now).unwrap_or_default();
        let stream = Self::stream(decision.account.as_ref(), decision.request.ip);
        Ok(super::recorded([(stream, Fact::Begun { moved, balance })]))
    }

    fn plan(&self, decision: &Decision, hold: &[Draw], cost: Micro, credit: &Credit, now: Micros) -> Moved {
        let account = decision.account.as_ref().and_then(|name| self.accounts.get(name));
        let ledger = account.and_then(|account| account.ledger(decision.test)).cloned().unwrap_or_default();
        ledger.plan(hold, cost, credit.overdraft.unwrap_or(0), now)
    }

    pub(super) fn settle(
        &mut self,
        position: u64,
        (outcome, pieces): (Outcome, Option<u32>),
        now: Micros,
    ) -> Result<Verdict, String> {
        let decision = self.known(position, now)?;
        if let Some(settled) = decision.settled {
            return Ok(Verdict::Repeat(settled));
        }
        if decision.open.is_none() {
            return Err(format!("WrongState {position}"));
        }
        let (moved, back) = self.collect(&decision, outcome, pieces, now)?;
        let had = self.balance_of(&decision, now).is_some();
        self.move_credit(&decision, moved.as_ref(), back.as_ref(), now);
        let balance = self.balance_of(&decision, now).filter(|_| had);
        let kept = self.decisions.get_mut(&position).expect("a known decision");
        kept.settled = Some(self.position + 1);
        kept.open = None;
        if let Some(moved) = &moved {
            kept.charged.extend(moved.from_hold.iter().chain(&moved.further));
        }
        kept.refunded += back.as_ref().map_or(0, refunded);
        let stream = Self::stream(decision.account.as_ref(), decision.request.ip);
        let mut facts = vec![(stream, Fact::Settled { moved, back, balance })];
        if outcome == Outcome::ClientError {
            let sender = self.sender_of(&decision);
            facts.extend(self.gather(Signal::ClientError, &sender, now));
        }
        Ok(Verdict::Recorded(facts))
    }

    fn sender_of(&self, decision: &Decision) -> super::Sender {
        super::Sender { account: decision.account.clone(), ..self.sender(&decision.request) }
    }

    /// What an outcome charges, and what it gives back of an earlier charge.
    fn collect(
        &self,
        decision: &Decision,
        outcome: Outcome,
        pieces: Option<u32>,
        now: Micros,
    ) -> Result<(Option<Moved>, Option<Back>), String> {
        let spec = self.decided_under(decision);
        let (Some(credit), Some(open), true) = (&spec.credit, &decision.open, decision.account.is_some())
        else {
            return Ok((None, None));
        };
        let cost = credit.cost(&decision.request, pieces.or(decision.request.pieces), outcome)?;
        if !open.charged {
            let moved = self.plan(decision, &open.hold, cost, credit, now);
            let moves = cost > 0 || !open.hold.is_empty();
            return Ok((moves.then_some(moved), None));
        }
        // Charged once already: what is dearer is not collected, what is cheaper goes back where the rule says so.
        let charged = total(&decision.charged);
        if cost > charged {
            return Ok((Some(Moved { uncollected: cost - charged, ..Moved::default() }), None));
        }
        let keeps = match outcome {
            Outcome::Succeeded | Outcome::SystemError => false,
            Outcome::ClientError => !credit.client_error_base,
            Outcome::Cancelled => true,
        };
        let amount = charged - decision.refunded - cost;
        if keeps || amount <= 0 {
            return Ok((None, None));
        }
        Ok((None, Some(self.plan_back(decision, amount, Some(credit.refund_validity), now))))
    }

    fn plan_back(&self, decision: &Decision, amount: Micro, validity: Option<Micros>, now: Micros) -> Back {
        let account = decision.account.as_ref().and_then(|name| self.accounts.get(name));
        let ledger = account.and_then(|account| account.ledger(decision.test)).cloned().unwrap_or_default();
        let until = validity.map(|validity| now + validity);
        ledger.plan_refund((&decision.charged, decision.refunded), amount, until, now)
    }

    pub(super) fn refund(
        &mut self,
        position: u64,
        refund: &str,
        amount: Option<Micro>,
        now: Micros,
    ) -> Result<Verdict, String> {
        let decision = self.known(position, now)?;
        if let Some((_, first, given)) = decision.refunds.iter().find(|(id, ..)| id == refund) {
            let other = amount.is_some_and(|amount| amount != *given);
            return if other { Err("RequestIdReused".to_owned()) } else { Ok(Verdict::Repeat(*first)) };
        }
        let left = total(&decision.charged) - decision.refunded;
        let amount = amount.unwrap_or(left);
        if amount > left || (amount <= 0 && left == 0) {
            return Err(format!("RefundTooLarge {left}"));
        }
        if amount <= 0 {
            return Err("Invalid amount".to_owned());
        }
        let validity = self.in_force()?.credit.map(|credit| credit.refund_validity);
        let back = self.plan_back(&decision, amount, validity, now);
        self.move_credit(&decision, None, Some(&back), now);
        let kept = self.decisions.get_mut(&position).expect("a known decision");
        kept.refunded += amount;
        kept.refunds.push((refund.to_owned(), self.position + 1, amount));
        let balance = self.balance_of(&decision, now).unwrap_or_default();
        let stream = Self::stream(decision.account.as_ref(), None);
        Ok(super::recorded([(stream, Fact::Refunded { amount, back, balance })]))
    }
}

fn refunded(back: &Back) -> Micro {
    total(&back.to_debt) + total(&back.returned) + total(&back.renewed)
}
