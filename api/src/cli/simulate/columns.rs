//! What a line of any format offers: texts by the name of their column.

use std::borrow::Cow;

/// A line taken apart, whatever its format.
pub(super) trait Columns {
    /// The text of a column; `None` where the line has none.
    fn column(&self, name: &str) -> Option<Cow<'_, str>>;
}
