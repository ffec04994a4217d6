//! `bench growth`: what a decision costs as accounts, limits, the log, open holds and commits grow.

mod book;
mod store;

use super::Failed;
use clap::Args;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::ProgressBar;
use std::time::Duration;

/// How far to go.
#[derive(Args)]
pub(super) struct Growth {
    /// The longest log
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(10_000..=100_000_000))]
    events: u64,
    /// The most accounts
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    accounts: u64,
    /// Decisions of one measurement; a point is the middle one of seven
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    decisions: u32,
}

/// One curve: sizes, and what one of its things costs at each.
struct Curve {
    grows: &'static str,
    costs: &'static str,
    points: Vec<(u64, Duration)>,
}

impl Growth {
    pub(super) fn run(self) -> Result<(), Failed> {
        let bar = ProgressBar::new_spinner();
        let mut curves = Vec::new();
        let mut add = |curve: Curve| {
            bar.println(format!("measured: {}", curve.grows));
            curves.push(curve);
        };
        bar.enable_steady_tick(Duration::from_millis(200));
        add(book::accounts(&decades(1_000, self.accounts), self.decisions)?);
        add(book::limits(&[1, 5, 10, 25, 50], self.decisions)?);
        add(book::events(&decades(10_000, self.events), self.decisions)?);
        add(book::holds(&[0, 10, 100, 1_000, 9_000], self.decisions)?);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        add(runtime.block_on(store::batches(&[1, 10, 100, 1_000]))?);
        bar.finish_and_clear();
        print(&curves);
        Ok(())
    }
}

/// A size, ten times that, and so on up to a limit.
fn decades(first: u64, most: u64) -> Vec<u64> {
    std::iter::successors(Some(first), |size| size.checked_mul(10)).take_while(|size| *size <= most).collect()
}

/// The middle one of some times.
fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn print(curves: &[Curve]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["grows", "size", "costs", "time", "of the first"]);
    for curve in curves {
        let first = curve.points.first().map_or(1, |(_, time)| time.as_nanos().max(1));
        for (size, time) in &curve.points {
            let (nanos, share) = (time.as_nanos(), time.as_nanos() * 100 / first);
            table.add_row([
                curve.grows.to_owned(),
                size.to_string(),
                curve.costs.to_owned(),
                format!("{nanos} ns"),
                format!("{}.{:02} ×", share / 100, share % 100),
            ]);
        }
    }
    for column in [1, 3, 4] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    println!("{table}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_go_up_by_ten_as_far_as_asked() {
        assert_eq!(decades(1_000, 1_000_000), [1_000, 10_000, 100_000, 1_000_000]);
        assert_eq!(decades(10_000, 99_999), [10_000]);
    }

    #[test]
    fn a_median_is_the_middle_one() {
        assert_eq!(median([3, 1, 2].map(Duration::from_nanos).to_vec()), Duration::from_nanos(2));
    }
}
