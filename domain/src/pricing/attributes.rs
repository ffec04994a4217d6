//! What a request says about itself, as far as prices ask for it.

use super::PriceError;
use super::figure::Figure;
use rust_decimal::Decimal;
use std::borrow::Cow;

/// The value of an attribute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    /// A quantity, such as the number of characters.
    Number(Decimal),
    /// A name, such as a model.
    Label(&'a str),
}

/// The attributes of one request.
///
/// A number may come as a label that reads as a decimal (JSON clients send `"1.5"` to keep it exact), and a label
/// as a number (a duration that is a column of a table): both are taken as the price list needs them.
pub trait Attributes {
    /// The attribute of that name; none when the request does not have it.
    fn attribute(&self, name: &str) -> Option<Value<'_>>;
}

impl<K: AsRef<str>> Attributes for &[(K, Value<'_>)] {
    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        self.iter().find(|(own, _)| own.as_ref() == name).map(|(_, value)| *value)
    }
}

impl<K: AsRef<str>, const N: usize> Attributes for [(K, Value<'_>); N] {
    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        self.iter().find(|(own, _)| own.as_ref() == name).map(|(_, value)| *value)
    }
}

/// A request that says nothing about itself.
impl Attributes for () {
    fn attribute(&self, _: &str) -> Option<Value<'_>> {
        None
    }
}

/// A quantity, which must be in the range of a [`Figure`].
pub(super) fn quantity(attributes: &dyn Attributes, name: &str) -> Result<Decimal, PriceError> {
    let value = attributes.attribute(name).ok_or_else(|| missing(name))?;
    let figure = match value {
        Value::Number(number) => Figure::new(number),
        Value::Label(text) => text.parse(),
    };
    figure.map(Figure::decimal).map_err(|_| PriceError::NotFigure { attribute: name.into() })
}

/// A label; a number is shown without trailing zeros.
pub(super) fn label<'a>(attributes: &'a dyn Attributes, name: &str) -> Result<Cow<'a, str>, PriceError> {
    Ok(match attributes.attribute(name).ok_or_else(|| missing(name))? {
        Value::Number(number) => Cow::Owned(number.normalize().to_string()),
        Value::Label(text) => Cow::Borrowed(text),
    })
}

fn missing(name: &str) -> PriceError {
    PriceError::Missing { attribute: name.into() }
}
