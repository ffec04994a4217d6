//! The headers of draft-ietf-httpapi-ratelimit-headers, written by hand as structured fields (RFC 9651).
//!
//! A limit's name has no character that a structured string would have to escape.

use super::wording::Compiled;
use domain::event::LimitState;
use domain::time::Timestamp;

/// `"burst";q=20;w=60, "daily";q=1000;w=86400`: the limits that were asked.
pub(crate) fn policy(limits: &[LimitState], compiled: &Compiled) -> String {
    let mut out = String::with_capacity(limits.len() * 32);
    for LimitState(name, figure, _, _) in limits {
        let Some(window) = compiled.window(name) else { continue };
        begin(&mut out, name.as_str());
        number(&mut out, ";q=", *figure);
        out.push_str(window);
    }
    out
}

/// `"burst";r=19;t=60`: what remains of each, and in how many seconds it is whole again.
pub(crate) fn state(limits: &[LimitState], compiled: &Compiled, at: Timestamp) -> String {
    let mut out = String::with_capacity(limits.len() * 32);
    for LimitState(name, _, remaining, resets) in limits {
        if compiled.window(name).is_none() {
            continue;
        }
        begin(&mut out, name.as_str());
        number(&mut out, ";r=", *remaining);
        if *resets < Timestamp::FAR {
            number(&mut out, ";t=", seconds(*resets, at));
        }
    }
    out
}

/// Whole seconds until an instant, rounded up.
fn seconds(until: Timestamp, at: Timestamp) -> u64 {
    let left = until.since(at);
    if left.micros() == 0 { 0 } else { left.retry_after() }
}

fn begin(out: &mut String, name: &str) {
    if !out.is_empty() {
        out.push_str(", ");
    }
    out.push('"');
    out.push_str(name);
    out.push('"');
}

/// The largest integer of a structured field has 15 digits; a larger figure is as good as that.
fn number(out: &mut String, before: &str, figure: u64) {
    out.push_str(before);
    out.push_str(itoa::Buffer::new().format(figure.min(999_999_999_999_999)));
}
