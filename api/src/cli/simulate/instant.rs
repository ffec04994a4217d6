//! Times as logs write them.

use domain::time::Timestamp;
use std::borrow::Cow;

const WHAT: &str = "no time: RFC 3339 such as 2026-01-31T12:00:00Z, or a unix time";

/// Reads a time: RFC 3339 with `T` or a blank, UTC where no zone is given, or a unix time.
pub(super) fn read(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let read = if is_unix(text) { unix(text) } else { dated(text) };
    read.ok_or_else(|| format!("`{text}` is {WHAT}"))
}

fn is_unix(text: &str) -> bool {
    let mut parts = text.splitn(2, '.');
    parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Seconds with or without decimals, or whole milliseconds or microseconds told by their number of digits.
fn unix(text: &str) -> Option<Timestamp> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let figure: i64 = whole.parse().ok()?;
    let micros = match whole.len() {
        ..=11 => figure.checked_mul(1_000_000)?.checked_add(millionths(decimals)?)?,
        12..=14 => figure.checked_mul(1_000)?,
        _ => figure,
    };
    let at = Timestamp::from_micros(micros);
    (at.micros() == micros).then_some(at)
}

fn millionths(decimals: &str) -> Option<i64> {
    let kept = decimals.get(..decimals.len().min(6))?;
    format!("{kept:0<6}").parse().ok()
}

fn dated(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_at_checked(10)?;
    let time = time.strip_prefix([' ', 'T', 't'])?;
    let zone = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone);
    let zone = if zone.is_empty() { Cow::Borrowed("Z") } else { with_colon(zone) };
    format!("{date}T{}{zone}", cut(clock.trim_end())?).parse().ok()
}

/// Cuts decimals of seconds to six.
fn cut(clock: &str) -> Option<&str> {
    match clock.split_once('.') {
        None => Some(clock),
        Some((whole, decimals)) if decimals.bytes().all(|byte| byte.is_ascii_digit()) => {
            clock.get(..whole.len() + 1 + decimals.len().min(6))
        }
        Some(_) => None,
    }
}

/// `+0200` as `+02:00`.
fn with_colon(zone: &str) -> Cow<'_, str> {
    match (zone.get(..3), zone.get(3..)) {
        (Some(hours), Some(minutes)) if zone.len() == 5 => Cow::Owned(format!("{hours}:{minutes}")),
        _ => Cow::Borrowed(zone),
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Rewrites the time of an access log, `17/May/2015:10:05:03 +0000`, so that [`read`] reads it. Another
/// spelling is left as it is.
pub(super) fn of_access_log(text: &str) -> Cow<'_, str> {
    rewritten(text).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn rewritten(text: &str) -> Option<String> {
    let (date, time) = text.split_once(':')?;
    let mut parts = date.splitn(3, '/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    let month = MONTHS.iter().position(|known| *known == month)? + 1;
    let (clock, zone) = time.split_once(' ').unwrap_or((time, ""));
    Some(format!("{year}-{month:02}-{day:0>2}T{clock}{zone}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        read(text).map_or_else(|error| error, |at| at.to_string())
    }

    #[test]
    fn a_time_without_a_zone_is_utc_and_cut_to_microseconds() {
        assert_eq!(shown("2023-11-16 18:17:03.9799609"), "2023-11-16T18:17:03.97996Z");
        assert_eq!(shown("2023-11-16T18:17:03.1234567891234"), "2023-11-16T18:17:03.123456Z");
        assert_eq!(shown("2023-11-16T18:17:03"), "2023-11-16T18:17:03Z");
    }

    #[test]
    fn a_zone_is_heeded_with_and_without_a_colon() {
        for text in ["2023-11-16T18:17:03+02:00", "2023-11-16 18:17:03 +0200", "2023-11-16T16:17:03Z"] {
            assert_eq!(shown(text), "2023-11-16T16:17:03Z", "{text}");
        }
    }

    #[test]
    fn a_unix_time_is_told_by_its_digits() {
        for text in ["1700151423", "1700151423000", "1700151423000000", "1700151423.0000009"] {
            assert_eq!(shown(text), "2023-11-16T16:17:03Z", "{text}");
        }
        assert_eq!(shown("1700151423.5"), "2023-11-16T16:17:03.5Z");
    }

    #[test]
    fn an_access_log_names_the_month_and_a_zone() {
        let at = |text| shown(&of_access_log(text));
        assert_eq!(at("17/May/2015:10:05:03 +0000"), "2015-05-17T10:05:03Z");
        assert_eq!(at("1/Jan/2020:00:00:00 -0130"), "2020-01-01T01:30:00Z");
        assert!(at("17/Mai/2015:10:05:03 +0000").contains("is no time"));
    }

    #[test]
    fn what_is_no_time_is_named() {
        for text in
            ["", "yesterday", "2023-13-01 00:00:00", "2023-11-16", "-5", "99999999999999999999", "1.2.3"]
        {
            assert!(shown(text).contains("is no time"), "{text}");
        }
    }
}
