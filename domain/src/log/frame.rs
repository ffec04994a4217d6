//! A frame: consecutive events as one JSON array, with the hashes before and after.

use super::ChainHash;
use crate::ids::Position;
use memchr::memmem;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

/// A run of consecutive events, at least one; the unit of append and of read.
///
/// The text is exactly `[` event `,` event … `]` with nothing between, so that the bytes that were
/// hashed can be found again in it. A clone shares the text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    first: Position,
    count: u32,
    previous: ChainHash,
    last: ChainHash,
    text: Arc<Text>,
}

/// What the clones of a frame share.
#[derive(Debug)]
struct Text {
    // A `String`: `Arc<str>` would copy the text when the builder is finished.
    json: String,
    /// Where each event ends, once that was verified.
    ends: OnceLock<Box<[usize]>>,
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

impl Eq for Text {}

impl Frame {
    /// A frame as a store kept it, unchecked: [`Frame::verify`] says whether its parts agree.
    pub fn from_parts(
        first: Position,
        count: u32,
        previous: ChainHash,
        last: ChainHash,
        text: String,
    ) -> Self {
        let text = Arc::new(Text { json: text, ends: OnceLock::new() });
        Self { first, count, previous, last, text }
    }

    /// The position of its first event.
    pub fn first(&self) -> Position {
        self.first
    }

    /// How many events it holds.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The position of its last event: where the log ends once this frame is appended.
    pub fn end(&self) -> Position {
        (self.first + Position::from(self.count)).saturating_sub(1)
    }

    /// The hash of the event before its first.
    pub fn previous(&self) -> ChainHash {
        self.previous
    }

    /// The hash of its last event.
    pub fn last(&self) -> ChainHash {
        self.last
    }

    /// The events as one JSON array.
    pub fn text(&self) -> &str {
        &self.text.json
    }

    /// Its events in order, each with its position and its text as it was hashed.
    ///
    /// # Errors
    /// When the text is no JSON array, or does not hold what the frame's figures say.
    pub fn events(&self) -> Result<impl Iterator<Item = (Position, &str)>, FrameError> {
        let ends = match self.text.ends.get() {
            Some(ends) => Cow::Borrowed(&**ends),
            None => Cow::Owned(self.parsed()?),
        };
        let mut start = 1;
        let texts = (0..ends.len()).map(move |place| {
            let end = ends[place];
            &self.text()[std::mem::replace(&mut start, end + 1)..end]
        });
        Ok((self.first..).zip(texts))
    }

    /// Rehashes every event and checks that the frame is what its figures and hashes say.
    ///
    /// Afterwards it is known where the events lie, and [`Frame::events`] need not look for them again.
    pub fn verify(&self) -> Result<(), FrameError> {
        if self.first == 0 || self.first.checked_add(Position::from(self.count)).is_none() {
            return Err(FrameError::First(self.first));
        }
        // The hashes are over the events one by one, so they also tell whether a guess at their ends was right.
        let ends = match self.guessed().filter(|ends| self.chain(ends) == self.last) {
            Some(ends) => ends,
            None => self.parsed().and_then(|ends| self.chained(ends))?,
        };
        // Another thread's verification found the same.
        let _ = self.text.ends.set(ends.into());
        Ok(())
    }

    /// Where the events end, by reading the whole text as JSON.
    fn parsed(&self) -> Result<Vec<usize>, FrameError> {
        let values: Vec<&RawValue> = serde_json::from_str(self.text())?;
        if values.is_empty() || u32::try_from(values.len()) != Ok(self.count) {
            return Err(FrameError::Count { stated: self.count, found: values.len() });
        }
        let mut after = 0;
        let ends: Vec<usize> = values
            .iter()
            .map(|value| {
                after += 1 + value.get().len();
                after
            })
            .collect();
        if after + 1 == self.text().len() { Ok(ends) } else { Err(FrameError::Spacing) }
    }

