//! What a decision costs in memory, decided and applied.

use super::{Curve, median};
use crate::cli::bench::Failed;
use crate::cli::bench::requests::{POLICY, Requests};
use domain::book::{Book, Bounds};
use domain::command::Command;
use domain::event::Entry;
use domain::ids::{HashKey, Position};
use domain::pricing::Outcome;
use domain::time::Timestamp;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// Measurements of one point.
const ROUNDS: usize = 7;
/// Accounts where something else grows.
const ACCOUNTS: u64 = 1_000;
const DECISION: &str = "a decision in memory";

/// A book and what is asked of it.
struct Traffic {
    book: Book,
    requests: Requests,
    out: Vec<Entry>,
}

impl Traffic {
    /// A book with its policy and its accounts.
    fn new(requests: Requests) -> Result<Self, Failed> {
        let book = Book::new(HashKey([7; 16]), Bounds::default());
        let preparations = requests.preparations();
        let mut traffic = Self { book, requests, out: Vec::new() };
        for _ in 0..preparations {
            traffic.next()?;
        }
        Ok(traffic)
    }

    fn take(&mut self, command: &Command, now: Timestamp) -> Result<Position, Failed> {
        self.out.clear();
        self.book.execute(command, now, &mut self.out)?;
        Ok(self.book.head())
    }

    fn next(&mut self) -> Result<Position, Failed> {
        let (command, now) = self.requests.next();
        self.take(&command, now)
    }

    /// Goes on until the log is so long.
    fn grow(&mut self, events: u64) -> Result<(), Failed> {
        while self.book.head() < events {
            self.next()?;
        }
        Ok(())
    }

    /// The time of one of so many decisions, settled at once or right after it.
    fn cost(&mut self, decisions: u32, settled_later: bool) -> Result<Duration, Failed> {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let commands: Vec<_> = (0..decisions).map(|_| self.requests.next()).collect();
            let began = Instant::now();
            for (command, now) in &commands {
                let decision = self.take(command, *now)?;
                if settled_later {
                    let settle = self.requests.settle(decision);
                    self.take(&settle, *now)?;
                }
            }
            times.push(began.elapsed() / decisions);
        }
        Ok(median(times))
    }
}

/// By the number of accounts, each in its turn.
pub(super) fn accounts(sizes: &[u64], decisions: u32) -> Result<Curve, Failed> {
    let mut points = Vec::new();
    for size in sizes {
        let mut traffic = Traffic::new(Requests::new(*size))?;
        // Every account has been asked for once, so that nothing is met for the first time.
        traffic.grow(traffic.book.head() + size)?;
        points.push((*size, traffic.cost(decisions, false)?));
    }
    Ok(Curve { grows: "accounts", costs: DECISION, points })
}

/// By the number of limits that a request is counted at.
pub(super) fn limits(sizes: &[u64], decisions: u32) -> Result<Curve, Failed> {
    let mut points = Vec::new();
    for size in sizes {
        let requests = Requests::under(&policy_of(*size), ACCOUNTS, Some(Outcome::Succeeded));
        let mut traffic = Traffic::new(requests)?;
        traffic.grow(traffic.book.head() + ACCOUNTS)?;
        points.push((*size, traffic.cost(decisions, false)?));
    }
    Ok(Curve { grows: "limits of the policy", costs: DECISION, points })
}

/// The bench's policy, which has one limit, with more of the kind.
fn policy_of(limits: u64) -> String {
    let mut policy = POLICY.to_owned();
    for place in 1..limits {
        let rule = "rule = { rolling = \"60s\" }\nlimit = 4000000000\nby = [\"account\"]";
        // Writing to a text cannot fail.
        let _ = writeln!(policy, "\n[[limits]]\nname = \"more-{place}\"\n{rule}");
    }
    policy
}

/// By the length of the log.
pub(super) fn events(sizes: &[u64], decisions: u32) -> Result<Curve, Failed> {
    let mut traffic = Traffic::new(Requests::new(ACCOUNTS))?;
    let mut points = Vec::new();
    for size in sizes {
        traffic.grow(*size)?;
        points.push((*size, traffic.cost(decisions, false)?));
    }
    Ok(Curve { grows: "events in the log", costs: DECISION, points })
}

/// By the number of holds that the account has open already.
pub(super) fn holds(sizes: &[u64], decisions: u32) -> Result<Curve, Failed> {
    let mut points = Vec::new();
    for size in sizes {
        let mut traffic = Traffic::new(Requests::under(POLICY, 1, None))?;
        traffic.grow(traffic.book.head() + size)?;
        points.push((*size, traffic.cost(decisions, true)?));
    }
    Ok(Curve { grows: "open holds of the account", costs: "a hold and its settle", points })
}
