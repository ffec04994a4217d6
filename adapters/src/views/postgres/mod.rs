//! Read models in PostgreSQL: a schema of their own for each, in the database of the log, to be dropped at any time.
//!
//! Any number of processes may keep the same views. A step moves the checkpoint first, from the position that it goes
//! on from: whoever comes second waits for the first, then finds it moved, writes nothing and goes on from there.

mod generation;
mod read;
mod rebuild;
mod session;
mod view;

pub(super) use rebuild::FreshSchema;
pub(super) use view::PostgresView;

use crate::store::postgres::{Address, Lent, Link, Purpose};
use crate::views::{Identity, Views};
use projections::runner::ViewError;
use read::Readings;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::error::Elapsed;

/// Tables that begin empty are planned for as they have grown.
const PLANS: &str = "SET plan_cache_mode = force_custom_plan";

/// Rows that can be folded again need no sync at every step.
const KEEPING: Purpose = Purpose { limit: Duration::from_secs(30), durable: false, also: PLANS };

/// Somebody waits for the answer.
const READING: Purpose = Purpose { limit: Duration::from_secs(10), durable: false, also: PLANS };

/// The views of a book in its database.
pub(in crate::views) struct Database {
    address: Address,
    book: Identity,
    keeper: Link,
    /// Whether this process has opened all of them before.
    opened: AtomicBool,
}

impl Database {
    pub(in crate::views) fn new(address: &Address, book: Identity) -> Self {
        let keeper = Link::new(address, KEEPING);
        Self { address: address.clone(), book, keeper, opened: AtomicBool::new(false) }
    }

    /// Notes that all views were opened.
    pub(in crate::views) fn note_open(&self) {
        self.opened.store(true, Ordering::Relaxed);
    }

    /// Reads the views, each over a connection of its own.
    pub(in crate::views) fn readings(&self) -> Readings {
        let links = Views::NAMES.map(|name| (name, Link::new(&self.address, READING)));
        Readings { book: self.book.id, links: links.into_iter().collect() }
    }
}

/// Keeps the connection of an exchange that came to its end.
fn ended<T>(lent: Lent<'_>, outcome: Result<Result<T, ViewError>, Elapsed>) -> Result<T, ViewError> {
    let late = |_| {
        ViewError::Rows(Box::new(io::Error::new(io::ErrorKind::TimedOut, "the database does not answer")))
    };
    let outcome = outcome.map_err(late)??;
    lent.keep();
    Ok(outcome)
}
