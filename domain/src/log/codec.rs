//! The one translation between an event in memory and its text in the log.
//!
//! The text is canonical: members in a fixed order, terse names, no spaces; its bytes are what the chain
//! hashes. The SQL views give the members their full names.
//!
//! | member | |
//! | --- | --- |
//! | `n` | position |
//! | `s` | stream |
//! | `v` | version of the stream |
//! | `t` | type |
//! | `sv` | schema version of the type |
//! | `at` | microseconds since 1970-01-01T00:00:00Z |
//! | `by` | actor |
//! | `id`, `fp` | request id and fingerprint, on the first event of a command that had one |
//! | `d` | the event |
//! | `p` | encrypted personal values, if any |

use crate::event::{Entry, Event, Personal, RequestTag, Stream};
use crate::ids::Position;
use crate::time::Timestamp;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::io::Write;
use std::sync::Arc;

/// Why a text of the log is no event of this release.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("the event cannot be written")]
    Write(#[from] serde_json::Error),
    #[error("the text is no event")]
    Envelope(#[source] serde_json::Error),
    #[error("position {position}: {kind} is no event type of this release")]
    UnknownType { position: Position, kind: String },
    #[error("position {position}: {kind} has schema version {found}, newer than {known}")]
    NewerSchema { position: Position, kind: String, found: u16, known: u16 },
    #[error("position {position}: the data of {kind} cannot be read")]
    Data {
        position: Position,
        kind: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("position {position}: the request's fingerprint is not 16 hexadecimal digits")]
    Fingerprint { position: Position },
}

/// Appends an entry's canonical text.
pub fn encode(entry: &Entry, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let (kind, schema) = (entry.event.kind(), entry.event.schema());
    number(out, r#"{"n":"#, entry.position);
    out.extend_from_slice(br#","s":""#);
    stream(out, &entry.stream);
    number(out, r#"","v":"#, entry.version);
    out.extend_from_slice(br#","t":""#);
    out.extend_from_slice(kind.as_bytes());
    number(out, r#"","sv":"#, u64::from(schema));
    number(out, r#","at":"#, entry.at.micros().unsigned_abs());
    out.extend_from_slice(br#","by":"#);
    serde_json::to_writer(&mut *out, &*entry.actor)?;
    if let Some(tag) = &entry.request {
        out.extend_from_slice(br#","id":"#);
        serde_json::to_writer(&mut *out, &*tag.id)?;
        write!(out, r#","fp":"{:016x}""#, tag.fingerprint).map_err(serde_json::Error::io)?;
    }
    out.extend_from_slice(br#","d":"#);
    entry.event.write_data(out)?;
    personal(out, &entry.personal)?;
    out.push(b'}');
    Ok(())
}

fn number(out: &mut Vec<u8>, before: &str, number: u64) {
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Names and digests need no escaping.
fn stream(out: &mut Vec<u8>, stream: &Stream) {
    match stream {
        Stream::Account(name) => {
            out.extend_from_slice(b"account-");
            out.extend_from_slice(name.as_str().as_bytes());
        }
        Stream::Client(_) | Stream::Catalogue => out.extend_from_slice(stream.to_string().as_bytes()),
    }
}

fn personal(out: &mut Vec<u8>, personal: &Personal) -> Result<(), serde_json::Error> {
    for (place, (field, sealed)) in personal.iter().enumerate() {
        out.extend_from_slice(if place == 0 { br#","p":{"# } else { b"," });
        serde_json::to_writer(&mut *out, field)?;
        out.push(b':');
        serde_json::to_writer(&mut *out, &**sealed)?;
    }
    if !personal.is_empty() {
        out.push(b'}');
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope<'a> {
    n: Position,
    #[serde(borrow)]
    s: Cow<'a, str>,
    v: u64,
    #[serde(borrow)]
    t: Cow<'a, str>,
    sv: u16,
    at: Timestamp,
    by: Arc<str>,
    #[serde(default)]
    id: Option<Arc<str>>,
    #[serde(borrow, default)]
    fp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    d: &'a RawValue,
    #[serde(default, deserialize_with = "personal_values")]
    p: Personal,
}

/// Reads an entry's text, old schema versions through their upcasters.
pub fn decode(text: &str) -> Result<Entry, CodecError> {
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(CodecError::Envelope)?;
    let position = envelope.n;
    let stream: Stream =
        envelope.s.parse().map_err(|error| CodecError::Envelope(serde::de::Error::custom(error)))?;
    let event = event(position, &envelope.t, envelope.sv, envelope.d.get())?;
    let request = request(position, envelope.id, envelope.fp)?;
    let Envelope { v: version, at, by: actor, p: personal, .. } = envelope;
    Ok(Entry { position, stream, version, at, actor, request, event, personal })
}

fn event(position: Position, kind: &str, schema: u16, data: &str) -> Result<Event, CodecError> {
    let known = Event::TYPES.iter().find(|(name, _)| *name == kind).map(|(_, newest)| *newest);
    let known = known.ok_or_else(|| CodecError::UnknownType { position, kind: kind.to_owned() })?;
    if schema > known {
        return Err(CodecError::NewerSchema { position, kind: kind.to_owned(), found: schema, known });
    }
    // Every type is at its first version, so there is nothing to upcast yet. An upcaster turns the data of an
    // older version into the next one's here, one step at a time.
    let read = Event::read_data(kind, data);
    let read = read.ok_or_else(|| CodecError::UnknownType { position, kind: kind.to_owned() })?;
    read.map_err(|source| CodecError::Data { position, kind: kind.to_owned(), source })
}

fn request(
    position: Position,
    id: Option<Arc<str>>,
    fingerprint: Option<Cow<'_, str>>,
) -> Result<Option<RequestTag>, CodecError> {
    let Some(id) = id else { return Ok(None) };
    let fingerprint = fingerprint.filter(|text| text.len() == 16);
    let fingerprint = fingerprint.and_then(|text| u64::from_str_radix(&text, 16).ok());
    let fingerprint = fingerprint.ok_or(CodecError::Fingerprint { position })?;
    Ok(Some(RequestTag { id, fingerprint }))
}

fn personal_values<'de, D: Deserializer<'de>>(from: D) -> Result<Personal, D::Error> {
    struct Fields;
    impl<'de> Visitor<'de> for Fields {
        type Value = Personal;
        fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
            out.write_str("encrypted values by field")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Personal, A::Error> {
            let mut personal = Personal::new();
            while let Some((field, sealed)) = map.next_entry::<String, Arc<str>>()? {
                let field = if field == "ip" { Cow::Borrowed("ip") } else { Cow::Owned(field) };
                personal.push((field, sealed));
            }
            Ok(personal)
        }
    }
    from.deserialize_map(Fields)
}
