use super::{Subject, secs};
use crate::limits::Rule;
use crate::time::Timestamp;

#[test]
fn jobs_pass_until_the_limit_is_open_and_again_after_one_ends() {
    let mut subject = Subject::under(Rule::Concurrency, 2);
    assert!(subject.passes(secs(0), 1) && subject.passes(secs(0), 1));

    let refused = subject.ask(secs(1_000_000), 1);
    assert_eq!((refused.admitted, refused.count, refused.remaining), (false, 2, 0));

    subject.meter.release(1);
    assert!(subject.passes(secs(1_000_000), 1));
}

#[test]
fn waiting_alone_frees_no_place() {
    let mut subject = Subject::under(Rule::Concurrency, 1);
    assert!(subject.passes(secs(0), 1));

    let refused = subject.check(secs(0), 1);

    assert_eq!((refused.resets_at, refused.retry_after), (Timestamp::FAR, None));
    assert!(!subject.is_idle(Timestamp::FAR));
}

#[test]
fn a_batch_opens_all_or_nothing() {
    let mut subject = Subject::under(Rule::Concurrency, 5);
    assert!(subject.passes(secs(0), 3));

    assert!(!subject.passes(secs(0), 3));

    assert_eq!(subject.check(secs(0), 0).count, 3);
    assert!(subject.passes(secs(0), 2));
}

#[test]
fn a_lowered_limit_keeps_open_jobs_open() {
    let mut subject = Subject::under(Rule::Concurrency, 5);
    assert!(subject.passes(secs(0), 5));
    subject.figure = 2;
    subject.meter.release(3);

    assert!(!subject.passes(secs(0), 1));
    subject.meter.release(1);
    assert!(subject.passes(secs(0), 1));
}

#[test]
fn resetting_leaves_open_jobs_counted() {
    let mut subject = Subject::under(Rule::Concurrency, 1);
    assert!(subject.passes(secs(0), 1));

    subject.meter.reset();

    assert!(!subject.passes(secs(0), 1));
}

#[test]
fn jobs_that_were_opened_before_the_rule_existed_end_without_making_places() {
    let mut subject = Subject::under(Rule::Concurrency, 1);

    subject.meter.release(3);

    assert!(subject.passes(secs(0), 1) && !subject.passes(secs(0), 1));
}
