//! A provider's whole commercial policy: what it limits, what it charges, whom it turns away.
//!
//! [`model`] is what a policy file says, field by field; [`Policy::from_toml`] reads a file and names every
//! mistake; [`Policy::describe`] says in plain words what it means; [`Policy::normal`] is what the log keeps.

mod abuse;
pub mod check;
mod credit;
mod describe;
mod dimension;
mod limit;
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

pub use abuse::{Action, Escalation, Signal, Term};
pub use check::Fault;
pub use credit::{ChargeAt, CreditRules, OnExpiry};
pub use dimension::Dimension;
pub use limit::{Calendars, Counts, Enforcement, Excess, Figure, Limit};
pub use model::*;
pub use pattern::Patterns;
pub use read::Mistake;
pub use responses::{Kind, Responses, Wording};
pub use template::Template;
