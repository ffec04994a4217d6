//! Read models: pure folds over the log's events, the runner that keeps them caught up, and the audit that checks
//! what must always hold.
//!
//! Nothing here reads a clock, a file or a network; whoever has events folds them.

pub mod audit;
pub mod explain;
pub mod origins;
pub mod postings;
pub mod read;
pub mod runner;
mod told;
pub mod trial_balance;
pub mod views;
