//! Bytes that anybody may send, given to what reads them. Each function takes any bytes at all: what cannot be read
//! must be refused with a reason, and what was read must hold what the rest of the code relies on.
//!
//! `fuzz/` looks for bytes that break this; those it found, and others worth keeping, are fed again by a test.

mod access_log;
mod ask;
mod bodies;
mod codec;
mod nothing;
mod policy;
mod world;

pub use access_log::access_log;
pub use ask::ask;
pub use bodies::bodies;
pub use codec::codec;
pub use policy::policy;
