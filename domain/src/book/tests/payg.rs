//! Pay as you go: a base held, the final cost settled.

use super::harness::of;
use super::{Scene, chars};
use crate::event::Event;

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
