//! Figures of a price list: exact, never floats, and never below zero.

use crate::money::Credits;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A price, a quantity or a factor: zero to 10¹², at most 6 decimals.
///
/// In a policy file a string (`"0.5"`) or an integer (`2`). A number with a point is refused, because readers of
/// TOML and JSON turn it into a float. Written back as a string without trailing zeros.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Figure(Credits);

/// A number that is no [`Figure`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be zero to 10^12 with at most 6 decimals")]
pub struct FigureError;

impl Figure {
    pub const ZERO: Self = Self(Credits::ZERO);

    /// A whole figure.
    pub fn whole(figure: u32) -> Self {
        Self(Credits::whole(figure))
    }

    /// Checks range and places.
    pub fn new(figure: Decimal) -> Result<Self, FigureError> {
        Credits::new(figure).map_err(|_| FigureError).and_then(Self::of)
    }

    /// Checks the range of an amount.
    pub(super) fn of(amount: Credits) -> Result<Self, FigureError> {
        let fits = (Credits::ZERO..=Credits::LARGEST_AMOUNT).contains(&amount);
        if fits { Ok(Self(amount)) } else { Err(FigureError) }
    }

    /// The bare decimal.
    pub fn decimal(self) -> Decimal {
        self.0.decimal()
    }

    /// The figure as an amount of credit.
    pub fn credits(self) -> Credits {
        self.0
    }

    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    pub(super) fn is_none(&self) -> bool {
        self.is_zero()
    }

    pub(super) fn is_one(&self) -> bool {
        *self == Self::one()
    }

    pub(super) fn one() -> Self {
        Self::whole(1)
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, out)
    }
}

impl fmt::Debug for Figure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Figure {
    type Err = FigureError;

    fn from_str(text: &str) -> Result<Self, FigureError> {
        Self::new(Decimal::from_str_exact(text).map_err(|_| FigureError)?)
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(TextOrInteger)
    }
}

struct TextOrInteger;

impl serde::de::Visitor<'_> for TextOrInteger {
    type Value = Figure;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a figure of zero or more, as an integer (2) or in quotes (\"0.5\"), never a bare 0.5")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Figure, E> {
        text.parse().map_err(|error| E::custom(format_args!("{text:?} {error}")))
    }

    fn visit_i64<E: serde::de::Error>(self, figure: i64) -> Result<Figure, E> {
        Figure::new(figure.into()).map_err(|error| E::custom(format_args!("{figure} {error}")))
    }

    fn visit_u64<E: serde::de::Error>(self, figure: u64) -> Result<Figure, E> {
        Figure::new(figure.into()).map_err(|error| E::custom(format_args!("{figure} {error}")))
    }
}
