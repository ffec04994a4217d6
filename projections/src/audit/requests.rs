//! D1: one request id, one decision, within retention.

use super::Invariant::D1;
use super::report::{Findings, Place};
use domain::event::{Entry, Event, Stream};
use domain::ids::{Digest, HashKey, Position};
use domain::map::Map;
use domain::time::{Span, Timestamp};
use std::collections::VecDeque;

/// Ids seen within retention. Memory: 48 bytes for each of at most `max` ids.
#[derive(Debug)]
pub(super) struct Requests {
    seen: Map<Digest, Position>,
    order: VecDeque<(Timestamp, Digest)>,
    max: usize,
}

/// Nothing secret is told apart here: any key will do.
const KEY: HashKey = HashKey([0; 16]);

impl Requests {
    pub(super) fn new(max: usize) -> Self {
        Self { seen: Map::default(), order: VecDeque::new(), max }
    }

    /// `keep`: how long the policy in force promises to remember an id.
    pub(super) fn observe(&mut self, entry: &Entry, keep: Span, findings: &mut Findings) {
        self.forget(entry.at.minus(keep));
        let Some(tag) = &entry.request else { return };
        let name = KEY.digest([entry.actor.as_bytes(), tag.id.as_bytes()]);
        if let Some(first) = self.seen.get(&name) {
            let place = Place { position: entry.position, stream: Some(&entry.stream) };
            let expected = format_args!("the answer of event {first} again").to_string();
            let found = format_args!("another event, {}", entry.event.kind()).to_string();
            findings.add(D1, place, format!("request id `{}` of {}", tag.id, entry.actor), (expected, found));
            return;
        }
        // Refusals of anonymous callers have a smaller memory of their own, so that they cannot push others out.
        if !is_anonymous_refusal(entry) {
            self.seen.insert(name, entry.position);
            self.order.push_back((entry.at, name));
        }
    }

    fn forget(&mut self, oldest: Timestamp) {
        while let Some((at, name)) = self.order.front() {
            if *at >= oldest && self.order.len() < self.max {
                return;
            }
            self.seen.remove(name);
            self.order.pop_front();
        }
    }
}

fn is_anonymous_refusal(entry: &Entry) -> bool {
    matches!((&entry.stream, &entry.event), (Stream::Client(_), Event::RequestDenied(_)))
}
