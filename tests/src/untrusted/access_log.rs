//! Past traffic, in each format.

use api::cli::LogReader;
use domain::policy::Policy;
use std::sync::LazyLock;

const POLICY: &str = r#"
name = "p"
title = "P"
callers = { anonymous = true }
attributes = { chars = "number", note = "label" }
"#;

/// Every record is a request or is counted as none.
pub fn access_log(bytes: &[u8]) {
    static READERS: LazyLock<Vec<(&str, LogReader)>> = LazyLock::new(readers);
    for (format, reader) in &*READERS {
        match reader.count(bytes) {
            Ok((requests, unreadable)) => {
                let records = if *format == "csv" { records(bytes) } else { lines(bytes) };
                assert_eq!(requests + unreadable, records, "{format}");
            }
            // Only a header can lack what is needed.
            Err(error) => assert!(*format == "csv", "{error}"),
        }
    }
}

/// Each format as it stands, with columns mapped, and with fields that the log does not tell.
fn readers() -> Vec<(&'static str, LogReader)> {
    let policy = Policy::from_toml(POLICY).expect("a policy");
    let mapped = ["--map", "chars=chars", "--map", "note=note", "--map", "outcome=status"];
    let set = ["--set", "account=acme", "--set", "endpoint=/"];
    let formats = [("combined", &mapped[4..]), ("jsonl", &mapped), ("csv", &mapped)];
    let each =
        formats.into_iter().flat_map(|(format, mapped)| [&[], mapped, &set].map(|options| (format, options)));
    each.map(|(format, options)| {
        (format, LogReader::new(format, options, &policy).expect("options that fit"))
    })
    .collect()
}

fn unmarked(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)
}

fn lines(bytes: &[u8]) -> u64 {
    let lines = unmarked(bytes).split(|byte| *byte == b'\n');
    lines.filter(|line| !line.trim_ascii().is_empty()).count() as u64
}

/// Records after the header, by a reader that sees the whole log at once.
fn records(bytes: &[u8]) -> u64 {
    // With an empty line before it a second mark is no mark any more, but part of a value.
    let bytes = [b"\n", unmarked(bytes)].concat();
    let mut builder = csv::ReaderBuilder::new();
    builder.has_headers(false).flexible(true).terminator(csv::Terminator::Any(b'\n'));
    let mut reader = builder.from_reader(&*bytes);
    let starts: Vec<usize> = reader
        .byte_records()
        .map(|record| record.expect("bytes are always records"))
        .map(|record| record.position().map_or(0, csv::Position::byte))
        .map(|byte| usize::try_from(byte).expect("the log is in memory"))
        .collect();
    let ends = starts.iter().skip(1).copied().chain([bytes.len()]);
    let texts = starts.iter().zip(ends).map(|(start, end)| bytes[*start..end].trim_ascii());
    (texts.filter(|text| !text.is_empty()).count() as u64).saturating_sub(1)
}
