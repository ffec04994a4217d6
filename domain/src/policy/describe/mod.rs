//! What a policy means, in plain words.

mod credit;
mod limits;
mod words;

use super::{Action, Counts, Escalation, Kind, Limit, Policy, Signal, Size, Wording};
use std::collections::BTreeSet;
use words::{any, list, per, plural, quoted, scope, span};

impl Policy {
    /// The whole policy for a reader who does not know its file: gates in the order in which they are asked, then
    /// prices, credit, abuse, keys, notice and wording. Ends with a newline.
    pub fn describe(&self) -> String {
        let mut text = Text::default();
        text.line(format!("{} ({})", self.title, self.name));
        text.section("Who may call", self.callers_in_words());
        text.section("What a request is asked, in this order", self.gates());
        text.section("Plans", self.plans_in_words());
        text.section("Prices", self.prices_in_words());
        text.section("Credit", self.credit_in_words());
        text.section("Bans and suspensions", self.escalations.iter().map(escalation).collect());
        text.section("Keys", self.keys_in_words());
        text.section("Notice", self.notice_in_words());
        text.section("What is remembered", self.memory_in_words());
        text.section("Answers in the provider's own words", self.wording_in_words());
        text.0
    }

    /// What one limit means, as a sentence.
    pub fn limit_in_words(&self, limit: &Limit) -> String {
        self.limit(limit)
    }

    /// What one size means, as a sentence.
    pub fn size_in_words(&self, size: &Size) -> String {
        self.size(size)
    }

    fn callers_in_words(&self) -> Vec<String> {
        let callers = &self.callers;
        let mut lines = vec![if callers.anonymous {
            "Anyone: a caller without a key passes as its address.".to_owned()
        } else {
            "Only callers with a key or an account.".to_owned()
        }];
        lines.push(format!("An IPv6 address counts by its first {} bits.", callers.ipv6_prefix));
        if let Some(plan) = &callers.default_plan {
            lines.push(format!("Who has no plan is on the plan {plan}."));
        }
        if !self.strip.is_empty() {
            lines.push(format!("`{}` is taken off the front of a path before it is named.", self.strip));
        }
        if let Some(contact) = &self.contact {
            lines.push(format!("Who is refused may turn to {contact}."));
        }
        lines
    }

    fn gates(&self) -> Vec<String> {
        let mut gates = Vec::new();
        let key = self.status(Kind::Unauthenticated);
        gates.push(format!("Its key: missing where one is needed, unknown or revoked: {key}."));
        gates.push(format!(
            "A ban ({}), then a suspension ({}).",
            self.status(Kind::Banned),
            self.status(Kind::Suspended)
        ));
        gates.extend(self.sizes.iter().map(|size| self.size(size)));
        gates.extend(self.limits.iter().map(|limit| self.limit(limit)));
        gates.extend(self.hold_in_words());
        let numbered = gates.into_iter().enumerate();
        let mut lines: Vec<String> = numbered.map(|(n, gate)| format!("{}. {gate}", n + 1)).collect();
        if let Some(items) = &self.items {
            let at = items
                .endpoint
                .as_ref()
                .map_or("the request's endpoint".to_owned(), |name| format!("`{name}`"));
            let most = plural(items.max.into(), "item");
            lines.push(format!(
                "One request carries at most {most}; an item without an endpoint of its own counts at {at}."
            ));
        }
        lines.extend(self.untold_in_words());
        for (name, patterns) in &self.classes {
            lines.push(format!("Endpoints of the class {name}: {}.", quoted(&patterns.0)));
        }
        lines
    }

    /// What becomes of a request that does not say what it is counted by, or what it weighs.
    fn untold_in_words(&self) -> Vec<String> {
        let by = self.limits.iter().map(|limit| &limit.by);
        let by = by.chain(self.escalations.iter().map(|escalation| &escalation.by)).flatten();
        let names = by.filter_map(words::telling).collect::<BTreeSet<_>>();
        let weights = self.limits.iter().filter_map(|limit| match &limit.counts {
            Counts::Attribute(name) => Some(format!("`{name}`")),
            Counts::Calls | Counts::Items => None,
        });
        let weights = weights.collect::<BTreeSet<_>>();
        let names = names.iter().map(|name| format!("A request that tells no {name} is not counted by it."));
        let weights =
            weights.iter().map(|name| format!("A request that tells no {name} weighs nothing by it."));
        names.chain(weights).collect()
    }

    /// The status of an answer, with the policy's own figure.
    fn status(&self, kind: Kind) -> u16 {
        self.responses.get(&kind).and_then(|wording| wording.status).unwrap_or_else(|| kind.status())
    }

    fn plans_in_words(&self) -> Vec<String> {
        let plan = |(name, plan): (&crate::ids::Name, &super::Plan)| {
            let own = if plan.own_figures {
                "an operator may give one account its own figures"
            } else {
                "no figures of its own"
            };
            let attributes = plan.attributes.iter().map(|(name, value)| format!("{name} = {value}"));
            let parts: Vec<String> = std::iter::once(own.to_owned())
                .chain(attributes)
                .chain(
                    plan.contact.iter().map(|contact| format!("contact: {}", contact.trim_end_matches('.'))),
                )
                .collect();
            format!("{name}: {}.", parts.join("; "))
        };
        self.plans.iter().map(plan).collect()
    }

