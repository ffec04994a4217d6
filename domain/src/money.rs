//! Amounts of credit: exact decimals with at most six places, never floats.
//!
//! Addition lives here and nowhere else, so that every other file of this crate can deny bare
//! arithmetic on balances.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// An amount of credit: at most 6 decimals, between −10¹⁵ and 10¹⁵.
///
/// Balances may be negative (an overdrawn account); what a request may bring in is checked with
/// [`Credits::positive`]. In JSON a string without trailing zeros, because JSON numbers are floats
/// to most readers.
#[derive(Clone, Copy, Eq, Default)]
pub struct Credits(Decimal);

/// Most decimals of an amount.
pub const PLACES: u32 = 6;

impl Credits {
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// The largest single amount that a command may bring, and the largest figure of a price list: 10¹².
    pub const LARGEST_AMOUNT: Self = Self(Decimal::from_parts(3_567_587_328, 232, 0, false, 0));
    /// The largest balance: 10¹⁵.
    const LARGEST: Self = Self(Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0));
    /// The least balance: −10¹⁵.
    pub const LOWEST: Self = Self(Decimal::from_parts(2_764_472_320, 232_830, 0, true, 0));

    /// Checks places and range of a balance.
    pub fn new(amount: Decimal) -> Result<Self, MoneyError> {
        let amount = amount.normalize();
        if amount.scale() > PLACES {
            return Err(MoneyError::Places);
        }
        let fits = Self(amount.abs()) <= Self::LARGEST;
        if fits { Ok(Self(amount)) } else { Err(MoneyError::Range) }
    }

    /// An amount that a command brings: above zero and at most 10¹².
    pub fn positive(amount: Decimal) -> Result<Self, MoneyError> {
        let amount = Self::new(amount)?;
        if !amount.is_positive() {
            return Err(MoneyError::NotPositive);
        }
        if amount > Self::LARGEST_AMOUNT { Err(MoneyError::Range) } else { Ok(amount) }
    }

    /// A whole number of credits.
    pub fn whole(amount: u32) -> Self {
        Self(Decimal::from(amount))
    }

    /// Rounds an exact product to six places, once, and checks its range.
    pub fn rounded(amount: Decimal, rounding: Rounding) -> Result<Self, MoneyError> {
        if amount.scale() <= PLACES {
            return Self::new(amount);
        }
        Self::new(amount.round_dp_with_strategy(PLACES, rounding.strategy()))
    }

    /// The bare decimal.
    pub fn decimal(self) -> Decimal {
        self.0
    }

    fn as_whole(self) -> Option<i64> {
        whole(self.0)
    }

    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    pub fn is_positive(self) -> bool {
        self.0.is_sign_positive() && !self.0.is_zero()
    }

    /// The sum. Two balances of at most 10¹⁵ always fit a decimal of 28 digits.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        if other.is_zero() {
            return self;
        }
        match alike(self.0, other.0) {
            Some((a, b)) => self.with(a + b),
            None => Self(self.0 + other.0),
        }
    }

    /// The difference, which may be below zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        if other.is_zero() {
            return self;
        }
        match alike(self.0, other.0) {
            Some((a, b)) => self.with(a - b),
            None => Self(self.0 - other.0),
        }
    }

    /// Another number of the same unit.
    fn with(self, mantissa: i128) -> Self {
        let scale = self.0.scale();
        // Nearly all fit, and the way for any number takes thrice as long.
        match i64::try_from(mantissa) {
            Ok(small) => Self(Decimal::new(small, scale)),
            Err(_) => Self(Decimal::from_i128_with_scale(mantissa, scale)),
        }
    }

    /// The sum, refused when it leaves the range of a balance.
    pub fn checked_plus(self, other: Self) -> Result<Self, MoneyError> {
        Self::new(self.0 + other.0)
    }

    /// The part above zero.
    #[must_use]
    pub fn or_zero(self) -> Self {
        self.max(Self::ZERO)
    }
}

