//! Figures, times and scopes as words.

use crate::policy::{Dimension, Mode, Scope};
use crate::time::Span;

const UNITS: [(&str, i64); 5] = [
    ("day", 86_400_000_000),
    ("hour", 3_600_000_000),
    ("minute", 60_000_000),
    ("second", 1_000_000),
    ("millisecond", 1_000),
];

/// `60 seconds`, `15 minutes`, `24 hours`, `30 days`: up to two of a unit are said in the smaller one.
pub(super) fn span(span: Span) -> String {
    let micros = span.micros();
    let said = UNITS.iter().find(|(name, unit)| {
        let clear = matches!(*name, "second" | "hour") || micros / unit > 1;
        micros % unit == 0 && micros >= *unit && clear
    });
    match said {
        Some((name, unit)) => plural((micros / unit).unsigned_abs(), name),
        None if micros == 0 => "no time".to_owned(),
        None => span.to_string(),
    }
}

/// What follows "any" or "every": `hour`, `60 seconds`.
pub(super) fn any(length: Span) -> String {
    let words = span(length);
    words.strip_prefix("1 ").map(str::to_owned).unwrap_or(words)
}

/// `1 key`, `1,000 keys`.
pub(super) fn plural(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {what}{s}", figure(count))
}

/// A figure with commas.
pub(super) fn figure(figure: u64) -> String {
    let digits = figure.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list<T: AsRef<str>>(parts: &[T]) -> String {
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    match parts.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Patterns or names in backticks.
pub(super) fn quoted<T: AsRef<str>>(parts: &[T]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| format!("`{}`", part.as_ref())).collect();
    parts.join(", ")
}

/// ` per address and endpoint`.
pub(super) fn per(by: &[Dimension]) -> String {
    let parts: Vec<String> = by.iter().map(dimension).collect();
    format!(" per {}", list(&parts))
}

/// What a request may leave untold, and is then not counted by.
pub(super) fn telling(by: &Dimension) -> Option<String> {
    let told = matches!(by, Dimension::Ip | Dimension::EndUser | Dimension::Body | Dimension::Attribute(_));
    told.then(|| if *by == Dimension::Body { "`body_hash`".to_owned() } else { dimension(by) })
}

fn dimension(dimension: &Dimension) -> String {
    match dimension {
        Dimension::Ip => "address".to_owned(),
        Dimension::Key => "key".to_owned(),
        Dimension::Account => "account".to_owned(),
        Dimension::Owner => "owner".to_owned(),
        Dimension::Endpoint => "endpoint".to_owned(),
        Dimension::Class => "class of endpoints".to_owned(),
        Dimension::Plan => "plan".to_owned(),
        Dimension::EndUser => "end user".to_owned(),
        Dimension::Mode => "mode (live or test)".to_owned(),
        Dimension::Body => "request body".to_owned(),
        Dimension::Attribute(name) => format!("`{name}`"),
    }
}

/// `, only for …`; nothing for a rule that speaks of every request.
pub(super) fn scope(scope: &Scope) -> String {
    let mut parts = Vec::new();
    let mut named = |what: &str, names: Vec<&str>| {
        if !names.is_empty() {
            parts.push(format!("{what} {}", list(&names)));
        }
    };
    named("the class", scope.classes.iter().map(AsRef::as_ref).collect());
    named("the plan", scope.plans.iter().map(AsRef::as_ref).collect());
    named("the channel", scope.channels.iter().map(AsRef::as_ref).collect());
    named(
        "the mode",
        scope.modes.iter().map(|mode| if *mode == Mode::Live { "live" } else { "test" }).collect(),
    );
    if !scope.endpoints.is_empty() {
        parts.insert(0, quoted(&scope.endpoints.0));
    }
    if let Some(opened) = scope.opened_from {
        parts.push(match scope.everyone_from {
            Some(everyone) => format!("accounts opened from {opened} on (from {everyone} on every account)"),
            None => format!("accounts opened from {opened} on"),
        });
    }
    if parts.is_empty() { String::new() } else { format!(", only for {}", parts.join(" and ")) }
}
