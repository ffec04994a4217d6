//! The engine: one thread that decides, writes and answers for one book.
//!
//! A command waits in a bounded `queue`; the `sequencer` takes all that waits, decides it against the
//! book in memory and encodes the events into the open `batch`. As soon as no append is in flight, the
//! open batch goes to the store as one frame, and the next one fills meanwhile. Whoever was answered by
//! the book waits with the batch, and hears of it when it is durable. There is no other thread in between,
//! because handing a decision from thread to thread costs more than making it.
//!
//! | file | |
//! | --- | --- |
//! | `handle` | what HTTP and tests hold |
//! | `queue`, `job` | what waits for the engine |
//! | `sequencer`, `turn` | the thread's loop, and what it does with one job |
//! | `batch`, `append` | the open frame; the frame in flight and what became of it |
//! | `recovery` | an append that failed: refuse, rebuild, try again |
//! | `agenda`, `collapse` | what falls due; refusals that are only counted |
//! | `load`, `snapshots` | from the log to a book, and the short cut |
//! | `standby` | a book that another process writes |
//! | `health` | what can be seen from outside |

mod agenda;
mod append;
mod batch;
mod collapse;
mod config;
mod failure;
mod handle;
mod health;
mod job;
mod load;
mod queue;
mod recovery;
mod release;
mod sequencer;
mod snapshots;
mod standby;
mod start;
mod turn;

pub use config::EngineConfig;
pub use failure::Failure;
pub use handle::{Answer, Committed, ENTRIES_MAX, Handle};
pub use health::{Health, State};
pub use load::{LoadError, Loaded, Source, load};
pub use snapshots::FOLD_VERSION;
pub use start::{Engine, Opening, Parts, Role, StartError, start, start_as};
