//! The compact forms of a snapshot: by place instead of by name, and in bytes instead of digits.
//!
//! A snapshot writes structs as lists, so a field that may be left out has no place there. Types with such
//! fields have a form of their own, for formats that no human reads; their text in the log stays as it is.

use serde::de::{DeserializeOwned, Error, Visitor};
use serde::{Deserializer, Serialize, Serializer};
use std::fmt;
use std::marker::PhantomData;

/// Gives a struct with `#[serde(remote = "Self")]` its derived form as text and a list of its fields elsewhere.
macro_rules! compact {
    ($name:ident { $($field:ident),+ }) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                if to.is_human_readable() {
                    return Self::serialize(self, to);
                }
                serde::Serialize::serialize(&($(&self.$field,)+), to)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                if from.is_human_readable() {
                    return Self::deserialize(from);
                }
                let ($($field,)+) = serde::Deserialize::deserialize(from)?;
                Ok(Self { $($field),+ })
            }
        }
    };
}
pub(crate) use compact;

/// For `#[serde(with)]`: what is large and rare stands in a snapshot as its JSON.
pub(crate) mod json {
    use super::{DeserializeOwned, Deserializer, Error, PhantomData, Serialize, Serializer, Text};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() {
            return value.serialize(to);
        }
        to.serialize_str(&serde_json::to_string(value).map_err(serde::ser::Error::custom)?)
    }

    pub(crate) fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        if from.is_human_readable() {
            return T::deserialize(from);
        }
        from.deserialize_str(Text(PhantomData))?.map_err(D::Error::custom)
    }
}

struct Text<T>(PhantomData<T>);

impl<T: DeserializeOwned> Visitor<'_> for Text<T> {
    type Value = Result<T, serde_json::Error>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("JSON in a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(serde_json::from_str(text))
    }
}
