//! Everything that touches the world: event stores, keys, the clock, files.
//!
//! To add an event store: implement `domain::log::EventStore` in a folder under [`store`], and add one line to
//! the contract suite in `tests/store/`; the suite chooses the cases.

pub mod api_key;
pub mod snapshot;
pub mod store;
pub mod system;
pub mod vault;
pub mod views;
