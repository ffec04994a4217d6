//! Each rule by its words, then all of them by laws that hold for any traffic.

mod bucket;
mod concurrency;
mod cooldown;
mod gcra;
mod laws;
mod meters;
mod rolling;

use super::{Ask, Meter, Rule, Verdict};
use crate::time::{Calendar, Span, Timestamp};

/// One subject under one rule, with the figure in force and a clock in microseconds.
struct Subject {
    rule: Rule,
    meter: Meter,
    figure: u64,
    calendar: Calendar,
}

impl Subject {
    fn under(rule: Rule, figure: u64) -> Self {
        Self { rule, meter: Meter::new(&rule), figure, calendar: Calendar::default() }
    }

    fn check(&self, now: Timestamp, weight: u64) -> Verdict {
        self.meter.check(&self.rule, &self.asking(now, weight))
    }

    /// Checks, and records what passed.
    fn ask(&mut self, now: Timestamp, weight: u64) -> Verdict {
        let verdict = self.check(now, weight);
        if verdict.admitted {
            self.record(now, weight);
        }
        verdict
    }

    fn record(&mut self, now: Timestamp, weight: u64) {
        let ask = Ask { now, weight, figure: self.figure, calendar: &self.calendar };
        self.meter.admit(&self.rule, &ask);
    }

    fn passes(&mut self, now: Timestamp, weight: u64) -> bool {
        self.ask(now, weight).admitted
    }

    fn is_idle(&self, now: Timestamp) -> bool {
        self.meter.is_idle(&self.rule, now, self.figure)
    }

    fn asking(&self, now: Timestamp, weight: u64) -> Ask<'_> {
        Ask { now, weight, figure: self.figure, calendar: &self.calendar }
    }
}

/// Some time after a round instant of 2023.
fn at(micros: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + micros)
}

fn secs(seconds: i64) -> Timestamp {
    at(seconds * 1_000_000)
}

fn utc(text: &str) -> Timestamp {
    text.parse().expect("an RFC 3339 time")
}

fn micros(micros: i64) -> Span {
    Span::from_micros(micros)
}
