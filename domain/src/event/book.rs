//! The book as a whole.

use crate::log::StoreId;
use serde::{Deserialize, Serialize};

/// The book has moved to another store: the last event that was written in one, and the first after which another
/// may be written to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookSealed {
    /// The store that the book is at home in from now on; without one, where it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<StoreId>,
    /// Where that is, in words for people: a folder, or a URL without its secrets.
    pub place: String,
}
