//! What the outcome of a request makes of its price.

use super::PriceError;
use super::attributes::Attributes;
use super::figure::Figure;
use super::list::PriceList;
use crate::money::Credits;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

/// How a request ended.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Succeeded,
    /// The caller's fault, such as input that cannot be read.
    ClientError,
    /// The provider's fault.
    SystemError,
    /// Called off before it began.
    Cancelled,
}

/// What an outcome costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charge {
    /// The full cost.
    All,
    /// Nothing is charged now. What was charged when the work began stays charged.
    None,
    /// The endpoint's base only.
    Base,
    /// So many per cent of the full cost, 0 to 100: `{ percent = 50 }`.
    #[serde(deserialize_with = "up_to_hundred")]
    Percent(Figure),
    /// A fixed figure, whatever the full cost: `{ fixed = "0.5" }`. No markup.
    Fixed(Figure),
    /// Nothing, and what was charged when the work began is given back.
    Refund,
}

fn up_to_hundred<'de, D: Deserializer<'de>>(from: D) -> Result<Figure, D::Error> {
    let percent = Figure::deserialize(from)?;
    if percent <= Figure::whole(100) {
        Ok(percent)
    } else {
        Err(serde::de::Error::custom(format_args!("{percent} per cent: at most 100 can be charged")))
    }
}

/// What each outcome costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutcomeRules {
    pub succeeded: Charge,
    pub client_error: Charge,
    pub system_error: Charge,
    pub cancelled: Charge,
}

impl Default for OutcomeRules {
    /// Success costs all; any other outcome costs nothing, and a failure of the provider is refunded.
    fn default() -> Self {
        Self {
            succeeded: Charge::All,
            client_error: Charge::None,
            system_error: Charge::Refund,
            cancelled: Charge::None,
        }
    }
}

impl OutcomeRules {
    /// The rule of an outcome.
    pub fn charge(&self, outcome: Outcome) -> Charge {
        match outcome {
            Outcome::Succeeded => self.succeeded,
            Outcome::ClientError => self.client_error,
            Outcome::SystemError => self.system_error,
            Outcome::Cancelled => self.cancelled,
        }
    }
}

impl Charge {
    /// The final cost of a request. Attributes are asked for only where the figure depends on them, because a
    /// request that failed may have none. A free endpoint costs nothing however it ends.
    pub fn cost(
        self,
        list: &PriceList,
        endpoint: &str,
        attributes: &dyn Attributes,
    ) -> Result<Credits, PriceError> {
        match self {
            Self::All => list.cost(endpoint, attributes),
            Self::None | Self::Refund => list.price(endpoint).map(|_| Credits::ZERO),
            Self::Base => list.base(endpoint),
            Self::Percent(percent) => {
                let part = percent.decimal() * Decimal::new(1, 2);
                let cost = list.exact_cost(endpoint, attributes)?;
                list.round(cost.checked_mul(part).ok_or(PriceError::Range)?)
            }
            Self::Fixed(figure) => {
                Ok(if list.price(endpoint)?.free { Credits::ZERO } else { figure.credits() })
            }
        }
    }

    /// Whether a charge made when the work began is given back.
    pub fn gives_back(self) -> bool {
        self == Self::Refund
    }
}
