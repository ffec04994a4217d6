//! One request id, one decision.

use super::Scene;
use super::harness::{at_once, from, of};
use crate::book::{Bounds, Reply};
use crate::command::{Action, Command};
use crate::event::RequestTag;
use crate::rejection::Rejection;
use crate::time::Timestamp;

const POLICY: &str = "name = \"n\"\ntitle = \"N\"\n[callers]\n[[limits]]\nname = \"daily\"\nrule = { bucket = \"day\" }\nlimit = 3\nby = [\"account\"]\n";

fn scene(ids_max: usize) -> Scene {
    let mut scene = Scene::bounded(POLICY, Bounds { ids_max, ..Bounds::default() });
    scene.open("acme", None);
    scene
}

fn request() -> Action {
    Action::Request(Box::new(at_once(of("acme", "/x"))))
}

/// An id that says when it was made.
fn made(at: Timestamp, number: u64) -> String {
    let millis = u128::from(at.micros().unsigned_abs() / 1_000);
    uuid::Uuid::from_u128(millis << 80 | 7 << 76 | 2 << 62 | u128::from(number)).to_string()
}

#[test]
fn a_repeat_gets_the_first_decision_admitted_or_denied_and_nothing_is_counted_twice() {
    let mut scene = scene(100);
    for id in ["a", "b", "c", "d"] {
        let first = scene.tagged(id, 1, request());
        assert_eq!(first, Ok(Reply::Done(scene.log.len() - 1)));
    }
    let head = scene.book.head();
    assert_eq!(scene.count("RequestDenied"), 1);
    for (id, position) in [("a", head - 3), ("d", head), ("d", head)] {
        assert_eq!(scene.tagged(id, 1, request()), Ok(Reply::Repeat(position)));
    }
    assert_eq!(scene.book.head(), head);
}

#[test]
fn the_same_id_with_another_content_is_refused() {
    let mut scene = scene(100);
    scene.tagged("a", 1, request()).expect("admitted");
    assert_eq!(scene.tagged("a", 2, request()), Err(Rejection::RequestIdReused));
}

#[test]
fn ids_are_their_senders_own() {
    let mut scene = scene(100);
    scene.tagged("a", 1, request()).expect("admitted");
    let request = Some(RequestTag { id: "a".into(), fingerprint: 2 });
    let command = Command { actor: "gateway:other".into(), request, action: self::request() };
    assert!(matches!(scene.book.execute(&command, scene.now, &mut scene.log), Ok(Reply::Done(_))));
}

#[test]
fn a_rejected_command_leaves_its_id_free() {
    let mut scene = scene(100);
    let nobody = Action::Request(Box::new(of("nobody", "/x")));
    scene.tagged("a", 1, nobody).expect_err("rejected");
    assert!(matches!(scene.tagged("a", 2, request()), Ok(Reply::Done(_))));
}

#[test]
fn an_id_is_remembered_for_its_time_and_a_time_ordered_one_is_never_decided_anew() {
    let mut scene = scene(100);
    let id = made(scene.now, 1);
    scene.tagged(&id, 1, request()).expect("admitted");
    scene.tagged("plain", 1, request()).expect("admitted");
    scene.wait("24h").tagged("b", 1, request()).expect("admitted");
    assert!(matches!(scene.tagged(&id, 1, request()), Ok(Reply::Repeat(_))));
    scene.wait("1s").tagged("c", 1, request()).expect("admitted");
    assert_eq!(scene.tagged(&id, 1, request()), Err(Rejection::RequestIdTooOld));
    assert!(matches!(scene.tagged("plain", 1, request()), Ok(Reply::Done(_))), "it says nothing of its age");
    let fresh = made(scene.now, 2);
    assert!(matches!(scene.tagged(&fresh, 1, request()), Ok(Reply::Done(_))));
}

#[test]
fn beyond_ids_max_the_oldest_ids_are_forgotten_first() {
    let mut scene = scene(2);
    let ids: Vec<_> =
        (0..3).map(|number| made(scene.now.plus("1s".parse().expect("a span")), number)).collect();
    for id in &ids {
        scene.wait("2s").tagged(id, 1, request()).expect("an answer");
    }
    assert_eq!(scene.book.remembered().len(), 2);
    assert_eq!(scene.tagged(&ids[0], 1, request()), Err(Rejection::RequestIdTooOld));
    assert!(matches!(scene.tagged(&ids[2], 1, request()), Ok(Reply::Repeat(_))));
}

#[test]
fn refusals_of_callers_without_an_account_push_out_nobody_elses_ids() {
    let mut scene = scene(8);
    scene.tagged("first", 1, request()).expect("admitted");
    let position = scene.book.head();
    let refused = || Action::Request(Box::new(from("203.0.113.7", "/x")));
    for number in 0..20 {
        scene.tagged(&format!("refused {number}"), 1, refused()).expect("refused");
    }
    assert_eq!(scene.tagged("first", 1, request()), Ok(Reply::Repeat(position)));
    assert!(matches!(scene.tagged("refused 19", 1, refused()), Ok(Reply::Repeat(_))), "the last is known");
    assert!(matches!(scene.tagged("refused 18", 1, refused()), Ok(Reply::Done(_))), "one of eight is kept");
}
