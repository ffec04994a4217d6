//! The pay-as-you-go provider's rules, computed from its terms alone: one account, one endpoint, whole credits.
//!
//! Slow and plain on purpose, and without a line of the product's code.

/// What a line comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    Admitted {
        charged: i64,
        balance: i64,
    },
    /// Seconds to wait.
    TooMany(i64),
    NoCredit,
}

const MINUTE: i64 = 60_000_000;
/// Credits of the chat endpoint that must be there before the work.
const BASE: i64 = 2;

/// Each line's microsecond of the day, its number and its tokens, in order of time.
pub fn calls(log: &str) -> Vec<(i64, usize, i64)> {
    let mut calls: Vec<(i64, usize, i64)> = Vec::new();
    for (place, line) in log.lines().enumerate().skip(1) {
        let columns: Vec<&str> = line.trim_end().split(',').collect();
        calls.push((micros(columns[0]), place + 1, columns[1].parse().expect("a number of tokens")));
    }
    calls.sort_unstable();
    calls
}

/// The line's number, and what it comes to, in order of time.
pub fn decide(log: &str, grant: i64) -> Vec<(usize, Verdict)> {
    let (mut balance, mut admitted) = (grant, Vec::new());
    let mut verdicts = Vec::new();
    for (at, n, size) in calls(log) {
        let recent: Vec<i64> = admitted.iter().copied().filter(|other| *other > at - MINUTE).collect();
        let verdict = if recent.len() >= 60 {
            let passes = recent[recent.len() - 60] + MINUTE;
            Verdict::TooMany((passes - at + 999_999) / 1_000_000)
        } else if balance < BASE {
            Verdict::NoCredit
        } else {
            let charged = BASE + size_cost(size);
            balance -= charged;
            admitted.push(at);
            Verdict::Admitted { charged, balance }
        };
        verdicts.push((n, verdict));
    }
    verdicts
}

fn size_cost(size: i64) -> i64 {
    match size {
        ..=500 => 1,
        501..=2_000 => 2,
        2_001..=5_000 => 4,
        _ => 4 + (size - 5_000 + 999) / 1_000,
    }
}

/// Microseconds of `2023-11-16 18:17:03.9799600` since its day began; finer digits are cut off.
fn micros(text: &str) -> i64 {
    let clock = text.strip_prefix("2023-11-16 ").expect("all calls are of one day");
    let figure = |range: std::ops::Range<usize>| clock[range].parse::<i64>().expect("a figure");
    ((figure(0..2) * 60 + figure(3..5)) * 60 + figure(6..8)) * 1_000_000 + figure(9..15)
}

#[test]
fn the_size_costs_what_the_terms_say() {
    let costs = [500, 501, 2_000, 5_000, 5_001, 6_000, 6_001].map(size_cost);
    assert_eq!(costs, [1, 2, 2, 4, 5, 5, 6]);
}
