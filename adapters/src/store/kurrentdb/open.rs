//! Opening a book: its identity, where its log ends, and a look at the end.

use super::events::Epoch;
use super::line::Failed;
use super::stream::{Stream, of_read};
use super::url::KurrentUrl;
use super::{KurrentStore, head};
use crate::store::{Broken, damaged};
use crate::system;
use domain::log::{BookInfo, BookKind, EventStore, StoreError};
use eventstore::{EventData, RecordedEvent};
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::Mutex;

/// The type of the stream's first event.
const IDENTITY: &str = "CounterfoilBook";

/// How this release lays a book out in a stream.
const LAYOUT: u32 = 1;

/// Why a book could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the book at {url} cannot be reached")]
    Server {
        url: String,
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("the server refuses the user or the password of {url}")]
    Denied { url: String },
    #[error(
        "the book is of the {found} kind and was to be opened as {wanted}; a book never changes its kind"
    )]
    OtherKind { found: BookKind, wanted: BookKind },
    #[error("the stream {stream} is no book that this release can read")]
    NoBook {
        stream: String,
        #[source]
        cause: Option<serde_json::Error>,
    },
    #[error("there is no book at {url}")]
    Nothing { url: String },
    #[error("the stream {stream} was deleted and begins at revision {revision}: take another name")]
    Deleted { stream: String, revision: u64 },
    #[error("the system gives no random bytes")]
    Random(#[source] io::Error),
    #[error("the end of the log is not sound")]
    Log(#[from] StoreError),
}

/// The stream's first event.
#[derive(Serialize, Deserialize)]
struct Identity {
    layout: u32,
    book: BookInfo,
}

pub(super) async fn founded(url: &KurrentUrl, new: BookInfo) -> Result<KurrentStore, OpenError> {
    let stream = Stream::new(url);
    let book = identity(&stream, url, new).await?;
    if book.kind != new.kind {
        return Err(OpenError::OtherKind { found: book.kind, wanted: new.kind });
    }
    let epoch = Epoch(system::random().map_err(OpenError::Random)?);
    opened(stream, book, Some(epoch)).await
}

/// Opens the log of a book that there is, to read it.
pub(super) async fn existing(url: &KurrentUrl) -> Result<KurrentStore, OpenError> {
    let stream = Stream::new(url);
    let first = stream.first().await.map_err(|failed| told(url, failed))?;
    let first = first.ok_or_else(|| OpenError::Nothing { url: url.to_string() })?;
    let book = known(url, &first)?;
    opened(stream, book, None).await
}

async fn opened(stream: Stream, book: BookInfo, epoch: Option<Epoch>) -> Result<KurrentStore, OpenError> {
    let head = head(&stream).await?;
    let store = KurrentStore { stream, book, epoch, opened: head.position, known: Mutex::new(head) };
    if head.position > 0 {
        let tail = store.read(head.position, 1).await?;
        if tail.last().is_none_or(|frame| frame.last() != head.hash) {
            return Err(damaged(head.position, Broken).into());
        }
    }
    Ok(store)
}

/// The book's identity, written now when there is no stream.
async fn identity(stream: &Stream, url: &KurrentUrl, new: BookInfo) -> Result<BookInfo, OpenError> {
    let told = |failed| told(url, failed);
    if let Some(event) = stream.first().await.map_err(told)? {
        return known(url, &event);
    }
    let no_book = |cause| OpenError::NoBook { stream: url.stream.clone(), cause };
    let event = EventData::json(IDENTITY, &Identity { layout: LAYOUT, book: new });
    match stream.begin(event.map_err(|error| no_book(Some(error)))?).await {
        Ok(0) => Ok(new),
        Ok(revision) => Err(OpenError::Deleted { stream: url.stream.clone(), revision }),
        // Another process made it meanwhile.
        Err(failed) if failed.is_wrong_revision() => {
            known(url, &stream.first().await.map_err(told)?.ok_or_else(|| no_book(None))?)
        }
        Err(failed) => Err(told(failed)),
    }
}

fn known(url: &KurrentUrl, event: &RecordedEvent) -> Result<BookInfo, OpenError> {
    let no_book = |cause| OpenError::NoBook { stream: url.stream.clone(), cause };
    if event.revision != 0 || event.event_type != IDENTITY {
        return Err(no_book(None));
    }
    let identity: Identity = serde_json::from_slice(&event.data).map_err(|error| no_book(Some(error)))?;
    if identity.layout == LAYOUT { Ok(identity.book) } else { Err(no_book(None)) }
}

fn told(url: &KurrentUrl, failed: Failed) -> OpenError {
    let url = url.to_string();
    match failed {
        Failed::Denied => OpenError::Denied { url },
        failed => match of_read(failed) {
            StoreError::NotWritten(cause) => OpenError::Server { url, cause },
            other => OpenError::Log(other),
        },
    }
}
