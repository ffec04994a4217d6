//! Request ids that were seen, so that a repeat gets the first answer, across restarts and in bounded memory.

use crate::chunked::{Chunked, Frozen};
use crate::event::RequestTag;
use crate::ids::{Digest, HashKey, Position};
use crate::map::{Places, hash};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Ids by the hash of sender and id, oldest first out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remembered {
    ids: InOrder,
    /// Those of refusals of callers without an account: whoever sends many of these pushes out nobody else's.
    refusals: InOrder,
    /// Everything older than this may have been forgotten.
    horizon: Timestamp,
}

/// An id, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Seen {
    at: Timestamp,
    request: Digest,
    fingerprint: u64,
    position: Position,
}

/// Ids in the order in which they came.
#[derive(Clone, Debug, Default)]
struct InOrder {
    seen: Chunked<Seen, CHUNK>,
    /// By the hash of the request, each by its number, counted from the first that ever was, modulo 2³².
    numbers: Places,
    /// The number of the oldest.
    first: u32,
    /// Numbers that nothing has any more and that are in `numbers` still. Each lies somewhere else in memory, and the
    /// processor waits for many at once no longer than for one.
    stale: Vec<(u64, u32)>,
}

/// So many numbers are taken out together.
const STALE: usize = 32;

/// Ids of a chunk: with its head just below 2 KiB, a size that allocators have.
const CHUNK: usize = 42;

impl InOrder {
    fn find(&self, request: Digest) -> Option<&Seen> {
        if self.seen.is_empty() {
            return None;
        }
        let is_it = |number| self.at(number).is_some_and(|seen| seen.request == request);
        self.at(self.numbers.find(hash(request), is_it)?)
    }

    fn at(&self, number: u32) -> Option<&Seen> {
        self.seen.get(number.wrapping_sub(self.first) as usize)
    }

    /// Finds an id by this number from now on, and not by the one that it had if it came before.
    fn index(&mut self, request: Digest, number: u32) {
        let Self { seen, numbers, first, .. } = self;
        let is_it = |known: u32| {
            seen.get(known.wrapping_sub(*first) as usize).is_some_and(|seen| seen.request == request)
        };
        numbers.set(hash(request), number, is_it);
    }

    fn add(&mut self, seen: Seen) {
        let count = u32::try_from(self.seen.len()).unwrap_or(u32::MAX);
        self.index(seen.request, self.first.wrapping_add(count));
        self.seen.push(seen);
    }

    fn drop_first(&mut self) {
        if let Some(Seen { request, .. }) = self.seen.first() {
            self.stale.push((hash(*request), self.first));
            self.seen.drop_first();
            self.first = self.first.wrapping_add(1);
            if self.stale.len() == STALE {
                self.stale.drain(..).for_each(|(request, number)| self.numbers.remove(request, number));
            }
        }
    }
}

/// What finds them follows from them.
impl PartialEq for InOrder {
    fn eq(&self, other: &Self) -> bool {
        self.seen == other.seen
    }
}

/// For so many ids that may be remembered, one of such a refusal may be, too.
const OTHERS_PER_REFUSAL: usize = 8;

/// What is known of a request id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recall {
    New,
    /// The same content came before; its answer is the event at this position.
    Repeat(Position),
    /// The id came before with another content.
    Reused,
    /// The id itself says that it is older than what is remembered.
    TooOld,
}

impl Remembered {
    /// What is known of an id, by its [`name`].
    pub(super) fn recall(&self, request: Digest, tag: &RequestTag) -> Recall {
        let found = [self.ids.find(request), self.refusals.find(request)].into_iter().flatten();
        match found.max_by_key(|seen| seen.position) {
            Some(seen) if seen.fingerprint == tag.fingerprint => Recall::Repeat(seen.position),
            Some(_) => Recall::Reused,
            None if made_at(&tag.id).is_some_and(|made| made <= self.horizon) => Recall::TooOld,
            None => Recall::New,
        }
    }

