//! Laws of any traffic, against models that keep everything and add it all up each time.

use super::{Subject, at, micros, utc};
use crate::limits::Rule;
use crate::time::{Calendar, Period, Timestamp};
use proptest::prelude::*;

/// One request: how long after the one before, its weight, the figure then in force, and whether the
/// meter comes back from a snapshot first.
#[derive(Clone, Copy, Debug)]
struct Step {
    passed: i64,
    weight: u64,
    figure: u64,
    restored: bool,
}

/// Traffic whose gaps are at most `gap` microseconds and often zero, so that borders are hit exactly.
fn traffic(gap: i64, figures: impl Strategy<Value = u64>) -> impl Strategy<Value = Vec<Step>> {
    let passed = prop_oneof![1 => Just(0), 4 => 0..=gap / 8, 1 => 0..=gap];
    let step = (passed, 0..=4_u64, figures, proptest::bool::weighted(0.1));
    prop::collection::vec(
        step.prop_map(|(passed, weight, figure, restored)| Step { passed, weight, figure, restored }),
        1..120,
    )
}

#[derive(Clone, Copy, Debug)]
struct Admitted {
    at: Timestamp,
    weight: u64,
    figure: u64,
}

/// Runs the traffic, tests each verdict by its own words and against `used` (what the model says is
/// used before the request, in weights), and returns what was admitted.
fn run(
    mut subject: Subject,
    start: Timestamp,
    steps: &[Step],
    used: impl Fn(&Subject, &[Admitted], Timestamp) -> u64,
) -> Result<Vec<Admitted>, TestCaseError> {
    let mut log = Vec::new();
    let mut now = start;
    for step in steps {
        now = now.plus(micros(step.passed));
        subject.figure = step.figure;
        if step.restored {
            restore(&mut subject)?;
        }
        prop_assert_eq!(subject.check(now, 0).count, used(&subject, &log, now));
        idle_is_as_new(&subject, now, step.weight)?;
        verdict_keeps_its_word(&mut subject, now, step.weight)?;
        if subject.check(now, step.weight).admitted && step.weight > 0 {
            subject.record(now, step.weight);
            log.push(Admitted { at: now, weight: step.weight, figure: step.figure });
        }
    }
    Ok(log)
}

fn restore(subject: &mut Subject) -> Result<(), TestCaseError> {
    let stored = serde_json::to_string(&subject.meter).expect("a meter is plain data");
    let restored = serde_json::from_str(&stored).expect("what was stored can be read");
    prop_assert_eq!(&subject.meter, &restored);
    subject.meter = restored;
    Ok(())
}

fn idle_is_as_new(subject: &Subject, now: Timestamp, weight: u64) -> Result<(), TestCaseError> {
    let new = Subject::under(subject.rule, subject.figure);
    let new = Subject { calendar: subject.calendar.clone(), ..new };
    if subject.is_idle(now) {
        prop_assert_eq!(subject.check(now, weight), new.check(now, weight));
    } else {
        prop_assert!(subject.check(now, weight).count > 0);
    }
    Ok(())
}

/// The parts of a verdict agree with each other and with what happens at the times that it names.
fn verdict_keeps_its_word(subject: &mut Subject, now: Timestamp, weight: u64) -> Result<(), TestCaseError> {
    let verdict = subject.check(now, weight);
    let before = subject.meter.clone();
    let asked = if matches!(subject.rule, Rule::Cooldown { .. }) { weight.min(1) } else { weight };
    let counts = if verdict.admitted { asked } else { 0 };
    prop_assert_eq!(verdict.admitted, asked == 0 || verdict.count + asked <= verdict.limit);
    prop_assert_eq!(verdict.remaining, verdict.limit.saturating_sub(verdict.count + counts));
    match verdict.retry_after {
        Some(wait) => {
            prop_assert!(!verdict.admitted);
            prop_assert!(!subject.check(now.plus(wait).minus(micros(1)), weight).admitted);
            prop_assert!(subject.check(now.plus(wait), weight).admitted);
        }
        None => prop_assert!(verdict.admitted || !subject.check(Timestamp::FAR, weight).admitted),
    }
    subject.ask(now, weight);
    if verdict.admitted {
        prop_assert!(subject.is_idle(verdict.resets_at) || verdict.resets_at == Timestamp::FAR);
        let just_before = verdict.resets_at.minus(micros(1));
        prop_assert!(just_before < now || verdict.count + counts == 0 || !subject.is_idle(just_before));
    } else {
        prop_assert_eq!(&subject.meter, &before, "a refused request changed something");
    }
    subject.meter = before;
    Ok(())
}

fn weights(log: &[Admitted], counted: impl Fn(&Admitted) -> bool) -> u64 {
    log.iter().filter(|admitted| counted(admitted)).map(|admitted| admitted.weight).sum()
}

fn calendars() -> impl Strategy<Value = (Calendar, Timestamp)> {
    let near_a_change = prop_oneof![
        Just(("Europe/Berlin", "2026-03-28T20:00:00Z")),
        Just(("Europe/Berlin", "2026-10-24T20:00:00Z")),
        Just(("America/New_York", "2026-11-01T00:00:00Z")),
        Just(("Australia/Lord_Howe", "2026-04-04T10:00:00Z")),
        Just(("Asia/Kathmandu", "2026-05-01T10:00:00Z")),
        Just(("UTC", "2026-12-31T12:00:00Z")),
    ];
    (near_a_change, 0..24_u8).prop_map(|((zone, start), reset_hour)| {
        (Calendar { zone: zone.parse().expect("a zone"), reset_hour }, utc(start))
    })
}

