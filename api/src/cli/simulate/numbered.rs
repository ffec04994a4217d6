//! Lines with their numbers.

use std::io::{BufRead, Read};

/// Longest record in bytes; a longer one is no log of requests.
const RECORD_MAX: usize = 1 << 20;

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

    /// The next record that is not blank, without its line end; `None` at the end of the log. Lines are joined
    /// until `is_whole` says that the record is.
    pub(super) fn next(&mut self, is_whole: impl Fn(&[u8]) -> bool) -> Result<Option<(u64, &[u8])>, String> {
        loop {
            self.record.clear();
            let first = self.lines + 1;
            let mut more = self.line()?;
            if !more {
                return Ok(None);
            }
            while more && !is_whole(&self.record) {
                more = self.line()?;
            }
            if !self.record.trim_ascii().is_empty() {
                return Ok(Some((first, self.record.trim_ascii())));
            }
        }
    }

    /// Adds a line to the record; false at the end of the log.
    fn line(&mut self) -> Result<bool, String> {
        let room = RECORD_MAX.saturating_sub(self.record.len());
        let mut limited = self.log.by_ref().take(room as u64 + 1);
        let read = limited.read_until(b'\n', &mut self.record).map_err(|error| error.to_string())?;
        if self.record.len() > RECORD_MAX {
            return Err(format!("what begins at line {} has more than {RECORD_MAX} bytes", self.lines + 1));
        }
        self.lines += u64::from(read > 0);
        Ok(read > 0)
    }
}
