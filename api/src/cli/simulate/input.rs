//! All lines of a log, in order of time.

use super::args::Format;
use super::combined::AccessLine;
use super::csv::CsvLine;
use super::jsonl::JsonLine;
use super::line::Line;
use super::mapping::{Mapping, known_columns};
use indicatif::ProgressBar;
use std::io::{BufRead, Read};

/// Most unreadable lines that are named one by one.
const NAMED_MAX: usize = 10;
/// Longest line in bytes; a longer one is no log of requests.
const LINE_MAX: u64 = 1 << 20;

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
        mut log: impl BufRead,
        bar: &ProgressBar,
        read: impl Fn(u64, &[u8]) -> Result<Line, String>,
    ) -> Result<(), String> {
        let mut bytes = Vec::new();
        for n in 1.. {
            bytes.clear();
            let length = log.by_ref().take(LINE_MAX).read_until(b'\n', &mut bytes).map_err(|error| error.to_string())?;
            if length == 0 {
                break;
            }
            if bytes.len() as u64 == LINE_MAX && bytes.last() != Some(&b'\n') {
                return Err(format!("line {n} has more than {LINE_MAX} bytes: this is no log of requests"));
            }
            bar.inc(1);
            let line = bytes.trim_ascii();
            if !line.is_empty() {
                self.add(n, read(n, line));
            }
        }
        Ok(())
    }

    fn read_csv(&mut self, log: impl BufRead, mapping: &Mapping, bar: &ProgressBar) -> Result<(), String> {
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(log);
        let header = reader.headers().map_err(|error| error.to_string())?.clone();
        let header: csv::StringRecord = header.iter().map(|column| column.trim_start_matches('\u{feff}').trim()).collect();
        mapping.fits(&header.iter().collect::<Vec<_>>())?;
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(|error| error.to_string())? {
            bar.inc(1);
            let n = record.position().map_or(0, csv::Position::line);
            let line = if record.len() == header.len() {
                Line::read(n, &CsvLine { header: &header, record: &record }, mapping)
            } else {
                Err(format!("{} values stand under {} columns", record.len(), header.len()))
            };
            self.add(n, line);
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
