//! Mistakes in sizes and limits.

use super::{Faults, window_max};
use crate::ids::Name;
use crate::limits::Rule;
use crate::policy::{Calendars, Counts, Dimension, Excess, Figure, Limit, Size};

impl Faults<'_> {
    pub(super) fn sizes(&mut self) {
        let policy = self.policy;
        self.distinct("sizes", policy.sizes.iter().map(|size| &size.name));
        for (index, size) in policy.sizes.iter().enumerate() {
            let field = format!("sizes[{index}]");
            self.number(format!("{field}.attribute"), &size.attribute);
            self.above_zero(format!("{field}.max"), size.max);
            self.scope(&format!("{field}.only"), &size.only);
            self.hidden(&field, size, &policy.sizes[..index]);
        }
    }

    /// A size that an earlier and smaller one for the same requests, or for every request, makes pointless.
    fn hidden(&mut self, field: &str, size: &Size, before: &[Size]) {
        let speaks = |by: &Size| by.only.is_everything() || by.only == size.only;
        let hides = |by: &&Size| by.attribute == size.attribute && speaks(by) && by.max <= size.max;
        if let Some(by) = before.iter().find(hides) {
            let what = format!("never refuses: `{}` stands before it and allows no more", by.name);
            self.add(format!("{field}.max"), what, "give a smaller figure, or take it out");
        }
    }

    pub(super) fn limits(&mut self) {
        let policy = self.policy;
        self.distinct("limits", policy.limits.iter().map(|limit| &limit.name));
        for (index, limit) in policy.limits.iter().enumerate() {
            let field = format!("limits[{index}]");
            if let Some(size) = policy.sizes.iter().find(|size| size.name == limit.name) {
                let what = format!("`{}` is the name of a size, too", size.name);
                self.add(format!("{field}.name"), what, "give each gate a name of its own");
            }
            self.subject(&format!("{field}.by"), &limit.by);
            self.rule(&field, &limit.rule);
            self.figure(&field, limit);
            self.weight(&field, limit);
            self.scope(&format!("{field}.only"), &limit.only);
            self.reason(&field, limit);
            self.hint(&field, limit);
            self.calendar(&field, limit);
            self.excess(&field, limit);
        }
    }

    fn rule(&mut self, field: &str, rule: &Rule) {
        let field = format!("{field}.rule");
        match rule {
            Rule::Cooldown { every } => self.longer_than_nothing(field, *every),
            Rule::Rolling { window } if *window > window_max() => {
                let remedy = "give at most \"31d\", or { bucket = \"month\" }";
                self.add(field, format!("a window of {window} is longer than what is kept"), remedy);
            }
            Rule::Rolling { window } => self.longer_than_nothing(field, *window),
            Rule::Bucket { .. } | Rule::Concurrency => {}
            Rule::TokenBucket { period, burst } => {
                self.longer_than_nothing(format!("{field}.token_bucket.period"), *period);
                self.above_zero(format!("{field}.token_bucket.burst"), *burst);
            }
        }
    }

    fn figure(&mut self, field: &str, limit: &Limit) {
        if let Rule::Cooldown { .. } = limit.rule {
            if limit.limit.is_some() {
                self.add(format!("{field}.limit"), "a cooldown has no figure", "take `limit` out");
            }
            if !limit.figures.is_empty() {
                self.add(format!("{field}.figures"), "a cooldown has no figure", "take `figures` out");
            }
            return;
        }
        let own = self.policy.plans.values().any(|plan| plan.own_figures);
        if limit.limit.is_none() && limit.figures.is_empty() && !own {
            let remedy = "add `limit = …`, or `figures` for some plans or endpoints";
            self.add(format!("{field}.limit"), "nothing gives this limit a figure", remedy);
        }
        if let Some(figure) = limit.limit {
            self.above_zero(format!("{field}.limit"), figure);
        }
        for (index, figure) in limit.figures.iter().enumerate() {
            let before = &limit.figures[..index];
            self.figure_for_some(&format!("{field}.figures[{index}]"), figure, before);
        }
    }

    fn figure_for_some(&mut self, field: &str, figure: &Figure, before: &[Figure]) {
        self.above_zero(format!("{field}.limit"), figure.limit);
        if figure.plans.is_empty() && figure.endpoints.is_empty() {
            let remedy = "name `plans` or `endpoints`, or make it the limit's own `limit`";
            self.add(field, "speaks of every request", remedy);
        }
        for (index, plan) in figure.plans.iter().enumerate() {
            self.plan(&format!("{field}.plans[{index}]"), plan);
        }
        self.patterns(&format!("{field}.endpoints"), &figure.endpoints);
        if figure.is_hidden(before) {
            let remedy = "let it stand before those that speak of more, or take it out";
            self.add(field, "never holds: earlier ones speak of the same requests", remedy);
        }
    }

    fn weight(&mut self, field: &str, limit: &Limit) {
        let field = format!("{field}.counts");
        if let Counts::Attribute(name) = &limit.counts {
            self.number(format!("{field}.attribute"), name);
        }
        if let (Rule::Cooldown { .. }, Counts::Items | Counts::Attribute(_)) = (limit.rule, &limit.counts) {
            self.add(field, "a cooldown does not count", "take `counts` out");
        }
    }

    fn reason(&mut self, field: &str, limit: &Limit) {
        let Some(reason) = &limit.reason else { return };
        let field = format!("{field}.reason");
        self.says_something(&field, reason);
        let rest = reason.replace("{endpoint}", "");
        if rest.contains(['{', '}']) {
            let remedy = "only `{endpoint}` is filled in; write all else as it is, without braces";
            self.add(&field, "has a placeholder that nothing fills", remedy);
        }
        if rest.len() < reason.len() && limit.excess == Excess::Limit {
            let remedy = "take `{endpoint}` out";
            return self.add(
                field,
                "names the endpoint, but items of several may be limited at once",
                remedy,
            );
        }
        if rest.len() < reason.len() && !limit.by.contains(&Dimension::Endpoint) {
            let remedy = "count by `endpoint` too, or take `{endpoint}` out";
            self.add(field, "names the endpoint, but the limit does not count by endpoint", remedy);
        }
    }

    fn hint(&mut self, field: &str, limit: &Limit) {
        let Some(hint) = limit.retry_hint else { return };
        let field = format!("{field}.retry_hint");
        self.longer_than_nothing(&field, hint);
        if limit.rule != Rule::Concurrency {
            let remedy = "take it out: the time to wait is known exactly";
            self.add(field, "only a limit on open jobs needs a hint", remedy);
        }
    }

    fn calendar(&mut self, field: &str, limit: &Limit) {
        let bucket = matches!(limit.rule, Rule::Bucket { .. });
        if limit.calendar == Calendars::Account && !bucket {
            let remedy = "take it out, or use a rule such as { bucket = \"day\" }";
            self.add(format!("{field}.calendar"), "only buckets follow a calendar", remedy);
        }
    }

    fn excess(&mut self, field: &str, limit: &Limit) {
        let waits = matches!(limit.rule, Rule::Cooldown { .. } | Rule::Concurrency);
        if limit.excess == Excess::Limit && waits {
            let remedy = "use `excess = \"deny\"`, or a rolling, bucket or token_bucket rule";
            self.add(format!("{field}.excess"), "items can only be limited by a count over time", remedy);
        }
    }
}

impl Figure {
    /// Whether earlier figures speak of every plan and endpoint that this one speaks of.
    fn is_hidden(&self, before: &[Figure]) -> bool {
        let plans = all_or_each(&self.plans);
        let endpoints = all_or_each(&self.endpoints.0);
        plans.iter().all(|plan| {
            let of_plan = |other: &&Figure| {
                other.plans.is_empty() || plan.is_some_and(|plan: &Name| other.plans.contains(plan))
            };
            let others: Vec<&Figure> = before.iter().filter(of_plan).collect();
            endpoints.iter().all(|pattern| {
                others.iter().any(|other| match pattern {
                    Some(pattern) => other.endpoints.cover(pattern),
                    None => other.endpoints.is_empty(),
                })
            })
        })
    }
}

/// Each of a list; nothing in particular for an empty one, which speaks of all.
fn all_or_each<T>(list: &[T]) -> Vec<Option<&T>> {
    if list.is_empty() { vec![None] } else { list.iter().map(Some).collect() }
}
