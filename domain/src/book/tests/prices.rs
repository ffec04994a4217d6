//! Versions of policies and price lists: announced in time, and in force for what was admitted under them.

use super::Scene;
use super::harness::{credits, name, of, read, time};
use crate::command::{Action, Publish};
use crate::event::Event;
use crate::policy::{ChargeAt, Policy};
use crate::pricing::PriceList;
use crate::rejection::Rejection;
use crate::time::{Span, Timestamp};
use std::sync::Arc;

const POLICY: &str = r#"
name = "prices"
title = "A request costs 5"
[callers]
[credit]
charge = "settle"
[prices]
[prices.default]
base = 5
[notice]
changes = "30d"
[notice.announcements]
maintenance = "48h"
"#;

fn list(base: u32) -> Arc<PriceList> {
    let policy = read(&POLICY.replace("base = 5", &format!("base = {base}")));
    Arc::new(policy.prices.expect("prices"))
}

fn prices(base: u32, effective: Option<Timestamp>, emergency: Option<&str>) -> Action {
    let emergency = emergency.map(ToOwned::to_owned);
    Action::Publish(Publish::Prices { prices: list(base), effective, emergency })
}

fn scene() -> Scene {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None).grant("acme", "100");
    scene
}

fn span(text: &str) -> Span {
    text.parse().expect("a span")
}

#[test]
fn a_request_is_rated_with_the_list_in_force_when_it_was_admitted() {
    let mut scene = scene();
    let effective = scene.now.plus(span("30d"));
    scene.act(prices(7, Some(effective), None)).expect("announced");
    assert_eq!(scene.book.catalogue().announced_prices(scene.now).map(|list| list.number), Some(2));
    scene.wait("29d");
    scene.now = scene.now.plus(span("23h"));
    let before = scene.ask(of("acme", "/x")).position();
    scene.wait("1h");
    let after = scene.ask(of("acme", "/x"));
    assert_eq!((scene.now, after.admitted().1.under.prices()), (effective, 2));
    let (after, charged) = (after.position(), |entry: crate::event::Entry| match entry.event {
        Event::RequestSettled(event) => event.settlement.expect("a charge").charged().to_string(),
        other => panic!("not settled: {other:?}"),
    });
    let settled = scene.settle(before, Vec::new());
    assert_eq!(charged(settled), "5");
    let settled = scene.settle(after, Vec::new());
    assert_eq!(charged(settled), "7");
    assert_eq!(scene.book.catalogue().announced_prices(scene.now).map(|list| list.number), None);
}

#[test]
fn a_change_keeps_the_notice_period_or_is_an_emergency_with_a_reason() {
    let mut scene = scene();
    let soon = Some(scene.now.plus(span("29d")));
    assert_eq!(scene.rejected(prices(7, soon, None)), Rejection::NoticeTooShort(span("30d")));
    assert!(matches!(
        scene.rejected(prices(7, soon, Some(" "))),
        Rejection::Invalid { field: "emergency", .. }
    ));
    let past = Some(scene.now.minus(span("1s")));
    assert!(matches!(
        scene.rejected(prices(7, past, Some("x"))),
        Rejection::Invalid { field: "effective", .. }
    ));
    scene.act(prices(7, None, Some("a mistake in the list"))).expect("published");
    assert_eq!(scene.ask(of("acme", "/x")).admitted().1.hold.total(), credits("7"));
    scene.act(prices(9, None, None)).expect("announced");
    let Event::PricesPublished(event) = scene.last() else { panic!("not published") };
    assert_eq!((event.number, event.effective), (3, scene.now.plus(span("30d"))));
}

#[test]
fn a_policy_brings_its_own_list_and_rules_of_the_admission_hold_at_the_settle() {
    let mut scene = scene();
    let decision = scene.ask(of("acme", "/x")).position();
    scene.republish(|policy| {
        policy.credit.as_mut().expect("credit").charge = ChargeAt::Admission;
        policy.prices = Some((*list(1)).clone());
    });
    assert_eq!((scene.count("PolicyPublished"), scene.count("PricesPublished")), (2, 2));
    assert_eq!(scene.ask(of("acme", "/x")).admitted().1.charge.total(), credits("1"));
    assert_eq!(scene.balance("acme"), ("94".to_owned(), "5".to_owned()));
    scene.settle(decision, Vec::new());
    assert_eq!(scene.balance("acme"), ("94".to_owned(), "0".to_owned()));
}

#[test]
fn a_policy_that_changes_no_price_leaves_the_list_in_force_and_the_one_announced() {
    let mut scene = scene();
    scene.act(prices(7, None, Some("a mistake in the list"))).expect("published");
    scene.act(prices(9, None, None)).expect("announced");
    scene.republish(|policy| policy.title = "The same prices".into());
    assert_eq!(scene.count("PricesPublished"), 3);
    assert_eq!(scene.ask(of("acme", "/x")).admitted().1.hold.total(), credits("7"));
    scene.wait("31d");
    assert_eq!(scene.ask(of("acme", "/x")).admitted().1.hold.total(), credits("9"));
}