    /// Where the events end if all of them begin as the codec writes them, each with its position.
    fn guessed(&self) -> Option<Vec<usize>> {
        const SEAM: &[u8] = br#"},{"n":"#;
        let text = self.text().as_bytes();
        let mut digits = itoa::Buffer::new();
        let mut next = self.first;
        let mut ends = Vec::new();
        for seam in memmem::find_iter(text, SEAM) {
            let number = digits.format(next.saturating_add(1)).as_bytes();
            let after = text[seam + SEAM.len()..].strip_prefix(number);
            if after.is_some_and(|after| after.starts_with(b",")) {
                ends.push(seam + 1);
                next = next.saturating_add(1);
            }
        }
        ends.push(text.len().checked_sub(1)?);
        let is_whole = text.starts_with(b"[") && text.ends_with(b"]") && ends.len() == self.count as usize;
        is_whole.then_some(ends)
    }

    fn chained(&self, ends: Vec<usize>) -> Result<Vec<usize>, FrameError> {
        let found = self.chain(&ends);
        if found == self.last { Ok(ends) } else { Err(FrameError::Hash { stated: self.last, found }) }
    }

    /// The hash of the last event, when the events end there.
    fn chain(&self, ends: &[usize]) -> ChainHash {
        let mut start = 1;
        ends.iter().fold(self.previous, |hash, end| {
            hash.next(&self.text().as_bytes()[std::mem::replace(&mut start, end + 1)..*end])
        })
    }
}

/// Why a frame is not what it says.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error("the events are no JSON array")]
    Json(#[from] serde_json::Error),
    #[error("the frame states {stated} events and holds {found}")]
    Count { stated: u32, found: usize },
    #[error("the events are not written back to back")]
    Spacing,
    #[error("no frame can begin at position {0}")]
    First(Position),
    #[error("the frame states the hash {stated} and its events give {found}")]
    Hash { stated: ChainHash, found: ChainHash },
}

/// A frame in the making: texts go into one buffer and are hashed there, without a copy.
pub struct FrameBuilder {
    first: Position,
    count: u32,
    previous: ChainHash,
    last: ChainHash,
    buffer: Vec<u8>,
}

impl FrameBuilder {
    /// Opens a frame whose first event will stand at `first`, after the event with the hash `previous`.
    pub fn open(first: Position, previous: ChainHash) -> Self {
        Self::open_sized(first, previous, 16 * 1024)
    }

    /// As [`FrameBuilder::open`], with room for `bytes` of text: the length of the last frame is a good guess.
    pub fn open_sized(first: Position, previous: ChainHash, bytes: usize) -> Self {
        let mut buffer = Vec::with_capacity(bytes);
        buffer.push(b'[');
        Self { first, count: 0, previous, last: previous, buffer }
    }

    /// Adds an event and returns its position.
    pub fn push(&mut self, text: &str) -> Position {
        let pushed = self.push_with(|buffer| {
            buffer.extend_from_slice(text.as_bytes());
            Ok::<(), Infallible>(())
        });
        match pushed {
            Ok(position) => position,
        }
    }

