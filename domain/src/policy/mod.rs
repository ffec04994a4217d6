//! A provider's whole commercial policy: what it limits, what it charges, whom it turns away.
//!
//! [`model`] is what a policy file says, field by field; its JSON form is what the log keeps.

pub mod model;
pub mod pattern;
pub mod responses;

pub use model::*;
pub use pattern::Patterns;
pub use responses::{Kind, Responses};
