//! Read models: pure folds over the log's events, and the audit that checks what must always hold.
//!
//! Nothing here reads a clock, a file or a network; whoever has events folds them.

pub mod audit;
pub mod postings;
pub mod trial_balance;
