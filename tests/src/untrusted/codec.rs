//! An event of the log, or a frame of them.

use super::world::{again, text};
use domain::log::{ChainHash, Frame, FrameBuilder, codec};
use serde_json::value::RawValue;
use serde_json::{Value, from_str};

/// What is read is written and read as the same, and says what was read; a frame is split where its events end.
pub fn codec(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    event(text);
    frame(text);
}

fn event(read: &str) {
    let Ok(entry) = codec::decode(read) else { return };
    assert_eq!(again(&entry), entry);
    let written: Value = from_str(&text(&entry)).expect("an event is JSON");
    let read: Value = from_str(read).expect("an event is JSON");
    // Of its data, defaults and spellings may differ; its envelope has one spelling, but for the case of digits.
    for member in ["n", "s", "v", "t", "sv", "at", "by", "id", "fp", "p"] {
        let [read, written] = [&read, &written].map(|event| event.get(member).map(Value::to_string));
        let same = match (&read, &written) {
            (Some(read), Some(written)) => read.eq_ignore_ascii_case(written),
            (None, None) => true,
            // An empty list of personal values is none.
            (Some(read), None) => member == "p" && read == "{}",
            (None, Some(_)) => false,
        };
        assert!(same, "{member}: {read:?} became {written:?}");
    }
}

/// Splits a text as a frame's: what it is split into, put together again, is a sound frame of the same events.
fn frame(text: &str) {
    let Ok(values) = from_str::<Vec<&RawValue>>(text) else { return };
    let values: Vec<&str> = values.iter().map(|value| value.get()).collect();
    let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
    let first = values.first().and_then(|value| codec::decode(value).ok()).map_or(1, |entry| entry.position);
    let previous = ChainHash([9; 32]);
    let last = values.iter().fold(previous, |hash, value| hash.next(value.as_bytes()));
    let stored = Frame::from_parts(first, count, previous, last, text.to_owned());
    let sound = stored.verify().is_ok();
    match stored.events() {
        Ok(events) => {
            let texts: Vec<&str> = events.map(|(_, text)| text).collect();
            assert_eq!(texts, values, "sound: {sound}");
            assert_eq!(texts, split(text), "sound: {sound}");
        }
        Err(error) => assert!(!sound, "{error}"),
    }
    if first == 0 || first.checked_add(u64::from(count)).is_none() {
        assert!(!sound, "no frame can begin at {first}");
        return;
    }
    assert_eq!(sound, count > 0 && split(text) == values && text.len() == length(&values), "{text}");
    build(first, (previous, last), &values);
}

/// Two brackets, and a comma between each two.
fn length(values: &[&str]) -> usize {
    values.iter().map(|value| value.len() + 1).sum::<usize>() + 1
}

/// The elements of a JSON array, found without a parser.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut escaped, mut start) = (0, false, false, 1);
    let mut found = Vec::new();
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'[' | b'{' => depth += 1,
            b',' if depth == 1 => {
                found.push(&text[start..place]);
                start = place + 1;
            }
            b']' if depth == 1 => found.push(&text[start..place]),
            b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    found
}

fn build(first: u64, (previous, last): (ChainHash, ChainHash), values: &[&str]) {
    let mut builder = FrameBuilder::open(first, previous);
    for value in values {
        builder.push(value);
    }
    let built = builder.finish();
    assert_eq!(built.is_some(), !values.is_empty());
    if let Some(built) = built {
        built.verify().expect("a frame that was built is sound");
        let texts: Vec<&str> = built.events().expect("a sound frame").map(|(_, text)| text).collect();
        assert_eq!((built.last(), &*texts), (last, values));
    }
}