    fn keys_in_words(&self) -> Vec<String> {
        let keys = &self.keys;
        let mut lines: Vec<String> = keys
            .kinds
            .iter()
            .map(|(name, kind)| {
                let mode = if kind.mode.is_live() { "live" } else { "test, which never spends live credit" };
                let approval = kind.approval.as_ref();
                let approval = approval.map_or(String::new(), |terms| {
                    format!("; only after an operator's recorded approval naming `{terms}`")
                });
                format!("{name}: begins with `{}`; {mode}{approval}.", kind.prefix)
            })
            .collect();
        let needs = [(keys.needs_contact, "contact data"), (keys.needs_terms, "the accepted terms")];
        let needs: Vec<&str> = needs.iter().filter(|(needed, _)| *needed).map(|(_, what)| *what).collect();
        if !needs.is_empty() {
            lines.push(format!("A key is only issued to an account with {}.", list(&needs)));
        }
        lines.push(format!("One account has at most {}.", plural(keys.max.into(), "key")));
        lines
    }

    fn notice_in_words(&self) -> Vec<String> {
        let changes = self.notice.changes;
        let mut lines = vec![if changes == crate::time::Span::ZERO {
            "Limits and prices may change at any time.".to_owned()
        } else {
            format!(
                "Changed limits and prices take effect at the earliest {} after they are announced.",
                span(changes)
            )
        }];
        lines.extend(
            self.notice
                .announcements
                .iter()
                .map(|(kind, lead)| format!("{kind}: announced at least {} before.", span(*lead))),
        );
        lines
    }

    fn memory_in_words(&self) -> Vec<String> {
        let requests = &self.requests;
        let signals = words::figure(requests.signals_per_minute().into());
        let signals = match self.escalations[..] {
            [] => String::new(),
            [..] => format!(" ({signals} where an escalation listens)"),
        };
        let mut lines = vec![
            format!("A repeat within {} gets the first answer.", span(requests.remember)),
            format!("A decision can be settled and refunded for {}.", span(requests.retention)),
            format!(
                "Beyond {} a minute{signals} refusals of one subject are recorded as one sum of each kind.",
                words::figure(requests.denials_per_minute.into())
            ),
            format!("One account has at most {}.", plural(requests.open_holds_max.into(), "open hold")),
        ];
        lines.extend(
            self.results
                .iter()
                .map(|(kind, lasts)| format!("A result ({kind}) can be fetched for {}.", span(*lasts))),
        );
        lines
    }

    fn wording_in_words(&self) -> Vec<String> {
        self.responses.iter().map(|(kind, words)| wording(*kind, words)).collect()
    }
}

fn wording(kind: Kind, words: &Wording) -> String {
    let status = words.status.unwrap_or_else(|| kind.status());
    let code = words.code.as_deref().unwrap_or_else(|| kind.code());
    let mut parts = vec![format!("{status}, code {code}")];
    parts.extend(words.message.as_ref().map(|message| format!("\"{message}\"")));
    if !words.headers.is_empty() {
        let headers: Vec<&str> = words.headers.keys().map(String::as_str).collect();
        parts.push(format!("headers {}", headers.join(", ")));
    }
    if words.body.is_some() {
        parts.push("a body of its own".to_owned());
    }
    format!("{}: {}.", kind.name(), parts.join("; "))
}

fn escalation(escalation: &Escalation) -> String {
    let Escalation { name, signal, by, count, window, only, steps } = escalation;
    let what = match signal {
        Signal::RateDenial => plural(*count, "rate denial"),
        Signal::QueueDenial => plural(*count, "queue-full denial"),
        Signal::ClientError => plural(*count, "client error"),
        Signal::StatusPoll => plural(*count, "status poll"),
        Signal::InsufficientCredit => plural(*count, "insufficient-credit refusal"),
    };
    let steps: Vec<String> = steps.iter().map(step).collect();
    format!("{name}: {what} in any {}{}{} → {}.", any(*window), per(by), scope(only), steps.join(", then "))
}

fn step(action: &Action) -> String {
    let (what, term) = match action {
        Action::Ban(term) => ("a ban", term),
        Action::Suspend(term) => ("a suspension", term),
    };
    let lasts = term.lasts.map_or("for good".to_owned(), |lasts| format!("for {}", span(lasts)));
    let reason = term.reason.as_ref().map_or(String::new(), |reason| format!(" (reason {reason})"));
    format!("{what} {lasts}{reason}")
}

/// The text so far.
#[derive(Default)]
struct Text(String);

impl Text {
    fn line(&mut self, line: impl AsRef<str>) {
        self.0.push_str(line.as_ref());
        self.0.push('\n');
    }

    /// A section, unless there is nothing to say.
    fn section(&mut self, title: &str, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        self.line("");
        self.line(title);
        for line in lines {
            self.line(format!("  {line}"));
        }
    }
}
