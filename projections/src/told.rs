//! What is known of a request when it is priced.

use domain::event::Details;
use domain::pricing::{Attributes, Value};

/// What is known of a unit, the latest word first.
pub(crate) struct Told<'a>(pub(crate) [Option<&'a Details>; 3]);

impl Attributes for Told<'_> {
    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        self.0.into_iter().flatten().find_map(|details| {
            let number = details.numbers.get(name).map(|number| Value::Number(*number));
            number.or_else(|| details.labels.get(name).map(|label| Value::Label(label)))
        })
    }
}
