//! A price list: which endpoint costs what.

use super::attributes::Attributes;
use super::figure::Figure;
use super::parts::{PerUnit, SizePrice, Table};
use super::{Fault, PriceError};
use crate::map::Map;
use crate::money::{Credits, Rounding, compare};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// What a hold takes when a request is admitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldBy {
    /// The endpoint's base (× markup); the size is charged on top when the request is settled.
    #[default]
    Base,
    /// The full cost by the attributes known at admission.
    Estimate,
}

/// Prices of the endpoints of one API. After reading one from a file call [`PriceList::check`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceList {
    #[serde(default)]
    pub rounding: Rounding,
    #[serde(default)]
    pub hold: HoldBy,
    /// Every cost is multiplied by it.
    #[serde(default = "Figure::one", skip_serializing_if = "Figure::is_one")]
    pub markup: Figure,
    /// The least cost of a request that costs anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Figure>,
    /// The size price of every endpoint that has none of its own and is neither free nor flat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<SizePrice>,
    /// The unit prices of every endpoint that has none of its own and is neither free nor flat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub per: Vec<PerUnit>,
    /// What an endpoint costs that is not listed; none: it has no price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<EndpointPrice>,
    /// By exact path. Written in the order of the paths, so that equal lists have equal text.
    #[serde(default, serialize_with = "in_order")]
    pub endpoints: Map<String, EndpointPrice>,
}

/// The price of one endpoint.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointPrice {
    /// What any request costs before anything else counts.
    #[serde(default, skip_serializing_if = "Figure::is_none")]
    pub base: Figure,
    /// Instead of the list's size price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<SizePrice>,
    /// Instead of the list's unit prices.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub per: Vec<PerUnit>,
    /// A price by model, resolution and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Table>,
    /// Instead of the list's minimum.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Figure>,
    /// Costs nothing, whatever the list says of sizes, units and minimum.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub free: bool,
    /// The list's own size and unit prices do not apply here; the minimum does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flat: bool,
}

/// A cost and its parts: base + table + size + units, × markup, raised to the minimum where it was less.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Breakdown {
    pub base: Decimal,
    /// By model, resolution and the like.
    pub table: Decimal,
    pub size: Decimal,
    pub units: Decimal,
    pub markup: Decimal,
    /// Whether the minimum took the place of a lower cost.
    pub raised: bool,
    /// The cost before it is rounded.
    pub exact: Decimal,
}

impl Breakdown {
    fn sum(&self) -> Result<Decimal, PriceError> {
        let mut sum = self.base;
        for part in [self.table, self.size, self.units] {
            if !part.is_zero() {
                sum = sum.checked_add(part).ok_or(PriceError::Range)?;
            }
        }
        Ok(sum)
    }
}

/// A fault and where it is.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct ListError {
    /// `list`, `default`, or the path of the endpoint.
    pub place: String,
    pub fault: Fault,
}

const MARKUP_MAX: u32 = 1_000;

fn in_order<S: Serializer>(prices: &Map<String, EndpointPrice>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_map(prices.iter().collect::<BTreeMap<_, _>>())
}

impl Default for PriceList {
    /// A list without prices and with markup 1.
    fn default() -> Self {
        Self {
            rounding: Rounding::default(),
            hold: HoldBy::default(),
            markup: Figure::one(),
            minimum: None,
            size: None,
            per: Vec::new(),
            default: None,
            endpoints: Map::default(),
        }
    }
}

impl PriceList {
    /// The price of an endpoint: its own, or the default.
    pub fn price(&self, endpoint: &str) -> Result<&EndpointPrice, PriceError> {
        self.endpoints
            .get(endpoint)
            .or(self.default.as_ref())
            .ok_or_else(|| PriceError::NoPrice { endpoint: endpoint.into() })
    }

    /// The full cost of a request.
    pub fn cost(&self, endpoint: &str, attributes: &dyn Attributes) -> Result<Credits, PriceError> {
        self.round(self.exact_cost(endpoint, attributes)?)
    }

    /// The endpoint's base × markup: what a request costs at least, before its size is known.
    pub fn base(&self, endpoint: &str) -> Result<Credits, PriceError> {
        self.round(self.marked_up(self.price(endpoint)?.base.decimal())?)
    }

