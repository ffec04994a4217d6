use super::{Subject, at, secs};
use crate::limits::Rule;
use crate::time::{Span, Timestamp};

fn a_minute(figure: u64, burst: u64) -> Subject {
    Subject::under(Rule::TokenBucket { period: Span::from_secs(60), burst }, figure)
}

#[test]
fn the_burst_passes_at_once_and_one_more_waits_for_one_token() {
    let mut subject = a_minute(60, 3);
    for left in [2, 1, 0] {
        assert_eq!(subject.ask(secs(0), 1).remaining, left);
    }

    let refused = subject.ask(secs(0), 1);

    assert_eq!((refused.admitted, refused.count, refused.limit), (false, 3, 3));
    assert_eq!((refused.resets_at, refused.retry_after), (secs(3), Some(Span::from_secs(1))));
    assert!(!subject.passes(at(999_999), 1));
    assert!(subject.passes(secs(1), 1));
}

#[test]
fn a_long_silence_gives_no_more_than_the_burst() {
    let mut subject = a_minute(60, 3);
    assert!(subject.passes(Timestamp::EPOCH, 3));

    assert!(!subject.passes(secs(0), 4));
    assert!(subject.passes(secs(0), 3));
    assert!(!subject.passes(secs(0), 1));
}

#[test]
fn a_request_heavier_than_the_burst_never_passes() {
    assert_eq!(a_minute(60, 3).check(secs(0), 4).retry_after, None);
    assert_eq!(a_minute(60, 0).check(secs(0), 1).retry_after, None);
}

#[test]
fn a_figure_of_zero_admits_nothing_and_lets_nothing_flow_back() {
    let mut subject = a_minute(60, 3);
    assert!(subject.passes(secs(0), 1));
    subject.figure = 0;

    for now in [secs(0), secs(1_000_000)] {
        let refused = subject.check(now, 1);
        assert_eq!((refused.admitted, refused.count, refused.limit, refused.remaining), (false, 1, 0, 0));
        assert_eq!((refused.resets_at, refused.retry_after), (Timestamp::FAR, None));
    }
    assert!(!a_minute(0, 3).check(secs(0), 1).admitted, "nor the burst of a subject that is new");
}

#[test]
fn a_rate_that_divides_into_no_whole_microsecond_never_drifts() {
    // 7 a minute: a token takes 8,571,428.57… µs. After k waits exactly ⌈k × 60 s ÷ 7⌉ have passed.
    // With a burst of 1 each wait would begin anew at a whole microsecond; above it nothing may be lost.
    let mut subject = a_minute(7, 2);
    let mut now = secs(0);
    assert!(subject.passes(now, 2));
    for k in 1..=70_000_i64 {
        now = now.plus(subject.check(now, 1).retry_after.expect("the burst is used up"));
        assert!(subject.passes(now, 1));
        assert_eq!(now, at((k * 60_000_000 + 6) / 7));
    }
}

#[test]
fn a_changed_figure_keeps_what_was_used() {
    let mut subject = a_minute(60, 1_000);
    assert!(subject.passes(secs(0), 500));

    subject.figure = 600;

    assert_eq!(subject.check(secs(0), 0).remaining, 500);
    assert_eq!(subject.check(secs(1), 0).remaining, 510);
}

#[test]
fn a_changed_period_keeps_whole_tokens() {
    let mut subject = a_minute(60, 10);
    assert!(subject.passes(secs(0), 6));

    subject.rule = Rule::TokenBucket { period: Span::from_secs(1), burst: 10 };

    assert_eq!(subject.check(secs(0), 0).count, 6);
    assert_eq!(subject.check(at(100_000), 0).count, 0);
}

#[test]
fn the_largest_figures_neither_overflow_nor_pass_too_much() {
    let mut subject = Subject::under(Rule::TokenBucket { period: micros_far(), burst: u64::MAX }, u64::MAX);
    assert!(subject.passes(Timestamp::EPOCH, u64::MAX));

    assert!(!subject.passes(Timestamp::EPOCH, 1));
    assert_eq!(subject.check(Timestamp::EPOCH, u64::MAX).retry_after, Some(micros_far()));
    assert!(subject.passes(Timestamp::FAR, u64::MAX));
}

fn micros_far() -> Span {
    Timestamp::FAR.since(Timestamp::EPOCH)
}
