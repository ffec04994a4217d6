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
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
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
    #[error("position {position}: {kind} has schema version {found}; this release knows 1 to {known}")]
    Schema { position: Position, kind: String, found: u16, known: u16 },
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
        Stream::Client(_) | Stream::Catalogue | Stream::Book => {
            out.extend_from_slice(stream.to_string().as_bytes());
        }
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

/// Reads an entry's text, old schema versions through their upcasters.
///
/// One pass: the type stands before the data, so the data is read as what it is at once.
pub fn decode(text: &str) -> Result<Entry, CodecError> {
    let (mut why, mut from) = (None, serde_json::Deserializer::from_str(text));
    let read = from.deserialize_map(Envelope { why: &mut why }).and_then(|entry| from.end().map(|()| entry));
    read.map_err(|error| match why {
        Some(why) => why(error),
        None => CodecError::Envelope(error),
    })
}

/// What the reader's error means where it is not the envelope's.
type Why = Box<dyn FnOnce(serde_json::Error) -> CodecError>;

/// Reads the members in their canonical order; any other order is an error.
struct Envelope<'a> {
    why: &'a mut Option<Why>,
}

impl<'de> Visitor<'de> for Envelope<'_> {
    type Value = Entry;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Entry, A::Error> {
        let position = member(&mut map, "n")?;
        let stream = member(&mut map, "s")?;
        let version = member(&mut map, "v")?;
        let kind: &str = member(&mut map, "t")?;
        let schema = member(&mut map, "sv")?;
        let at = member(&mut map, "at")?;
        let Shared(actor) = member(&mut map, "by")?;
        let mut key: Option<&str> = map.next_key()?;
        let mut request = None;
        if key == Some("id") {
            request = Some(self.request(&mut map, position)?);
            key = map.next_key()?;
        }
        expect(key, "d")?;
        let event = self.event(&mut map, position, kind, schema)?;
        let personal = match map.next_key()? {
            None => Personal::new(),
            key => {
                expect(key, "p")?;
                map.next_value_seed(PersonalValues)?
            }
        };
        nothing_more(&mut map)?;
        Ok(Entry { position, stream, version, at, actor, request, event, personal })
    }
}

impl Envelope<'_> {
    fn request<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        position: Position,
    ) -> Result<RequestTag, A::Error> {
        let Shared(id) = map.next_value()?;
        let fingerprint: &str = member(map, "fp")?;
        // The parser of figures would also take a sign.
        let digits = Some(fingerprint).filter(|text| text.len() == 16 && !text.starts_with('+'));
        match digits.and_then(|text| u64::from_str_radix(text, 16).ok()) {
            Some(fingerprint) => Ok(RequestTag { id, fingerprint }),
            None => Err(self.refuse(CodecError::Fingerprint { position })),
        }
    }

    fn event<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
        position: Position,
        kind: &str,
        schema: u16,
    ) -> Result<Event, A::Error> {
        let known = Event::TYPES.iter().find(|(name, _)| *name == kind).map(|(_, newest)| *newest);
        let Some(known) = known else {
            return Err(self.refuse(CodecError::UnknownType { position, kind: kind.to_owned() }));
        };
        if !(1..=known).contains(&schema) {
            let kind = kind.to_owned();
            return Err(self.refuse(CodecError::Schema { position, kind, found: schema, known }));
        }
        // Every type is at its first version, so there is nothing to upcast yet. An upcaster turns the data of an
        // older version into the next one's here, one step at a time.
        map.next_value_seed(Data(kind)).inspect_err(|_| {
            let kind = kind.to_owned();
            *self.why = Some(Box::new(move |source| CodecError::Data { position, kind, source }));
        })
    }

    /// Ends the reading for a reason of its own.
    fn refuse<E: Error>(&mut self, reason: CodecError) -> E {
        *self.why = Some(Box::new(|_| reason));
        E::custom("refused")
    }
}

/// The value of the member that must come next.
fn member<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    map: &mut A,
    name: &'static str,
) -> Result<T, A::Error> {
    expect(map.next_key()?, name)?;
    map.next_value()
}

