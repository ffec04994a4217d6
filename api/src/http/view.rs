//! Small pieces of answers, as JSON.

use domain::event::{Balance, LimitState};
use domain::ids::Position;
use domain::money::Credits;
use domain::time::Timestamp;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::fmt;

/// A decision's id: `d_` and its position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct DecisionId(pub(crate) Position);

impl fmt::Display for DecisionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "d_{}", self.0)
    }
}

impl Serialize for DecisionId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut figure = itoa::Buffer::new();
        let figure = figure.format(self.0).as_bytes();
        let mut text = [0_u8; 24];
        text[..2].copy_from_slice(b"d_");
        text[2..2 + figure.len()].copy_from_slice(figure);
        to.serialize_str(std::str::from_utf8(&text[..2 + figure.len()]).unwrap_or_default())
    }
}

/// An instant as RFC 3339; what lies beyond the calendar is `null`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Instant(pub(crate) Timestamp);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0 >= Timestamp::FAR { to.serialize_none() } else { to.collect_str(&self.0) }
    }
}

/// Available and held credit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub(crate) struct BalanceView {
    pub(crate) available: Credits,
    pub(crate) held: Credits,
}

impl From<Balance> for BalanceView {
    fn from(Balance(available, held): Balance) -> Self {
        Self { available, held }
    }
}

/// A limit as an answer shows it.
pub(crate) struct LimitView<'a>(pub(crate) &'a LimitState);

impl Serialize for LimitView<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let LimitState(name, limit, remaining, resets) = self.0;
        let mut out = to.serialize_struct("Limit", 4)?;
        out.serialize_field("name", name)?;
        out.serialize_field("limit", limit)?;
        out.serialize_field("remaining", remaining)?;
        out.serialize_field("resets_at", &Instant(*resets))?;
        out.end()
    }
}

/// All limits of an answer.
pub(crate) struct LimitsView<'a>(pub(crate) &'a [LimitState]);

impl Serialize for LimitsView<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(LimitView))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_resets_has_no_instant() {
        let state = LimitState("open".parse().expect("a name"), 5, 4, Timestamp::FAR);
        let json = serde_json::to_string(&LimitView(&state)).expect("JSON");
        assert_eq!(json, r#"{"name":"open","limit":5,"remaining":4,"resets_at":null}"#);
    }

    #[test]
    fn a_decision_id_is_written_as_it_is_read() {
        let json = serde_json::to_string(&DecisionId(u64::MAX)).expect("JSON");
        assert_eq!(json, format!("\"{}\"", DecisionId(u64::MAX)));
    }
}
