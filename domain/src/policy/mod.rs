//! A provider's whole commercial policy: what it limits, what it charges, whom it turns away.
//!
//! [`model`] is what a policy file says, field by field; [`Policy::from_toml`] reads a file and names every
//! mistake; [`Policy::describe`] says in plain words what it means; [`Policy::normal`] is what the log keeps.

pub mod check;
mod describe;
pub mod model;
mod nearest;
mod normal;
pub mod pattern;
mod places;
mod read;
pub mod responses;
mod rfc3339;
pub mod template;
#[cfg(test)]
mod tests;

pub use check::Fault;
pub use model::*;
pub use pattern::Patterns;
pub use read::Mistake;
pub use responses::{Kind, Responses, Wording};
pub use template::Template;
