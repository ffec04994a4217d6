//! The five-gate provider's rules, computed from its terms alone: lists of seconds, counted anew for every line.
//!
//! Slow and plain on purpose, and without a line of the product's code.

use serde_json::{Value, json};
use std::collections::BTreeMap;

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// One line of the access log.
struct Request<'a> {
    n: usize,
    /// Seconds since the month began.
    second: i64,
    ip: &'a str,
    path: &'a str,
}

/// What is remembered of an address.
#[derive(Default)]
struct Address<'a> {
    admitted: Vec<(i64, &'a str)>,
    /// Rate denials since the last ban.
    denied: Vec<i64>,
    banned_until: i64,
}

/// What each line comes to in order of time, and how many bans begin.
pub fn decide(log: &str) -> (Vec<Value>, usize) {
    let mut requests: Vec<_> = log.lines().enumerate().map(|(place, line)| read(place + 1, line)).collect();
    requests.sort_by_key(|request| (request.second, request.n));
    let mut addresses: BTreeMap<&str, Address<'_>> = BTreeMap::new();
    let mut bans = 0;
    let decide = |request: Request<'_>, address: &mut Address<'_>| {
        let (status, reason, wait) = match address.refusal(&request) {
            None => (200, Value::Null, Value::Null),
            Some((status, reason, wait)) => (status, json!(reason), json!(wait)),
        };
        json!({"n": request.n, "at": shown(request.second), "subject": request.ip, "endpoint": request.path,
            "status": status, "reason": reason, "retry_after": wait, "charged": null, "balance": null})
    };
    let mut decisions = Vec::new();
    for request in requests {
        let address = addresses.entry(request.ip).or_default();
        let (before, path, second) = (address.banned_until, request.path, request.second);
        let decision = decide(request, address);
        if decision["status"] == 200 {
            address.admitted.push((second, path));
        }
        bans += usize::from(address.banned_until != before);
        decisions.push(decision);
    }
    (decisions, bans)
}

impl Address<'_> {
    fn refusal(&mut self, request: &Request<'_>) -> Option<(u16, String, i64)> {
        let now = request.second;
        if now < self.banned_until {
            return Some((403, "banned".to_owned(), self.banned_until - now));
        }
        let (reason, passes) = self.gate(now, request.path)?;
        self.denied.push(now);
        if self.denied.iter().filter(|at| **at > now - HOUR).count() >= 10 {
            self.banned_until = now + DAY;
            self.denied.clear();
        }
        Some((429, reason, passes - now))
    }

    /// The first gate that refuses, and the second from which on it would not.
    fn gate(&self, now: i64, path: &str) -> Option<(String, i64)> {
        let all = || self.admitted.iter().map(|(at, _)| *at);
        let last = all().max()?;
        if now - last < 1 {
            return Some(("cooldown".to_owned(), last + 1));
        }
        let in_minute: Vec<i64> = all().filter(|at| *at > now - MINUTE).collect();
        if in_minute.len() >= 20 {
            return Some(("burst".to_owned(), in_minute[in_minute.len() - 20] + MINUTE));
        }
        let next = |length: i64| (now / length + 1) * length;
        if all().filter(|at| at / HOUR == now / HOUR).count() >= 150 {
            return Some(("hourly".to_owned(), next(HOUR)));
        }
        if all().filter(|at| at / DAY == now / DAY).count() >= 1_000 {
            return Some(("daily".to_owned(), next(DAY)));
        }
        let here = self.admitted.iter().filter(|(at, other)| at / DAY == now / DAY && *other == path).count();
        (here >= 1_000).then(|| (format!("endpoint:{path}"), next(DAY)))
    }
}

/// `IP - - [DD/May/2015:hh:mm:ss +0000] "METHOD TARGET PROTOCOL" …`
fn read(n: usize, line: &str) -> Request<'_> {
    let (ip, rest) = line.split_once(' ').expect("an address");
    let (time, rest) = rest.split_once('[').and_then(|(_, rest)| rest.split_once(']')).expect("a time");
    let target = rest.split('"').nth(1).and_then(|request| request.split(' ').nth(1)).expect("a target");
    let path = target.split('?').next().expect("a path");
    assert!(!path.starts_with("/api/v1/"), "the tools, which have other figures, are not in this log");
    assert!(time[2..].starts_with("/May/2015:") && time.ends_with(" +0000"), "{time}");
    let figures: Vec<i64> = [&time[..2], &time[12..14], &time[15..17], &time[18..20]]
        .map(|text| text.parse().expect("a figure"))
        .into();
    let second = (figures[0] - 1) * DAY + figures[1] * HOUR + figures[2] * MINUTE + figures[3];
    Request { n, second, ip, path }
}

fn shown(second: i64) -> String {
    let (day, rest) = (second / DAY + 1, second % DAY);
    format!("2015-05-{day:02}T{:02}:{:02}:{:02}Z", rest / HOUR, rest % HOUR / MINUTE, rest % MINUTE)
}
