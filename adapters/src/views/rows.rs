//! The plain forms of what rows hold.

use super::session::Found;
use domain::event::{Entry, Event, Stream};
use domain::ids::{Name, Position};
use domain::money::Credits;
use domain::policy::Mode;
use domain::time::Timestamp;
use projections::runner::ViewError;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

/// A column's text, where nothing is an empty one.
pub(super) fn text(of: Option<&impl Display>) -> String {
    of.map(ToString::to_string).unwrap_or_default()
}

/// Many values as one parameter.
pub(super) fn listed(of: &impl Serialize) -> Result<String, ViewError> {
    serde_json::to_string(of).map_err(|error| ViewError::Rows(Box::new(error)))
}

/// The accounts whose streams these entries are of, in order.
pub(super) fn accounts(entries: &[Entry]) -> BTreeSet<&Name> {
    let streams = entries.iter().map(|entry| &entry.stream);
    streams.filter_map(|stream| if let Stream::Account(name) = stream { Some(name) } else { None }).collect()
}

/// A column that was written by this file's counterparts.
pub(super) fn parsed<T>(row: &impl Found, column: &str) -> Result<T, ViewError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    words(row, column)?.parse().map_err(|error| ViewError::Rows(Box::new(error)))
}

/// As [`parsed`], for a column where an empty text stands for nothing.
pub(super) fn perhaps<T>(row: &impl Found, column: &str) -> Result<Option<T>, ViewError>
where
    T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let text = row.text(column)?;
    if text.is_none_or(str::is_empty) { Ok(None) } else { parsed(row, column).map(Some) }
}

pub(super) fn words<'a>(row: &'a impl Found, column: &str) -> Result<&'a str, ViewError> {
    row.text(column)?.ok_or_else(|| missing(column))
}

pub(super) fn credits(row: &impl Found, column: &str) -> Result<Credits, ViewError> {
    parsed(row, column)
}

pub(super) fn count(row: &impl Found, column: &str) -> Result<u64, ViewError> {
    position(row, column)?.ok_or_else(|| missing(column))
}

pub(super) fn position(row: &impl Found, column: &str) -> Result<Option<Position>, ViewError> {
    let figure = row.figure(column)?;
    Ok(figure.map(|figure| u64::try_from(figure).unwrap_or(0)))
}

/// As [`instant`], where there may be none.
pub(super) fn perhaps_at(row: &impl Found, column: &str) -> Result<Option<Timestamp>, ViewError> {
    Ok(row.figure(column)?.map(Timestamp::from_micros))
}

pub(super) fn mode(row: &impl Found) -> Result<Mode, ViewError> {
    one_of(row, "mode", [Mode::Live, Mode::Test], Mode::name)
}

pub(super) fn one_of<T: Copy, const N: usize>(
    row: &impl Found,
    column: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<T, ViewError> {
    let text = words(row, column)?;
    let found = all.into_iter().find(|one| name(*one) == text);
    found.ok_or_else(|| ViewError::Rows(format!("{column} cannot be {text:?}").into()))
}

/// The stable name of a type of events.
pub(super) fn event_type(row: &impl Found, column: &str) -> Result<&'static str, ViewError> {
    let text = words(row, column)?;
    let known = Event::TYPES.iter().map(|(name, _)| *name).find(|name| *name == text);
    known.ok_or_else(|| ViewError::Rows(format!("no event is a {text}").into()))
}

/// A column whose text is the JSON name of something.
pub(super) fn named<T: for<'a> Deserialize<'a>>(
    row: &impl Found,
    column: &str,
) -> Result<Option<T>, ViewError> {
    let Some(text) = row.text(column)? else { return Ok(None) };
    let text: StrDeserializer<'_, serde_json::Error> = text.into_deserializer();
    T::deserialize(text).map(Some).map_err(|error| ViewError::Rows(Box::new(error)))
}

/// A column that [`listed`] wrote.
pub(super) fn unlisted<T: DeserializeOwned>(row: &impl Found, column: &str) -> Result<T, ViewError> {
    serde_json::from_str(words(row, column)?).map_err(|error| ViewError::Rows(Box::new(error)))
}

pub(super) fn instant(row: &impl Found, column: &str) -> Result<Timestamp, ViewError> {
    row.figure(column)?.map(Timestamp::from_micros).ok_or_else(|| missing(column))
}

pub(super) fn missing(column: &str) -> ViewError {
    ViewError::Rows(format!("{column} is empty").into())
}
