//! The one store that a book may be written in.
//!
//! A log that is copied leaves two that look alike. Which of them goes on is in the log itself: a copy takes
//! decisions once it has the event that names it, and by then the other can take none.

use super::{Book, Draft};
use crate::event::{BookSealed, Entry, Stream};
use crate::ids::Position;
use crate::log::StoreId;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a book is at home.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Home {
    /// `None` is the store in which the book began.
    pub store: Option<StoreId>,
    /// The same in words; empty where the book began.
    pub place: String,
    /// The event that says so; 0 where the book began.
    pub since: Position,
    /// How often the book has moved: the version of its stream.
    pub(super) moves: u64,
}

/// Why a book may not be written to in a store that holds it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Away {
    #[error("the book was sealed here at position {since} and moved to {place}: serve it from there")]
    Moved { since: Position, place: String },
    #[error("this store holds a copy of the book that is not finished: run `counterfoil copy` to its end")]
    Unfinished,
}

impl Book {
    /// Whether this store, which holds the book, is the one where it may be written to.
    ///
    /// # Errors
    /// When it is not, with what to do.
    pub fn at_home(&self, store: Option<StoreId>) -> Result<(), Away> {
        let Home { store: home, place, since, .. } = &self.state.home;
        if *home == store {
            return Ok(());
        }
        let is_last = *since > 0 && *since == self.state.head;
        Err(if is_last { Away::Moved { since: *since, place: place.clone() } } else { Away::Unfinished })
    }

    pub fn home(&self) -> &Home {
        &self.state.home
    }

    /// Seals the book in the store where it is now, unless that was done, and lets the named one go on: the last event
    /// that may be appended here.
    ///
    /// # Errors
    /// When it is not at home here.
    pub fn seal(
        &mut self,
        here: Option<StoreId>,
        seal: BookSealed,
        now: Timestamp,
        out: &mut Vec<Entry>,
    ) -> Result<(), Away> {
        let Home { store, since, .. } = self.state.home;
        if store == seal.to && since > 0 && since == self.state.head {
            return Ok(());
        }
        self.at_home(here)?;
        self.add(Draft::new(Stream::Book, seal), now, out);
        Ok(())
    }

    pub(super) fn fold_sealed(&mut self, at: Position, event: &BookSealed) {
        let home = &mut self.state.home;
        (home.store, home.place, home.since) = (event.to, event.place.clone(), at);
    }
}
