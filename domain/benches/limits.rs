//! What one request costs at one gate: check and admit, with the window full.

use divan::{Bencher, black_box};
use domain::limits::{Ask, Meter, Rule};
use domain::time::{Calendar, Period, Span, Timestamp};

fn main() {
    divan::main();
}

const START: i64 = 1_700_000_000_000_000;
const MINUTE: i64 = 60_000_000;

/// A meter at its limit whose clock moves on by as much as lets one more request pass.
struct Traffic {
    rule: Rule,
    meter: Meter,
    figure: u64,
    calendar: Calendar,
    now: i64,
    step: i64,
}

impl Traffic {
    fn full(rule: Rule, figure: u64, step: i64) -> Self {
        let meter = Meter::new(&rule);
        let mut traffic = Self { rule, meter, figure, calendar: Calendar::default(), now: START, step };
        for _ in 0..figure {
            traffic.request();
        }
        traffic
    }

    fn request(&mut self) -> bool {
        self.now += self.step;
        let now = Timestamp::from_micros(self.now);
        let ask = Ask { now, weight: 1, figure: self.figure, calendar: &self.calendar };
        let admitted = black_box(self.meter.check(&self.rule, &ask)).admitted;
        if admitted {
            self.meter.admit(&self.rule, &ask);
        }
        admitted
    }

    fn measure(mut self, bencher: Bencher<'_, '_>) {
        bencher.bench_local(|| self.request());
    }
}

fn stretched(span: i64, figure: u64) -> i64 {
    span / i64::try_from(figure).expect("a small figure")
}

const FIGURES: [u64; 2] = [20, 1_000];

#[divan::bench]
fn cooldown(bencher: Bencher<'_, '_>) {
    Traffic::full(Rule::Cooldown { every: Span::from_secs(1) }, 1, 1_000_000).measure(bencher);
}

#[divan::bench(args = FIGURES)]
fn rolling(bencher: Bencher<'_, '_>, figure: u64) {
    let rule = Rule::Rolling { window: Span::from_micros(MINUTE) };
    Traffic::full(rule, figure, stretched(MINUTE, figure)).measure(bencher);
}

#[divan::bench(args = FIGURES)]
fn rolling_refused(bencher: Bencher<'_, '_>, figure: u64) {
    let rule = Rule::Rolling { window: Span::from_micros(MINUTE) };
    let traffic = Traffic::full(rule, figure, stretched(MINUTE, figure));
    Traffic { step: 0, ..traffic }.measure(bencher);
}

#[divan::bench(args = FIGURES)]
fn bucket(bencher: Bencher<'_, '_>, figure: u64) {
    let rule = Rule::Bucket { period: Period::Hour };
    Traffic::full(rule, figure, stretched(60 * MINUTE, figure)).measure(bencher);
}

#[divan::bench(args = FIGURES)]
fn bucket_in_a_zone(bencher: Bencher<'_, '_>, figure: u64) {
    let rule = Rule::Bucket { period: Period::Hour };
    let mut traffic = Traffic::full(rule, figure, stretched(60 * MINUTE, figure));
    traffic.calendar.zone = "Europe/Berlin".parse().expect("a zone");
    traffic.measure(bencher);
}

#[divan::bench(args = FIGURES)]
fn concurrency(bencher: Bencher<'_, '_>, figure: u64) {
    let mut traffic = Traffic::full(Rule::Concurrency, figure, 1_000);
    bencher.bench_local(|| {
        traffic.meter.release(1);
        traffic.request()
    });
}

#[divan::bench(args = FIGURES)]
fn token_bucket(bencher: Bencher<'_, '_>, figure: u64) {
    let rule = Rule::TokenBucket { period: Span::from_micros(MINUTE), burst: figure };
    let traffic = Traffic::full(rule, figure, 0);
    Traffic { step: stretched(MINUTE, figure), ..traffic }.measure(bencher);
}
