//! The stream of a book: what is asked of the server, and what its answers mean.
//!
//! Revision 0 is the book's identity; the event at position n has revision n.

use super::appends::Server;
use super::events::{Piece, Record};
use super::line::{Failed, Lines};
use super::url::KurrentUrl;
use crate::store::{Broken, damaged};
use domain::ids::Position;
use domain::log::StoreError;
use eventstore::{
    Credentials, Error, EventData, ReadStreamOptions, RecordedEvent, StreamPosition, StreamState,
};
use std::ops::Range;

/// Events that are asked for at once.
const PAGE: usize = 1_000;

/// The last revision that a stream can have.
const LAST: Position = i64::MAX.unsigned_abs();

/// One stream of one server.
pub(super) struct Stream {
    lines: Lines,
    login: Option<Credentials>,
    name: String,
}

impl Stream {
    pub(super) fn new(url: &KurrentUrl) -> Self {
        Self { lines: Lines::new(url.settings.clone()), login: url.login.clone(), name: url.stream.clone() }
    }

    /// Makes the stream with this first event, and gives its revision.
    pub(super) async fn begin(&self, event: EventData) -> Result<Position, Failed> {
        let make =
            |server: Server| server.append_alone(self.named(), StreamState::NoStream, vec![event.clone()]);
        self.lines.ask(make).await
    }

    /// Appends a piece of a frame.
    pub(super) async fn append(&self, piece: &Piece) -> Result<(), Failed> {
        let after = StreamState::StreamRevision(piece.after);
        self.lines.ask(|server: Server| server.append(self.named(), after, piece.events.clone())).await
    }

    fn named(&self) -> (String, Option<Credentials>) {
        (self.name.clone(), self.login.clone())
    }

    /// The event at revision 0: the book's identity.
    pub(super) async fn first(&self) -> Result<Option<RecordedEvent>, Failed> {
        match self.ask(ReadStreamOptions::default().position(StreamPosition::Start), 1).await {
            Err(Failed::Said(Error::ResourceNotFound)) => Ok(None),
            found => Ok(found?.pop()),
        }
    }

    /// The last event; none when there is only the book's identity.
    pub(super) async fn last(&self) -> Result<Option<Record>, StoreError> {
        let options = ReadStreamOptions::default().position(StreamPosition::End);
        let last = self.ask(options, 1).await.map_err(of_read)?.pop();
        match last {
            None => Err(damaged(0, Broken)),
            Some(identity) if identity.revision == 0 => Ok(None),
            Some(event) => record(&event).map(Some),
        }
    }

    /// The events at these positions, as far as they exist; from 1 on.
    pub(super) async fn records(&self, positions: Range<Position>) -> Result<Vec<Record>, StoreError> {
        let mut found: Vec<Record> = Vec::new();
        let (mut next, end) = (positions.start, positions.end.min(LAST));
        while next < end {
            let wanted = usize::try_from(end - next).unwrap_or(PAGE).min(PAGE);
            let options = ReadStreamOptions::default().position(StreamPosition::Position(next)).forwards();
            let page = self.ask(options, wanted).await.map_err(of_read)?;
            let is_last = page.len() < wanted;
            for event in page {
                // A stream may have been cut or thinned out by its settings; a log must not be.
                if event.revision != next {
                    return Err(damaged(next, Broken));
                }
                found.push(record(&event)?);
                next += 1;
            }
            if is_last {
                break;
            }
        }
        Ok(found)
    }

    /// A page of events, from the leader: what another node has may be old.
    async fn ask(&self, options: ReadStreamOptions, count: usize) -> Result<Vec<RecordedEvent>, Failed> {
        let options = options.max_count(count).requires_leader(true);
        let options = match &self.login {
            Some(login) => options.authenticated(login.clone()),
            None => options,
        };
        let read = |server: Server| {
            let (options, name) = (options.clone(), self.name.clone());
            async move {
                let mut stream = server.client.read_stream(name, &options).await?;
                let mut page = Vec::new();
                while let Some(event) = stream.next().await? {
                    page.extend(event.event);
                }
                Ok(page)
            }
        };
        self.lines.ask_twice(read).await
    }
}

fn record(event: &RecordedEvent) -> Result<Record, StoreError> {
    Record::new(event).map_err(|cause| StoreError::Damaged { position: event.revision, cause })
}

/// A failed read: it changed nothing, but a stream that is gone is a log that is gone.
pub(super) fn of_read(failed: Failed) -> StoreError {
    match failed {
        Failed::Said(Error::ResourceNotFound | Error::ResourceDeleted) => damaged(0, failed),
        failed => StoreError::NotWritten(Box::new(failed)),
    }
}
