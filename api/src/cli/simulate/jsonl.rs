//! One JSON object on each line.

use super::columns::Columns;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The members of a line. `a.b` names the member `b` of the object `a`.
pub(super) struct JsonLine(Map<String, Value>);

impl JsonLine {
    pub(super) fn read(line: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map(Self).map_err(|error| format!("no JSON object: {error}"))
    }

    fn find(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.0.get(name) {
            return Some(value);
        }
        let mut parts = name.split('.');
        let first = self.0.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }
}

impl Columns for JsonLine {
    fn column(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.find(name)? {
            Value::Null | Value::Array(_) | Value::Object(_) => None,
            Value::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            Value::String(text) => Some(Cow::Borrowed(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_columns_and_dots_lead_inwards() {
        let line =
            JsonLine::read(br#"{"at":"now","n":12.5,"a":{"b":"c"},"d.e":"f","no":null}"#).expect("a line");
        let column = |name| line.column(name).map(Cow::into_owned);
        assert_eq!(column("n").as_deref(), Some("12.5"));
        assert_eq!(column("a.b").as_deref(), Some("c"));
        assert_eq!(column("d.e").as_deref(), Some("f"));
        assert_eq!((column("no"), column("a"), column("x.y")), (None, None, None));
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for line in ["", "[]", "{", "12"] {
            assert!(JsonLine::read(line.as_bytes()).is_err(), "{line}");
        }
    }
}
