//! The rules of Counterfoil: money, limits, pricing, aggregates, and the book that decides and folds.
//!
//! No I/O, no async runtime, no clock and no randomness: time and ids are arguments, so the same
//! commands always give the same events, live, in replay and in tests.

pub mod account;
pub mod book;
pub mod catalogue;
mod chunked;
pub mod command;
mod compact;
pub mod event;
pub mod ids;
pub mod ledger;
pub mod limits;
pub mod log;
pub mod map;
pub mod money;
pub mod policy;
pub mod pricing;
mod reading;
pub mod rejection;
pub mod table;
pub mod time;
