//! What every limit has counted of every subject, kept so that any past moment is reached from near by.
//!
//! A counter is moved by what was admitted, by the end of jobs and by operators; each of these moves is complete in
//! itself, so a past count needs no event. Whom a request counts for, and by which figure, says the same
//! [`domain::book::Walk`] that decides and that the book folds with; for that the fold keeps what it needs of policies
//! and callers.

mod past;
mod tally;
mod world;

pub use past::{Asked, Stood};
pub use tally::{Act, Counted, Move, Tally};
pub use world::{Change, Misfit, Wanted, World, own};

/// Steps of a counter, or of a caller, from one checkpoint to the next; more only while they take up less room than the
/// checkpoint itself.
pub const EVERY: u64 = 64;
