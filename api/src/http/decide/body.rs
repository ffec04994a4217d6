//! The body of a decision: borrowed from the request's bytes, checked field by field.

use super::super::edge::Edge;
use super::super::error::Problem;
use super::super::ports::KeyMaker;
use super::super::text;
use crate::config::Cidr;
use domain::command::{Action, Ask, Attributes, Caller, Command, Hidden, Item, Value};
use domain::event::RequestTag;
use domain::ids::Name;
use domain::pricing::Outcome;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Most attributes of a request or an item.
const ATTRIBUTES_MAX: usize = 32;
/// Most items of a request, whatever the policy says.
const ITEMS_MAX: usize = 1_000;
/// Most units of a request, whatever the policy says.
const UNITS_MAX: u32 = 1_000_000;
/// Longest API key, end user or body hash, in bytes.
const SHORT_MAX: usize = 256;

/// What a gateway asks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskBody<'a> {
    #[serde(borrow)]
    request_id: Text<'a>,
    #[serde(borrow, default)]
    key: Option<Text<'a>>,
    #[serde(borrow, default)]
    account: Option<Text<'a>>,
    #[serde(borrow, default)]
    ip: Option<Text<'a>>,
    /// The `X-Forwarded-For` that came with the request; believed as far as trusted proxies made it.
    #[serde(borrow, default)]
    forwarded_for: Option<Text<'a>>,
    #[serde(borrow)]
    endpoint: Text<'a>,
    #[serde(borrow, default)]
    method: Option<Text<'a>>,
    #[serde(borrow, default)]
    channel: Option<Text<'a>>,
    #[serde(borrow, default)]
    end_user: Option<Text<'a>>,
    #[serde(borrow, default)]
    body_hash: Option<Text<'a>>,
    #[serde(borrow, default)]
    attributes: Pairs<'a>,
    #[serde(default)]
    units: Option<u32>,
    #[serde(borrow, default)]
    items: Vec<ItemBody<'a>>,
    #[serde(default)]
    settle: When,
    #[serde(default)]
    outcome: Option<Outcome>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemBody<'a> {
    #[serde(borrow, default)]
    endpoint: Option<Text<'a>>,
    #[serde(borrow, default)]
    attributes: Pairs<'a>,
}

/// When the outcome of a request is told.
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum When {
    /// By a later call of `…/settle`.
    #[default]
    Later,
    /// With the decision itself.
    Now,
}

/// What a gateway's request is turned into a command with.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) edge: &'a Edge,
    pub(crate) proxies: &'a [Cidr],
    pub(crate) keys: &'a dyn KeyMaker,
}

