//! Comma-separated values with a header line.

use super::columns::Columns;
use csv::{ByteRecord, StringRecord};
use std::borrow::Cow;

/// One record and the header that names its columns.
pub(super) struct CsvLine<'a> {
    pub(super) header: &'a StringRecord,
    pub(super) record: &'a ByteRecord,
}

impl Columns for CsvLine<'_> {
    fn column(&self, name: &str) -> Option<Cow<'_, str>> {
        let place = self.header.iter().position(|column| column == name)?;
        let value = self.record.get(place).filter(|value| !value.is_empty())?;
        Some(String::from_utf8_lossy(value))
    }
}
