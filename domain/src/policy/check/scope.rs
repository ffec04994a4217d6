//! Mistakes in which requests a rule speaks of, and by what it counts.

use super::Faults;
use crate::ids::Name;
use crate::policy::{AttributeKind, Dimension, Mode, Patterns, Scope};

impl Faults<'_> {
    pub(super) fn patterns(&mut self, field: &str, patterns: &Patterns) {
        for (index, pattern) in patterns.0.iter().enumerate() {
            let field = format!("{field}[{index}]");
            let again = patterns.0[..index].contains(pattern);
            self.says_something(&field, pattern);
            if again {
                self.add(field, format!("`{pattern}` is there already"), "list each pattern once");
            } else if !self.policy.strip.is_empty() && pattern.starts_with(&self.policy.strip) {
                let remedy = format!("leave `{}` out: it is taken off before", self.policy.strip);
                self.add(field, "begins with what `strip` takes off, so it covers nothing", remedy);
            }
        }
    }

    pub(super) fn scope(&mut self, field: &str, scope: &Scope) {
        self.patterns(&format!("{field}.endpoints"), &scope.endpoints);
        for (index, class) in scope.classes.iter().enumerate() {
            if !self.policy.classes.contains_key(class) {
                let classes = self.policy.classes.keys().map(Name::as_str);
                let remedy = self.known(class, classes, "declare it under [classes]");
                self.add(format!("{field}.classes[{index}]"), format!("there is no class `{class}`"), remedy);
            }
        }
        for (index, plan) in scope.plans.iter().enumerate() {
            self.plan(&format!("{field}.plans[{index}]"), plan);
        }
        let tests = self.policy.keys.kinds.values().any(|kind| !kind.mode.is_live());
        if scope.modes == [Mode::Test] && !tests {
            let remedy = "give a kind mode = \"test\" under [keys.kinds], or take `modes` out";
            self.add(format!("{field}.modes"), "there are no keys for tests", remedy);
        }
        self.dates(field, scope);
    }

    fn dates(&mut self, field: &str, scope: &Scope) {
        let field = format!("{field}.everyone_from");
        match (scope.opened_from, scope.everyone_from) {
            (None, Some(_)) => {
                let remedy = "give `opened_from` too, or leave it out: then the rule speaks of everyone";
                self.add(field, "ends an exception that nothing makes", remedy);
            }
            (Some(opened), Some(everyone)) if everyone <= opened => {
                let remedy = "give a later instant than `opened_from`";
                self.add(field, "is not after `opened_from`, so the exception never holds", remedy);
            }
            (Some(_), Some(_) | None) | (None, None) => {}
        }
    }

    pub(super) fn subject(&mut self, field: &str, by: &[Dimension]) {
        if by.is_empty() {
            self.add(field, "counts nobody", "name whom it counts, such as [\"ip\"] or [\"account\"]");
        }
        for (index, dimension) in by.iter().enumerate() {
            let field = format!("{field}[{index}]");
            if by[..index].contains(dimension) {
                let name = String::from(dimension.clone());
                self.add(field, format!("`{name}` is there already"), "name each part of the subject once");
            } else {
                self.dimension(field, dimension);
            }
        }
    }

    fn dimension(&mut self, field: String, dimension: &Dimension) {
        match dimension {
            Dimension::Class if self.policy.classes.is_empty() => {
                self.add(field, "there are no classes", "declare them under [classes], or use `endpoint`");
            }
            Dimension::Plan if self.policy.plans.is_empty() => {
                self.add(field, "there are no plans", "declare them under [plans], or use `account`");
            }
            Dimension::Attribute(name) => match self.policy.attributes.get(name) {
                None => self.undeclared(field, name, "\"personal\" or \"label\""),
                Some(AttributeKind::Number) => {
                    let remedy = "count by a label or a personal attribute, or weigh with `counts`";
                    self.add(field, format!("`{name}` is a number, which names nobody"), remedy);
                }
                Some(AttributeKind::Label | AttributeKind::Personal) => {}
            },
            Dimension::Ip
            | Dimension::Key
            | Dimension::Account
            | Dimension::Owner
            | Dimension::Endpoint
            | Dimension::Class
            | Dimension::Plan
            | Dimension::EndUser
            | Dimension::Mode
            | Dimension::Body => {}
        }
    }

    pub(super) fn undeclared(&mut self, field: String, name: &Name, kind: &str) {
        let declare = format!("declare it: [attributes] {name} = {kind}");
        let remedy = self.known(name, self.policy.attributes.keys().map(Name::as_str), &declare);
        self.add(field, format!("there is no attribute `{name}`"), remedy);
    }

    /// An attribute that must be a declared number.
    pub(super) fn number(&mut self, field: String, name: &Name) {
        match self.policy.attributes.get(name) {
            None => self.undeclared(field, name, "\"number\""),
            Some(AttributeKind::Number) => {}
            Some(AttributeKind::Label | AttributeKind::Personal) => {
                let remedy = format!("name a number, or declare {name} = \"number\" under [attributes]");
                self.add(field, format!("`{name}` is no number"), remedy);
            }
        }
    }

    /// Where something is counted by class, an endpoint of two classes would count in the first by name only.
    pub(super) fn counted_classes(&mut self) {
        let policy = self.policy;
        let by = policy.limits.iter().map(|limit| &limit.by);
        let mut by = by.chain(policy.escalations.iter().map(|escalation| &escalation.by));
        if !by.any(|by| by.contains(&Dimension::Class)) {
            return;
        }
        let classes: Vec<(&Name, &Patterns)> = policy.classes.iter().collect();
        for (place, (name, patterns)) in classes.iter().enumerate() {
            let overlap = |(_, other): &&(&Name, &Patterns)| other.overlap(patterns);
            if let Some((other, _)) = classes[..place].iter().find(overlap) {
                let what = format!("has endpoints of `{other}` too, so they would not count here");
                let remedy = "let each endpoint be in one class, or count by `endpoint`";
                self.add(format!("classes.{name}"), what, remedy);
            }
        }
    }
}
