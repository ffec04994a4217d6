//! Pay as you go: a base held, the final cost settled.

use super::harness::{name, of};
use super::{Scene, chars};
use crate::command::{Action, Ask, Value};
use crate::event::Event;
use rust_decimal::Decimal;

const POLICY: &str = include_str!("../../../../policies/payg-tokens.toml");

#[test]
fn base_5_and_1200_characters_cost_7_credits() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", Some("standard")).grant("acme", "1000");
    let answer = scene.request(of("acme", "/api/v1/ai/image-generation")).expect("an answer");
    let (decision, admitted) = answer.admitted();
    assert_eq!(admitted.hold.total().to_string(), "5");
    assert_eq!(scene.balance("acme"), ("995".to_owned(), "5".to_owned()));
    let settled = scene.settle(decision, chars(1200));
    let Event::RequestSettled(event) = &settled.event else { panic!("not settled: {settled:?}") };
    assert_eq!(event.settlement.as_ref().expect("a charge").charged().to_string(), "7");
    assert_eq!(scene.balance("acme"), ("993".to_owned(), "0".to_owned()));
}

#[test]
fn what_a_request_tells_must_have_a_price_though_only_its_base_is_held() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", Some("standard")).grant("acme", "1000");
    let attributes = vec![(name("chars"), Value::Number(Decimal::from(10_u64.pow(18))))];
    let ask = Ask { attributes, ..of("acme", "/api/v1/ai/translation") };
    let rejection = scene.rejected(Action::Request(Box::new(ask)));
    assert_eq!(
        rejection.to_string(),
        "attributes cannot be priced: the attribute chars must be a number of zero to 10^12 with at most 6 decimals"
    );
    let ask = Ask { attributes: chars(1_200), ..of("acme", "/api/v1/ai/image-generation") };
    assert_eq!(scene.ask(ask).admitted().1.hold.total().to_string(), "5");
}

#[test]
fn the_61st_request_of_a_minute_is_denied_until_the_first_has_left_the_window() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", Some("standard")).grant("acme", "1000");
    for _ in 0..60 {
        scene.request(of("acme", "/api/v1/ai/translation")).expect("an answer").admitted();
    }
    let answer = scene.wait("30s").request(of("acme", "/api/v1/ai/translation")).expect("an answer");
    assert_eq!(answer.denied().count, Some(60));
    assert_eq!(answer.denied().retry_at, Some(scene.now.plus("30s".parse().expect("a span"))));
    scene.wait("30s").request(of("acme", "/api/v1/ai/translation")).expect("an answer").admitted();
}

#[test]
fn without_the_base_a_request_is_refused_and_nothing_moves() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", Some("standard")).grant("acme", "4");
    let answer = scene.request(of("acme", "/api/v1/ai/image-generation")).expect("an answer");
    assert_eq!(answer.denied().kind.code(), "INSUFFICIENT_CREDITS");
    assert_eq!(scene.balance("acme"), ("4".to_owned(), "0".to_owned()));
}
