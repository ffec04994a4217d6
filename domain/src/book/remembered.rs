//! Request ids that were seen, so that a repeat gets the first answer, across restarts and in bounded memory.

use crate::event::RequestTag;
use crate::ids::{Digest, HashKey, Position};
use crate::map::Map;
use crate::time::{Span, Timestamp};
use foldhash::fast::FixedState;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::VecDeque;

/// Ids by the hash of sender and id, oldest first out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remembered {
    seen: Map<Digest, Seen>,
    order: VecDeque<(Timestamp, Digest)>,
    /// Those of refusals of callers without an account: whoever sends many of these pushes out nobody else's.
    refusals: VecDeque<(Timestamp, Digest)>,
    /// Everything older than this may have been forgotten.
    horizon: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Seen {
    fingerprint: u64,
    position: Position,
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
        match self.seen.get(&request) {
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
        self.seen.insert(request, Seen { fingerprint: tag.fingerprint, position });
        let order = if is_anonymous_refusal { &mut self.refusals } else { &mut self.order };
        order.push_back((at, request));
    }

    /// Forgets what is older than `keep`, and the oldest beyond `max`.
    pub fn forget(&mut self, now: Timestamp, keep: Span, max: usize) {
        let oldest = now.minus(keep);
        while let Some((at, digest)) = self.order.front().copied() {
            if at >= oldest && self.order.len() <= max {
                break;
            }
            self.seen.remove(&digest);
            self.order.pop_front();
            self.horizon = self.horizon.max(at);
        }
        while let Some((at, digest)) = self.refusals.front().copied() {
            if at >= oldest && self.refusals.len() <= max / OTHERS_PER_REFUSAL {
                break;
            }
            self.seen.remove(&digest);
            self.refusals.pop_front();
            // One that had to go for want of room says nothing of the others' age.
            if at < oldest {
                self.horizon = self.horizon.max(at);
            }
        }
    }

    pub fn len(&self) -> usize {
        self.order.len() + self.refusals.len()
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty() && self.refusals.is_empty()
    }

    /// How far back ids are remembered now.
    pub fn since(&self) -> Option<Timestamp> {
        self.order.front().map(|(at, _)| *at)
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

/// In order, each with what was seen: the map is made again from that.
impl Serialize for Remembered {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let in_order = |order| InOrder { order, seen: &self.seen };
        (self.horizon, in_order(&self.order), in_order(&self.refusals)).serialize(to)
    }
}

struct InOrder<'a> {
    order: &'a VecDeque<(Timestamp, Digest)>,
    seen: &'a Map<Digest, Seen>,
}

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.order.iter().map(|(at, digest)| (at, digest, self.seen.get(digest))))
    }
}

/// Ids in order, as a snapshot keeps them.
type Stored = Vec<(Timestamp, Digest, Option<Seen>)>;

impl<'de> Deserialize<'de> for Remembered {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (horizon, ids, refusals) = <(Timestamp, Stored, Stored)>::deserialize(from)?;
        let mut seen = Map::with_capacity_and_hasher(ids.len() + refusals.len(), FixedState::default());
        let all = ids.iter().chain(&refusals);
        seen.extend(all.filter_map(|(_, digest, seen)| Some((*digest, (*seen)?))));
        let order = |ids: Stored| ids.into_iter().map(|(at, digest, _)| (at, digest)).collect();
        Ok(Self { seen, order: order(ids), refusals: order(refusals), horizon })
    }
}
