use super::{Subject, at, micros, secs};
use crate::limits::Rule;
use crate::time::{Span, Timestamp};

fn every_second() -> Subject {
    Subject::under(Rule::Cooldown { every: Span::from_secs(1) }, 0)
}

#[test]
fn a_first_request_passes() {
    let verdict = every_second().check(Timestamp::EPOCH, 1);

    assert!(verdict.admitted);
    assert_eq!((verdict.count, verdict.limit, verdict.remaining), (0, 1, 0));
    assert_eq!(verdict.resets_at, Timestamp::from_micros(1_000_000));
}

#[test]
fn a_request_within_the_pause_is_refused_and_one_exactly_at_its_end_passes() {
    let mut subject = every_second();
    assert!(subject.passes(secs(0), 1));

    let refused = subject.ask(at(999_999), 1);

    assert!(!refused.admitted);
    assert_eq!((refused.count, refused.remaining), (1, 0));
    assert_eq!((refused.resets_at, refused.retry_after), (secs(1), Some(micros(1))));
    assert!(subject.passes(secs(1), 1));
}

#[test]
fn a_refused_request_does_not_start_the_pause_again() {
    let mut subject = every_second();
    assert!(subject.passes(secs(0), 1));
    assert!(!subject.passes(at(500_000), 1));

    assert!(subject.passes(secs(1), 1));
}

#[test]
fn a_batch_counts_as_one_request() {
    let mut subject = every_second();

    assert!(subject.passes(secs(0), 20));
    assert_eq!(subject.ask(secs(0), 20).retry_after, Some(Span::from_secs(1)));
}

#[test]
fn a_longer_pause_works_at_once() {
    let mut subject = every_second();
    assert!(subject.passes(secs(0), 1));

    subject.rule = Rule::Cooldown { every: Span::from_secs(5) };

    assert_eq!(subject.check(secs(2), 1).retry_after, Some(Span::from_secs(3)));
}

#[test]
fn no_pause_at_all_refuses_nothing() {
    let mut subject = Subject::under(Rule::Cooldown { every: Span::ZERO }, 0);

    assert!(subject.passes(secs(0), 1) && subject.passes(secs(0), 1));
}