proptest! {
    #[test]
    fn a_rolling_window_never_holds_more_than_the_limit_in_force(
        window in 0..40_i64,
        steps in traffic(64, 0..8_u64),
    ) {
        let rule = Rule::Rolling { window: micros(window) };
        let counts = |admitted: &Admitted, now: Timestamp| admitted.at.micros() > now.micros() - window;
        let log = run(Subject::under(rule, 0), at(0), &steps, |_, log, now| {
            weights(log, |admitted| counts(admitted, now))
        })?;
        for (index, last) in log.iter().enumerate() {
            let held = weights(&log[..=index], |admitted| counts(admitted, last.at));
            prop_assert!(window == 0 || held <= last.figure, "{} at {:?}", held, last);
        }
    }

    #[test]
    fn a_large_rolling_window_counts_as_the_model(steps in traffic(2_000, Just(200_u64))) {
        let rule = Rule::Rolling { window: micros(6_000) };
        run(Subject::under(rule, 0), at(0), &steps, |_, log, now| {
            weights(log, |admitted| admitted.at.micros() > now.micros() - 6_000)
        })?;
    }

    #[test]
    fn a_bucket_never_holds_more_than_the_limit_in_force(
        (calendar, start) in calendars(),
        period in prop_oneof![Just(Period::Hour), Just(Period::Day), Just(Period::Month)],
        steps in traffic(5 * 3_600, 0..20_u64),
    ) {
        let steps: Vec<_> = steps.into_iter().map(|step| Step { passed: step.passed * 1_000_000, ..step }).collect();
        let subject = Subject { calendar: calendar.clone(), ..Subject::under(Rule::Bucket { period }, 0) };
        let log = run(subject, start, &steps, |subject, log, now| {
            let running = subject.calendar.period(period, now);
            weights(log, |admitted| subject.calendar.period(period, admitted.at) == running)
        })?;
        for (index, last) in log.iter().enumerate() {
            let (from, to) = calendar.period(period, last.at);
            let held = weights(&log[..=index], |admitted| (from..to).contains(&admitted.at));
            prop_assert!(held <= last.figure, "{} at {:?}", held, last);
        }
    }

    #[test]
    fn a_cooldown_keeps_any_two_admissions_apart(every in 0..40_i64, steps in traffic(64, Just(0_u64))) {
        let rule = Rule::Cooldown { every: micros(every) };
        let log = run(Subject::under(rule, 0), at(0), &steps, |_, log, now| {
            u64::from(log.last().is_some_and(|last| now.since(last.at) < micros(every)))
        })?;
        for pair in log.windows(2) {
            prop_assert!(pair[1].at.since(pair[0].at) >= micros(every));
        }
    }

    #[test]
    fn a_token_bucket_of_one_figure_is_gcra(
        figure in 0..60_u64,
        period in 1..200_i64,
        burst in 0..8_u64,
        steps in traffic(64, Just(0_u64)),
    ) {
        let steps: Vec<_> = steps.into_iter().map(|step| Step { figure, ..step }).collect();
        let rule = Rule::TokenBucket { period: micros(period), burst };
        run(Subject::under(rule, figure), at(0), &steps, |_, log, now| arrived(log, figure, period, now))?;
    }

    #[test]
    fn a_token_bucket_never_admits_more_than_burst_and_rate(
        period in 1..200_i64,
        burst in 0..8_u64,
        steps in traffic(64, 0..60_u64),
    ) {
        let rule = Rule::TokenBucket { period: micros(period), burst };
        let log = run(Subject::under(rule, 0), at(0), &steps, |subject, log, now| {
            sunk(log, subject.figure, period, now)
        })?;
        let rate = log.iter().map(|admitted| admitted.figure).max().unwrap_or(0);
        for (first, from) in log.iter().enumerate() {
            for (last, to) in log.iter().enumerate().skip(first) {
                let held = weights(&log[first..=last], |_| true);
                let flowed = rate * to.at.since(from.at).micros().unsigned_abs();
                let period = period.unsigned_abs();
                prop_assert!(held * period <= burst * period + flowed);
            }
        }
    }
}

/// The textbook: the theoretical arrival time in 1 ÷ figure of a microsecond, turned back to tokens.
fn arrived(log: &[Admitted], figure: u64, period: i64, now: Timestamp) -> u64 {
    if figure == 0 {
        return weights(log, |_| true);
    }
    let scaled = |at: Timestamp| i128::from(at.micros()) * i128::from(figure);
    let due = log.iter().fold(0, |due: i128, admitted| {
        due.max(scaled(admitted.at)) + i128::from(admitted.weight) * i128::from(period)
    });
    let ahead = (due - scaled(now)).max(0).unsigned_abs();
    u64::try_from(ahead.div_ceil(u128::from(period.unsigned_abs()))).expect("a small figure")
}

/// The level by hand: between two admissions it sinks at the figure of the later one.
fn sunk(log: &[Admitted], figure: u64, period: i64, now: Timestamp) -> u64 {
    let period = period.unsigned_abs();
    let flow = |figure: u64, from: Timestamp, to: Timestamp| figure * to.since(from).micros().unsigned_abs();
    let start = (0_u64, Timestamp::EPOCH);
    let (level, last) = log.iter().fold(start, |(level, last), admitted| {
        let left = level.saturating_sub(flow(admitted.figure, last, admitted.at));
        (left + admitted.weight * period, admitted.at)
    });
    level.saturating_sub(flow(figure, last, now)).div_ceil(period)
}
