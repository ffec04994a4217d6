use super::{Subject, utc};
use crate::limits::Rule;
use crate::time::{Calendar, Period, Span, Timestamp};

fn bucket(period: Period, figure: u64) -> Subject {
    Subject::under(Rule::Bucket { period }, figure)
}

fn daily_in(zone: &str, reset_hour: u8, figure: u64) -> Subject {
    let zone = zone.parse().expect("a zone");
    Subject { calendar: Calendar { zone, reset_hour }, ..bucket(Period::Day, figure) }
}

/// Fills the day and says when it ends.
fn day_filled_at(subject: &mut Subject, now: &str) -> Timestamp {
    assert!(subject.passes(utc(now), subject.figure));
    let refused = subject.ask(utc(now), 1);
    assert_eq!(refused.retry_after, Some(refused.resets_at.since(utc(now))));
    refused.resets_at
}

#[test]
fn the_limit_passes_and_one_more_waits_for_the_next_hour() {
    let mut subject = bucket(Period::Hour, 30);
    assert!(subject.passes(utc("2026-05-04T10:00:00Z"), 30));

    let refused = subject.ask(utc("2026-05-04T10:59:59.999999Z"), 1);

    assert_eq!((refused.admitted, refused.count, refused.remaining), (false, 30, 0));
    assert_eq!(refused.resets_at, utc("2026-05-04T11:00:00Z"));
    assert_eq!(refused.retry_after, Some(Span::from_micros(1)));
    assert!(subject.passes(utc("2026-05-04T11:00:00Z"), 1));
}

#[test]
fn a_reading_tells_the_end_of_a_period_in_which_nothing_was_used() {
    let verdict = bucket(Period::Month, 5).check(utc("2026-02-10T00:00:00Z"), 0);

    assert_eq!((verdict.count, verdict.remaining), (0, 5));
    assert_eq!(verdict.resets_at, utc("2026-03-01T00:00:00Z"));
}

#[test]
fn a_batch_counts_all_or_nothing_and_one_heavier_than_the_limit_never_passes() {
    let mut subject = bucket(Period::Day, 10);
    let noon = utc("2026-05-04T12:00:00Z");
    assert!(subject.passes(noon, 8));

    assert_eq!(subject.ask(noon, 3).retry_after, Some(Span::from_secs(12 * 3_600)));
    assert_eq!(subject.ask(noon, 11).retry_after, None);
    assert_eq!(subject.ask(noon, 2).remaining, 0);
}

#[test]
fn a_raised_limit_keeps_what_was_used_and_a_reset_forgets_it() {
    let mut subject = bucket(Period::Day, 500);
    let noon = utc("2026-05-04T12:00:00Z");
    assert!(subject.passes(noon, 500));

    subject.figure = 1_000;
    assert_eq!(subject.check(noon, 0).remaining, 500);
    subject.figure = 100;
    assert_eq!((subject.check(noon, 0).count, subject.check(noon, 0).remaining), (500, 0));

    subject.meter.reset();
    assert_eq!((subject.check(noon, 0).count, subject.check(noon, 0).remaining), (0, 100));
}

#[test]
fn a_day_of_a_zone_is_23_hours_when_its_clock_goes_forward() {
    let mut subject = daily_in("Europe/Berlin", 0, 3);

    let end = day_filled_at(&mut subject, "2026-03-28T23:00:00Z");

    assert_eq!(end, utc("2026-03-29T22:00:00Z"));
    assert!(!subject.passes(utc("2026-03-29T21:59:59.999999Z"), 1));
    assert!(subject.passes(end, 3));
}

#[test]
fn a_day_of_a_zone_is_25_hours_when_its_clock_goes_back() {
    let mut subject = daily_in("Europe/Berlin", 0, 3);

    let end = day_filled_at(&mut subject, "2026-10-24T22:00:00Z");

    assert_eq!(end, utc("2026-10-25T23:00:00Z"));
    assert!(!subject.passes(utc("2026-10-25T22:59:59.999999Z"), 1));
    assert!(subject.passes(end, 3));
}

#[test]
fn a_reset_hour_that_the_clock_skips_is_the_instant_of_the_jump() {
    let mut subject = daily_in("Europe/Berlin", 2, 3);

    let end = day_filled_at(&mut subject, "2026-03-28T12:00:00Z");

    assert_eq!(end, utc("2026-03-29T01:00:00Z"));
    assert_eq!(day_filled_at(&mut subject, "2026-03-29T01:00:00Z"), utc("2026-03-30T00:00:00Z"));
}

#[test]
fn a_reset_hour_that_the_clock_shows_twice_resets_once() {
    let mut subject = daily_in("Europe/Berlin", 2, 3);

    assert_eq!(day_filled_at(&mut subject, "2026-10-24T12:00:00Z"), utc("2026-10-25T00:00:00Z"));
    assert_eq!(day_filled_at(&mut subject, "2026-10-25T00:00:00Z"), utc("2026-10-26T01:00:00Z"));
    assert!(!subject.passes(utc("2026-10-25T01:00:00Z"), 1));
}

#[test]
fn moving_to_another_zone_works_from_the_next_reset() {
    let mut subject = bucket(Period::Day, 3);
    assert_eq!(day_filled_at(&mut subject, "2026-05-04T12:00:00Z"), utc("2026-05-05T00:00:00Z"));

    subject.calendar.zone = "Asia/Tokyo".parse().expect("a zone");

    assert!(!subject.passes(utc("2026-05-04T15:00:00Z"), 1), "midnight in Tokyo is no second allowance");
    assert_eq!(day_filled_at(&mut subject, "2026-05-05T00:00:00Z"), utc("2026-05-05T15:00:00Z"));
}

#[test]
fn going_over_to_another_period_keeps_what_was_used() {
    let mut subject = bucket(Period::Hour, 10);
    assert!(subject.passes(utc("2026-05-04T12:30:00Z"), 4));

    subject.rule = Rule::Bucket { period: Period::Day };

    let verdict = subject.check(utc("2026-05-04T12:31:00Z"), 1);
    assert_eq!((verdict.count, verdict.resets_at), (4, utc("2026-05-05T00:00:00Z")));
}
