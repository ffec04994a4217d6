//! The read models: what each event adds to the rows that people read. Pure; a store keeps the rows.
//!
//! Every model is a function of the log alone, so its rows can be thrown away and folded again at any time.

pub mod balances;
pub mod counters;
pub mod denials;
pub mod holds;
pub mod requests;
pub mod statement;
pub mod streams;
pub mod subjects;
pub mod usage;
