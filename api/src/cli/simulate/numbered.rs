//! Lines with their numbers.

use std::io::{BufRead, Read};

/// Longest record in bytes; a longer one is no log of requests.
const RECORD_MAX: usize = 1 << 20;
/// What spreadsheets and editors put before the first line.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads records, which are mostly lines, and numbers them by the line in which they begin, from 1.
pub(super) struct Numbered<R> {
    log: R,
    lines: u64,
    record: Vec<u8>,
}

impl<R: BufRead> Numbered<R> {
    pub(super) fn new(log: R) -> Self {
        Self { log, lines: 0, record: Vec::new() }
    }

    /// The next record that is not blank, without its line end; `None` at the end of the log. `is_whole` is shown
    /// each line of a record once, but no blank one between records, and lines are joined until it says that the
    /// record is whole.
    pub(super) fn next(
        &mut self,
        mut is_whole: impl FnMut(&[u8]) -> bool,
    ) -> Result<Option<(u64, &[u8])>, String> {
        loop {
            self.record.clear();
            let first = self.lines + 1;
            let mut seen = 0;
            while self.line(first)? {
                let line = &self.record[seen..];
                if (seen == 0 && line.trim_ascii().is_empty()) || is_whole(line) {
                    break;
                }
                seen = self.record.len();
            }
            if self.record.is_empty() {
                return Ok(None);
            }
            if !self.record.trim_ascii().is_empty() {
                return Ok(Some((first, self.record.trim_ascii())));
            }
        }
    }

    /// Adds a line to the record that begins with line `first`; false at the end of the log.
    fn line(&mut self, first: u64) -> Result<bool, String> {
        let room = RECORD_MAX.saturating_sub(self.record.len());
        let mut limited = self.log.by_ref().take(room as u64 + 1);
        let read = limited.read_until(b'\n', &mut self.record).map_err(|error| error.to_string())?;
        if self.record.len() > RECORD_MAX {
            return Err(format!("what begins at line {first} has more than {RECORD_MAX} bytes"));
        }
        if self.lines == 0 && self.record.starts_with(MARK) {
            self.record.drain(..MARK.len());
        }
        self.lines += u64::from(read > 0);
        Ok(read > 0)
    }
}
