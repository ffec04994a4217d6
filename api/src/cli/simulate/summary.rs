//! The figures of a run for people.

use super::input::Unreadable;
use super::tally::Tally;
use comfy_table::{CellAlignment, Table, presets};
use domain::policy::Policy;
use domain::time::Timestamp;
use std::fmt::{self, Write};

/// Most subjects that are listed.
const SUBJECTS_MAX: usize = 10;

/// Everything that is said at the end.
pub(super) struct Summary<'a> {
    pub(super) policy: &'a Policy,
    /// The times of the first and the last line.
    pub(super) between: Option<(Timestamp, Timestamp)>,
    pub(super) tally: &'a Tally,
    pub(super) unreadable: &'a Unreadable,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, tally, .. } = self;
        writeln!(out, "{} ({})", policy.title, policy.name)?;
        if let Some((from, to)) = self.between {
            writeln!(out, "Traffic from {from} to {to}")?;
        }
        writeln!(out, "\n{}", self.figures())?;
        self.undecided(out)?;
        if tally.refused > 0 {
            writeln!(out, "\nRefused by gate\n{}", gates(tally))?;
            writeln!(out, "\nMost refused\n{}", subjects(tally))?;
        }
        self.unreadable(out)
    }
}

impl Summary<'_> {
    fn figures(&self) -> Table {
        let Self { tally, unreadable, .. } = self;
        let mut table = table(["", "count", "share"]);
        let lines = tally.decided + unreadable.count;
        let mut row = |name: &str, count: u64| {
            table.add_row([name.to_owned(), grouped(count), share(count, tally.decided)]);
        };
        row("requests", tally.decided);
        row("admitted", tally.admitted);
        if tally.limited > 0 {
            row("  of them limited", tally.limited);
        }
        row("refused", tally.refused);
        if tally.invalid > 0 {
            row("could not be decided", tally.invalid);
        }
        table.add_row(["lines".to_owned(), grouped(lines), String::new()]);
        table.add_row(["lines not readable".to_owned(), grouped(unreadable.count), String::new()]);
        table.add_row(["subjects".to_owned(), grouped(tally.subjects.len() as u64), String::new()]);
        for (name, count) in &tally.bans {
            table.add_row([format!("bans begun ({name})"), grouped(*count), String::new()]);
        }
        if tally.suspensions > 0 {
            table.add_row(["suspensions begun".to_owned(), grouped(tally.suspensions), String::new()]);
        }
        if tally.paying > 0 {
            table.add_row(["requests charged".to_owned(), grouped(tally.paying), String::new()]);
            table.add_row(["credits charged".to_owned(), tally.charged.to_string(), String::new()]);
        }
        table
    }

    fn undecided(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tally.invalid > 0 {
            writeln!(out, "\nCould not be decided (--map and --set give what a request lacks)")?;
        }
        for (reason, (count, first)) in &self.tally.reasons {
            writeln!(out, "  {} from line {first} on: {reason}", grouped(*count))?;
        }
        Ok(())
    }

    fn unreadable(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unreadable { count, named } = self.unreadable;
        if *count == 0 {
            return Ok(());
        }
        writeln!(out, "\nLines that could not be read, and were skipped: {}", grouped(*count))?;
        for (n, why) in named {
            writeln!(out, "  line {n}: {why}")?;
        }
        match count - named.len() as u64 {
            0 => Ok(()),
            more => writeln!(out, "  and {} more", grouped(more)),
        }
    }
}

fn gates(tally: &Tally) -> Table {
    let mut table = table(["gate", "status", "refused", "share"]);
    let mut gates: Vec<_> = tally.gates.iter().collect();
    gates.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for ((gate, status), count) in gates {
        let share = share(*count, tally.decided);
        table.add_row([gate.clone(), status.to_string(), grouped(*count), share]);
    }
    table
}

fn subjects(tally: &Tally) -> Table {
    let mut table = table(["subject", "refused", "requests"]);
    let mut subjects: Vec<_> = tally.subjects.iter().filter(|(_, (refused, _))| *refused > 0).collect();
    subjects.sort_by_key(|(_, (refused, _))| std::cmp::Reverse(*refused));
    for (subject, (refused, requests)) in subjects.into_iter().take(SUBJECTS_MAX) {
        table.add_row([subject.clone(), grouped(*refused), grouped(*requests)]);
    }
    table
}

/// The first column is text, the others figures.
fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// `1234567` as `1,234,567`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Per cent, rounded to one decimal.
fn share(part: u64, whole: u64) -> String {
    let mut text = String::new();
    if let Some(permille) = (part * 1_000 + whole / 2).checked_div(whole) {
        let _ = write!(text, "{}.{} %", permille / 10, permille % 10);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_grouped_by_thousands() {
        let shown = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn a_share_of_nothing_is_not_shown() {
        assert_eq!((share(1, 3), share(0, 0)), ("33.3 %".to_owned(), String::new()));
    }
}
