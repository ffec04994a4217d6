//! What holds for meters of every kind.

use super::{Subject, secs};
use crate::limits::{Meter, Rule};
use crate::time::{Period, Span};

fn rules() -> [Rule; 5] {
    let minute = Span::from_secs(60);
    [
        Rule::Cooldown { every: minute },
        Rule::Rolling { window: minute },
        Rule::Bucket { period: Period::Hour },
        Rule::Concurrency,
        Rule::TokenBucket { period: minute, burst: 5 },
    ]
}

fn used(rule: Rule) -> Subject {
    let mut subject = Subject::under(rule, 5);
    assert!(subject.passes(secs(0), 1));
    subject
}

#[test]
fn a_meter_takes_at_most_32_bytes() {
    assert!(size_of::<Meter>() <= 32, "{}", size_of::<Meter>());
}

#[test]
fn a_reading_always_passes_and_records_nothing() {
    for rule in rules() {
        let mut subject = used(rule);
        subject.figure = 0;
        let before = subject.meter.clone();

        let verdict = subject.ask(secs(1), 0);

        assert!(verdict.admitted && verdict.count == 1, "{rule:?}: {verdict:?}");
        assert_eq!(subject.meter, before);
    }
}

#[test]
fn a_rule_of_another_kind_starts_with_nothing_used() {
    for (before, after) in rules().into_iter().flat_map(|rule| rules().map(|other| (rule, other))) {
        if before != after {
            let mut subject = Subject { rule: after, ..used(before) };
            assert!(subject.is_idle(secs(0)), "{before:?} {after:?}");
            assert_eq!(subject.check(secs(0), 0), Subject::under(after, 5).check(secs(0), 0));

            subject.record(secs(0), 1);

            assert_eq!(subject.meter, used(after).meter);
        }
    }
}

#[test]
fn resetting_forgets_what_time_would_have_freed() {
    for rule in rules().into_iter().filter(|rule| *rule != Rule::Concurrency) {
        let mut subject = used(rule);

        subject.meter.reset();

        assert!(subject.is_idle(secs(0)));
        assert_eq!(subject.meter, Meter::new(&rule));
    }
}

#[test]
fn only_open_jobs_can_be_released() {
    for rule in rules().into_iter().filter(|rule| *rule != Rule::Concurrency) {
        let mut subject = used(rule);

        subject.meter.release(1);

        assert_eq!(subject.meter, used(rule).meter);
    }
}

#[test]
fn a_meter_is_stored_compactly() {
    let stored = rules().map(|rule| serde_json::to_string(&used(rule).meter).expect("a meter is plain data"));

    assert_eq!(
        stored,
        [
            r#"{"cooldown":1700000000000000}"#,
            r#"{"rolling":[1700000000000000,1]}"#,
            r#"{"bucket":["hour",1700002800000000,1]}"#,
            r#"{"open":1}"#,
            r#"{"gcra":[1,0,1700000000000000]}"#,
        ]
    );
}

#[test]
fn a_damaged_rolling_log_is_refused() {
    let damaged = serde_json::from_str::<Meter>(r#"{"rolling":[1700000000000000]}"#);

    assert!(damaged.is_err_and(|error| error.to_string().contains("a stamp without its weight")));
}