impl PartialEq for Credits {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl PartialOrd for Credits {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Credits {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(self.0, other.0)
    }
}

/// A decimal as a whole number, if it is written as one.
pub(crate) fn whole(number: Decimal) -> Option<i64> {
    if number.scale() == 0 { i64::try_from(number.mantissa()).ok() } else { None }
}

/// The order of two decimals.
pub(crate) fn compare(one: Decimal, other: Decimal) -> Ordering {
    match alike(one, other) {
        Some((one, other)) => one.cmp(&other),
        None => one.cmp(&other),
    }
}

/// Both as whole numbers of one unit, when they have equally many decimals: most figures do, and whole numbers are
/// compared and added in a tenth of the time of decimals.
fn alike(one: Decimal, other: Decimal) -> Option<(i128, i128)> {
    (one.scale() == other.scale()).then(|| (one.mantissa(), other.mantissa()))
}

impl std::iter::Sum for Credits {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Most amounts are whole, and a decimal's own way takes ten times as long.
        match self.as_whole() {
            Some(whole) => fmt::Display::fmt(&whole, out),
            None => fmt::Display::fmt(&self.0.normalize(), out),
        }
    }
}

impl fmt::Debug for Credits {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Credits {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        Self::new(Decimal::from_str_exact(text).map_err(|_| MoneyError::NotDecimal)?)
    }
}

impl Serialize for Credits {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.as_whole() {
            Some(whole) if to.is_human_readable() => to.serialize_str(itoa::Buffer::new().format(whole)),
            Some(whole) => to.serialize_i64(whole),
            None => to.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Credits {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Text;
        impl serde::de::Visitor<'_> for Text {
            type Value = Credits;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an amount as a decimal string, such as \"12.5\"")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Credits, E> {
                text.parse().map_err(E::custom)
            }
            fn visit_i64<E: serde::de::Error>(self, whole: i64) -> Result<Credits, E> {
                Credits::new(whole.into()).map_err(E::custom)
            }
            fn visit_u64<E: serde::de::Error>(self, whole: u64) -> Result<Credits, E> {
                Credits::new(whole.into()).map_err(E::custom)
            }
        }
        // Only a snapshot has whole amounts as integers; a JSON number is no amount.
        if from.is_human_readable() { from.deserialize_str(Text) } else { from.deserialize_any(Text) }
    }
}

/// How a price is rounded to six places.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// To the nearest, a half to the even neighbour.
    #[default]
    HalfEven,
    /// To the nearest, a half away from zero.
    HalfUp,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
}

impl Rounding {
    fn strategy(self) -> RoundingStrategy {
        match self {
            Self::HalfEven => RoundingStrategy::MidpointNearestEven,
            Self::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Self::Up => RoundingStrategy::AwayFromZero,
            Self::Down => RoundingStrategy::ToZero,
        }
    }
}

/// Why a figure is no amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MoneyError {
    #[error("not a decimal number")]
    NotDecimal,
    #[error("has more than 6 decimals")]
    Places,
    #[error("is out of range: one amount is at most 10^12, one balance at most 10^15")]
    Range,
    #[error("must be above zero")]
    NotPositive,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bounds_are_ten_to_the_twelfth_and_ten_to_the_fifteenth() {
        assert_eq!(Credits::LARGEST_AMOUNT.to_string(), "1000000000000");
        assert_eq!(Credits::LARGEST.to_string(), "1000000000000000");
        assert_eq!(Credits::LOWEST.to_string(), "-1000000000000000");
    }

    fn decimals() -> impl Strategy<Value = Decimal> {
        (-1_000_000_000_000_i64..=1_000_000_000_000, 0_u32..=6)
            .prop_map(|(digits, scale)| Decimal::new(digits, scale))
    }

    proptest! {
        /// Amounts with as many decimals go another way than others: both must do what decimals do.
        #[test]
        fn amounts_compare_and_add_as_their_decimals_do(a in decimals(), b in decimals()) {
            let (x, y) = (Credits(a), Credits(b));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(x == y, a == b);
            prop_assert_eq!(x.plus(y).decimal(), a + b);
            prop_assert_eq!(x.minus(y).decimal(), a - b);
            prop_assert_eq!(x.is_positive(), a > Decimal::ZERO);
            prop_assert_eq!(x.to_string(), a.normalize().to_string());
        }
    }
}
