//! The order of the gates: key, ban, suspension, size, the limits in the policy's order, credit.

use super::Scene;
use super::harness::{KEY, by_key, from, hidden, name, number, of};
use crate::book::Who;
use crate::command::{AccountAct, Action, Ask};
use crate::event::{AccountDetailed, KeyChange};
use crate::ids::Digest;
use crate::policy::{Dimension, Kind};
use crate::rejection::Rejection;

const POLICY: &str = r#"
name = "ladder"
title = "Every gate once"
[callers]
anonymous = true
[attributes]
bytes = "number"
[[sizes]]
name = "size"
attribute = "bytes"
max = 10
[[limits]]
name = "cooldown"
rule = { cooldown = "1s" }
by = ["ip"]
[[limits]]
name = "burst"
rule = { rolling = "60s" }
limit = 2
by = ["account"]
[credit]
charge = "settle"
[prices]
[prices.default]
base = 5
[keys.kinds.live]
prefix = "k_"
"#;

fn address(scene: &Scene) -> Digest {
    let policy = scene.book.catalogue().in_force(scene.now).expect("a policy").policy;
    let who = Who { ip: Some(hidden("1.1.1.1").digest), ..Who::default() };
    scene.book.ban_subject(&who, &[Dimension::Ip], policy).expect("a subject")
}

fn sized(bytes: u32) -> Ask {
    Ask { attributes: number("bytes", bytes), ..by_key("k", "/x") }
}

fn ban(scene: &mut Scene) {
    let (by, subject) = (vec![Dimension::Ip], address(scene));
    let (reason, name) = ("scraping".to_owned(), name("manual"));
    scene.act(Action::Ban { by, subject, reason, until: None, name }).expect("banned");
}

fn lift(scene: &mut Scene) -> &mut Scene {
    let (by, subject) = (vec![Dimension::Ip], address(scene));
    scene.act(Action::LiftBan { by, subject, reason: "appeal".into() }).expect("lifted");
    scene
}

#[test]
fn the_first_gate_that_denies_wins_all_the_way_down_the_ladder() {
    type Step = (&'static str, for<'a> fn(&'a mut Scene) -> &'a mut Scene, u32);
    let suspend = |scene: &mut Scene| {
        scene.account("acme", AccountAct::Suspend { reason: "payment".into(), until: None });
    };
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None).grant("acme", "10").key("acme", "k", "live");
    for _ in 0..2 {
        scene
            .wait("1s")
            .ask(Ask { settle: Some(crate::pricing::Outcome::Succeeded), ..sized(10) })
            .admitted();
    }
    scene.change_key("acme", "k", KeyChange::Suspended);
    suspend(&mut scene);
    ban(&mut scene);
    let ladder: [Step; 8] = [
        ("UNAUTHENTICATED key_suspended", |scene| scene, 11),
        ("BANNED banned", |scene| scene.change_key("acme", "k", KeyChange::Resumed), 11),
        ("SUSPENDED payment", lift, 11),
        (
            "TOO_LARGE size",
            |scene| scene.account("acme", AccountAct::Reinstate { reason: "paid".into() }),
            11,
        ),
        ("RATE_LIMITED cooldown", |scene| scene, 10),
        ("RATE_LIMITED burst", |scene| scene.wait("1s"), 10),
        ("INSUFFICIENT_CREDITS insufficient_credits", |scene| scene.wait("60s"), 10),
        ("allowed", |scene| scene.grant("acme", "5"), 10),
    ];
    for (expected, remedy, bytes) in ladder {
        remedy(&mut scene);
        assert_eq!(scene.ask(sized(bytes)).short(), expected);
    }
}

#[test]
fn a_refused_request_moves_no_window_no_credit_and_no_cooldown() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None).grant("acme", "4").key("acme", "k", "live");
    for _ in 0..5 {
        assert_eq!(scene.ask(sized(10)).denied().kind, Kind::InsufficientCredits);
    }
    assert_eq!(scene.ask(sized(11)).denied().kind, Kind::TooLarge);
    assert_eq!(scene.balance("acme"), ("4".to_owned(), "0".to_owned()));
    scene.grant("acme", "6").ask(sized(10)).admitted();
    assert_eq!(scene.wait("1s").ask(sized(10)).left("burst"), 0);
}

#[test]
fn the_exact_size_passes_and_one_more_is_too_large() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None).grant("acme", "100").key("acme", "k", "live");
    assert_eq!(scene.ask(sized(11)).denied().limit, Some(10));
    scene.ask(sized(10)).admitted();
}

