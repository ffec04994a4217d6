//! The parts of a price that depend on what a request says about itself.

use super::attributes::{Attributes, label, quantity};
use super::figure::Figure;
use super::{Fault, PriceError};
use crate::money::{compare, whole};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

/// What counts as one more unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counting {
    /// A part of a unit is exactly that part.
    #[default]
    Exact,
    /// A unit that has begun counts whole.
    Started,
    /// Only whole units count.
    Full,
}

impl Counting {
    fn started() -> Self {
        Self::Started
    }

    /// How many units of size `per` (above zero) are in a quantity.
    fn units(self, quantity: Decimal, per: Figure) -> Option<Decimal> {
        // Most are whole, and decimals divide slowly.
        if let Some(units) = self.whole_units(quantity, per) {
            return Some(units.into());
        }
        let units = quantity.checked_div(per.decimal())?;
        Some(match self {
            Self::Exact => units,
            Self::Started => units.ceil(),
            Self::Full => units.floor(),
        })
    }

    /// The same where quantity, unit and result are whole numbers.
    fn whole_units(self, quantity: Decimal, per: Figure) -> Option<u64> {
        let unsigned = |number| whole(number).and_then(|number| u64::try_from(number).ok());
        let (quantity, per) = (unsigned(quantity)?, unsigned(per.decimal())?);
        let (units, rest) = (quantity.checked_div(per)?, quantity % per);
        match self {
            Self::Exact => (rest == 0).then_some(units),
            Self::Started => Some(units + u64::from(rest > 0)),
            Self::Full => Some(units),
        }
    }

    /// The list may use it with this unit: exact parts need a unit that divides without a remainder, or the sum
    /// would be rounded before its time.
    fn check(self, per: Figure) -> Result<(), Fault> {
        if per.is_zero() {
            return Err(Fault::ZeroUnit);
        }
        let exact = Decimal::ONE.checked_div(per.decimal()).is_some_and(|part| {
            part.scale() <= EXACT_PLACES && part.checked_mul(per.decimal()) == Some(Decimal::ONE)
        });
        if self == Self::Exact && !exact { Err(Fault::InexactUnit { per }) } else { Ok(()) }
    }
}

/// Most decimals of one unit's exact part, so that figure × part × price stays exact.
const EXACT_PLACES: u32 = 9;

fn product(price: Figure, units: Decimal) -> Result<Decimal, PriceError> {
    price.decimal().checked_mul(units).ok_or(PriceError::Range)
}

/// A price by size, in steps: up to 500 costs 1, up to 2,000 costs 2, and so on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SizePrice {
    /// The attribute that says the size.
    pub attribute: String,
    /// The steps, smallest first.
    #[serde(default)]
    pub tiers: Vec<Tier>,
    /// What more than the last step costs; none: it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beyond: Option<Beyond>,
}

/// One step of a [`SizePrice`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The largest size of this step.
    pub up_to: Figure,
    /// The whole cost of any size in it.
    pub price: Figure,
}

/// What a size beyond the last step costs: `base + price × units((size − from) / per)`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beyond {
    #[serde(default, skip_serializing_if = "Figure::is_none")]
    pub base: Figure,
    /// The price of one unit.
    pub price: Figure,
    /// The size of one unit.
    #[serde(default = "Figure::one", skip_serializing_if = "Figure::is_one")]
    pub per: Figure,
    /// Where units begin to count; at most the last step's size.
    #[serde(default, skip_serializing_if = "Figure::is_none")]
    pub from: Figure,
    /// Started units count whole, unless the list says else.
    #[serde(default = "Counting::started")]
    pub counting: Counting,
}

impl SizePrice {
    pub(super) fn cost(&self, attributes: &dyn Attributes) -> Result<Decimal, PriceError> {
        let size = quantity(attributes, &self.attribute)?;
        if let Some(tier) = self.tiers.iter().find(|tier| compare(size, tier.up_to.decimal()).is_le()) {
            return Ok(tier.price.decimal());
        }
        let Some(beyond) = &self.beyond else {
            return Err(PriceError::TooLarge { attribute: self.attribute.clone(), largest: self.largest() });
        };
        let units =
            beyond.counting.units(size - beyond.from.decimal(), beyond.per).ok_or(PriceError::Range)?;
        beyond.base.decimal().checked_add(product(beyond.price, units)?).ok_or(PriceError::Range)
    }

