//! The table of a bench.

use super::connection::Tally;
use super::load::NOOP;
use super::log::Figures;
use comfy_table::{CellAlignment, Table, presets};
use domain::ids::Position;
use std::time::Duration;

/// One run.
pub(super) struct Row {
    pub(super) name: &'static str,
    connections: u64,
    pub(super) requests: u64,
    took: Duration,
    cpu: Duration,
    errors: u64,
    /// Events a commit, in tenths, and how long one took on average; none without commits.
    commits: Option<(u64, Duration)>,
    times: [Duration; 4],
}

impl Row {
    pub(super) fn new(
        name: &'static str,
        connections: u64,
        (took, cpu): (Duration, Duration),
        (before, after): (Figures, Figures),
        tally: &Tally,
    ) -> Self {
        let (events, taken) = (after.head - before.head, after.commit_micros - before.commit_micros);
        let average = |commits| (events * 10 / commits, Duration::from_micros(taken / commits));
        let commits = Some(after.commits - before.commits).filter(|commits| *commits > 0).map(average);
        let times = &tally.times;
        let quantiles = [times.per_mille(500), times.per_mille(990), times.per_mille(999), times.max()];
        let (requests, errors) = (times.total(), tally.errors);
        Self { name, connections, requests, took, cpu, errors, commits, times: quantiles }
    }

    /// Requests a second.
    fn rate(&self) -> u64 {
        let micros = self.took.as_micros().max(1);
        u64::try_from(u128::from(self.requests) * 1_000_000 / micros).unwrap_or(u64::MAX)
    }

    /// The server's CPU time for one request, in tenths of a microsecond.
    fn cpu_tenths(&self) -> u128 {
        self.cpu.as_nanos() / 100 / u128::from(self.requests.max(1))
    }
}

/// What stands for a figure that there is not.
const NONE: &str = "–";

/// What the decisions left behind.
pub(super) struct Log {
    pub(super) decided: u64,
    pub(super) events: u64,
    /// The last event of the last snapshot, if one was taken meanwhile.
    pub(super) snapshot: Option<Position>,
    /// Peak memory and bytes of events of a server of our own.
    pub(super) own: Option<(u64, u64)>,
}

/// Prints the runs, each beside the no-op run of as many connections.
pub(super) fn print(rows: &[Row], log: &Log) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "load",
        "connections",
        "per second",
        "of no-op",
        "p50",
        "p99",
        "p99.9",
        "max",
        "server CPU",
        "events a commit",
        "a commit",
        "not admitted",
    ]);
    for row in rows {
        let noop = rows.iter().find(|noop| noop.name == NOOP && noop.connections == row.connections);
        let share = noop.map(|noop| row.rate() * 1_000 / noop.rate().max(1));
        let cpu = row.cpu_tenths();
        table.add_row([
            row.name.to_owned(),
            row.connections.to_string(),
            row.rate().to_string(),
            share.map_or(NONE.to_owned(), |share| format!("{}.{} %", share / 10, share % 10)),
            micros(row.times[0]),
            micros(row.times[1]),
            micros(row.times[2]),
            micros(row.times[3]),
            if cpu == 0 { NONE.to_owned() } else { format!("{}.{} µs", cpu / 10, cpu % 10) },
            row.commits.map_or(NONE.to_owned(), |(events, _)| format!("{}.{}", events / 10, events % 10)),
            row.commits.map_or(NONE.to_owned(), |(_, commit)| micros(commit)),
            row.errors.to_string(),
        ]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    println!("{table}");
    let decided = log.decided.max(1);
    let per_decision = log.events * 100 / decided;
    println!("events per decision: {}.{:02}", per_decision / 100, per_decision % 100);
    if let Some(snapshot) = log.snapshot {
        println!("last snapshot meanwhile: of event {snapshot}");
    }
    if let Some((memory, bytes)) = log.own {
        println!("bytes in the log per decision: {}", bytes / decided);
        println!("the server's peak memory: {} MiB", memory / (1 << 20));
    }
}

fn micros(time: Duration) -> String {
    let micros = time.as_micros();
    if micros < 10_000 { format!("{micros} µs") } else { format!("{} ms", micros / 1_000) }
}
