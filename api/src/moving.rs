//! Moves a book from one store to another: brings the copy up, proves it, seals the source, and only then is the copy
//! where the book goes on.
//!
//! Every step may be cut off and done again: how far the copy has come is told by the copy itself.

use crate::engine::{LoadError, Loaded, Source, load};
use domain::book::Away;
use domain::event::BookSealed;
use domain::ids::Position;
use domain::log::codec::{self, CodecError};
use domain::log::{
    AppendOutcome, BookInfo, ChainHash, EventStore, Frame, FrameBuilder, FrameError, Head, StoreError,
};
use domain::time::Timestamp;

/// Events that are read at once.
const PAGE: usize = 4_096;
/// Bytes of a frame of the copy: some hundred events, far within what every store takes.
const FRAME: usize = 256 * 1024;
/// How often a frame is sent whose fate is not known.
const SENDS_MAX: u32 = 5;

/// Why a book cannot be moved.
#[derive(Debug, thiserror::Error)]
pub enum CannotMove {
    #[error("the source cannot be read")]
    Source(#[source] StoreError),
    #[error("the copy cannot be read or written")]
    Target(#[source] StoreError),
    #[error("the source cannot be sealed")]
    Seal(#[source] StoreError),
    #[error("both are the same store")]
    Same,
    #[error("the target holds another book")]
    OtherBook,
    #[error("the target is not a copy of the source: they differ at position {0} or before it")]
    Differs(Position),
    #[error("the target has more events than the source, which ends at {0}: is it the newer one?")]
    Longer(Position),
    #[error("somebody else wrote to the target, which ends at {0} now")]
    Rival(Position),
    #[error(
        "somebody else wrote to the source after position {0}: stop the service that does, and copy again"
    )]
    Grew(Position),
    #[error("the frame at position {position} is not whole")]
    Frame {
        position: Position,
        #[source]
        cause: FrameError,
    },
    #[error("the book cannot be loaded")]
    Load(#[from] LoadError),
    #[error("the source is not where the book is written: {0}")]
    Away(#[source] Away),
    #[error("the seal cannot be written")]
    Codec(#[from] CodecError),
}

/// Whether a store may take a copy of this book.
pub fn fit(source: BookInfo, target: BookInfo) -> Result<(), CannotMove> {
    if source.id != target.id {
        return Err(CannotMove::OtherBook);
    }
    if source.store == target.store { Err(CannotMove::Same) } else { Ok(()) }
}

/// Appends to the copy all that the source has and it has not; returns where both end.
pub async fn bring_up(
    source: &dyn EventStore,
    target: &dyn EventStore,
    mut reached: impl FnMut(Position),
) -> Result<Head, CannotMove> {
    let mut head = target.head().await.map_err(CannotMove::Target)?;
    expect_prefix(source, head).await?;
    loop {
        let page = source.read(head.position + 1, PAGE).await.map_err(CannotMove::Source)?;
        if page.is_empty() {
            return Ok(head);
        }
        for frame in refit(&page, head)? {
            send(target, &frame).await?;
            head = Head { position: frame.end(), hash: frame.last() };
            reached(head.position);
        }
    }
}

/// Reads the whole copy again: every event's hash, and that all of them lead to this end.
pub async fn prove(
    target: &dyn EventStore,
    head: Head,
    mut reached: impl FnMut(Position),
) -> Result<(), CannotMove> {
    let mut at = Head::default();
    while at.position < head.position {
        let page = target.read(at.position + 1, PAGE).await.map_err(CannotMove::Target)?;
        let follows = page.first().is_some_and(|first| first.previous() == at.hash);
        let Some(last) = page.last().filter(|_| follows) else {
            return Err(CannotMove::Differs(at.position + 1));
        };
        at = Head { position: last.end(), hash: last.last() };
        reached(at.position);
    }
    if at == head { Ok(()) } else { Err(CannotMove::Differs(at.position)) }
}

/// Seals the source, unless that was done; returns where it ends now. Blocks, and must not run on a thread of the
/// runtime.
pub fn seal(source: &Source, seal: BookSealed, now: Timestamp) -> Result<Head, CannotMove> {
    let Loaded { mut book, head, .. } = load(source)?;
    let (mut sealed, mut frame) = (Vec::new(), FrameBuilder::open(head.position + 1, head.hash));
    book.seal(source.store.book().store, seal, now, &mut sealed).map_err(CannotMove::Away)?;
    for entry in &sealed {
        frame.push_with(|out| codec::encode(entry, out))?;
    }
    let Some(frame) = frame.finish() else { return Ok(head) };
    source.runtime.block_on(append_seal(&*source.store, &frame))?;
    Ok(Head { position: frame.end(), hash: frame.last() })
}

async fn append_seal(source: &dyn EventStore, frame: &Frame) -> Result<(), CannotMove> {
    match certain(source, frame).await.map_err(CannotMove::Seal)? {
        AppendOutcome::Appended => Ok(()),
        AppendOutcome::Conflict { .. } => Err(CannotMove::Grew(frame.first() - 1)),
    }
}

/// The copy's last event is one of the source's, with the same history before it.
async fn expect_prefix(source: &dyn EventStore, copied: Head) -> Result<(), CannotMove> {
    if copied.position == 0 {
        return Ok(());
    }
    let page = source.read(copied.position, 1).await.map_err(CannotMove::Source)?;
    let Some(frame) = page.first() else {
        return Err(CannotMove::Longer(source.head().await.map_err(CannotMove::Source)?.position));
    };
    let is_same = hash_at(frame, copied.position)? == copied.hash;
    if is_same { Ok(()) } else { Err(CannotMove::Differs(copied.position)) }
}

fn hash_at(frame: &Frame, position: Position) -> Result<ChainHash, CannotMove> {
    let events = events(frame)?.take_while(|(at, _)| *at <= position);
    Ok(events.fold(frame.previous(), |hash, (_, text)| hash.next(text.as_bytes())))
}

fn events(frame: &Frame) -> Result<impl Iterator<Item = (Position, &str)>, CannotMove> {
    frame.events().map_err(|cause| CannotMove::Frame { position: frame.first(), cause })
}

/// The events after `head` in frames of their own size: how they were committed once has no meaning here.
fn refit(page: &[Frame], head: Head) -> Result<Vec<Frame>, CannotMove> {
    let (mut frames, mut open) = (Vec::new(), FrameBuilder::open(head.position + 1, head.hash));
    for frame in page {
        for (_, text) in events(frame)?.filter(|(position, _)| *position > head.position) {
            if open.bytes() + text.len() > FRAME && !open.is_empty() {
                let next = FrameBuilder::open(open.next_position(), open.last());
                frames.extend(std::mem::replace(&mut open, next).finish());
            }
            open.push(text);
        }
    }
    frames.extend(open.finish());
    Ok(frames)
}

async fn send(target: &dyn EventStore, frame: &Frame) -> Result<(), CannotMove> {
    match certain(target, frame).await.map_err(CannotMove::Target)? {
        AppendOutcome::Appended => Ok(()),
        AppendOutcome::Conflict { head } => Err(CannotMove::Rival(head.position)),
    }
}

/// Sends a frame until the store says what became of it.
async fn certain(to: &dyn EventStore, frame: &Frame) -> Result<AppendOutcome, StoreError> {
    let mut sends = 1;
    loop {
        match to.append(frame).await {
            Err(StoreError::MaybeWritten(_)) if sends < SENDS_MAX => sends += 1,
            outcome => return outcome,
        }
    }
}
