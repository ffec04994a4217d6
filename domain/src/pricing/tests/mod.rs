//! The rules of prices, with the worked rows of real price pages.

mod lists;
mod outcomes;
mod payg;
mod tiers;

use super::{PriceError, PriceList, Value};
use crate::money::Credits;
use rust_decimal::Decimal;

fn list(toml: &str) -> PriceList {
    let list: PriceList = toml::from_str(toml).expect("a price list");
    list.check().expect("figures that fit each other");
    list
}

fn credits(text: &str) -> Credits {
    text.parse().expect("a test's amount")
}

fn number(text: &str) -> Value<'static> {
    Value::Number(text.parse::<Decimal>().expect("a test's number"))
}

fn chars(list: &PriceList, endpoint: &str, count: u32) -> Result<Credits, PriceError> {
    list.cost(endpoint, &[("chars", Value::Number(count.into()))])
}