    pub(super) fn remember(
        &mut self,
        request: Digest,
        tag: &RequestTag,
        (at, position): (Timestamp, Position),
        is_anonymous_refusal: bool,
    ) {
        let order = if is_anonymous_refusal { &mut self.refusals } else { &mut self.ids };
        order.add(Seen { at, request, fingerprint: tag.fingerprint, position });
    }

    /// Forgets what is older than `keep`, and the oldest beyond `max`.
    pub fn forget(&mut self, now: Timestamp, keep: Span, max: usize) {
        let oldest = now.minus(keep);
        while let Some(&Seen { at, .. }) = self.ids.seen.first() {
            if at >= oldest && self.ids.seen.len() <= max {
                break;
            }
            self.ids.drop_first();
            self.horizon = self.horizon.max(at);
        }
        while let Some(&Seen { at, .. }) = self.refusals.seen.first() {
            if at >= oldest && self.refusals.seen.len() <= max / OTHERS_PER_REFUSAL {
                break;
            }
            self.refusals.drop_first();
            // One that had to go for want of room says nothing of the others' age.
            if at < oldest {
                self.horizon = self.horizon.max(at);
            }
        }
    }

    pub fn len(&self) -> usize {
        self.ids.seen.len() + self.refusals.seen.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How far back ids are remembered now.
    pub fn since(&self) -> Option<Timestamp> {
        self.ids.seen.first().map(|seen| seen.at)
    }

    pub(super) fn freeze(&self) -> FrozenIds {
        let (ids, refusals) = (self.ids.seen.freeze(), self.refusals.seen.freeze());
        FrozenIds { ids, refusals, horizon: self.horizon }
    }
}

/// What a snapshot keeps of them.
#[derive(Serialize, Deserialize)]
pub(super) struct FrozenIds {
    ids: Frozen<Seen, CHUNK>,
    refusals: Frozen<Seen, CHUNK>,
    horizon: Timestamp,
}

impl From<FrozenIds> for Remembered {
    fn from(FrozenIds { ids, refusals, horizon }: FrozenIds) -> Self {
        Self { ids: ids.into(), refusals: refusals.into(), horizon }
    }
}

impl From<Frozen<Seen, CHUNK>> for InOrder {
    fn from(frozen: Frozen<Seen, CHUNK>) -> Self {
        let seen = frozen.thaw();
        let mut order = Self { numbers: Places::with_capacity(seen.len()), seen, ..Self::default() };
        for number in 0..u32::try_from(order.seen.len()).unwrap_or(u32::MAX) {
            let Some(request) = order.at(number).map(|seen| seen.request) else { break };
            order.index(request, number);
        }
        order
    }
}

/// The hash of a request id within its sender's ids.
pub(super) fn name(key: HashKey, actor: &str, id: &str) -> Digest {
    key.digest([actor.as_bytes(), id.as_bytes()])
}

/// When a `UUIDv7` was made; other ids tell no time.
fn made_at(id: &str) -> Option<Timestamp> {
    let id = uuid::Uuid::try_parse(id).ok().filter(|id| id.get_version_num() == 7)?;
    let millis = id.as_u128() >> 80;
    i64::try_from(millis).ok()?.checked_mul(1_000).map(Timestamp::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_forgotten_is_found_no_more_and_leaves_the_index_in_the_end() {
        let seen =
            |id: u128| Seen { at: Timestamp::EPOCH, request: Digest(id << 96), fingerprint: 0, position: 1 };
        let mut order = InOrder::default();
        for id in 0..1_000 {
            order.add(seen(id));
            if id >= 10 {
                order.drop_first();
            }
            // One that was just forgotten comes again.
            if id % 100 == 50 {
                assert_eq!(order.find(seen(id - 10).request), None);
                order.add(seen(id - 10));
                assert_eq!(order.find(seen(id - 10).request), Some(&seen(id - 10)));
                order.drop_first();
            }
            assert!(order.numbers.len() <= order.seen.len() + STALE, "after {id}");
        }
        let found = (0..1_000).filter(|id| order.find(seen(*id).request).is_some());
        assert_eq!(found.collect::<Vec<_>>(), (990..1_000).collect::<Vec<_>>());
    }
}
