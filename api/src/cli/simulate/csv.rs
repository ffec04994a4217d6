//! Comma-separated values with a header line.

use super::columns::Columns;
use csv::{ByteRecord, ReaderBuilder};
use std::borrow::Cow;

/// One record and the header that names its columns.
pub(super) struct CsvLine<'a> {
    header: &'a [&'a str],
    record: ByteRecord,
}

impl<'a> CsvLine<'a> {
    pub(super) fn read(header: &'a [&'a str], line: &[u8]) -> Result<Self, String> {
        let record = record(line)?;
        if record.len() != header.len() {
            return Err(format!("{} values stand under {} columns", record.len(), header.len()));
        }
        Ok(Self { header, record })
    }
}

impl Columns for CsvLine<'_> {
    fn column(&self, name: &str) -> Option<Cow<'_, str>> {
        let place = self.header.iter().position(|column| *column == name)?;
        let value = self.record.get(place).filter(|value| !value.is_empty())?;
        Some(String::from_utf8_lossy(value))
    }
}

/// The names of the columns.
pub(super) fn header(line: &[u8]) -> Result<Vec<String>, String> {
    // Spreadsheets put a mark before the first name.
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    let names = record(line)?;
    Ok(names.iter().map(|name| String::from_utf8_lossy(name).trim().to_owned()).collect())
}

/// Whether a text has all the quotes that it opened, so that it does not go on in the next line.
pub(super) fn is_whole(text: &[u8]) -> bool {
    !text.iter().fold(false, |open, byte| open ^ (*byte == b'"'))
}

fn record(line: &[u8]) -> Result<ByteRecord, String> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).buffer_capacity(line.len().max(16)).from_reader(line);
    let mut record = ByteRecord::new();
    reader.read_byte_record(&mut record).map_err(|error| error.to_string())?;
    Ok(record)
}
