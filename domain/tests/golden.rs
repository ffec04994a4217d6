//! Frozen texts of every event type and schema version. A file here is never changed: what it holds is in
//! somebody's log. A new version of a type gets a new file, and the old one must go on being read.

use domain::event::Event;
use domain::log::ChainHash;
use domain::log::codec;
use serde_json::value::RawValue;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The chain over all texts, in the order of the files' names.
const CHAIN: &str = "19a9ed2ace795dcc1d1eced87a7e3dcc5bfa35510fe3c88b0aed4f195afa9eb6";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn file(kind: &str, version: u16) -> String {
    let mut name = String::new();
    for letter in kind.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    format!("{name}.v{version}.json")
}

/// The texts of a file, byte for byte.
fn texts(file: &str) -> Vec<String> {
    let content = std::fs::read_to_string(folder().join(file)).expect(file);
    let texts: Vec<Box<RawValue>> = serde_json::from_str(&content).expect(file);
    texts.iter().map(|text| text.get().to_owned()).collect()
}

fn encoded(text: &str) -> (String, &'static str) {
    let entry = codec::decode(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut bytes = Vec::new();
    codec::encode(&entry, &mut bytes).expect("encodes");
    (String::from_utf8(bytes).expect("text"), entry.event.kind())
}

#[test]
fn every_version_of_every_event_type_has_a_file_and_every_file_a_type() {
    let known =
        Event::TYPES.iter().flat_map(|(kind, newest)| (1..=*newest).map(|version| file(kind, version)));
    let known: BTreeSet<String> = known.collect();
    let files = std::fs::read_dir(folder()).expect("the folder");
    let files = files.map(|file| file.expect("a file").file_name().into_string().expect("a name"));
    assert_eq!(files.collect::<BTreeSet<_>>(), known);
}

#[test]
fn every_text_is_read_and_the_newest_version_is_written_byte_for_byte() {
    for (kind, newest) in Event::TYPES {
        for version in 1..=*newest {
            let texts = texts(&file(kind, version));
            assert!(texts.len() > 1, "{kind} needs a rich text and a minimal one");
            for text in texts {
                let (again, read) = encoded(&text);
                assert_eq!(read, *kind);
                assert!(version < *newest || again == text, "read\n{text}\nwritten\n{again}");
            }
        }
    }
}

#[test]
fn the_chain_over_all_texts_is_the_same_on_every_machine_and_in_every_release() {
    let mut files: Vec<_> = Event::TYPES.iter().map(|(kind, _)| file(kind, 1)).collect();
    files.sort();
    let texts = files.iter().flat_map(|file| texts(file));
    let chain = texts.fold(ChainHash::default(), |chain, text| chain.next(text.as_bytes()));
    assert_eq!(chain.to_string(), CHAIN);
}