fn expect<E: Error>(found: Option<&str>, name: &'static str) -> Result<(), E> {
    match found {
        Some(found) if found == name => Ok(()),
        Some(found) => Err(E::custom(format_args!("member {found} in the place of {name}"))),
        None => Err(E::missing_field(name)),
    }
}

fn nothing_more<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    match map.next_key::<&str>()? {
        None => Ok(()),
        Some(found) => Err(A::Error::custom(format_args!("member {found} after the last"))),
    }
}

#[derive(Deserialize)]
struct Shared(#[serde(deserialize_with = "crate::reading::text")] Arc<str>);

/// The data of an event of this type.
struct Data<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for Data<'_> {
    type Value = Event;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Event, D::Error> {
        Event::read_data(self.0, from)
    }
}

struct PersonalValues;

impl<'de> DeserializeSeed<'de> for PersonalValues {
    type Value = Personal;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Personal, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PersonalValues {
    type Value = Personal;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("encrypted values by field")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Personal, A::Error> {
        let mut personal = Personal::new();
        while let Some((field, Shared(sealed))) = map.next_entry::<String, Shared>()? {
            let field = if field == "ip" { Cow::Borrowed("ip") } else { Cow::Owned(field) };
            personal.push((field, sealed));
        }
        Ok(personal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = concat!(
        r#"{"n":7,"s":"account-acme","v":2,"t":"PlanChanged","sv":1,"at":5,"by":"operator:ann","#,
        r#""id":"r","fp":"00000000000000ff","d":{"plan":"pro"},"p":{"ip":"sealed"}}"#
    );

    fn read(from: &str, to: &str) -> Result<Entry, CodecError> {
        assert!(TEXT.contains(from), "{from}");
        decode(&TEXT.replace(from, to))
    }

    #[test]
    fn a_canonical_text_is_read_and_written_again() {
        let entry = decode(TEXT).expect("an event");
        let mut again = Vec::new();
        encode(&entry, &mut again).expect("encoded");
        assert_eq!(String::from_utf8(again).expect("UTF-8"), TEXT);
        assert_eq!((entry.position, entry.request.map(|tag| tag.fingerprint)), (7, Some(255)));
    }

    #[test]
    fn another_order_other_members_or_more_text_is_no_event() {
        let cases = [
            (r#""v":2,"t":"PlanChanged""#, r#""t":"PlanChanged","v":2"#),
            (r#""sv":1,"#, ""),
            (r#","p":{"ip":"sealed"}"#, r#","q":1"#),
            (r#""sealed"}"#, r#""sealed"},"q":1"#),
            (r#""id":"r","#, ""),
            (r#""at":5"#, r#""at":-5"#),
            (r#""at":5"#, r#""at":253402207201000000"#),
            ("account-acme", "acme"),
            (r#"sealed"}}"#, r#"sealed"}} {}"#),
            (r#"sealed"}}"#, r#"sealed"}"#),
        ];
        for (from, to) in cases {
            assert!(matches!(read(from, to), Err(CodecError::Envelope(_))), "{to}");
        }
    }

    #[test]
    fn what_this_release_cannot_read_says_so_with_its_position() {
        let unknown = read("PlanChanged", "PlanLost");
        assert!(matches!(unknown, Err(CodecError::UnknownType { position: 7, kind }) if kind == "PlanLost"));
        for schema in [0, 2] {
            let other = read(r#""sv":1"#, &format!(r#""sv":{schema}"#));
            assert!(
                matches!(other, Err(CodecError::Schema { position: 7, found, known: 1, .. }) if found == schema)
            );
        }
        for data in [r#"{"plan":"p p"}"#, r#"{"plan":"pro","more":1}"#, "{}", r#""pro""#] {
            let found = read(r#"{"plan":"pro"}"#, data);
            assert!(matches!(found, Err(CodecError::Data { position: 7, .. })), "{data}");
        }
        for digits in ["ff", "00000000000000fg", "+0000000000000ff"] {
            let found = read("00000000000000ff", digits);
            assert!(matches!(found, Err(CodecError::Fingerprint { position: 7 })), "{digits}");
        }
    }
}
