//! The log in a PostgreSQL database, a book each.
//!
//! A frame is a row and an append one statement, so one round trip, one commit and one sync; the statement checks the
//! head and the writer's epoch. Any number of processes read; one of them writes, as long as it renews its lease.
//!
//! | file | |
//! | --- | --- |
//! | `address` | the URL, without its password |
//! | `link` | a connection, its limits, and when it is given up |
//! | `classify` | what a failure says about the frame |
//! | `open` | schema, identity, a look at the tail |
//! | `lease` | whose turn it is to write |
//! | `rows` | the statements |

mod address;
mod classify;
mod lease;
mod link;
mod open;
mod rows;

pub use address::{Address, AddressError};
pub use lease::Claim;
pub use open::OpenError;

// What the read models in the same database go by as well.
pub(crate) use classify::{is_locked, is_lost, is_missing, told};
pub(crate) use link::{Lent, Link, Purpose};

use super::{damaged, span, verified};
use async_trait::async_trait;
use domain::ids::Position;
use domain::log::{AppendOutcome, BookInfo, EventStore, Frame, Head, StoreError};
use lease::Lease;
use sqlx::postgres::PgRow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;

/// An append is one short statement. Whoever waits for its answer waits no longer than this and then a new try.
const APPENDING: Purpose = Purpose { limit: Duration::from_secs(5), durable: true, also: "" };

/// A renewal that is lost with the database's memory only ends the lease earlier.
const RENEWING: Purpose = Purpose { limit: Duration::from_secs(2), durable: false, also: "" };

/// The log of a book in a database.
pub struct PostgresStore {
    book: BookInfo,
    has_key: bool,
    address: Address,
    reader: Link,
    /// For taking the turn and for appending.
    appender: Arc<Link>,
    writer: OnceLock<Writer>,
    /// Whether another process has taken over from this one.
    lost: watch::Sender<bool>,
}

struct Writer {
    epoch: i64,
    lease: Lease,
    runtime: Handle,
}

impl PostgresStore {
    /// Opens the log to read it, and makes the book when there is none; [`PostgresStore::claim`] then makes this
    /// process its writer.
    ///
    /// `new` becomes the identity of a new book; an existing one keeps its own, and only the kind is compared.
    /// Must be called within a tokio runtime, as must everything here but appending.
    pub async fn open(address: &Address, new: BookInfo) -> Result<Self, OpenError> {
        open::founded(address, new).await
    }

    /// Opens the log of a book that there is; makes and changes nothing.
    pub async fn open_read_only(address: &Address) -> Result<Self, OpenError> {
        open::existing(address).await
    }

    /// Makes this process the writer, unless another one is and lives. From then on the lease is renewed.
    pub async fn claim(&self) -> Result<Claim, StoreError> {
        let mut lent = self.appender.lend().await.map_err(classify::of_connect)?;
        let (limit, connection) = lent.connection();
        let claimed = timeout(limit, lease::claim(connection)).await;
        let claimed = lent.settle(claimed).map_err(|error| classify::of_append(error, 0))?;
        if let Claim::Taken { epoch } = claimed {
            let lease = Lease::keep(Arc::new(Link::new(&self.address, RENEWING)), epoch, self.lost.clone());
            // Taken twice by one process, the later epoch would be the one that is never used; it runs out.
            let _ = self.writer.set(Writer { epoch, lease, runtime: Handle::current() });
        }
        Ok(claimed)
    }

    /// Whether this process has had the turn to write.
    pub fn is_writer(&self) -> bool {
        self.writer.get().is_some()
    }

    /// Ends when another process has taken over from this one.
    pub async fn lost(&self) {
        let mut lost = self.lost.subscribe();
        // The sender lives as long as this store.
        let _ = lost.wait_for(|lost| *lost).await;
    }

    /// Gives the turn up, so that the next writer need not wait for the lease to run out.
    pub async fn release(&self) -> Result<(), StoreError> {
        let Some(writer) = self.writer.get() else { return Ok(()) };
        writer.lease.release().await.map_err(|error| classify::of_read(error, 0))
    }

