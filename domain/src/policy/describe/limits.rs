//! Sizes and limits, one sentence each.

use super::words::{any, figure, per, plural, quoted, scope, span};
use crate::limits::Rule;
use crate::policy::{Calendars, Counts, Excess, Kind, Limit, Policy, Size};
use crate::time::Period;

impl Policy {
    pub(super) fn size(&self, size: &Size) -> String {
        let status = self.status(Kind::TooLarge);
        let (most, only) = (figure(size.max), scope(&size.only));
        format!("`{}` at most {most}{only}; beyond: {status}, reason {}.", size.attribute, size.name)
    }

    pub(super) fn limit(&self, limit: &Limit) -> String {
        let what = match limit.rule {
            Rule::Cooldown { every } => format!("At least {} between two admitted requests", span(every)),
            Rule::Rolling { window } => format!("{} in any {}", most(limit), any(window)),
            Rule::Bucket { period } => format!("{} {}", most(limit), each(period, limit.calendar)),
            Rule::Concurrency => format!("{} at once", most(limit)),
            Rule::TokenBucket { period, burst } => {
                format!("{} every {}, with up to {} at once", most(limit), any(period), figure(burst))
            }
        };
        let (by, others, only) = (per(&limit.by), others(limit), scope(&limit.only));
        format!("{what}{by}{others}{only}; {}.", self.beyond(limit))
    }

    fn beyond(&self, limit: &Limit) -> String {
        let reason = limit.reason();
        let kind = if limit.rule == Rule::Concurrency { Kind::QueueFull } else { Kind::RateLimited };
        let beyond = match limit.excess {
            Excess::Deny => format!("beyond: {}, reason {reason}", self.status(kind)),
            Excess::Limit => {
                format!("beyond: accepted, but the item is limited, free, with status_reason {reason}")
            }
        };
        if limit.mode.is_enforced() { beyond } else { format!("only watched (shadow), {beyond}") }
    }
}

/// `At most 20 requests`.
fn most(limit: &Limit) -> String {
    let what = match (&limit.counts, limit.rule) {
        (Counts::Calls, Rule::Concurrency) => "open job".to_owned(),
        (Counts::Calls, _) => "request".to_owned(),
        (Counts::Items, _) => "item".to_owned(),
        (Counts::Attribute(name), _) => format!("unit of `{name}`"),
    };
    match limit.limit {
        Some(most) => format!("At most {}", plural(most, &what).replace("`s", "`")),
        None => format!(
            "At most as many {} as its figure says",
            plural(2, &what).replacen("2 ", "", 1).replace("`s", "`")
        ),
    }
}

fn each(period: Period, calendar: Calendars) -> String {
    let each = match period {
        Period::Hour => "an hour",
        Period::Day => "a day",
        Period::Month => "a month",
    };
    let clock = match calendar {
        Calendars::Utc => "by the clock in UTC",
        Calendars::Account => "by the account's own zone and reset hour",
    };
    format!("{each} ({clock})")
}

/// ` (plan free: 10; plan pro: 120)`.
fn others(limit: &Limit) -> String {
    let parts: Vec<String> = limit
        .figures
        .iter()
        .map(|other| {
            let plans: Vec<&str> = other.plans.iter().map(AsRef::as_ref).collect();
            let mut whom = Vec::new();
            if !plans.is_empty() {
                whom.push(format!("plan {}", plans.join(", ")));
            }
            if !other.endpoints.is_empty() {
                whom.push(quoted(&other.endpoints.0));
            }
            format!("{}: {}", whom.join(" at "), figure(other.limit))
        })
        .collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join("; ")) }
}
