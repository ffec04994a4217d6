//! Where a request came from: the peer, or the last hop that no trusted proxy made.

use super::App;
use super::error::Problem;
use crate::config::Cidr;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};
use domain::limits::{Ask, Meter, Rule};
use domain::map::Map;
use domain::time::{Calendar, Span, Timestamp};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The socket's peer.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// The address that a request counts for.
pub(crate) struct Client(pub(crate) IpAddr);

impl FromRequestParts<Arc<App>> for Client {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let peer = parts.extensions.get().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(peer)| *peer);
        Ok(Self(client(peer, forwarded(&parts.headers), &app.proxies)))
    }
}

fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok())
}

/// Walks back from the peer over hops that trusted proxies report, to the first that none of them made.
/// A hop that is no address ends the walk at the proxy that reported it.
pub(crate) fn client<'a>(peer: IpAddr, forwarded: impl Iterator<Item = &'a str>, proxies: &[Cidr]) -> IpAddr {
    let trusted = |ip: IpAddr| proxies.iter().any(|block| block.contains(ip));
    let hops: Vec<&str> = forwarded.flat_map(|list| list.split(',')).collect();
    let mut client = peer.to_canonical();
    for hop in hops.into_iter().rev() {
        let Ok(before) = hop.trim().parse::<IpAddr>() else { return client };
        if !trusted(client) {
            return client;
        }
        client = before.to_canonical();
    }
    client
}

/// Whether a request came over HTTPS, which only a trusted proxy can say.
pub(crate) fn is_https(peer: IpAddr, headers: &HeaderMap, proxies: &[Cidr]) -> bool {
    let trusted = proxies.iter().any(|block| block.contains(peer));
    trusted
        && headers.get(FORWARDED_PROTO).is_some_and(|proto| proto.as_bytes().eq_ignore_ascii_case(b"https"))
}

/// The limit of callers without a key: 60 requests in any minute by address.
#[derive(Default)]
pub struct Anonymous(Mutex<Map<IpAddr, Meter>>);

fn rule() -> Rule {
    Rule::Rolling { window: Span::from_secs(60) }
}

const FIGURE: u64 = 60;
/// Most addresses remembered; when it is reached, the idle ones are forgotten.
const ADDRESSES_MAX: usize = 10_000;

impl Anonymous {
    pub(crate) fn admit(&self, ip: IpAddr, now: Timestamp) -> Result<(), Problem> {
        let mut meters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if meters.len() >= ADDRESSES_MAX && !meters.contains_key(&ip) {
            meters.retain(|_, meter| !meter.is_idle(&rule(), now, FIGURE));
            if meters.len() >= ADDRESSES_MAX {
                return Err(Problem::rate_limited(60));
            }
        }
        let meter = meters.entry(ip).or_insert_with(|| Meter::new(&rule()));
        let ask = Ask { now, weight: 1, figure: FIGURE, calendar: &Calendar::default() };
        let verdict = meter.check(&rule(), &ask);
        if !verdict.admitted {
            return Err(Problem::rate_limited(verdict.retry_after.map_or(60, Span::retry_after)));
        }
        meter.admit(&rule(), &ask);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walked(peer: &str, hops: &[&str]) -> String {
        let proxies = ["10.0.0.0/8".parse().expect("a block")];
        client(peer.parse().expect("an address"), hops.iter().copied(), &proxies).to_string()
    }

    #[test]
    fn only_hops_that_trusted_proxies_report_are_believed() {
        assert_eq!(walked("203.0.113.7", &["1.1.1.1"]), "203.0.113.7");
        assert_eq!(walked("10.0.0.1", &["1.1.1.1, 203.0.113.7"]), "203.0.113.7");
        assert_eq!(walked("10.0.0.1", &["203.0.113.7", "10.0.0.2"]), "203.0.113.7");
        assert_eq!(walked("10.0.0.1", &["203.0.113.7, nonsense"]), "10.0.0.1");
        assert_eq!(walked("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(walked("::ffff:10.0.0.1", &["203.0.113.7"]), "203.0.113.7");
    }

    #[test]
    fn a_caller_without_a_key_has_60_requests_in_any_minute() {
        let (limit, ip) = (Anonymous::default(), IpAddr::V4(Ipv4Addr::LOCALHOST));
        let start = Timestamp::from_micros(1_000_000_000);
        assert!((0..60).all(|_| limit.admit(ip, start).is_ok()));
        assert_eq!(limit.admit(ip, start), Err(Problem::rate_limited(60)));
        assert!(limit.admit(ip, start.plus(Span::from_secs(60))).is_ok());
    }
}