    /// Whether it is noted which secret key the book was made with.
    pub fn has_key(&self) -> bool {
        self.has_key
    }

    /// Compares what a secret key makes of the book's id with what is noted, or notes it when nothing is.
    pub async fn expect_key(&self, check: &str) -> Result<(), OpenError> {
        let failed =
            |error| OpenError::Database { address: self.address.clone(), cause: classify::told(error) };
        let mut lent = self.reader.lend().await.map_err(failed)?;
        let (limit, connection) = lent.connection();
        let noted = timeout(limit, rows::note_key(connection, check)).await;
        match lent.settle(noted).map_err(failed)? {
            Some(noted) if noted == check => Ok(()),
            Some(_) | None => Err(OpenError::OtherKeys(self.address.clone())),
        }
    }

    async fn ask_head(&self) -> sqlx::Result<Head> {
        let mut lent = self.reader.lend().await?;
        let (limit, connection) = lent.connection();
        let head = timeout(limit, rows::head(connection)).await;
        lent.settle(head)
    }

    async fn ask_rows(&self, asked: &Range<Position>) -> sqlx::Result<Vec<PgRow>> {
        let mut lent = self.reader.lend().await?;
        let (limit, connection) = lent.connection();
        let rows = timeout(limit, rows::frames(connection, asked)).await;
        lent.settle(rows)
    }

    async fn frames(&self, asked: &Range<Position>) -> Result<Vec<Frame>, StoreError> {
        let rows = match self.ask_rows(asked).await {
            // The server was started anew since the last read.
            Err(error) if classify::is_lost(&error) => self.ask_rows(asked).await,
            found => found,
        };
        let rows = rows.map_err(|error| classify::of_read(error, asked.start))?;
        verified(rows.iter().map(rows::frame).collect::<Result<_, _>>()?)
    }
}

#[async_trait]
impl EventStore for PostgresStore {
    fn book(&self) -> BookInfo {
        self.book
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let head = match self.ask_head().await {
            Err(error) if classify::is_lost(&error) => self.ask_head().await,
            found => found,
        };
        head.map_err(|error| classify::of_read(error, 0))
    }

    /// The exchange runs on the runtime, whose sockets it needs, and the caller's thread is woken once, with the
    /// outcome. It goes on when the caller gives up waiting.
    async fn append(&self, frame: &Frame) -> Result<AppendOutcome, StoreError> {
        let Some(writer) = self.writer.get() else { return Err(StoreError::NotWritten(Box::new(NoWriter))) };
        let sent = send(self.appender.clone(), writer.epoch, frame.clone());
        match writer.runtime.spawn(sent).await {
            Ok(outcome) => outcome,
            Err(ended) => Err(StoreError::MaybeWritten(Box::new(ended))),
        }
    }

    async fn read(&self, from: Position, max_events: usize) -> Result<Vec<Frame>, StoreError> {
        let asked = span(from, max_events);
        let found = self.frames(&asked).await?;
        if found.last().is_some_and(|frame| frame.end() >= asked.start) {
            return Ok(found);
        }
        if self.head().await?.position < asked.start {
            return Ok(Vec::new());
        }
        // It may have been appended since the first look. Nothing is ever deleted, so now it must be there.
        let again = self.frames(&asked).await?;
        match again.last() {
            Some(last) if last.end() >= asked.start => Ok(again),
            Some(_) | None => Err(damaged(asked.start, super::Broken)),
        }
    }
}

async fn send(link: Arc<Link>, epoch: i64, frame: Frame) -> Result<AppendOutcome, StoreError> {
    let mut lent = link.lend().await.map_err(classify::of_connect)?;
    let (limit, connection) = lent.connection();
    let outcome = timeout(limit, rows::append(connection, epoch, &frame)).await;
    lent.settle(outcome).map_err(|error| classify::of_append(error, frame.first()))
}

#[derive(Debug, thiserror::Error)]
#[error("this process is not the writer of the book")]
struct NoWriter;
