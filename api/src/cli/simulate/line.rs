//! One request of the past, read from a line.

use super::columns::Columns;
use super::instant;
use super::mapping::Mapping;
use domain::ids::Name;
use domain::policy::AttributeKind;
use domain::pricing::Outcome;
use domain::time::Timestamp;
use rust_decimal::Decimal;
use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

/// Longest endpoint in bytes: what the HTTP API takes.
const ENDPOINT_MAX: usize = 1_024;

/// One request of the past.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Line {
    /// From 1.
    pub(super) n: u64,
    pub(super) at: Timestamp,
    pub(super) ip: Option<IpAddr>,
    pub(super) account: Option<Name>,
    pub(super) key: Option<Arc<str>>,
    /// Without query.
    pub(super) endpoint: Arc<str>,
    pub(super) channel: Option<Name>,
    pub(super) end_user: Option<Arc<str>>,
    pub(super) units: u32,
    pub(super) outcome: Outcome,
    /// Sorted by name.
    pub(super) attributes: Vec<(Name, Told)>,
}

/// The value of an attribute.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Told {
    Number(Decimal),
    Text(Arc<str>),
}

impl Line {
    /// Reads line number `n`, or says why it cannot be read.
    pub(super) fn read(n: u64, columns: &dyn Columns, mapping: &Mapping) -> Result<Self, String> {
        let text = |field| mapping.text(field, columns);
        let at = text("at").ok_or("there is no time")?;
        let endpoint = text("endpoint").ok_or("there is no endpoint")?;
        let line = Self {
            n,
            at: instant::read(&at)?,
            ip: text("ip").map(|text| address(&text)).transpose()?,
            account: text("account").map(|text| parsed("account", &text)).transpose()?,
            key: text("key").map(|text| text.as_ref().into()),
            endpoint: path(&endpoint)?.into(),
            channel: text("channel").map(|text| parsed("channel", &text)).transpose()?,
            end_user: text("end_user").map(|text| text.as_ref().into()),
            units: text("units").map_or(Ok(1), |text| units(&text))?,
            outcome: text("outcome").map_or(Ok(Outcome::Succeeded), |text| outcome(&text))?,
            attributes: attributes(columns, mapping)?,
        };
        if line.ip.is_none() && line.account.is_none() && line.key.is_none() {
            return Err("there is neither ip nor account nor key".to_owned());
        }
        Ok(line)
    }
}

/// Checks a text that every line will have as this field.
pub(super) fn check(field: &str, text: &str) -> Result<(), String> {
    match field {
        "at" => instant::read(text).map(drop),
        "ip" => address(text).map(drop),
        "endpoint" => path(text).map(drop),
        "account" | "channel" => parsed::<Name>(field, text).map(drop),
        "units" => units(text).map(drop),
        "outcome" => outcome(text).map(drop),
        _ => Ok(()),
    }
}

fn parsed<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{field} `{text}` {error}"))
}

fn address(text: &str) -> Result<IpAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address: IpAddr = bare.parse().map_err(|_| format!("`{text}` is no IP address"))?;
    Ok(address.to_canonical())
}

fn path(target: &str) -> Result<&str, String> {
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    if path.is_empty() || path.len() > ENDPOINT_MAX {
        return Err(format!("the endpoint must have 1 to {ENDPOINT_MAX} bytes"));
    }
    // The mark of bytes that are no text: two such paths could look the same.
    if path.contains(char::REPLACEMENT_CHARACTER) {
        return Err("the endpoint is no UTF-8 text".to_owned());
    }
    Ok(path)
}

fn units(text: &str) -> Result<u32, String> {
    let units = text.parse().ok().filter(|units| *units > 0);
    units.ok_or_else(|| format!("units `{text}` must be a whole number from 1"))
}

fn outcome(text: &str) -> Result<Outcome, String> {
    match text {
        "succeeded" => Ok(Outcome::Succeeded),
        "client_error" => Ok(Outcome::ClientError),
        "system_error" => Ok(Outcome::SystemError),
        "cancelled" => Ok(Outcome::Cancelled),
        _ => match text.parse() {
            Ok(500..=599_u16) => Ok(Outcome::SystemError),
            Ok(400..=499_u16) => Ok(Outcome::ClientError),
            Ok(100..=399_u16) => Ok(Outcome::Succeeded),
            Ok(_) | Err(_) => Err(format!("`{text}` is neither an outcome nor an HTTP status")),
        },
    }
}

fn attributes(columns: &dyn Columns, mapping: &Mapping) -> Result<Vec<(Name, Told)>, String> {
    let told = |(name, kind, text): (&Name, _, std::borrow::Cow<'_, str>)| {
        told(kind, &text).map(|told| (name.clone(), told)).ok_or_else(|| {
            format!("{name} `{text}` must be a plain decimal number, 0 or more, of at most 28 digits")
        })
    };
    mapping.attributes(columns).map(told).collect()
}

/// A number where the policy says so, and where it says nothing and the text is one.
fn told(kind: Option<AttributeKind>, text: &str) -> Option<Told> {
    let number = || Decimal::from_str_exact(text).ok().filter(|number| !number.is_sign_negative());
    match kind {
        Some(AttributeKind::Number) => number().map(Told::Number),
        Some(AttributeKind::Label | AttributeKind::Personal) => Some(Told::Text(text.into())),
        None => Some(number().map_or_else(|| Told::Text(text.into()), Told::Number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_the_path_without_query_byte_for_byte() {
        assert_eq!(path("/a%20b/%C3?x=/y?z"), Ok("/a%20b/%C3"));
        assert!(path("?x").is_err() && path(&"a".repeat(1_025)).is_err() && path("/\u{fffd}").is_err());
    }

    #[test]
    fn an_http_status_tells_whose_fault_it_was() {
        let of = |text| outcome(text).expect("an outcome");
        assert_eq!((of("200"), of("304")), (Outcome::Succeeded, Outcome::Succeeded));
        assert_eq!((of("404"), of("503")), (Outcome::ClientError, Outcome::SystemError));
        assert_eq!(of("cancelled"), Outcome::Cancelled);
        assert!(outcome("99").is_err() && outcome("ok").is_err());
    }

    #[test]
    fn an_address_may_stand_in_brackets() {
        assert_eq!(address("[2001:db8::1]"), address("2001:db8::1"));
        assert!(address("host.example").is_err());
    }

    #[test]
    fn a_number_is_one_because_the_policy_or_the_text_says_so() {
        let twelve = Told::Number(Decimal::from(12));
        assert_eq!(told(Some(AttributeKind::Number), "12"), Some(twelve.clone()));
        assert_eq!(told(None, "12"), Some(twelve));
        assert_eq!(told(Some(AttributeKind::Label), "12"), Some(Told::Text("12".into())));
        assert_eq!(
            (told(Some(AttributeKind::Number), "-1"), told(Some(AttributeKind::Number), "x")),
            (None, None)
        );
    }
}
