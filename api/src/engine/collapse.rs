//! Refusals that are only counted: one event per subject, kind and minute, so that an attacker cannot fill the disk.

use domain::event::{DenialsCollapsed, RequestDenied, Stream};
use domain::policy::Kind;
use domain::time::Timestamp;
use std::collections::BTreeMap;

const MINUTE: i64 = 60_000_000;

/// The counted refusals of one subject and kind in one minute.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Minute {
    pub(super) stream: Stream,
    pub(super) from: Timestamp,
    pub(super) first: RequestDenied,
    pub(super) count: u64,
}

/// What was counted and is not in the log yet.
#[derive(Default)]
pub(super) struct Collapsed {
    // By minute first: the oldest is recorded first.
    minutes: BTreeMap<(Timestamp, Stream, Kind), (RequestDenied, u64)>,
    total: u64,
}

/// The first instant of the minute that holds `at`.
pub(super) fn minute_of(at: Timestamp) -> Timestamp {
    Timestamp::from_micros(at.micros() - at.micros().rem_euclid(MINUTE))
}

impl Minute {
    /// Its event.
    pub(super) fn event(&self) -> DenialsCollapsed {
        let to = Timestamp::from_micros(self.from.micros() + MINUTE);
        DenialsCollapsed { first: self.first.clone(), count: self.count, from: self.from, to }
    }
}

impl Collapsed {
    /// Counts a refusal.
    pub(super) fn count(&mut self, stream: Stream, denied: &RequestDenied, at: Timestamp) {
        let slot = self.minutes.entry((minute_of(at), stream, denied.kind));
        slot.or_insert_with(|| (denied.clone(), 0)).1 += 1;
        self.total += 1;
    }

    /// Takes back a refusal that was counted and then not answered.
    pub(super) fn forget(&mut self, stream: &Stream, kind: Kind, at: Timestamp) {
        let key = (minute_of(at), stream.clone(), kind);
        let Some((_, count)) = self.minutes.get_mut(&key) else { return };
        *count -= 1;
        self.total -= 1;
        if *count == 0 {
            self.minutes.remove(&key);
        }
    }

    /// Takes back minutes whose event was not written.
    pub(super) fn restore(&mut self, minutes: Vec<Minute>) {
        for Minute { stream, from, first, count } in minutes {
            let slot = self.minutes.entry((from, stream, first.kind)).or_insert_with(|| (first.clone(), 0));
            *slot = (first, slot.1 + count);
            self.total += count;
        }
    }

    /// The oldest minute, if it began before `until`.
    pub(super) fn take_before(&mut self, until: Timestamp) -> Option<Minute> {
        let oldest = self.minutes.first_entry()?;
        if oldest.key().0 >= until {
            return None;
        }
        let ((from, stream, _), (first, count)) = oldest.remove_entry();
        self.total -= count;
        Some(Minute { stream, from, first, count })
    }

    /// When the oldest minute is over.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let (from, ..) = self.minutes.first_key_value()?.0;
        Some(Timestamp::from_micros(from.micros() + MINUTE))
    }

    /// Refusals that are counted and not recorded.
    pub(super) fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::{Facts, Under};
    use std::sync::Arc;

    fn denied() -> RequestDenied {
        RequestDenied {
            ask: Arc::new(Facts::default()),
            under: Under::default(),
            kind: Kind::RateLimited,
            gate: None,
            reason: "too many".into(),
            count: None,
            limit: None,
            retry_at: None,
            price: None,
            limits: Vec::new(),
            balance: None,
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_minute_is_recorded_when_it_is_over_with_its_exact_count() {
        let mut collapsed = Collapsed::default();
        for second in [60, 61, 119] {
            collapsed.count(Stream::Catalogue, &denied(), at(second));
        }
        assert_eq!((collapsed.take_before(at(60)), collapsed.due()), (None, Some(at(120))));
        let minute = collapsed.take_before(at(120)).unwrap();
        let event = minute.event();
        assert_eq!((event.count, event.from, event.to), (3, at(60), at(120)));
        assert_eq!((collapsed.total(), collapsed.due()), (0, None));
    }

    #[test]
    fn refusals_of_another_kind_are_counted_apart() {
        let mut collapsed = Collapsed::default();
        let large = RequestDenied { kind: Kind::TooLarge, ..denied() };
        for refusal in [&large, &denied(), &large] {
            collapsed.count(Stream::Catalogue, refusal, at(1));
        }
        let minutes = std::iter::from_fn(|| collapsed.take_before(at(60)));
        let counts: Vec<_> = minutes.map(|minute| (minute.first.kind, minute.count)).collect();
        assert_eq!(counts, [(Kind::TooLarge, 2), (Kind::RateLimited, 1)]);
    }

    #[test]
    fn minutes_come_oldest_first_whoever_they_are_about() {
        let mut collapsed = Collapsed::default();
        let account = Stream::Account("a".parse().unwrap());
        collapsed.count(account.clone(), &denied(), at(60));
        collapsed.count(Stream::Catalogue, &denied(), at(0));
        let streams: Vec<_> =
            std::iter::from_fn(|| collapsed.take_before(at(600))).map(|m| m.stream).collect();
        assert_eq!(streams, [Stream::Catalogue, account]);
    }

    #[test]
    fn what_was_not_answered_is_not_counted_and_what_was_not_written_counts_again() {
        let mut collapsed = Collapsed::default();
        collapsed.count(Stream::Catalogue, &denied(), at(1));
        collapsed.count(Stream::Catalogue, &denied(), at(2));
        let minute = collapsed.take_before(at(60)).unwrap();
        collapsed.restore(vec![minute]);
        collapsed.forget(&Stream::Catalogue, Kind::RateLimited, at(2));
        assert_eq!(collapsed.take_before(at(60)).map(|minute| minute.count), Some(1));
        collapsed.forget(&Stream::Catalogue, Kind::RateLimited, at(2));
        assert_eq!(collapsed.total(), 0);
    }
}
