//! A log in memory, for tests and `simulate`: no kinder than the stores on disk, only forgetful.

use super::{span, verified};
use async_trait::async_trait;
use domain::ids::Position;
use domain::log::{AppendOutcome, BookInfo, EventStore, Frame, Head, StoreError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Frames in memory. A clone is another handle on the same log, so dropping one and using another is a restart.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    book: BookInfo,
    frames: Arc<Mutex<Vec<Frame>>>,
}

impl MemoryStore {
    /// An empty log of this book.
    pub fn new(book: BookInfo) -> Self {
        Self { book, frames: Arc::default() }
    }

    // A panic elsewhere cannot leave the list half changed: a push is all that ever happens to it.
    fn frames(&self) -> MutexGuard<'_, Vec<Frame>> {
        self.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl EventStore for MemoryStore {
    fn book(&self) -> BookInfo {
        self.book
    }

    async fn head(&self) -> Result<Head, StoreError> {
        Ok(head(&self.frames()))
    }

    async fn append(&self, frame: &Frame) -> Result<AppendOutcome, StoreError> {
        let mut frames = self.frames();
        let head = head(&frames);
        if frame.first() == head.position + 1 && frame.previous() == head.hash {
            frames.push(frame.clone());
            return Ok(AppendOutcome::Appended);
        }
        let place = frames.binary_search_by_key(&frame.first(), Frame::first);
        let there = place.ok().and_then(|place| frames.get(place));
        let repeated = there.is_some_and(|it| it.count() == frame.count() && it.last() == frame.last());
        Ok(if repeated { AppendOutcome::Appended } else { AppendOutcome::Conflict { head } })
    }

    async fn read(&self, from: Position, max_events: usize) -> Result<Vec<Frame>, StoreError> {
        let asked = span(from, max_events);
        let found = {
            let frames = self.frames();
            let start = frames.partition_point(|frame| frame.end() < asked.start);
            frames[start..].iter().take_while(|frame| frame.first() < asked.end).cloned().collect()
        };
        verified(found)
    }
}

fn head(frames: &[Frame]) -> Head {
    frames.last().map_or_else(Head::default, |frame| Head { position: frame.end(), hash: frame.last() })
}