#[test]
fn a_list_that_does_not_fit_the_policy_is_refused_and_so_is_a_policy_that_does_not_fit_the_list() {
    let mut scene = scene();
    let by_size = POLICY.replace("base = 5", "base = 5\nper = [{ attribute = \"mpx\", price = 10 }]");
    let by_size = read(&format!("{by_size}\n[attributes]\nmpx = \"number\""));
    let publish = |prices: &PriceList| {
        let (prices, emergency) = (Arc::new(prices.clone()), Some("now".to_owned()));
        Action::Publish(Publish::Prices { prices, effective: None, emergency })
    };
    let is = |rejection: Rejection, wanted: &str| {
        assert!(matches!(rejection, Rejection::Invalid { field, .. } if field == wanted), "{rejection:?}");
    };
    let list = by_size.prices.as_ref().expect("prices");
    is(scene.rejected(publish(list)), "prices");
    is(scene.rejected(publish(&PriceList::default())), "prices");
    scene.republish(|policy| policy.attributes = by_size.attributes.clone());
    scene.act(publish(list)).expect("mpx is declared now");
    let mut early = read(POLICY);
    early.attributes = by_size.attributes.clone();
    early.credit.as_mut().expect("credit").charge = ChargeAt::Begin;
    let (policy, emergency) = (Arc::new(early), Some("now".to_owned()));
    is(scene.rejected(Action::Publish(Publish::Policy { policy, effective: None, emergency })), "policy");
}

#[test]
fn what_would_not_fit_later_is_refused_now() {
    let mut scene = scene();
    let by_size = POLICY.replace("base = 5", "base = 5\nper = [{ attribute = \"mpx\", price = 10 }]");
    let by_size = Arc::new(read(&format!("{by_size}\n[attributes]\nmpx = \"number\"")));
    let list = Arc::new(by_size.prices.clone().expect("prices"));
    scene.republish(|policy| policy.attributes = by_size.attributes.clone());
    let later = Publish::Prices { prices: list, effective: None, emergency: None };
    scene.act(Action::Publish(later)).expect("announced for next month");
    let (policy, emergency) = (Arc::new(read(POLICY)), Some("now".to_owned()));
    let rejection = scene.rejected(Action::Publish(Publish::Policy { policy, effective: None, emergency }));
    assert!(matches!(rejection, Rejection::Invalid { field: "policy", .. }), "{rejection:?}");
}

#[test]
fn a_policy_that_charges_nothing_may_follow_one_that_does_and_the_other_way_round() {
    let mut scene = scene();
    scene.republish(|policy| (policy.credit, policy.prices) = (None, None));
    assert_eq!(scene.ask(of("acme", "/x")).admitted().1.hold.total(), credits("0"));
    scene.republish(|policy| {
        let priced = read(POLICY);
        (policy.credit, policy.prices) = (priced.credit, priced.prices);
    });
    assert_eq!(scene.ask(of("acme", "/x")).admitted().1.hold.total(), credits("5"));
}

#[test]
fn an_announced_policy_does_not_decide_what_another_changes_before_it() {
    let mut scene = scene();
    let (policy, prices_of) = (read(POLICY), |base: u32| Some((*list(base)).clone()));
    let dear = Arc::new(Policy { prices: prices_of(9), ..policy.clone() });
    let announce = |policy, emergency: Option<&str>| {
        let emergency = emergency.map(ToOwned::to_owned);
        Action::Publish(Publish::Policy { policy, effective: None, emergency })
    };
    scene.act(announce(dear.clone(), None)).expect("announced");
    scene.act(prices(7, None, Some("a mistake in the list"))).expect("published");
    let same = Arc::new(Policy { title: "The same prices".into(), ..policy });
    scene.act(announce(same, Some("a title"))).expect("published");
    assert_eq!(scene.ask(of("acme", "/x")).admitted().1.hold.total(), credits("7"));
    scene.act(announce(dear, Some("brought forward"))).expect("published");
    assert_eq!(scene.ask(of("acme", "/x")).admitted().1.hold.total(), credits("9"));
}

#[test]
fn announcements_keep_their_lead_times() {
    let mut scene = scene();
    let notice = |kind: &str, effective, emergency: Option<&str>| {
        let (kind, text) = (name(kind), "we rebuild".to_owned());
        Action::Publish(Publish::Notice { kind, effective, text, emergency: emergency.map(Into::into) })
    };
    let soon = scene.now.plus(span("47h"));
    assert_eq!(scene.rejected(notice("maintenance", soon, None)), Rejection::NoticeTooShort(span("48h")));
    scene.act(notice("maintenance", soon, Some("a leak"))).expect("announced");
    scene.act(notice("news", scene.now, None)).expect("announced");
    assert_eq!(scene.book.catalogue().notices().len(), 2);
}

#[test]
fn the_first_policy_needs_no_notice_and_before_it_nothing_is_decided() {
    let mut scene = Scene::empty(crate::book::Bounds::default());
    assert_eq!(scene.rejected(Action::Request(Box::new(of("acme", "/x")))), Rejection::NoPolicy);
    let (policy, effective) = (Arc::new(read(POLICY)), Some(time("2026-03-02T00:00:00Z")));
    scene.act(Action::Publish(Publish::Policy { policy, effective, emergency: None })).expect("published");
    assert_eq!(scene.rejected(Action::Request(Box::new(of("acme", "/x")))), Rejection::NoPolicy);
    scene.wait("12h").open("acme", None);
    assert_eq!(scene.ask(of("acme", "/x")).short(), "INSUFFICIENT_CREDITS insufficient_credits");
}
