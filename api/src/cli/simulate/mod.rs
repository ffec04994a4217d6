//! `counterfoil simulate`: a provider's past traffic, run through a policy in its own time.
//!
//! The engine that serves does the deciding, on the memory store and with a clock that each line sets. The
//! formats only find columns; [`mapping`] says which column is which field; [`line`] is a request that was read;
//! [`input`] puts all of them in order of time; [`replay`] feeds the engine; [`record`] is a line of the output.

mod args;
mod columns;
mod combined;
mod csv;
mod input;
mod instant;
mod jsonl;
mod line;
mod mapping;
mod numbered;
mod reader;
mod record;
mod replay;
mod run;
mod setup;
mod summary;
mod tally;

pub(super) use args::SimulateArgs;
pub use reader::LogReader;
pub(super) use run::run;
