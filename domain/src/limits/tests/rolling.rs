use super::{Subject, at, micros, secs};
use crate::limits::Rule;
use crate::time::Span;

fn a_minute(figure: u64) -> Subject {
    Subject::under(Rule::Rolling { window: Span::from_secs(60) }, figure)
}

#[test]
fn the_limit_passes_and_one_more_is_refused() {
    let mut subject = a_minute(20);
    for second in 0..20 {
        assert_eq!(subject.ask(secs(second), 1).remaining, 19 - second.unsigned_abs());
    }

    let refused = subject.ask(secs(20), 1);

    assert_eq!((refused.admitted, refused.count, refused.limit, refused.remaining), (false, 20, 20, 0));
    assert_eq!(refused.retry_after, Some(Span::from_secs(40)));
    assert_eq!(refused.resets_at, secs(79));
}

#[test]
fn an_instant_exactly_one_window_later_counts_no_more() {
    let mut subject = a_minute(1);
    assert!(subject.passes(secs(0), 1));

    assert_eq!(subject.ask(at(59_999_999), 1).retry_after, Some(micros(1)));
    assert!(subject.passes(secs(60), 1));
    assert!(!subject.passes(secs(60), 1));
}

#[test]
fn two_windows_side_by_side_cannot_be_filled_at_their_border() {
    let mut subject = a_minute(10);
    for _ in 0..10 {
        assert!(subject.passes(at(59_900_000), 1));
    }

    assert!(!subject.passes(at(60_100_000), 1));
}

#[test]
fn a_heavy_request_waits_until_enough_weight_has_left() {
    let mut subject = a_minute(10);
    for second in [0, 5, 10, 15] {
        assert!(subject.passes(secs(second), 2));
    }

    // 8 are used; 7 more fit once 5 of them, that is three requests, have left.
    assert_eq!(subject.check(secs(20), 7).retry_after, Some(Span::from_secs(50)));
    assert!(!subject.check(at(69_999_999), 7).admitted);
    assert!(subject.check(secs(70), 7).admitted);
}

#[test]
fn a_request_heavier_than_the_limit_never_passes() {
    let verdict = a_minute(10).check(secs(0), 11);

    assert_eq!((verdict.admitted, verdict.retry_after), (false, None));
}

#[test]
fn a_raised_limit_works_at_once_and_keeps_what_was_used() {
    let mut subject = a_minute(500);
    assert!(subject.passes(secs(0), 500));

    subject.figure = 1_000;

    let verdict = subject.check(secs(1), 0);
    assert_eq!((verdict.count, verdict.remaining), (500, 500));
}

#[test]
fn a_lowered_limit_refuses_until_the_window_is_below_it() {
    let mut subject = a_minute(3);
    for second in 0..3 {
        assert!(subject.passes(secs(second), 1));
    }
    subject.figure = 1;

    let refused = subject.ask(secs(10), 1);

    assert_eq!((refused.count, refused.remaining), (3, 0));
    assert_eq!(refused.retry_after, Some(Span::from_secs(52)));
    assert!(subject.passes(secs(62), 1));
}

#[test]
fn a_longer_window_counts_what_is_kept() {
    let mut subject = a_minute(2);
    assert!(subject.passes(secs(0), 1) && subject.passes(secs(30), 1));

    subject.rule = Rule::Rolling { window: Span::from_secs(120) };

    assert_eq!(subject.ask(secs(70), 1).retry_after, Some(Span::from_secs(50)));
}

#[test]
fn a_shorter_window_forgets_at_once() {
    let mut subject = a_minute(2);
    assert!(subject.passes(secs(0), 1) && subject.passes(secs(30), 1));

    subject.rule = Rule::Rolling { window: Span::from_secs(10) };

    assert_eq!(subject.check(secs(35), 0).count, 1);
}

#[test]
fn a_figure_beyond_32_bits_acts_as_the_most_a_window_can_count() {
    let most = u64::from(u32::MAX);
    let mut subject = a_minute(u64::MAX);
    assert!(!subject.passes(secs(0), most + 1));
    assert!(subject.passes(secs(0), most - 1));
    assert!(subject.passes(secs(1), 1));

    let refused = subject.ask(secs(2), 1);

    assert_eq!((refused.count, refused.limit, refused.retry_after), (most, most, Some(Span::from_secs(58))));
    assert_eq!(subject.check(secs(60), 0).count, 1);
    assert!(subject.passes(secs(60), most - 1));
}

#[test]
fn what_was_decided_is_counted_even_beyond_what_fits() {
    let mut subject = a_minute(10);
    subject.record(secs(0), u64::MAX);
    subject.record(secs(1), 5);

    assert_eq!(subject.check(secs(59), 0).count, u64::from(u32::MAX));
    assert_eq!(subject.check(secs(60), 0).count, 0);
}

#[test]
fn a_window_that_fills_empties_and_fills_again_stays_exact() {
    let mut subject = a_minute(1_000);
    for round in 0..5 {
        for step in 0..1_000 {
            assert!(subject.passes(at(round * 60_000_000 + step * 7), 1), "{round} {step}");
        }
        assert!(!subject.passes(at(round * 60_000_000 + 59_999_999), 1));
        assert!(subject.is_idle(at((round + 1) * 60_000_000 + 7_000)));
    }
    for step in 0..1_000 {
        assert!(subject.passes(secs(1_000 + step * 60), 1), "one stamp at a time after a full window");
    }
}