    fn largest(&self) -> Figure {
        self.tiers.last().map_or(Figure::ZERO, |tier| tier.up_to)
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.tiers.is_empty() && self.beyond.is_none() {
            return Err(Fault::NoTiers);
        }
        if !self.tiers.is_sorted_by(|earlier, later| earlier.up_to < later.up_to) {
            return Err(Fault::TierOrder);
        }
        let Some(beyond) = &self.beyond else { return Ok(()) };
        if beyond.from > self.largest() {
            return Err(Fault::BeyondGap { from: beyond.from, largest: self.largest() });
        }
        beyond.counting.check(beyond.per)
    }
}

/// A price per unit of an attribute, such as 0.25 per 1,000 output tokens.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerUnit {
    pub attribute: String,
    /// The price of one unit.
    pub price: Figure,
    /// The size of one unit.
    #[serde(default = "Figure::one", skip_serializing_if = "Figure::is_one")]
    pub per: Figure,
    #[serde(default)]
    pub counting: Counting,
    /// A request without the attribute pays nothing for it, instead of being refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

impl PerUnit {
    pub(super) fn cost(&self, attributes: &dyn Attributes) -> Result<Decimal, PriceError> {
        if self.optional && attributes.attribute(&self.attribute).is_none() {
            return Ok(Decimal::ZERO);
        }
        let quantity = quantity(attributes, &self.attribute)?;
        product(self.price, self.counting.units(quantity, self.per).ok_or(PriceError::Range)?)
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        self.counting.check(self.per)
    }
}

/// A price by labels: by model and resolution, and per second of output if `times` says so.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// The attributes whose labels choose the row.
    pub attributes: Vec<String>,
    /// The quantity that the row's price is multiplied by; none: once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Times>,
    /// Kept in the order of their labels, so that the order in a file means nothing.
    #[serde(deserialize_with = "sorted")]
    pub rows: Vec<Row>,
}

/// One row of a [`Table`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// One label per attribute of the table, in its order.
    pub labels: Vec<String>,
    pub price: Figure,
}

/// The quantity of a [`Table`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    pub attribute: String,
    /// The size of one unit.
    #[serde(default = "Figure::one", skip_serializing_if = "Figure::is_one")]
    pub per: Figure,
    #[serde(default)]
    pub counting: Counting,
}

fn sorted<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Row>, D::Error> {
    let mut rows = Vec::<Row>::deserialize(from)?;
    rows.sort_by(|one, other| one.labels.cmp(&other.labels));
    Ok(rows)
}

impl Table {
    pub(super) fn cost(&self, attributes: &dyn Attributes) -> Result<Decimal, PriceError> {
        let price = self.row(attributes)?.price;
        let Some(times) = &self.times else { return Ok(price.decimal()) };
        let quantity = quantity(attributes, &times.attribute)?;
        product(price, times.counting.units(quantity, times.per).ok_or(PriceError::Range)?)
    }

    fn row(&self, attributes: &dyn Attributes) -> Result<&Row, PriceError> {
        let mut labels = Vec::with_capacity(self.attributes.len());
        for attribute in &self.attributes {
            labels.push(label(attributes, attribute)?);
        }
        let order = |row: &Row| row.labels.iter().map(String::as_str).cmp(labels.iter().map(AsRef::as_ref));
        match self.rows.binary_search_by(order) {
            Ok(place) => Ok(&self.rows[place]),
            Err(_) => {
                Err(PriceError::NoRow { attributes: self.attributes.join(", "), labels: labels.join(", ") })
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), Fault> {
        if self.rows.is_empty() {
            return Err(Fault::NoRows);
        }
        if let Some(row) = self.rows.iter().find(|row| row.labels.len() != self.attributes.len()) {
            return Err(Fault::RowWidth { labels: row.labels.join(", "), expected: self.attributes.len() });
        }
        if let Some(pair) = self.rows.windows(2).find(|pair| pair[0].labels >= pair[1].labels) {
            return Err(Fault::RowTwice { labels: pair[1].labels.join(", ") });
        }
        self.times.as_ref().map_or(Ok(()), |times| times.counting.check(times.per))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whole numbers go another way than others: both must find as many units.
        #[test]
        fn whole_quantities_have_as_many_units_as_their_decimals(quantity in 0_u32..100_000, per in 1_u32..5_000) {
            let (whole, decimal) = (Decimal::from(quantity), Decimal::new(i64::from(quantity) * 10, 1));
            for counting in [Counting::Exact, Counting::Started, Counting::Full] {
                let per = Figure::whole(per);
                prop_assert_eq!(counting.units(whole, per), counting.units(decimal, per));
            }
        }
    }
}
