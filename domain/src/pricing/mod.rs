//! What a request costs: price lists, and what an outcome makes of a price.
//!
//! Cost = base + table + size + units, × markup, then at least the minimum if it is above zero, then rounded once
//! to six decimals. Before that a decimal of 28 digits is kept.

mod attributes;
mod figure;
mod list;
mod outcome;
mod parts;
#[cfg(test)]
mod tests;

pub use attributes::{Attributes, Value};
pub use figure::{Figure, FigureError};
pub use list::{Breakdown, EndpointPrice, HoldBy, ListError, PriceList};
pub use outcome::{Charge, Outcome, OutcomeRules};
pub use parts::{Beyond, Counting, PerUnit, Row, SizePrice, Table, Tier, Times};

/// Why a request has no price.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PriceError {
    #[error("the endpoint {endpoint} has no price")]
    NoPrice { endpoint: String },
    #[error("the attribute {attribute} is missing; the price depends on it")]
    Missing { attribute: String },
    #[error("the attribute {attribute} must be a number of zero to 10^12 with at most 6 decimals")]
    NotFigure { attribute: String },
    #[error("there is no price for {attributes} = {labels}")]
    NoRow { attributes: String, labels: String },
    #[error("the attribute {attribute} may be at most {largest}")]
    TooLarge { attribute: String, largest: Figure },
    #[error("the cost is out of range: an amount is at most 10^12")]
    Range,
}

/// What is wrong with a price in a list.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Fault {
    #[error("a free endpoint can have no base, size, units, table or minimum")]
    FreeButPriced,
    #[error("`per` must be above zero")]
    ZeroUnit,
    #[error("`per = {per}` gives no exact parts: use a power of ten, or count `started` or `full` units")]
    InexactUnit { per: Figure },
    #[error("a size price needs `tiers` or `beyond`")]
    NoTiers,
    #[error("`tiers` must rise: each `up_to` above the one before")]
    TierOrder,
    #[error("`beyond.from` = {from} lies above the last `up_to` = {largest}")]
    BeyondGap { from: Figure, largest: Figure },
    #[error("a table of prices needs `rows`")]
    NoRows,
    #[error("the row {labels} needs {expected} labels, one for each of `attributes`")]
    RowWidth { labels: String, expected: usize },
    #[error("the row {labels} stands twice")]
    RowTwice { labels: String },
    #[error("`markup` must be above zero and at most 1000")]
    Markup,
}
