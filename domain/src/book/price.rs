//! What a request costs under a price list.

use crate::event::{Details, Facts};
use crate::money::Credits;
use crate::pricing::{Attributes, Charge, HoldBy, PriceError, PriceList, Value};
use crate::rejection::Rejection;
use rust_decimal::Decimal;

/// An item's own attributes, then those that the outcome brought, then those of the request.
struct Told<'a> {
    item: Option<&'a Details>,
    later: Option<&'a Details>,
    whole: &'a Details,
}

impl Attributes for Told<'_> {
    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        let mut details = self.item.into_iter().chain(self.later).chain([self.whole]);
        details.find_map(|details| value(details, name))
    }
}

fn value<'d>(details: &'d Details, name: &str) -> Option<Value<'d>> {
    match details.numbers.get(name) {
        Some(number) => Some(Value::Number(*number)),
        None => details.labels.get(name).map(|label| Value::Label(label)),
    }
}

/// What an admission reserves: the list's base or estimate of every unit that is not in an error state.
pub(super) fn hold(list: &PriceList, facts: &Facts, limited: &[u32]) -> Result<Credits, Rejection> {
    sum(facts, limited, None, |endpoint, told| list.hold(endpoint, told))
}

/// Refuses what is told already and no price can be worked out from: the settle could not either. What is not told yet
/// may come with the outcome.
pub(super) fn check(list: &PriceList, facts: &Facts, limited: &[u32]) -> Result<(), Rejection> {
    if list.hold == HoldBy::Estimate || (facts.details.is_empty() && facts.items.is_empty()) {
        return Ok(());
    }
    let so_far = sum(facts, limited, None, |endpoint, told| match list.cost(endpoint, told) {
        Err(PriceError::Missing { .. }) => Ok(Credits::ZERO),
        cost => cost,
    });
    so_far.map(drop)
}

/// The final cost of an outcome.
pub(super) fn cost(
    list: &PriceList,
    facts: &Facts,
    limited: &[u32],
    later: Option<&Details>,
    charge: Charge,
) -> Result<Credits, Rejection> {
    sum(facts, limited, later, |endpoint, told| charge.cost(list, endpoint, told))
}

fn sum(
    facts: &Facts,
    limited: &[u32],
    later: Option<&Details>,
    price: impl Fn(&str, &Told<'_>) -> Result<Credits, PriceError>,
) -> Result<Credits, Rejection> {
    if facts.items.is_empty() {
        let units = super::count::len(facts);
        let free = u32::try_from(limited.len()).unwrap_or(u32::MAX);
        let told = Told { item: None, later, whole: &facts.details };
        let one = price(&facts.endpoint, &told).map_err(|error| refusal(&error))?;
        return times(one, units.saturating_sub(free));
    }
    let mut total = Credits::ZERO;
    for (place, item) in (0_u32..).zip(&facts.items) {
        if limited.contains(&place) {
            continue;
        }
        let told = Told { item: Some(&item.details), later, whole: &facts.details };
        total = total.plus(price(&item.endpoint, &told).map_err(|error| refusal(&error))?);
    }
    in_range(total)
}

fn times(one: Credits, units: u32) -> Result<Credits, Rejection> {
    if units == 1 {
        return Ok(one);
    }
    let product = one.decimal().checked_mul(Decimal::from(units));
    let total = product.and_then(|product| Credits::new(product).ok());
    in_range(total.ok_or_else(|| Rejection::invalid("units", "cost more than 10^12 credits"))?)
}

fn in_range(total: Credits) -> Result<Credits, Rejection> {
    if total.is_zero() {
        return Ok(total);
    }
    Credits::positive(total.decimal()).map_err(|error| Rejection::Amount { field: "attributes", error })
}

fn refusal(error: &PriceError) -> Rejection {
    let field = match error {
        PriceError::NoPrice { .. } => "endpoint",
        PriceError::Missing { .. }
        | PriceError::NotFigure { .. }
        | PriceError::NoRow { .. }
        | PriceError::TooLarge { .. }
        | PriceError::Range => "attributes",
    };
    Rejection::invalid(field, format!("cannot be priced: {error}"))
}
