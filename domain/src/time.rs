//! Instants and spans in whole microseconds, and the calendar that quotas reset by.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
///
/// Stored as an integer, shown as RFC 3339 in UTC. Intervals are `[from, to)` everywhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

/// A length of time in microseconds, never negative.
///
/// Written in policies as a figure with a unit: `500ms`, `1s`, `15m`, `24h`, `30d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

const MICROS: i64 = 1_000_000;
/// 9999-12-30T22:00:00.999999Z, the last instant that RFC 3339 and the calendar can both show.
const LAST: i64 = 253_402_207_200_999_999;

impl Timestamp {
    /// The earliest instant of a book.
    pub const EPOCH: Self = Self(0);
    /// Later than every instant that can be shown; stands for "never".
    pub const FAR: Self = Self(LAST);

    /// From microseconds since the epoch, clamped into 1970 ..= 9999.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.clamp(0, LAST))
    }

    /// Microseconds since the epoch.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub fn unix_seconds(self) -> i64 {
        self.0.div_euclid(MICROS)
    }

    /// The time that passed since `earlier`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0).max(0))
    }

    /// This instant moved by a span towards the future, at most to [`Timestamp::FAR`].
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0).min(LAST))
    }

    /// This instant moved by a span towards the past, at least to the epoch.
    #[must_use]
    pub fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0).max(0))
    }

    fn civil(self, zone: &Zone) -> DateTime {
        let instant = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        instant.to_zoned(zone.0.clone()).datetime()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => write!(out, "{instant}"),
            Err(_) => write!(out, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    /// Reads RFC 3339 with any offset; finer digits than microseconds are cut off.
    fn from_str(text: &str) -> Result<Self, TimeError> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| TimeError::Timestamp)?;
        let micros = instant.as_microsecond();
        if (0..=LAST).contains(&micros) { Ok(Self(micros)) } else { Err(TimeError::Timestamp) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    /// A figure outside the range is no instant: what is read could not be written as the same.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let micros = i64::deserialize(from)?;
        if !(0..=LAST).contains(&micros) {
            return Err(serde::de::Error::custom(TimeError::Timestamp));
        }
        Ok(Self(micros))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// From microseconds; negative figures become zero.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros.max(0))
    }

    /// From whole seconds; negative figures become zero.
    pub fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(MICROS).max(0))
    }

    /// Microseconds.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds, rounded up and at least 1: what `Retry-After` says.
    pub fn retry_after(self) -> u64 {
        let seconds = self.0.div_euclid(MICROS).saturating_add(i64::from(self.0.rem_euclid(MICROS) != 0));
        seconds.max(1).unsigned_abs()
    }
}

const UNITS: [(&str, i64); 5] =
    [("ms", 1_000), ("s", MICROS), ("m", 60 * MICROS), ("h", 3_600 * MICROS), ("d", 86_400 * MICROS)];

impl FromStr for Span {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (figure, unit) = text.split_at(digits);
        let figure: i64 = figure.parse().map_err(|_| TimeError::Span)?;
        let (_, micros) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(TimeError::Span)?;
        figure.checked_mul(*micros).filter(|span| *span <= LAST).map(Self).ok_or(TimeError::Span)
    }
}

impl fmt::Display for Span {
    /// The largest unit that gives a whole figure: `90s`, `24h`, `30d`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 86_400 * MICROS {
            return out.write_str("24h");
        }
        match UNITS.iter().rev().find(|(_, micros)| self.0 != 0 && self.0 % micros == 0) {
            Some((unit, micros)) => write!(out, "{}{unit}", self.0 / micros),
            None if self.0 == 0 => out.write_str("0s"),
            None => write!(out, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let micros = text.strip_suffix("us").and_then(|figure| figure.parse().ok());
        match micros.filter(|micros| (0..=LAST).contains(micros)) {
            Some(micros) => Ok(Self(micros)),
            None => text.parse().map_err(serde::de::Error::custom),
        }
    }
}

/// A time zone by its IANA name, such as `Europe/Berlin`.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// The IANA name.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self::utc()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Zone {
    type Err = TimeError;

    fn from_str(name: &str) -> Result<Self, TimeError> {
        TimeZone::get(name).map(Self).map_err(|_| TimeError::Zone)
    }
}

impl Serialize for Zone {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A calendar period that a bucket counts in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    Hour,
    Day,
    Month,
}

/// Where the calendar of a subject stands: its zone and the hour at which its day begins.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Calendar {
    pub zone: Zone,
    /// 0 ..= 23: the hour of the zone's clock at which days (and months) begin.
    pub reset_hour: u8,
}

impl Calendar {
    /// The period `[from, to)` that holds `at`.
    pub fn period(&self, period: Period, at: Timestamp) -> (Timestamp, Timestamp) {
        if self.zone.0 == TimeZone::UTC && self.reset_hour == 0 && period != Period::Month {
            return utc_period(period, at);
        }
        let shift =
            jiff::Span::new().hours(if period == Period::Hour { 0 } else { i64::from(self.reset_hour) });
        let local = at.civil(&self.zone).saturating_sub(shift);
        let from = match period {
            Period::Hour => local.date().at(local.hour(), 0, 0, 0),
            Period::Day => local.date().at(0, 0, 0, 0),
            Period::Month => local.date().first_of_month().at(0, 0, 0, 0),
        };
        let length = match period {
            Period::Hour => jiff::Span::new().hours(1),
            Period::Day => jiff::Span::new().days(1),
            Period::Month => jiff::Span::new().months(1),
        };
        let to = from.saturating_add(length);
        (self.instant(from.saturating_add(shift)), self.instant(to.saturating_add(shift)))
    }

    fn instant(&self, local: DateTime) -> Timestamp {
        let zoned = local.to_zoned(self.zone.0.clone());
        Timestamp::from_micros(zoned.map_or(LAST, |zoned| zoned.timestamp().as_microsecond()))
    }
}

fn utc_period(period: Period, at: Timestamp) -> (Timestamp, Timestamp) {
    let length = if period == Period::Hour { 3_600 * MICROS } else { 86_400 * MICROS };
    let from = at.0 - at.0.rem_euclid(length);
    (Timestamp(from), Timestamp::from_micros(from + length))
}

/// A day of the UTC calendar, as days since the epoch: the period of a personal data key.
pub fn utc_day(at: Timestamp) -> i64 {
    at.0.div_euclid(86_400 * MICROS)
}

/// Reads `YYYY-MM-DD` as the first instant of that UTC day.
pub fn utc_midnight(text: &str) -> Result<Timestamp, TimeError> {
    let date: Date = text.parse().map_err(|_| TimeError::Timestamp)?;
    let zoned = date.to_zoned(TimeZone::UTC).map_err(|_| TimeError::Timestamp)?;
    Ok(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
}

/// Why a text is no time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TimeError {
    #[error("must be an RFC 3339 time between 1970 and 9999, such as 2026-01-31T12:00:00Z")]
    Timestamp,
    #[error("must be a length of time: a whole figure and ms, s, m, h or d, such as 60s or 30d")]
    Span,
    #[error("must be the IANA name of a time zone, such as UTC or Europe/Berlin")]
    Zone,
}
