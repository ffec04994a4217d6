//! Bans, and the signals that lead to them.

use super::{Ban, Reference, Suspension};
use crate::spec::{By, Escalation, Micros, Signal};
use crate::wish::{BANNED, Caller, Fact, Request, Verdict, account_stream, ip_stream, part};

/// What a request shows of its sender.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    pub(super) account: Option<String>,
    pub(super) key: Option<u32>,
    pub(super) ip: Option<u32>,
    pub(super) endpoint: &'static str,
}

impl Sender {
    /// The subject of these dimensions, unless the request lacks one of them.
    pub(super) fn subject(&self, by: &[By]) -> Option<String> {
        let mut subject = String::new();
        for by in by {
            let value = match by {
                By::Ip => self.ip?.to_string(),
                By::Account => self.account.clone()?,
                By::Key => self.key?.to_string(),
                By::Endpoint => self.endpoint.to_owned(),
            };
            subject.push_str(&part(*by, &value));
        }
        Some(subject)
    }

    pub(super) fn stream(&self) -> String {
        self.account.as_ref().map_or_else(|| ip_stream(self.ip.unwrap_or(0)), |name| account_stream(name))
    }
}

/// The signal that a refusal gives; refusals of the banned give none.
fn signal_of(code: &str) -> Option<Signal> {
    match code {
        "RATE_LIMITED" => Some(Signal::RateDenial),
        "QUEUE_FULL" => Some(Signal::QueueDenial),
        "INSUFFICIENT_CREDITS" => Some(Signal::InsufficientCredit),
        _ => None,
    }
}

impl Reference {
    pub(super) fn sender(&self, request: &Request) -> Sender {
        let known = match &request.caller {
            Caller::Key(number) => self.key(*number).map(|(_, key)| key.number),
            Caller::Account(_) | Caller::Anonymous => None,
        };
        let account = self.caller(&request.caller);
        Sender { account, key: known, ip: request.ip, endpoint: request.endpoint }
    }

    /// The ban in force that refuses a sender: its name and its end.
    pub(super) fn banned(&self, sender: &Sender, now: Micros) -> Option<(String, Option<Micros>)> {
        let strikes = |ban: &&Ban| sender.subject(&[ban.by]).as_ref() == Some(&ban.subject);
        let mut strike = self.bans.iter().filter(strikes);
        let ban = strike.find(|ban| ban.until.is_none_or(|until| now < until))?;
        Some((ban.name.clone(), ban.until))
    }

    /// One ban for a subject; a new one takes the place of the old. They are asked in the order in which their
    /// dimensions first occurred.
    fn start_ban(&mut self, ban: Ban) {
        if !self.ban_kinds.contains(&ban.by) {
            self.ban_kinds.push(ban.by);
        }
        match self.bans.iter_mut().find(|old| old.by == ban.by && old.subject == ban.subject) {
            Some(old) => *old = ban,
            None => self.bans.push(ban),
        }
        let order = self.ban_kinds.clone();
        self.bans.sort_by_key(|ban| order.iter().position(|kind| *kind == ban.by));
    }

    pub(super) fn ban_ip(&mut self, ip: u32, until: Option<Micros>, now: Micros) -> Result<Verdict, String> {
        if until.is_some_and(|until| until <= now) {
            return Err("Invalid until".to_owned());
        }
        let subject = part(By::Ip, &ip.to_string());
        self.start_ban(Ban { by: By::Ip, subject, name: "operator".to_owned(), until, counter: None });
        Ok(super::recorded([(BANNED.to_owned(), Fact::BanStarted { until, fired: None })]))
    }

    pub(super) fn lift_ban(&mut self, ip: u32, now: Micros) -> Result<Verdict, String> {
        let subject = part(By::Ip, &ip.to_string());
        let in_force = |ban: &Ban| ban.until.is_none_or(|until| now < until);
        let found = self.bans.iter().position(|ban| ban.by == By::Ip && ban.subject == subject);
        let found = found.filter(|place| in_force(&self.bans[*place])).ok_or("NothingToChange")?;
        if let Some((name, subject)) = self.bans.remove(found).counter {
            self.signals.reset(&name, &subject);
        }
        Ok(super::recorded([(BANNED.to_owned(), Fact::BanLifted)]))
    }

    /// Whether a refusal counts for an escalation: a hundred times as many of these are recorded.
    pub(super) fn is_signal(&self, sender: &Sender, code: &str) -> bool {
        let escalations = self.spec().map(|spec| &spec.escalations[..]).unwrap_or_default();
        signal_of(code).is_some_and(|signal| {
            escalations
                .iter()
                .any(|escalation| escalation.signal == signal && sender.subject(&[escalation.by]).is_some())
        })
    }

    /// What a refusal leads to.
    pub(super) fn gather_denial(
        &mut self,
        sender: &Sender,
        code: &'static str,
        now: Micros,
    ) -> Vec<(String, Fact)> {
        signal_of(code).map(|signal| self.gather(signal, sender, now)).unwrap_or_default()
    }

    /// Counts a signal at every escalation that watches for it, and says what follows.
    pub(super) fn gather(&mut self, signal: Signal, sender: &Sender, now: Micros) -> Vec<(String, Fact)> {
        let escalations = self.spec().map(|spec| spec.escalations.clone()).unwrap_or_default();
        let mut facts = Vec::new();
        for escalation in escalations.iter().filter(|escalation| escalation.signal == signal) {
            if let Some(subject) = sender.subject(&[escalation.by]) {
                facts.extend(self.gather_one(escalation, (sender, subject), now));
            }
        }
        facts
    }

    fn gather_one(
        &mut self,
        escalation: &Escalation,
        (sender, subject): (&Sender, String),
        now: Micros,
    ) -> Option<(String, Fact)> {
        let name = escalation.name.to_owned();
        let gathered = self.signals.trailing(&name, &subject, escalation.window, now) + 1;
        self.signals.add(&name, &subject, now, (1, 0));
        if gathered < escalation.count {
            return None;
        }
        let counter = (name.clone(), subject.clone());
        let times = self.fired.get(&counter).copied().unwrap_or(0) + 1;
        let step = escalation.steps[(times as usize).min(escalation.steps.len()) - 1];
        let (until, stream) = (step.lasts.map(|lasts| now + lasts), sender.stream());
        let fired = Some((name.clone(), gathered, times));
        let fact = if step.ban {
            self.start_ban(Ban { by: escalation.by, subject, name, until, counter: Some(counter.clone()) });
            Fact::BanStarted { until, fired }
        } else {
            let account = sender.account.as_ref().and_then(|name| self.accounts.get_mut(name))?;
            if account.suspended(now).is_some() {
                return None;
            }
            account.suspension = Some(Suspension { reason: name, until });
            Fact::Suspended { until, fired }
        };
        self.signals.reset(&counter.0, &counter.1);
        self.fired.insert(counter, times);
        Some((stream, fact))
    }
}
