//! An instant in a policy is written as RFC 3339 text.

use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes an instant that may be absent.
#[expect(clippy::ref_option, reason = "serde passes the field by reference")]
pub(super) fn serialize<S: Serializer>(at: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => to.collect_str(at),
        None => to.serialize_none(),
    }
}

/// Reads an instant.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}
