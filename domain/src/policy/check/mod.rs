//! Every mistake of meaning in a policy that has the right form.

mod abuse;
mod credit;
mod keys;
mod limits;
mod responses;
mod scope;

use super::Policy;
use super::nearest::nearest;
use crate::ids::Name;
use crate::pricing::PriceList;
use crate::time::Span;

/// Longest window whose requests are remembered one by one: 31 days.
fn window_max() -> Span {
    Span::from_secs(31 * 86_400)
}

/// Most mistakes of meaning that one reading names.
const FAULTS_MAX: usize = 50;
/// Most names that a remedy lists.
const LISTED_MAX: usize = 20;

/// One mistake of meaning.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The path of the field, such as `limits[2].by` (indices from 0).
    pub field: String,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub remedy: String,
}

impl Policy {
    /// The mistakes of meaning, at most 50; none in a policy that can be put in force.
    pub fn check(&self) -> Vec<Fault> {
        let mut faults = Faults { policy: self, found: Vec::new() };
        faults.general();
        faults.sizes();
        faults.limits();
        faults.credit();
        faults.escalations();
        faults.keys();
        faults.requests();
        faults.responses();
        faults.found
    }

    /// The mistakes of a price list beside this policy, in the place of its own; none where nothing is charged.
    pub fn check_prices(&self, prices: &PriceList) -> Vec<Fault> {
        let mut faults = Faults { policy: self, found: Vec::new() };
        if let Some(rules) = &self.credit {
            faults.together(rules, prices);
            faults.prices(prices);
        }
        faults.found
    }
}

/// The mistakes found so far in one policy.
struct Faults<'p> {
    policy: &'p Policy,
    found: Vec<Fault>,
}

impl Faults<'_> {
    fn add(&mut self, field: impl Into<String>, what: impl Into<String>, remedy: impl Into<String>) {
        if !self.is_full() {
            self.found.push(Fault { field: field.into(), what: what.into(), remedy: remedy.into() });
        }
    }

    fn is_full(&self) -> bool {
        self.found.len() >= FAULTS_MAX
    }

    fn general(&mut self) {
        let policy = self.policy;
        self.says_something("title", &policy.title);
        if !policy.strip.is_empty() && !policy.strip.starts_with('/') {
            self.add("strip", "is not the beginning of a path", "begin it with `/`, as in \"/api/v1/\"");
        }
        if let Some(contact) = &policy.contact {
            self.says_something("contact", contact);
        }
        self.callers();
        for (name, patterns) in &policy.classes {
            let field = format!("classes.{name}");
            if patterns.is_empty() {
                self.add(
                    &field,
                    "names no endpoint",
                    "list patterns, such as [\"/v1/jobs\", \"/v1/jobs/*\"]",
                );
            }
            self.patterns(&field, patterns);
        }
        self.counted_classes();
        for (name, plan) in &policy.plans {
            if let Some(contact) = &plan.contact {
                self.says_something(&format!("plans.{name}.contact"), contact);
            }
        }
        self.items();
    }

    fn callers(&mut self) {
        let callers = &self.policy.callers;
        if !(1..=128).contains(&callers.ipv6_prefix) {
            self.add("callers.ipv6_prefix", "is no length of an IPv6 prefix", "give 1 to 128; 64 is usual");
        }
        if let Some(plan) = &callers.default_plan {
            self.plan("callers.default_plan", plan);
        }
    }

    fn items(&mut self) {
        let Some(items) = &self.policy.items else { return };
        if items.max == 0 {
            self.add("items.max", "lets no item pass", "give the most items of one request, at least 1");
        }
        if let Some(endpoint) = &items.endpoint {
            self.says_something("items.endpoint", endpoint);
        }
    }

    /// A text for people, for a header or a path: not empty, no control characters.
    fn says_something(&mut self, field: &str, text: &str) {
        if text.trim().is_empty() {
            self.add(field, "is empty", "write a text, or leave the field out");
        } else if text.chars().any(char::is_control) {
            self.add(field, "has a control character", "write it in one line without control characters");
        }
    }

    fn longer_than_nothing(&mut self, field: impl Into<String>, span: Span) {
        if span == Span::ZERO {
            self.add(field, "is no time at all", "give a length of time, such as \"60s\" or \"24h\"");
        }
    }

    fn above_zero(&mut self, field: impl Into<String>, figure: u64) {
        if figure == 0 {
            self.add(field, "is 0", "give at least 1");
        }
    }

    fn plan(&mut self, field: &str, plan: &Name) {
        if !self.policy.plans.contains_key(plan) {
            let remedy =
                self.known(plan, self.policy.plans.keys().map(Name::as_str), "declare it under [plans]");
            self.add(field, format!("there is no plan `{plan}`"), remedy);
        }
    }

    /// Names that were already given to an earlier element.
    fn distinct<'n>(&mut self, list: &str, names: impl Iterator<Item = &'n Name>) {
        let mut seen: Vec<&Name> = Vec::new();
        for (index, name) in names.enumerate() {
            if seen.contains(&name) {
                let field = format!("{list}[{index}].name");
                self.add(
                    field,
                    format!("`{name}` is the name of an earlier one"),
                    "give each a name of its own",
                );
            }
            seen.push(name);
        }
    }

    /// The remedy for a name that nothing has: the nearest, those that there are, or how to declare one.
    fn known<'n>(&self, name: &Name, names: impl Iterator<Item = &'n str>, declare: &str) -> String {
        // Nobody would read it, and in a long file the search for each takes longer than all the rest.
        if self.is_full() {
            return String::new();
        }
        let names: Vec<&str> = names.collect();
        match nearest(name.as_str(), names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if names.is_empty() => declare.to_owned(),
            None => format!("use one of {}, or {declare}", listed(&names)),
        }
    }
}

/// The first of the names.
fn listed(names: &[&str]) -> String {
    let rest = if names.len() > LISTED_MAX { " …" } else { "" };
    names[..names.len().min(LISTED_MAX)].join(", ") + rest
}
