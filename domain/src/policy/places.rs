//! Where in a policy's text each field stands.
//!
//! A field's path is written as `limits[2].figures[0].plans`: the names of tables joined by dots, with
//! the index (from 0) of an array's element.

use std::collections::BTreeMap;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// The places of all fields of one text.
pub(super) struct Places<'a> {
    text: &'a str,
    spans: BTreeMap<String, Range<usize>>,
}

/// The path of a member of the table at `path`.
pub(super) fn member(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The path of an element of the array at `path`.
pub(super) fn element(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

impl<'a> Places<'a> {
    pub(super) fn new(text: &'a str, root: &DeTable<'_>) -> Self {
        let mut places = Self { text, spans: BTreeMap::new() };
        places.table("", root);
        places
    }

    fn table(&mut self, path: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let (name, whole) = (key.span(), value.span());
            let span = name.start.min(whole.start)..name.end.max(whole.end);
            let path = member(path, key.get_ref());
            self.value(&path, value.get_ref());
            self.spans.insert(path, span);
        }
    }

    fn value(&mut self, path: &str, value: &DeValue<'_>) {
        if let Some(table) = value.as_table() {
            self.table(path, table);
        }
        for (index, value) in value.as_array().into_iter().flat_map(|array| array.iter().enumerate()) {
            let path = element(path, index);
            self.value(&path, value.get_ref());
            self.spans.insert(path, value.span());
        }
    }

    /// Line and column of a field, or of what would contain it when the text does not have it.
    pub(super) fn of(&self, path: &str) -> (usize, usize) {
        let mut path = path;
        loop {
            if let Some(span) = self.spans.get(path) {
                return position(self.text, span.start);
            }
            match path.rfind(['.', '[']) {
                Some(cut) => path = &path[..cut],
                None => return (1, 1),
            }
        }
    }

    /// The path of the smallest field that covers a span of the text.
    pub(super) fn path(&self, span: &Range<usize>) -> String {
        let covers = |whole: &Range<usize>| whole.start <= span.start && span.end <= whole.end;
        let smallest = self.spans.iter().filter(|(_, whole)| covers(whole));
        let smallest = smallest.min_by_key(|(path, whole)| (whole.len(), usize::MAX - path.len()));
        smallest.map(|(path, _)| path.clone()).unwrap_or_default()
    }
}

/// Line and column (in characters), both from 1, of a byte of the text.
pub(super) fn position(text: &str, byte: usize) -> (usize, usize) {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    let before = &text[..byte];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
