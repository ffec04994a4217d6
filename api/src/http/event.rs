//! An event as readers of this API see it: full names, RFC 3339 times.

use domain::event::{Entry, Event};
use domain::time::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// An event as JSON.
#[derive(Serialize)]
pub(crate) struct EventView {
    position: u64,
    stream: String,
    version: u64,
    #[serde(rename = "type")]
    kind: &'static str,
    schema: u16,
    at: String,
    actor: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    data: Value,
    /// Names of the personal fields, with their clear values where the reader may see them and the key still exists.
    #[serde(skip_serializing_if = "Map::is_empty")]
    personal: Map<String, Value>,
}

impl EventView {
    /// Without personal values: only which ones there are.
    pub(crate) fn of(entry: &Entry) -> Self {
        Self::with(entry, |_| None)
    }

    /// With the personal values that `open` can read.
    pub(crate) fn with(entry: &Entry, open: impl Fn(&str) -> Option<String>) -> Self {
        let personal = entry.personal.iter();
        let personal = personal
            .map(|(field, sealed)| (field.to_string(), open(sealed).map_or(Value::Null, Value::from)));
        Self {
            position: entry.position,
            stream: entry.stream.to_string(),
            version: entry.version,
            kind: entry.event.kind(),
            schema: entry.event.schema(),
            at: entry.at.to_string(),
            actor: entry.actor.to_string(),
            request_id: entry.request.as_ref().map(|tag| tag.id.to_string()),
            data: data(&entry.event),
            personal: personal.collect(),
        }
    }
}

/// What the event says. Amounts stay decimal strings; instants, balances, limits and versions get their names.
fn data(event: &Event) -> Value {
    // Externally tagged: one member, whose name is the type's.
    let Ok(Value::Object(tagged)) = serde_json::to_value(event) else { return Value::Null };
    let mut data = tagged.into_iter().next().map_or(Value::Null, |(_, data)| data);
    // What a policy or a price list says is shown as it was published.
    let published = matches!(event, Event::PolicyPublished(_) | Event::PricesPublished(_));
    if let Value::Object(members) = &mut data {
        for (name, value) in members.iter_mut().filter(|(name, _)| !published || !is_content(name)) {
            plain(name, value);
        }
    }
    data
}

fn is_content(name: &str) -> bool {
    name == "policy" || name == "prices"
}

/// Members that hold instants in microseconds.
const INSTANTS: [&str; 15] = [
    "at",
    "due",
    "effective",
    "expires",
    "from",
    "opened",
    "renewed_until",
    "reported",
    "retry_at",
    "since",
    "suspected",
    "to",
    "until",
    "opened_from",
    "issued",
];

fn plain(name: &str, value: &mut Value) {
    match value {
        Value::Number(micros) if INSTANTS.contains(&name) => {
            let instant = micros.as_i64().map(|micros| Timestamp::from_micros(micros).to_string());
            *value = instant.map_or(Value::Null, Value::from);
        }
        Value::Object(members) => members.iter_mut().for_each(|(name, value)| plain(name, value)),
        Value::Array(parts) => match (name, parts.as_slice()) {
            ("balance", [available, held]) => *value = json!({"available": available, "held": held}),
            ("under", [policy, prices]) => *value = json!({"policy": policy, "prices": prices}),
            ("limits", _) => parts.iter_mut().for_each(limit),
            _ => parts.iter_mut().for_each(|part| plain("", part)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn limit(value: &mut Value) {
    let Value::Array(parts) = value else { return };
    let [name, limit, remaining, resets] = parts.as_slice() else { return };
    let resets = resets.as_i64().map(Timestamp::from_micros).filter(|resets| *resets < Timestamp::FAR);
    let resets = resets.map(|resets| resets.to_string());
    *value = json!({"name": name, "limit": limit, "remaining": remaining, "resets_at": resets});
}