impl AskBody<'_> {
    /// The command that asks this. `raw` is the body as it came: what a repeat must repeat.
    pub(crate) fn command(
        self,
        actor: Arc<str>,
        raw: &[u8],
        setting: Setting<'_>,
    ) -> Result<Command, Problem> {
        text::request_id("request_id", &self.request_id)?;
        let fingerprint = setting.edge.fingerprint([raw]);
        let request = Some(RequestTag { id: (*self.request_id).into(), fingerprint });
        Ok(Command { actor, request, action: Action::Request(Box::new(self.ask(setting)?)) })
    }

    fn ask(self, setting: Setting<'_>) -> Result<Ask, Problem> {
        let edge = setting.edge;
        let settle = self.settle()?;
        self.check_method()?;
        Ok(Ask {
            caller: self.caller(setting)?,
            ip: self.address(setting)?.map(|ip| edge.ip(ip)).transpose()?,
            endpoint: text::endpoint("endpoint", &self.endpoint)?.into(),
            channel: text::names("channel", self.channel.as_deref())?,
            end_user: self.end_user.as_ref().map(|user| personal(edge, "end_user", user)).transpose()?,
            body: self
                .body_hash
                .as_ref()
                .map(|hash| short("body_hash", hash).map(|hash| edge.digest(hash)))
                .transpose()?,
            units: self.units()?,
            attributes: self.attributes.read("attributes", edge)?,
            items: items(self.items, edge)?,
            settle,
        })
    }

    fn caller(&self, setting: Setting<'_>) -> Result<Caller, Problem> {
        match (&self.key, &self.account) {
            (Some(_), Some(_)) => Err(Problem::invalid("account", "cannot be given together with key")),
            (Some(key), None) => Ok(Caller::Key(setting.keys.digest(short("key", key)?))),
            (None, Some(account)) => text::name("account", account).map(Caller::Account),
            (None, None) => Ok(Caller::Anonymous),
        }
    }

    fn address(&self, setting: Setting<'_>) -> Result<Option<IpAddr>, Problem> {
        let Some(ip) = self.ip.as_deref() else {
            let lone = self.forwarded_for.is_some();
            return if lone {
                Err(Problem::invalid("forwarded_for", "needs ip, the peer's address"))
            } else {
                Ok(None)
            };
        };
        let peer = text::ip("ip", ip)?;
        let forwarded = self.forwarded_for.as_deref();
        Ok(Some(super::super::client::client(peer, forwarded.into_iter(), setting.proxies)))
    }

    fn settle(&self) -> Result<Option<Outcome>, Problem> {
        match (self.settle, self.outcome) {
            (When::Now, outcome) => Ok(Some(outcome.unwrap_or(Outcome::Succeeded))),
            (When::Later, None) => Ok(None),
            (When::Later, Some(_)) => {
                Err(Problem::invalid("outcome", "is only known with `settle: \"now\"`"))
            }
        }
    }

    fn units(&self) -> Result<u32, Problem> {
        match self.units {
            Some(_) if !self.items.is_empty() => {
                Err(Problem::invalid("units", "cannot be given together with items"))
            }
            Some(units) if units == 0 || units > UNITS_MAX => {
                Err(Problem::invalid("units", "must be 1 to 1000000"))
            }
            Some(units) => Ok(units),
            None => Ok(1),
        }
    }

    fn check_method(&self) -> Result<(), Problem> {
        let token = |text: &str| {
            (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphabetic())
        };
        match self.method.as_deref() {
            Some(method) if !token(method) => {
                Err(Problem::invalid("method", "must be an HTTP method, such as POST"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

fn items(bodies: Vec<ItemBody<'_>>, edge: &Edge) -> Result<Vec<Item>, Problem> {
    if bodies.len() > ITEMS_MAX {
        return Err(Problem::invalid("items", "may be at most 1000"));
    }
    bodies.into_iter().enumerate().map(|(place, body)| item(place, body, edge)).collect()
}

fn item(place: usize, body: ItemBody<'_>, edge: &Edge) -> Result<Item, Problem> {
    let endpoint = match body.endpoint.as_deref() {
        Some(endpoint) => Some(text::endpoint(&format!("items[{place}].endpoint"), endpoint)?.into()),
        None => None,
    };
    Ok(Item { endpoint, attributes: body.attributes.read(&format!("items[{place}].attributes"), edge)? })
}

fn short<'t>(field: &str, text: &'t str) -> Result<&'t str, Problem> {
    text::plain(field, text, SHORT_MAX)?;
    Ok(text)
}

fn personal(edge: &Edge, field: &str, text: &str) -> Result<Hidden, Problem> {
    edge.hide(short(field, text)?)
}

/// Attributes in the order in which they came, values as they were written: a figure keeps every digit.
#[derive(Default)]
pub(crate) struct Pairs<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl Pairs<'_> {
    /// The attributes sorted by name.
    pub(crate) fn read(self, field: &str, edge: &Edge) -> Result<Attributes, Problem> {
        if self.0.len() > ATTRIBUTES_MAX {
            return Err(Problem::invalid(field, "may be at most 32"));
        }
        let mut attributes = Attributes::with_capacity(self.0.len());
        for (name, raw) in &self.0 {
            let name = attribute_name(field, name)?;
            let value = value(raw.get(), edge).map_err(|error| error.at(field, &name))?;
            attributes.push((name, value));
        }
        attributes.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        match attributes.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(twice) => Err(Problem::invalid(format!("{field}.{}", twice[0].0), "is given twice")),
            None => Ok(attributes),
        }
    }
}

fn attribute_name(field: &str, name: &str) -> Result<Name, Problem> {
    name.parse().map_err(|error| Problem::invalid(field, format_args!("has a name that {error}")))
}

/// Why an attribute is refused.
enum Wrong {
    Here(&'static str),
    Problem(Problem),
}

impl Wrong {
    fn at(self, field: &str, name: &Name) -> Problem {
        match self {
            Self::Here(what) => Problem::invalid(format!("{field}.{name}"), what),
            Self::Problem(problem) => problem,
        }
    }
}

fn value(raw: &str, edge: &Edge) -> Result<Value, Wrong> {
    match raw.as_bytes().first() {
        Some(b'"') => {
            let text: Text<'_> =
                serde_json::from_str(raw).map_err(|_| Wrong::Here("must be a number or a text"))?;
            if text.len() > text::TEXT_MAX {
                return Err(Wrong::Here("may have at most 1024 bytes"));
            }
            let hidden = edge.hide(&text).map_err(Wrong::Problem)?;
            Ok(Value::Text { clear: (*text).into(), hidden })
        }
        Some(b'0'..=b'9' | b'-') => match text::decimal("", raw) {
            Ok(figure) if figure.is_sign_negative() && !figure.is_zero() => {
                Err(Wrong::Here("must not be negative"))
            }
            Ok(figure) => Ok(Value::Number(figure)),
            Err(_) => Err(Wrong::Here("must be a plain decimal number of at most 28 digits")),
        },
        _ => Err(Wrong::Here("must be a number or a text")),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Pairs<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("an object of numbers and texts")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        from.deserialize_map(Object)
    }
}

/// A text, borrowed unless it had escapes.
pub(crate) struct Text<'a>(Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Borrowing;
        impl<'de> Visitor<'de> for Borrowing {
            type Value = Text<'de>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Borrowing)
    }
}
