//! Reads a policy from TOML and names every mistake with its place and remedy.

use super::Policy;
use super::check::Fault;
use super::nearest::nearest;
use super::places::{Places, member, position};
use serde::Deserialize;
use std::fmt;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer};

/// Most mistakes of syntax, or of form, that one reading names.
const MISTAKES_MAX: usize = 50;

/// One mistake in a policy's text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mistake {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// The path of the field, such as `limits[2].by` (indices from 0); empty for the policy as a whole.
    pub field: String,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, field, what, remedy } = self;
        let field = if field.is_empty() { "policy" } else { field };
        write!(out, "line {line}, column {column}: {field}: {what}; {remedy}")
    }
}

impl Policy {
    /// Reads and checks a policy file.
    ///
    /// # Errors
    /// The mistakes that were found, in the order of the text and at most 50: of syntax, else of form (names and types
    /// of fields), else of meaning. Each kind is only looked for when there is none of the kind before.
    pub fn from_toml(text: &str) -> Result<Self, Vec<Mistake>> {
        let (root, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            let first = errors.iter().take(MISTAKES_MAX);
            return Err(sorted(first.map(|error| syntax(text, error)).collect()));
        }
        let places = Places::new(text, root.get_ref());
        let policy = typed(root, &places)?;
        let faults = policy.check();
        if faults.is_empty() {
            return Ok(policy);
        }
        Err(sorted(faults.into_iter().map(|fault| placed(fault, &places)).collect()))
    }
}

fn sorted(mut mistakes: Vec<Mistake>) -> Vec<Mistake> {
    mistakes.sort();
    mistakes.dedup();
    mistakes
}

fn syntax(text: &str, error: &toml::de::Error) -> Mistake {
    let (line, column) = error.span().map_or((1, 1), |span| position(text, span.start));
    let (what, remedy) = match error.message() {
        "duplicate key" => ("this name was given before", "take one of them out, or join what they hold"),
        other => (other, "write TOML: `name = value` lines under `[table]` or `[[list]]` headers"),
    };
    Mistake { line, column, field: String::new(), what: what.to_owned(), remedy: remedy.to_owned() }
}

fn placed(fault: Fault, places: &Places<'_>) -> Mistake {
    let (line, column) = places.of(&fault.field);
    Mistake { line, column, field: fault.field, what: fault.what, remedy: fault.remedy }
}

/// Takes the form of a policy. After a mistake the field is taken out and the rest tried again, so that all
/// mistakes of form are named at once.
fn typed(mut root: Spanned<DeTable<'_>>, places: &Places<'_>) -> Result<Policy, Vec<Mistake>> {
    let mut mistakes: Vec<Mistake> = Vec::new();
    while mistakes.len() < MISTAKES_MAX {
        let error = match Policy::deserialize(Deserializer::from(root.clone())) {
            Ok(policy) if mistakes.is_empty() => return Ok(policy),
            Ok(_) => break,
            Err(error) => error,
        };
        let span = error.span().unwrap_or_default();
        let mistake = form(&error, places);
        // Nothing can be taken out for a field that the policy itself lacks.
        let whole = error.message().starts_with("missing field") && !mistake.field.contains(['.', '[']);
        if !mistakes.iter().any(|known| follows(&mistake, known)) {
            mistakes.push(mistake);
        }
        if whole || !prune(root.get_mut(), &span) {
            break;
        }
    }
    Err(sorted(mistakes))
}

/// Whether a mistake was only made by taking out what an earlier one named.
fn follows(mistake: &Mistake, known: &Mistake) -> bool {
    known
        .field
        .strip_prefix(&mistake.field)
        .is_some_and(|rest| rest.is_empty() || mistake.field.is_empty() || rest.starts_with(['.', '[']))
}

fn form(error: &toml::de::Error, places: &Places<'_>) -> Mistake {
    let span = error.span().unwrap_or_default();
    let table = if span.is_empty() { String::new() } else { places.path(&span) };
    let (what, remedy) = explain(error.message());
    let field = match quoted(error.message()) {
        Some(missing) if error.message().starts_with("missing field") => member(&table, missing),
        _ => table,
    };
    let (line, column) = places.of(&field);
    Mistake { line, column, field, what, remedy }
}

/// Turns the reader's message into what is wrong and what is allowed.
fn explain(message: &str) -> (String, String) {
    let message = message.trim_end();
    if let Some(missing) = quoted(message).filter(|_| message.starts_with("missing field")) {
        return (format!("`{missing}` is missing"), format!("add `{missing} = …`"));
    }
    if message.starts_with("wanted exactly 1 element") {
        return (
            "must be one thing, and only one".to_owned(),
            "give one member between the braces".to_owned(),
        );
    }
    if let Some((what, allowed)) = message.split_once(", expected ") {
        return (what.to_owned(), allow(what, allowed));
    }
    if let Some((what, remedy)) = message.split_once("; ") {
        return (what.to_owned(), remedy.to_owned());
    }
    match message.split_once(": ") {
        Some((what, remedy)) => (what.to_owned(), format!("give {remedy}")),
        None => {
            ("the value is not allowed".to_owned(), format!("it {message}").replace("it not ", "it is not "))
        }
    }
}

fn allow(what: &str, allowed: &str) -> String {
    let allowed = match allowed {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more, in its range",
        "i16" | "i32" | "i64" => "a whole number in its range",
        "a boolean" => "true or false",
        "a sequence" => "a list in brackets: […]",
        other => other.strip_prefix("one of ").unwrap_or(other),
    };
    let names: Vec<&str> = allowed.split('`').skip(1).step_by(2).collect();
    let near = quoted(what).and_then(|name| nearest(name, names.iter().copied()));
    match near {
        Some(near) => format!("did you mean `{near}`? Allowed here: {allowed}"),
        None if names.is_empty() => format!("give {allowed}"),
        None => format!("allowed here: {allowed}"),
    }
}

/// The first text in backticks.
fn quoted(message: &str) -> Option<&str> {
    message.split('`').nth(1)
}

/// Takes out the smallest field that covers the span. Returns whether there was one.
fn prune(table: &mut DeTable<'_>, span: &Range<usize>) -> bool {
    if table.iter_mut().any(|(_, value)| prune_inside(value.get_mut(), span)) {
        return true;
    }
    let covering = table.iter().find(|(key, value)| covers(&key.span(), span) || covers(&value.span(), span));
    let covering = covering.map(|(key, _)| key.clone());
    covering.is_some_and(|key| table.remove(&key).is_some())
}

fn covers(whole: &Range<usize>, span: &Range<usize>) -> bool {
    whole.start <= span.start && span.end <= whole.end
}

fn prune_inside(value: &mut DeValue<'_>, span: &Range<usize>) -> bool {
    match value {
        DeValue::Table(table) => prune(table, span),
        DeValue::Array(array) => prune_element(array, span),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => false,
    }
}

fn prune_element(array: &mut DeArray<'_>, span: &Range<usize>) -> bool {
    if array.iter_mut().any(|value| prune_inside(value.get_mut(), span)) {
        return true;
    }
    let before = array.len();
    let all = std::mem::replace(array, DeArray::new());
    *array = all.into_iter().filter(|value| !covers(&value.span(), span)).collect();
    array.len() < before
}