#[test]
fn every_unusable_key_is_refused_with_its_reason() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None).grant("acme", "100");
    for key in ["k", "revoked", "stolen", "closed"] {
        scene.key("acme", key, "live");
    }
    let (suspected, reported) = (scene.now, scene.now);
    let stolen = KeyChange::Compromised { suspected, reported, within_a_day: true };
    scene.change_key("acme", "revoked", KeyChange::Revoked).change_key("acme", "stolen", stolen);
    scene.change_key("acme", "k", KeyChange::Suspended);
    for (key, reason) in [
        ("nobody's", "unknown_key"),
        ("k", "key_suspended"),
        ("revoked", "key_revoked"),
        ("stolen", "key_compromised"),
    ] {
        assert_eq!(scene.ask(by_key(key, "/x")).short(), format!("UNAUTHENTICATED {reason}"));
    }
    scene.account("acme", AccountAct::Terminate { reason: "fraud".into() });
    assert_eq!(scene.ask(by_key("closed", "/x")).short(), "UNAUTHENTICATED key_revoked");
    assert_eq!(scene.ask(of("acme", "/x")).short(), "UNAUTHENTICATED account_closed");
}

#[test]
fn where_nobody_is_anonymous_a_key_must_come_with_the_request() {
    let mut scene = Scene::with(&POLICY.replace("anonymous = true", "anonymous = false"));
    assert_eq!(scene.ask(from("1.1.1.1", "/x")).short(), "UNAUTHENTICATED missing_key");
}

#[test]
fn a_request_without_key_and_address_and_one_of_an_unknown_account_are_no_requests() {
    let mut scene = Scene::with(POLICY);
    let nobody = Ask { ip: None, ..from("1.1.1.1", "/x") };
    let rejection = scene.rejected(Action::Request(Box::new(nobody)));
    assert!(matches!(rejection, Rejection::Invalid { field: "ip", .. }));
    let rejection = scene.rejected(Action::Request(Box::new(of("nobody", "/x"))));
    assert_eq!(rejection, Rejection::UnknownAccount(name("nobody")));
}

#[test]
fn a_ban_ends_at_its_time_and_a_suspension_too() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None).grant("acme", "100").key("acme", "k", "live");
    let (by, subject, until) =
        (vec![Dimension::Ip], address(&scene), Some(scene.now.plus("1h".parse().expect("a span"))));
    let (reason, gate) = ("scraping".to_owned(), name("manual"));
    scene.act(Action::Ban { by, subject, reason, until, name: gate }).expect("banned");
    scene.account("acme", AccountAct::Suspend { reason: "security".into(), until });
    let banned = scene.wait("30m").ask(sized(1));
    assert_eq!((banned.short().as_str(), banned.wait()), ("BANNED banned", Some(1_800)));
    let suspended = scene.ask(of("acme", "/x"));
    assert_eq!((suspended.short().as_str(), suspended.wait()), ("SUSPENDED security", Some(1_800)));
    scene.wait("30m").ask(sized(1)).admitted();
    assert_eq!(scene.count("AccountReinstated"), 1);
}

#[test]
fn an_account_can_block_one_of_its_end_users() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None).grant("acme", "100");
    let block = |blocked| {
        let blocked = [(hidden("eve").digest, blocked)].into_iter().collect();
        AccountAct::Detail(Box::new(AccountDetailed { blocked, ..AccountDetailed::default() }))
    };
    let eve = Ask { end_user: Some(hidden("eve")), ..of("acme", "/x") };
    scene.account("acme", block(true));
    assert_eq!(scene.ask(eve.clone()).short(), "BANNED end_user_blocked");
    scene.ask(of("acme", "/x")).admitted();
    scene.account("acme", block(false)).ask(eve).admitted();
}

#[test]
fn bans_begin_in_the_future_and_only_one_in_force_is_lifted() {
    let mut scene = Scene::with(POLICY);
    let (by, subject, until) = (vec![Dimension::Ip], Digest(1), Some(scene.now));
    let (reason, gate) = ("late".to_owned(), name("manual"));
    let rejection = scene.rejected(Action::Ban { by: by.clone(), subject, reason, until, name: gate });
    assert!(matches!(rejection, Rejection::Invalid { field: "until", .. }));
    let rejection = scene.rejected(Action::LiftBan { by, subject, reason: "none".into() });
    assert!(matches!(rejection, Rejection::NothingToChange(_)));
    assert_eq!(KEY.digest([b"x".as_slice()]), KEY.digest([b"x".as_slice()]));
}