    /// What a hold takes at admission.
    pub fn hold(&self, endpoint: &str, attributes: &dyn Attributes) -> Result<Credits, PriceError> {
        match self.hold {
            HoldBy::Base => self.base(endpoint),
            HoldBy::Estimate => self.cost(endpoint, attributes),
        }
    }

    /// The cost before it is rounded.
    pub(super) fn exact_cost(
        &self,
        endpoint: &str,
        attributes: &dyn Attributes,
    ) -> Result<Decimal, PriceError> {
        self.breakdown(endpoint, attributes).map(|parts| parts.exact)
    }

    /// The full cost of a request and what it is made of.
    pub fn breakdown(&self, endpoint: &str, attributes: &dyn Attributes) -> Result<Breakdown, PriceError> {
        let price = self.price(endpoint)?;
        let mut parts = Breakdown { markup: self.markup.decimal(), ..Breakdown::default() };
        if price.free {
            return Ok(parts);
        }
        parts.base = price.base.decimal();
        if let Some(table) = &price.by {
            parts.table = table.cost(attributes)?;
        }
        if let Some(size) = self.size_of(price) {
            parts.size = size.cost(attributes)?;
        }
        for unit in self.units_of(price) {
            let units = parts.units.checked_add(unit.cost(attributes)?);
            parts.units = units.ok_or(PriceError::Range)?;
        }
        parts.exact = self.marked_up(parts.sum()?)?;
        let minimum = price.minimum.or(self.minimum).unwrap_or(Figure::ZERO).decimal();
        if !parts.exact.is_zero() && compare(parts.exact, minimum).is_lt() {
            (parts.raised, parts.exact) = (true, minimum);
        }
        Ok(parts)
    }

    /// Rounds once, and refuses what is more than one amount may be.
    pub(super) fn round(&self, cost: Decimal) -> Result<Credits, PriceError> {
        let cost = Credits::rounded(cost, self.rounding).map_err(|_| PriceError::Range)?;
        Figure::of(cost).map(Figure::credits).map_err(|_| PriceError::Range)
    }

    fn marked_up(&self, cost: Decimal) -> Result<Decimal, PriceError> {
        if self.markup.is_one() {
            return Ok(cost);
        }
        cost.checked_mul(self.markup.decimal()).ok_or(PriceError::Range)
    }

    fn size_of<'a>(&'a self, price: &'a EndpointPrice) -> Option<&'a SizePrice> {
        if price.flat { price.size.as_ref() } else { price.size.as_ref().or(self.size.as_ref()) }
    }

    fn units_of<'a>(&'a self, price: &'a EndpointPrice) -> &'a [PerUnit] {
        if price.flat || !price.per.is_empty() { &price.per } else { &self.per }
    }

    /// Finds what no reader of a file can see: figures that do not fit each other. The first fault in the order of
    /// the paths.
    pub fn check(&self) -> Result<(), ListError> {
        let at = |place: &str| {
            let place = place.to_owned();
            move |fault| ListError { place, fault }
        };
        self.check_list().map_err(at("list"))?;
        if let Some(price) = &self.default {
            price.check().map_err(at("default"))?;
        }
        let ordered: BTreeMap<_, _> = self.endpoints.iter().collect();
        ordered.into_iter().try_for_each(|(path, price)| price.check().map_err(at(path)))
    }

    fn check_list(&self) -> Result<(), Fault> {
        if self.markup.is_zero() || self.markup > Figure::whole(MARKUP_MAX) {
            return Err(Fault::Markup);
        }
        self.size.as_ref().map_or(Ok(()), SizePrice::check)?;
        self.per.iter().try_for_each(PerUnit::check)
    }
}

impl EndpointPrice {
    fn check(&self) -> Result<(), Fault> {
        let priced = !self.base.is_zero() || self.size.is_some() || !self.per.is_empty() || self.by.is_some();
        if self.free && (priced || self.minimum.is_some()) {
            return Err(Fault::FreeButPriced);
        }
        self.size.as_ref().map_or(Ok(()), SizePrice::check)?;
        self.per.iter().try_for_each(PerUnit::check)?;
        self.by.as_ref().map_or(Ok(()), Table::check)
    }
}
