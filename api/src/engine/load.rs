//! From the log to a book: the newest snapshot that fits, then every event after it.
//!
//! Reading with checking, decoding, and folding run on a thread each, a page apart, so that both processors of
//! the smallest machine are at work.

use super::snapshots::FOLD_VERSION;
use adapters::snapshot::{Refusal, Snapshots};
use domain::book::{Book, Bounds, Frozen, Inconsistent};
use domain::event::Entry;
use domain::ids::{HashKey, Position};
use domain::log::codec::{self, CodecError};
use domain::log::{EventStore, Frame, FrameError, Head, StoreError};
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, ScopedJoinHandle};
use tokio::runtime::Handle;

/// Events that are read at once.
const PAGE: usize = 4_096;
/// Events that are decoded and handed over at once: small enough to be in the cache still when they are folded.
const CHUNK: usize = 256;
/// Chunks that may wait for the fold.
const AHEAD: usize = 64;

/// What a book is built from.
#[derive(Clone)]
pub struct Source {
    pub store: Arc<dyn EventStore>,
    /// Where the store's futures run while a thread of ours waits for them.
    pub runtime: Handle,
    pub key: HashKey,
    pub bounds: Bounds,
    pub snapshots: Option<Arc<Snapshots>>,
}

/// A book as the log has it.
pub struct Loaded {
    pub book: Book,
    /// The last event that is folded.
    pub head: Head,
    /// The position of the snapshot that it began with; 0 without one.
    pub snapshot: Position,
    /// Events that were folded after it.
    pub events: u64,
}

/// Why the log gives no book.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("the log cannot be read")]
    Store(#[from] StoreError),
    #[error("the log does not go on at position {0} where it ended before")]
    Gap(Position),
    #[error("the frame at position {position} is not whole")]
    Frame {
        position: Position,
        #[source]
        cause: FrameError,
    },
    #[error("the event at position {position} cannot be read by this release")]
    Unreadable {
        position: Position,
        #[source]
        cause: CodecError,
    },
    #[error("the event at position {position} contradicts those before it")]
    Inconsistent {
        position: Position,
        #[source]
        cause: Inconsistent,
    },
}

impl LoadError {
    /// Whether it may go better later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Store(StoreError::NotWritten(_) | StoreError::MaybeWritten(_)))
    }
}

/// Builds the book that the log gives. Blocks; must not run on a thread of the runtime.
pub fn load(source: &Source) -> Result<Loaded, LoadError> {
    let mut loaded = begin(source)?;
    let head = loaded.head;
    let (pages, read_pages) = sync_channel(0);
    let (chunks, arriving) = sync_channel(AHEAD);
    thread::scope(|scope| {
        let reader = scope.spawn(move || read(source, head, &pages));
        let decoder = scope.spawn(move || decode(&read_pages, &chunks));
        let folded = fold(&mut loaded, &arriving);
        // Whoever fails hangs up, which ends those before.
        drop(arriving);
        let (decoded, read) = (joined(decoder), joined(reader));
        folded?;
        decoded?;
        loaded.head = read?;
        Ok(loaded)
    })
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn begin(source: &Source) -> Result<Loaded, LoadError> {
    let empty = || Book::new(source.key, source.bounds);
    let snapshot = match &source.snapshots {
        Some(snapshots) => newest(source, snapshots)?,
        None => None,
    };
    let (head, book) = snapshot.unwrap_or_else(|| (Head::default(), empty()));
    Ok(Loaded { book, head, snapshot: head.position, events: 0 })
}

fn newest(source: &Source, snapshots: &Snapshots) -> Result<Option<(Head, Book)>, LoadError> {
    let loading = snapshots.load::<Frozen>(&*source.store, FOLD_VERSION);
    let loaded = source.runtime.block_on(loading)?;
    for (path, refusal) in &loaded.refused {
        let why: &Refusal = refusal;
        tracing::warn!(path = %path.display(), %why, "a snapshot does not fit and is passed over");
    }
    Ok(loaded.found.map(|(head, state)| (head, Book::restore(source.key, source.bounds, state))))
}

/// Reads the frames after `head` and returns where they ended.
fn read(source: &Source, mut head: Head, pages: &SyncSender<Vec<Frame>>) -> Result<Head, LoadError> {
    loop {
        let frames = source.runtime.block_on(source.store.read(head.position + 1, PAGE))?;
        for frame in &frames {
            if frame.first() != head.position + 1 || frame.previous() != head.hash {
                return Err(LoadError::Gap(head.position + 1));
            }
            head = Head { position: frame.end(), hash: frame.last() };
        }
        if frames.is_empty() || pages.send(frames).is_err() {
            return Ok(head);
        }
    }
}

/// Decodes frames, whose hashes the store has verified, until nobody takes the events any more.
fn decode(pages: &Receiver<Vec<Frame>>, chunks: &SyncSender<Vec<Entry>>) -> Result<(), LoadError> {
    for frame in pages.iter().flatten() {
        let events = frame.events().map_err(|cause| LoadError::Frame { position: frame.first(), cause })?;
        let mut chunk = Vec::with_capacity(CHUNK);
        for (position, text) in events {
            chunk.push(codec::decode(text).map_err(|cause| LoadError::Unreadable { position, cause })?);
            if chunk.len() == CHUNK
                && chunks.send(mem::replace(&mut chunk, Vec::with_capacity(CHUNK))).is_err()
            {
                return Ok(());
            }
        }
        if !chunk.is_empty() && chunks.send(chunk).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

fn fold(loaded: &mut Loaded, arriving: &Receiver<Vec<Entry>>) -> Result<(), LoadError> {
    for chunk in arriving {
        for entry in &chunk {
            let position = entry.position;
            loaded.book.apply(entry).map_err(|cause| LoadError::Inconsistent { position, cause })?;
        }
        loaded.events += chunk.len() as u64;
    }
    Ok(())
}