    /// Adds the event that `encode` appends to the buffer, and returns its position.
    ///
    /// `encode` must append one JSON value in UTF-8 and leave what stands before alone.
    /// When it fails, the frame is as it was.
    pub fn push_with<E>(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<Position, E> {
        let before = self.buffer.len();
        if self.count > 0 {
            self.buffer.push(b',');
        }
        let start = self.buffer.len();
        if let Err(error) = encode(&mut self.buffer) {
            self.buffer.truncate(before);
            return Err(error);
        }
        debug_assert!(self.buffer.len() > start, "an encoder appends a text");
        self.last = self.last.next(&self.buffer[start..]);
        self.count += 1;
        Ok(self.next_position() - 1)
    }

    /// The position of the event that is pushed next.
    pub fn next_position(&self) -> Position {
        self.first + Position::from(self.count)
    }

    /// The hash of the event that was pushed last, or of the one before the frame.
    pub fn last(&self) -> ChainHash {
        self.last
    }

    /// How many events it holds.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Whether nothing was pushed yet.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many bytes of text it holds.
    pub fn bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Closes the frame; `None` when nothing was pushed, because no store takes an empty frame.
    ///
    /// # Panics
    /// When an encoder given to [`FrameBuilder::push_with`] wrote bytes that are no UTF-8.
    pub fn finish(mut self) -> Option<Frame> {
        if self.count == 0 {
            return None;
        }
        self.buffer.push(b']');
        let text = String::from_utf8(self.buffer).expect("encoders write JSON, which is UTF-8");
        Some(Frame::from_parts(self.first, self.count, self.previous, self.last, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(texts: &[&str]) -> Frame {
        let mut builder = FrameBuilder::open(7, ChainHash([9; 32]));
        for text in texts {
            builder.push(text);
        }
        builder.finish().expect("a frame")
    }

    #[test]
    fn a_frame_gives_back_each_text_at_its_position() {
        let frame = frame(&[r#"{"a":"],["}"#, r#"{"b":"\"é"}"#]);
        let events: Vec<_> = frame.events().expect("events").collect();
        assert_eq!(events, [(7, r#"{"a":"],["}"#), (8, r#"{"b":"\"é"}"#)]);
        assert_eq!((frame.first(), frame.count(), frame.end()), (7, 2, 8));
        frame.verify().expect("a sound frame");
    }

    #[test]
    fn a_text_that_only_looks_like_the_next_event_ends_none() {
        let texts =
            [r#"{"n":7,"a":[{"x":1},{"n":8,"b":0}]}"#, r#"{"n":8,"a":"},{\"n\":9,"}"#, r#"{"n":9,"a":0}"#];
        let frame = frame(&texts);
        for _ in 0..2 {
            let found: Vec<_> = frame.events().expect("events").collect();
            assert_eq!(found, [(7, texts[0]), (8, texts[1]), (9, texts[2])]);
            frame.verify().expect("a sound frame");
        }
    }

    #[test]
    fn the_last_hash_is_the_chain_over_the_texts() {
        let frame = frame(&["{}", "[1]"]);
        assert_eq!(frame.last(), ChainHash([9; 32]).next(b"{}").next(b"[1]"));
    }

    #[test]
    fn an_encoder_that_fails_leaves_the_frame_as_it_was() {
        let mut builder = FrameBuilder::open(1, ChainHash::ZERO);
        builder.push("{}");
        let failed = builder.push_with(|buffer| {
            buffer.extend_from_slice(b"{\"half\":");
            Err("no")
        });
        assert_eq!((failed, builder.len(), builder.next_position()), (Err("no"), 1, 2));
        assert_eq!(builder.push("{}"), 2);
        assert_eq!(builder.finish().expect("a frame").text(), "[{},{}]");
    }

    #[test]
    fn nothing_pushed_is_no_frame() {
        assert_eq!(FrameBuilder::open(1, ChainHash::ZERO).finish(), None);
    }

    #[test]
    fn a_changed_frame_does_not_verify() {
        let good = frame(&[r#"{"n":1}"#, r#"{"n":2}"#]);
        let with = |first, count, text: &str| {
            Frame::from_parts(first, count, good.previous(), good.last(), text.to_owned()).verify()
        };
        let (text, n) = (good.text(), good.count());
        assert!(matches!(with(7, n, &text.replace('2', "3")), Err(FrameError::Hash { .. })));
        assert!(matches!(with(7, n, &text.replace(',', ", ")), Err(FrameError::Spacing)));
        assert!(matches!(with(7, 3, text), Err(FrameError::Count { stated: 3, found: 2 })));
        assert!(matches!(with(7, n, &text[1..]), Err(FrameError::Json(_))));
        assert!(matches!(with(0, n, text), Err(FrameError::First(0))));
        assert!(matches!(with(u64::MAX, n, text), Err(FrameError::First(_))));
        assert!(with(7, n, text).is_ok());
    }
}
