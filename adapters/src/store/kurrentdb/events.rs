//! Our events as the server keeps them: one each, with what is needed to find the frames again.

use super::KurrentStore;
use domain::ids::Position;
use domain::log::{Cause, ChainHash, Frame};
use eventstore::{EventData, RecordedEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

/// Bytes in one append. The server takes 1,048,576 unless it was told to take fewer.
const APPEND_MAX: usize = 900 * 1024;

/// Bytes that the server takes at most for one event: one that is larger than an append should be goes alone.
const EVENT_MAX: usize = 1_000_000;

/// What tells our events from those of another writer: random, new with every opening.
#[derive(Clone, Copy)]
pub(super) struct Epoch(pub(super) [u8; 16]);

/// An event's metadata: its chain hash, and the frame that it was appended in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) struct Mark {
    #[serde(rename = "hash")]
    pub(super) hash: ChainHash,
    /// The position of the frame's first event.
    #[serde(rename = "frame")]
    pub(super) first: Position,
    /// How many events the frame holds. Fewer follow each other when the last appends of a frame never came.
    pub(super) count: u32,
}

/// An event as it stands in the stream.
pub(super) struct Record {
    pub(super) position: Position,
    pub(super) id: Uuid,
    pub(super) mark: Mark,
    pub(super) data: Vec<u8>,
}

impl Record {
    pub(super) fn new(event: &RecordedEvent) -> Result<Self, Cause> {
        let mark: Mark = serde_json::from_slice(&event.custom_metadata)?;
        let position = event.revision;
        let place = position.checked_sub(mark.first).filter(|_| mark.first > 0);
        if place.is_none_or(|place| place >= u64::from(mark.count)) {
            return Err(Box::new(OutsideItsFrame));
        }
        Ok(Self { position, id: event.id, mark, data: event.data.to_vec() })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the event does not lie in the frame that its metadata names")]
struct OutsideItsFrame;

/// One append: events that begin right after a revision.
pub(super) struct Piece {
    pub(super) after: Position,
    pub(super) events: Vec<EventData>,
}

/// The id of the event with this hash, in the frame that ends with that hash.
///
/// The server takes an append whose ids already stand at its place as done. So an id must say who writes (two writers
/// may decide the same), and what frame it belongs to (the beginning of a frame is not that frame).
pub(super) fn id(epoch: Epoch, hash: ChainHash, frame_end: ChainHash) -> Uuid {
    let digest = Sha256::new()
        .chain_update(b"counterfoil event id")
        .chain_update(epoch.0)
        .chain_update(hash.0)
        .chain_update(frame_end.0)
        .finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    Builder::from_custom_bytes(bytes).into_uuid()
}

/// Cuts a frame into appends that the server takes; nearly always it is one.
pub(super) fn pieces(frame: &Frame, epoch: Epoch) -> Result<Vec<Piece>, Cause> {
    let mut pieces = Vec::new();
    let mut piece = Piece { after: frame.first().saturating_sub(1), events: Vec::new() };
    let (mut hash, mut bytes) = (frame.previous(), 0);
    for (position, text) in frame.events()? {
        hash = hash.next(text.as_bytes());
        let mark = Mark { hash, first: frame.first(), count: frame.count() };
        let (event, size) = event(text, mark, id(epoch, hash, frame.last()))?;
        if size > EVENT_MAX {
            return Err(Box::new(TooBig { position, size }));
        }
        if bytes + size > APPEND_MAX && !piece.events.is_empty() {
            pieces.push(std::mem::replace(&mut piece, Piece { after: position - 1, events: Vec::new() }));
            bytes = 0;
        }
        bytes += size;
        piece.events.push(event);
    }
    pieces.push(piece);
    Ok(pieces)
}

#[derive(Debug, thiserror::Error)]
#[error("the event at position {position} has {size} bytes; the server takes {EVENT_MAX}")]
struct TooBig {
    position: Position,
    size: usize,
}

/// The type of an event, for whoever looks at the stream.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, default)]
    t: Option<&'a str>,
}

/// The event as the client sends it, and its size as the server counts it.
fn event(text: &str, mark: Mark, id: Uuid) -> Result<(EventData, usize), Cause> {
    let kind = serde_json::from_str(text).ok().and_then(|Kind { t }| t).unwrap_or(KurrentStore::UNTYPED);
    // Written out, a raw value is the very text that it was read from.
    let data: &RawValue = serde_json::from_str(text)?;
    let metadata = serde_json::to_vec(&mark)?;
    let size = text.len() + metadata.len() + 2 * kind.len();
    Ok((EventData::json(kind, &data)?.id(id).metadata(metadata.into()), size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::log::FrameBuilder;

    fn frame(texts: &[&str]) -> Frame {
        let mut frame = FrameBuilder::open(7, ChainHash([9; 32]));
        for text in texts {
            frame.push(text);
        }
        frame.finish().expect("a frame")
    }

    #[test]
    fn an_id_says_who_writes_which_event_in_which_frame() {
        let (epoch, hash, end) = (Epoch([1; 16]), ChainHash([2; 32]), ChainHash([3; 32]));
        let mine = id(epoch, hash, end);
        assert_eq!(mine, id(epoch, hash, end));
        assert_ne!(mine, id(Epoch([4; 16]), hash, end), "another writer");
        assert_ne!(mine, id(epoch, ChainHash([4; 32]), end), "another event");
        assert_ne!(mine, id(epoch, hash, ChainHash([4; 32])), "the beginning of a longer frame");
    }

    #[test]
    fn a_frame_is_cut_between_events_and_each_piece_follows_the_one_before() {
        let text = format!(r#"{{"t":"Big","d":"{}"}}"#, "x".repeat(400_000));
        let pieces = pieces(&frame(&[&*text; 5]), Epoch([0; 16])).expect("pieces");
        let cut: Vec<_> = pieces.iter().map(|piece| (piece.after, piece.events.len())).collect();
        assert_eq!(cut, [(6, 2), (8, 2), (10, 1)]);
    }

    #[test]
    fn an_event_that_no_server_takes_is_refused_with_its_position() {
        let text = format!(r#"{{"d":"{}"}}"#, "x".repeat(EVENT_MAX));
        let refused = pieces(&frame(&["{}", &text]), Epoch([0; 16])).map(drop).expect_err("too big");
        assert!(refused.to_string().starts_with("the event at position 8 has "), "{refused}");
    }
}
