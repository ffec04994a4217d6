//! The log of a book: one order of events, chained by hashes, written and read in frames.
//!
//! An event is stored as one JSON text, the codec's canonical bytes. A [`Frame`] is a run of
//! consecutive events and the unit of append; an [`EventStore`] keeps frames and nothing else.

mod chain;
pub mod codec;
mod frame;
mod store;

pub use chain::{ChainHash, ChainHashError};
pub use frame::{Frame, FrameBuilder, FrameError};
pub use store::{
    AppendOutcome, BookId, BookIdError, BookInfo, BookKind, BookKindError, Cause, EventStore, Head,
    StoreError, StoreId,
};
