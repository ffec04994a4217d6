//! All lines of a log, in order of time.

use super::args::Format;
use super::combined::AccessLine;
use super::csv::{CsvLine, Records};
use super::jsonl::JsonLine;
use super::line::Line;
use super::mapping::{Mapping, known_columns};
use super::numbered::Numbered;
use indicatif::ProgressBar;
use std::io::BufRead;

/// Most unreadable lines that are named one by one.
const NAMED_MAX: usize = 10;
/// All lines of a log.
#[derive(Default)]
pub(super) struct Input {
    /// By time, and by number where the times are equal.
    pub(super) lines: Vec<Line>,
    pub(super) unreadable: Unreadable,
}

/// Lines that could not be read.
#[derive(Default, PartialEq, Eq, Debug)]
pub(super) struct Unreadable {
    pub(super) count: u64,
    /// The first of them: number and why.
    pub(super) named: Vec<(u64, String)>,
}

impl Input {
    /// Reads a whole log.
    ///
    /// # Errors
    /// The log cannot be read at all, or lacks a column that is needed.
    pub(super) fn read(
        log: impl BufRead,
        format: Format,
        mapping: &Mapping,
        bar: &ProgressBar,
    ) -> Result<Self, String> {
        if let Some(columns) = known_columns(format) {
            mapping.fits(columns)?;
        }
        let mut input = Self::default();
        match format {
            Format::Combined => input.read_lines(log, bar, |n, line| {
                AccessLine::read(line).and_then(|line| Line::read(n, &line, mapping))
            })?,
            Format::Jsonl => input.read_lines(log, bar, |n, line| {
                JsonLine::read(line).and_then(|line| Line::read(n, &line, mapping))
            })?,
            Format::Csv => input.read_csv(log, mapping, bar)?,
        }
        input.lines.sort_by_key(|line| (line.at, line.n));
        Ok(input)
    }

    fn read_lines(
        &mut self,
        log: impl BufRead,
        bar: &ProgressBar,
        read: impl Fn(u64, &[u8]) -> Result<Line, String>,
    ) -> Result<(), String> {
        let mut log = Numbered::new(log);
        while let Some((n, line)) = log.next(|_| true)? {
            bar.inc(1);
            self.add(n, read(n, line));
        }
        Ok(())
    }

    fn read_csv(&mut self, log: impl BufRead, mapping: &Mapping, bar: &ProgressBar) -> Result<(), String> {
        let mut log = Numbered::new(log);
        let mut records = Records::new();
        let Some((_, first)) = log.next(|line| records.end_with(line))? else { return Ok(()) };
        let names = records.header(first);
        let header: Vec<&str> = names.iter().map(String::as_str).collect();
        mapping.fits(&header)?;
        while let Some((n, line)) = log.next(|line| records.end_with(line))? {
            bar.inc(1);
            let read = CsvLine::read(&header, &mut records, line);
            self.add(n, read.and_then(|line| Line::read(n, &line, mapping)));
        }
        Ok(())
    }

