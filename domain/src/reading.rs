//! Reading of texts and shared values straight into their place, where serde would first make a copy of its own.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt::{self, Display};
use std::str::FromStr;
use std::sync::Arc;

/// Reads a text through a function.
struct Text<F> {
    what: &'static str,
    read: F,
}

impl<T, Wrong: Display, F: FnOnce(&str) -> Result<T, Wrong>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.what)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.read)(text).map_err(E::custom)
    }
}

/// What a text says; `what` names it in the error when there is no text.
pub(crate) fn parsed<'de, T, D>(from: D, what: &'static str) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    from.deserialize_str(Text { what, read: str::parse })
}

/// A text that several may keep.
pub(crate) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<str>, D::Error> {
    from.deserialize_str(Text { what: "a string", read: |text: &str| Ok::<_, fmt::Error>(text.into()) })
}

/// A value that several may keep.
pub(crate) fn value<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Arc<T>, D::Error> {
    T::deserialize(from).map(Arc::new)
}
