//! Comma-separated values with a header line.

use super::columns::Columns;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder, Terminator};
use std::borrow::Cow;

/// One record and the header that names its columns.
pub(super) struct CsvLine<'a> {
    header: &'a [&'a str],
    values: Values<'a>,
}

impl<'a> CsvLine<'a> {
    pub(super) fn read(
        header: &'a [&'a str],
        records: &'a mut Records,
        record: &[u8],
    ) -> Result<Self, String> {
        let values = records.values(record);
        if values.ends.len() != header.len() {
            return Err(format!("{} values stand under {} columns", values.ends.len(), header.len()));
        }
        Ok(Self { header, values })
    }
}

impl Columns for CsvLine<'_> {
    fn column(&self, name: &str) -> Option<Cow<'_, str>> {
        let place = self.header.iter().position(|column| *column == name)?;
        let value = self.values.iter().nth(place).filter(|value| !value.is_empty())?;
        Some(String::from_utf8_lossy(value))
    }
}

/// Finds the ends of records, and the values in them. One for a whole log: to make a reader takes longer than to read
/// a record.
pub(super) struct Records {
    reader: Reader,
    text: Vec<u8>,
    ends: Vec<usize>,
}

/// The values of one record: their text, and where in it each ends.
struct Values<'a> {
    text: &'a [u8],
    ends: &'a [usize],
}

impl Values<'_> {
    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(&0).chain(self.ends);
        starts.zip(self.ends).map(|(start, end)| &self.text[*start..*end])
    }
}

impl Records {
    pub(super) fn new() -> Self {
        // A carriage return inside a line is part of a value; it must not hide what follows.
        let reader = ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build();
        let mut records = Self { reader, text: Vec::new(), ends: Vec::new() };
        records.begin();
        records
    }

    /// Goes on to the end of a line that is not blank; whether the record ends there. Only a quote with which a value
    /// begins opens one that may go on in the next line: `5" pipe` does not.
    pub(super) fn end_with(&mut self, line: &[u8]) -> bool {
        self.read(line).0
    }

    /// The names of the columns.
    pub(super) fn header(&mut self, record: &[u8]) -> Vec<String> {
        let names = self.values(record);
        names.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect()
    }

    /// The values of a whole record without its line end.
    fn values(&mut self, record: &[u8]) -> Values<'_> {
        self.begin();
        let (_, bytes, values) = self.read(record);
        // No bytes are the end of a log, and so of the last value.
        let (_, _, _, last) = self.reader.read_record(&[], &mut [], &mut self.ends[values..]);
        self.begin();
        Values { text: &self.text[..bytes], ends: &self.ends[..values + last] }
    }

    /// Gives bytes to the reader: whether they end a record, how many bytes its values have, and how many of them
    /// have ended.
    fn read(&mut self, bytes: &[u8]) -> (bool, usize, usize) {
        let room = bytes.len() + 2;
        if self.text.len() < room {
            self.text.resize(room, 0);
            self.ends.resize(room, 0);
        }
        let (result, _, bytes, values) = self.reader.read_record(bytes, &mut self.text, &mut self.ends);
        (result == ReadRecordResult::Record, bytes, values)
    }

    /// Sets the reader before a record. It looks for a byte order mark in the first bytes that it is given, and a
    /// log has none in its middle: those bytes are an empty line, which it skips.
    fn begin(&mut self) {
        self.reader.reset();
        let _ = self.reader.read_record(b"\n", &mut [0], &mut [0]);
    }
}
