//! What the nodes of a double keep: streams of events, with the server's rules of appending.

use super::proto::{Proposed, Recorded, StreamIdentifier};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes that an append may have.
const APPEND_MAX: usize = 1_048_576;

/// The streams of all nodes: a cluster without replication.
#[derive(Default)]
pub(super) struct Database {
    streams: Mutex<HashMap<Vec<u8>, Vec<Proposed>>>,
}

/// What became of an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Appended {
    /// The revision of its last event.
    At(u64),
    /// The revision where the stream ends; none when there is no stream.
    WrongRevision(Option<u64>),
    TooBig,
}

impl Database {
    /// Appends after this revision, or to a stream that does not exist yet.
    ///
    /// An append whose ids already stand at its place succeeds again; one of which only a part stands there does not.
    pub(super) fn append(&self, stream: &[u8], after: Option<u64>, events: &[Proposed]) -> Appended {
        if events.iter().map(size).sum::<usize>() > APPEND_MAX {
            return Appended::TooBig;
        }
        let mut streams = self.streams();
        let there = streams.get(stream).map_or(&[][..], |events| events);
        let place = after.map_or(0, |after| usize::try_from(after).unwrap_or(usize::MAX).saturating_add(1));
        let end = place.saturating_add(events.len());
        let ids = |events: &[Proposed]| events.iter().map(|event| event.id.clone()).collect::<Vec<_>>();
        if there.len() == place {
            streams.entry(stream.to_vec()).or_default().extend_from_slice(events);
        } else if there.get(place..end).is_none_or(|there| ids(there) != ids(events)) {
            return Appended::WrongRevision((there.len() as u64).checked_sub(1));
        }
        Appended::At((end as u64).saturating_sub(1))
    }

    /// Up to `count` events from this revision on, or before it and with it; none when there is no stream.
    pub(super) fn read(
        &self,
        stream: &[u8],
        from: Option<u64>,
        backwards: bool,
        count: u64,
    ) -> Option<Vec<Recorded>> {
        let streams = self.streams();
        let there = streams.get(stream)?;
        let numbered = there.iter().enumerate();
        let numbered = numbered.map(|(place, event)| recorded(stream, place as u64, event));
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let start = usize::try_from(from.unwrap_or(0)).unwrap_or(usize::MAX);
        Some(if backwards {
            let end = from.unwrap_or(u64::MAX);
            numbered.rev().skip_while(|event| event.revision > end).take(count).collect()
        } else {
            numbered.skip(start).take(count).collect()
        })
    }

    /// Changes a stored event, as no server does.
    pub(super) fn spoil(&self, stream: &[u8], revision: u64, spoil: impl FnOnce(&mut Vec<u8>)) {
        let mut streams = self.streams();
        let event = usize::try_from(revision).ok().and_then(|place| streams.get_mut(stream)?.get_mut(place));
        spoil(&mut event.expect("a stored event").data);
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Vec<Proposed>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As the server counts it: characters of the type twice.
fn size(event: &Proposed) -> usize {
    let kind = event.metadata.get("type").map_or(0, String::len);
    event.data.len() + event.custom_metadata.len() + 2 * kind
}

fn recorded(stream: &[u8], revision: u64, event: &Proposed) -> Recorded {
    Recorded {
        id: event.id.clone(),
        stream: Some(StreamIdentifier { name: stream.to_vec() }),
        revision,
        metadata: event.metadata.clone(),
        custom_metadata: event.custom_metadata.clone(),
        data: event.data.clone(),
    }
}
