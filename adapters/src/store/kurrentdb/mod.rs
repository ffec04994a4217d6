//! The log in a stream of EventStoreDB, or KurrentDB as it is called now: for clusters that write to a quorum.
//!
//! A book is one stream. Revision 0 says who the book is; the event at position n is the stream's event n, with our
//! canonical bytes as its data. An append names the revision that it follows, so the server itself lets one writer win.
//! Whatever goes wrong but a wrong revision leaves open whether the append was written; sent again with the same ids,
//! the server knows it.

mod appends;
mod events;
mod frames;
mod line;
mod open;
mod stream;
mod url;

pub use open::OpenError;
pub use url::{KurrentUrl, KurrentUrlError};

use super::{read_only, span};
use async_trait::async_trait;
use domain::ids::Position;
use domain::log::{AppendOutcome, BookInfo, EventStore, Frame, Head, StoreError};
use events::{Epoch, Record};
use line::Failed;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use stream::Stream;

/// How often a writer looks for what others append.
const WATCH: Duration = Duration::from_secs(1);

/// The log of a book in a stream.
pub struct KurrentStore {
    stream: Stream,
    book: BookInfo,
    /// Tells what this opening wrote from what others did; absent where it was opened to be read only.
    epoch: Option<Epoch>,
    /// Where the log ended when it was opened: what others write later is not ours.
    opened: Position,
    /// A place of the log that is known, usually its end.
    known: Mutex<Head>,
}

impl KurrentStore {
    /// The type of an event whose text names none.
    const UNTYPED: &str = "CounterfoilEvent";

    /// Opens the book, and makes it when there is none.
    ///
    /// `new` becomes the identity of a new book; an existing one keeps its own, and only the kind is compared.
    /// Needs no async runtime, and no lock: a second writer is told of the first by its first append.
    pub async fn open(url: &KurrentUrl, new: BookInfo) -> Result<Self, OpenError> {
        open::founded(url, new).await
    }

    /// Opens a book that there is, to read it, also while a service writes it.
    pub async fn open_read_only(url: &KurrentUrl) -> Result<Self, OpenError> {
        open::existing(url).await
    }

    /// Whether the frame goes on from the event that it says it does. What follows an event never changes that.
    async fn follows(&self, frame: &Frame) -> Result<bool, StoreError> {
        let Some(before) = frame.first().checked_sub(1) else { return Ok(false) };
        let known = self.known();
        if before == 0 || before == known.position {
            let hash = if before == 0 { Head::default().hash } else { known.hash };
            return Ok(frame.previous() == hash);
        }
        let there = self.stream.records(before..before + 1).await?;
        Ok(there.first().is_some_and(|record| record.mark.hash == frame.previous()))
    }

    /// What the log says of a frame whose place is taken, or not reached yet.
    async fn judge(&self, epoch: Epoch, frame: &Frame) -> Result<AppendOutcome, StoreError> {
        let there = frames::begun_at(&self.stream, frame.first(), frame.count()).await?;
        let is_whole = u32::try_from(there.len()) == Ok(frame.count());
        let is_same = there.last().is_some_and(|last| last.mark.hash == frame.last());
        if is_whole && is_same && there.iter().all(|record| self.is_ours(epoch, record, frame)) {
            return Ok(AppendOutcome::Appended);
        }
        Ok(AppendOutcome::Conflict { head: self.head().await? })
    }

    /// Ends when another writer has appended to the book: whatever this process answers without appending is old.
    ///
    /// Looks each second. The client's subscription would tell sooner, but when the server ends one in order the client
    /// asks it for more for ever, and never lets go of its thread.
    pub async fn lost(&self) {
        loop {
            tokio::time::sleep(WATCH).await;
            // Without an answer nothing is known; appends say so too.
            if self.is_overtaken().await.unwrap_or(false) {
                return;
            }
        }
    }

    /// Whether the log's last whole frame is another writer's.
    async fn is_overtaken(&self) -> Result<bool, StoreError> {
        let (Some(epoch), Some(last)) = (self.epoch, self.stream.last().await?) else { return Ok(false) };
        let end = match frames::before_torn(&last) {
            None => Some(last),
            Some(0) => None,
            Some(before) => self.stream.records(before..before + 1).await?.pop(),
        };
        Ok(end.is_some_and(|end| {
            end.position > self.opened && end.id != events::id(epoch, end.mark.hash, end.mark.hash)
        }))
    }

    /// Not a rival's who decided the same: written by this opening, or in the log before it.
    fn is_ours(&self, epoch: Epoch, record: &Record, frame: &Frame) -> bool {
        let id = events::id(epoch, record.mark.hash, frame.last());
        record.position <= self.opened || record.id == id
    }

    // A panic elsewhere cannot leave it half changed: it is replaced as a whole.
    fn known(&self) -> Head {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, head: Head) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = head;
    }
}

#[async_trait]
impl EventStore for KurrentStore {
    fn book(&self) -> BookInfo {
        self.book
    }

    async fn head(&self) -> Result<Head, StoreError> {
        head(&self.stream).await
    }

    async fn append(&self, frame: &Frame) -> Result<AppendOutcome, StoreError> {
        let epoch = self.epoch.ok_or_else(read_only)?;
        if !self.follows(frame).await? {
            return Ok(AppendOutcome::Conflict { head: self.head().await? });
        }
        let pieces = events::pieces(frame, epoch).map_err(StoreError::NotWritten)?;
        for (place, piece) in pieces.iter().enumerate() {
            match self.stream.append(piece).await {
                Ok(()) => {}
                Err(failed) if failed.is_wrong_revision() => {
                    // A read that fails now leaves open what an earlier try did.
                    return self.judge(epoch, frame).await.map_err(unsure);
                }
                Err(failed) => return Err(of_append(failed, place == 0)),
            }
        }
        self.learn(Head { position: frame.end(), hash: frame.last() });
        Ok(AppendOutcome::Appended)
    }

    async fn read(&self, from: Position, max_events: usize) -> Result<Vec<Frame>, StoreError> {
        frames::read(&self.stream, span(from, max_events)).await
    }
}

async fn head(stream: &Stream) -> Result<Head, StoreError> {
    let last = stream.last().await?;
    Ok(last.map_or_else(Head::default, |last| Head { position: last.position, hash: last.mark.hash }))
}

/// Only what was never sent, or never taken, certainly kept nothing; and only before anything of the frame was.
fn of_append(failed: Failed, is_first: bool) -> StoreError {
    if is_first && failed.kept_nothing() {
        StoreError::NotWritten(Box::new(failed))
    } else {
        StoreError::MaybeWritten(Box::new(failed))
    }
}

fn unsure(error: StoreError) -> StoreError {
    match error {
        StoreError::NotWritten(cause) => StoreError::MaybeWritten(cause),
        other @ (StoreError::MaybeWritten(_) | StoreError::Damaged { .. } | StoreError::Fatal(_)) => other,
    }
}