    fn add(&mut self, n: u64, line: Result<Line, String>) {
        match line {
            Ok(line) => self.lines.push(line),
            Err(why) => {
                self.unreadable.count += 1;
                if self.unreadable.named.len() < NAMED_MAX {
                    self.unreadable.named.push((n, why));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::simulate::reader::LogReader;
    use domain::policy::Policy;

    const POLICY: &str =
        "name = \"p\"\ntitle = \"P\"\n[callers]\nanonymous = true\n[attributes]\nchars = \"number\"\n";

    fn read(format: &str, log: &str, options: &[&str]) -> Result<Input, String> {
        let policy = Policy::from_toml(POLICY).expect("a policy");
        LogReader::new(format, options, &policy)?.read(log.as_bytes())
    }

    fn numbers(input: &Input) -> Vec<u64> {
        input.lines.iter().map(|line| line.n).collect()
    }

    #[test]
    fn lines_are_ordered_by_time_and_ties_by_line() {
        let line = |at: &str| format!("{{\"at\":\"{at}\",\"ip\":\"1.2.3.4\",\"endpoint\":\"/\"}}\n");
        let times = ["2026-01-01T00:00:02Z", "2026-01-01T00:00:01Z", "2026-01-01 00:00:02"];
        let log: String = times.map(line).concat();
        assert_eq!(numbers(&read("jsonl", &log, &[]).expect("a log")), [2, 1, 3]);
    }

    #[test]
    fn unreadable_lines_are_counted_and_the_first_ten_named() {
        let log = "x\n".repeat(12) + "\n{\"at\":1700000000,\"account\":\"a\",\"endpoint\":\"/\"}";
        let input = read("jsonl", &log, &[]).expect("a log");
        let Unreadable { count, named } = &input.unreadable;
        assert_eq!((numbers(&input), *count, named.len()), (vec![14], 12, 10));
        assert_eq!(named[0].0, 1);
    }

    #[test]
    fn a_csv_line_counts_from_the_header_on_also_where_a_value_has_line_breaks() {
        for end in ["\n", "\r\n"] {
            let lines = ["when,note,chars", "1700000000,\"a\nb\",7", "1700000001,c,x", "1700000002,d,8"];
            let mapped = ["--map", "at=when", "--map", "chars=chars"];
            let options = [&mapped[..], &["--set", "account=a", "--set", "endpoint=/"]].concat();
            let input = read("csv", &lines.join(end), &options).expect("a log");
            assert_eq!(numbers(&input), [2, 5], "{end:?}");
            assert_eq!(input.unreadable.named[0].0, 4, "{end:?}");
        }
    }

    #[test]
    fn a_quote_inside_a_value_and_a_lone_carriage_return_swallow_no_line() {
        let lines =
            [r#"1700000000,"a ""b""""#, r#"1700000001,5" pipe"#, "1700000002,a\rb", "", r#""1700000003",c"#];
        let log = format!("\u{feff}\"at\",note\n{}\n", lines.join("\n"));
        let options = ["--map", "note=note", "--set", "account=a", "--set", "endpoint=/"];
        let input = read("csv", &log, &options).expect("a log");
        assert_eq!((numbers(&input), input.unreadable.count), (vec![2, 3, 4, 6], 0));
    }

    #[test]
    fn a_quote_that_nothing_closes_takes_no_longer_than_its_lines() {
        let read = |lines: usize| {
            let log = format!("at,note\n1700000000,\"{}", "\n".repeat(lines));
            read("csv", &log, &["--set", "ip=::1", "--set", "endpoint=/"])
        };
        assert_eq!(numbers(&read(1 << 19).expect("a log")), [2]);
        let error = read(1 << 20).err().unwrap_or_default();
        assert!(error.starts_with("what begins at line 2 has more than"), "{error}");
    }

    #[test]
    fn a_column_that_is_not_there_is_named_with_those_that_are() {
        let error =
            |options: &[&str]| read("csv", "when,path\n1700000000,/\n", options).err().unwrap_or_default();
        assert!(error(&["--map", "at=wen"]).contains("no column `wen`; the columns are when, path"));
        assert!(error(&["--map", "at=when"]).contains("no column is named `endpoint`"));
    }

    #[test]
    fn a_field_is_mapped_or_set_once_with_a_value_that_fits() {
        let error = |options: &[&str]| read("csv", "", options).err().unwrap_or_default();
        assert!(error(&["--map", "at=a", "--set", "at=1700000000"]).contains("twice"));
        assert!(error(&["--map", "grant=a"]).contains("can only be set"));
        assert!(error(&["--set", "grant=-1"]).contains("grant"));
        assert!(error(&["--set", "plan=gold"]).contains("no plan `gold`"));
        assert!(error(&["--set", "ip=host"]).contains("no IP address"));
    }
}
