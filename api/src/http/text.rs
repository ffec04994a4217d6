//! Checks of texts that callers send, each naming the field and what is allowed.

use super::error::Problem;
use domain::ids::{Name, Position};
use domain::money::Credits;
use domain::time::{Timestamp, Zone};
use rust_decimal::Decimal;
use std::fmt::Display;
use std::net::IpAddr;
use std::str::FromStr;

/// Longest endpoint, and longest text attribute, in bytes.
pub(crate) const TEXT_MAX: usize = 1_024;
/// Longest request id, in bytes.
const ID_MAX: usize = 128;
/// Longest reason and the like, in bytes.
const REASON_MAX: usize = 1_024;

/// Parses what a domain type reads, naming the field when it does not.
pub(crate) fn parse<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error| Problem::invalid(field, error))
}

pub(crate) fn name(field: &str, text: &str) -> Result<Name, Problem> {
    parse(field, text)
}

pub(crate) fn ip(field: &str, text: &str) -> Result<IpAddr, Problem> {
    text.parse().map_err(|_| Problem::invalid(field, "must be an IPv4 or IPv6 address"))
}

pub(crate) fn names(field: &str, text: Option<&str>) -> Result<Option<Name>, Problem> {
    text.map(|text| name(field, text)).transpose()
}

pub(crate) fn time(field: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    text.map(|text| parse(field, text)).transpose()
}

/// The bounds of `[from, to)`, where they are given.
pub(crate) fn times(
    (from, to): (Option<&str>, Option<&str>),
) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let (from, to) = (time("from", from)?, time("to", to)?);
    if let Some((from, to)) = from.zip(to) {
        ordered(from, to)?;
    }
    Ok((from, to))
}

pub(crate) fn ordered(from: Timestamp, to: Timestamp) -> Result<(), Problem> {
    if from < to { Ok(()) } else { Err(Problem::invalid("to", "must come after `from`")) }
}

pub(crate) fn zone(field: &str, text: &str) -> Result<Zone, Problem> {
    parse(field, text)
}

/// A request id or an idempotency key: 1 to 128 printable ASCII characters without spaces.
pub(crate) fn request_id(field: &str, text: &str) -> Result<(), Problem> {
    if text.is_empty() || text.len() > ID_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::invalid(field, "must be 1 to 128 printable ASCII characters without spaces"));
    }
    Ok(())
}

/// 1 to `max` bytes without control characters.
pub(crate) fn plain(field: &str, text: &str, max: usize) -> Result<(), Problem> {
    if text.is_empty() || text.len() > max {
        return Err(Problem::invalid(field, format_args!("must have 1 to {max} bytes")));
    }
    if has_control(text) {
        return Err(Problem::invalid(field, "must not have control characters"));
    }
    Ok(())
}

/// A sentence for people: a reason, a notice.
pub(crate) fn sentence(field: &str, text: &str) -> Result<(), Problem> {
    plain(field, text, REASON_MAX)
}

/// The path as the gateway saw it; a query, which may tell of a person, is cut off.
pub(crate) fn endpoint<'a>(field: &str, text: &'a str) -> Result<&'a str, Problem> {
    let path = text.split_once('?').map_or(text, |(path, _)| path);
    plain(field, path, TEXT_MAX)?;
    Ok(path)
}

/// A decision's id, `d_` and its position.
pub(crate) fn decision(text: &str) -> Result<Position, Problem> {
    let digits = text.strip_prefix("d_").filter(|digits| !digits.starts_with(['0', '+']));
    let position = digits.and_then(|digits| digits.parse().ok());
    position.ok_or_else(|| Problem::invalid("decision_id", "must be `d_` and a whole number, such as d_42"))
}

/// An amount that a command brings: above zero, at most 10¹², at most 6 decimals.
pub(crate) fn amount(field: &str, text: &str) -> Result<Credits, Problem> {
    let decimal = decimal(field, text)?;
    Credits::positive(decimal).map_err(|error| Problem::invalid(field, error))
}

/// A decimal of at most 28 digits, exactly as written; an exponent is no decimal.
pub(crate) fn decimal(field: &str, text: &str) -> Result<Decimal, Problem> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    let decimal = if plain { Decimal::from_str_exact(text).ok() } else { None };
    decimal.ok_or_else(|| Problem::invalid(field, "must be a plain decimal number of at most 28 digits"))
}

/// Control characters of ASCII and of Latin-1 (C0, DEL, C1).
fn has_control(text: &str) -> bool {
    text.bytes().any(|byte| byte < b' ' || byte == 0x7f)
        || (!text.is_ascii() && text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused<T>(result: Result<T, Problem>) -> bool {
        result.is_err_and(|problem| problem.status() == 400)
    }

    #[test]
    fn an_endpoint_loses_its_query_and_has_1_to_1024_bytes_without_control_characters() {
        assert_eq!(endpoint("endpoint", "/a/b?token=x"), Ok("/a/b"));
        assert!(endpoint("endpoint", &"a".repeat(1_024)).is_ok());
        assert!(refused(endpoint("endpoint", &"a".repeat(1_025))));
        for text in ["", "?a", "/a\n", "/\u{7f}", "/\u{85}"] {
            assert!(refused(endpoint("endpoint", text)), "{text:?}");
        }
    }

    #[test]
    fn a_decimal_is_taken_as_written_or_refused() {
        assert_eq!(decimal("x", "1200").map(|figure| figure.to_string()), Ok("1200".to_owned()));
        assert_eq!(decimal("x", "-0.000001").map(|figure| figure.to_string()), Ok("-0.000001".to_owned()));
        for text in
            ["1e3", "", ".", "123456789012345678901234567890", "0.12345678901234567890123456789012", "NaN"]
        {
            assert!(refused(decimal("x", text)), "{text:?}");
        }
    }

    #[test]
    fn a_decision_id_is_d_and_a_position() {
        assert_eq!(decision("d_42"), Ok(42));
        for text in ["42", "d_", "d_0", "d_-1", "d_+1", "d_01", "d_99999999999999999999"] {
            assert!(refused(decision(text)), "{text:?}");
        }
    }

    #[test]
    fn an_amount_is_above_zero_and_at_most_ten_to_the_twelfth() {
        assert!(amount("amount", "0.000001").is_ok() && amount("amount", "1000000000000").is_ok());
        for text in ["0", "-1", "1000000000000.1", "0.0000001"] {
            assert!(refused(amount("amount", text)), "{text:?}");
        }
    }
}
