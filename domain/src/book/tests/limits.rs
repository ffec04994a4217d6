//! Limits: whom they count, which figure is in force, and what changing one does.

use super::Scene;
use super::harness::{at_once, by_key, from, hidden, name, of};
use crate::command::{AccountAct, Action, Ask, DimensionValue, Publish};
use crate::event::{AccountDetailed, Subject};
use crate::policy::{Dimension, Enforcement, Policy};
use crate::rejection::Rejection;
use crate::time::{Calendar, Timestamp};
use std::sync::Arc;

const POLICY: &str = r#"
name = "limits"
title = "One limit of each subject"
[callers]
anonymous = true
default_plan = "small"
[plans.small]
own_figures = true
[plans.large]
own_figures = true
[plans.fixed]
[keys.kinds.live]
prefix = "k_"
"#;

fn with(limits: &str) -> Scene {
    Scene::with(&format!("{POLICY}\n{limits}"))
}

fn daily(by: &str, more: &str) -> Scene {
    let limit = format!(
        "[[limits]]\nname = \"daily\"\nrule = {{ bucket = \"day\" }}\nlimit = 3\nby = [{by}]\n{more}"
    );
    let mut scene = with(&limit);
    scene.open("acme", None).open("other", None);
    scene
}

fn figure(scene: &mut Scene, subject: Subject, figure: Option<u64>) {
    let (limit, reason) = (name("daily"), "agreed".to_owned());
    scene.act(Action::SetFigure { limit, subject, figure, reason }).expect("a figure");
}

#[test]
fn each_tuple_of_the_subject_has_a_count_of_its_own() {
    let mut scene = daily("\"account\", \"endpoint\"", "");
    assert_eq!(scene.admitted_of(5, &of("acme", "/a")), 3);
    assert_eq!(scene.admitted_of(5, &of("acme", "/b")), 3);
    assert_eq!(scene.admitted_of(5, &of("other", "/a")), 3);
}

#[test]
fn accounts_of_one_owner_share_a_count() {
    let mut scene = daily("\"owner\"", "");
    let owner = AccountDetailed { owner: Some(name("acme")), ..AccountDetailed::default() };
    scene.account("other", AccountAct::Detail(Box::new(owner)));
    assert_eq!(scene.admitted_of(2, &of("acme", "/a")), 2);
    assert_eq!(scene.admitted_of(2, &of("other", "/a")), 1);
}

#[test]
fn a_limit_by_what_the_request_lacks_does_not_speak_of_it() {
    let mut scene = daily("\"end_user\"", "");
    assert_eq!(scene.admitted_of(5, &of("acme", "/a")), 5);
    let user = Ask { end_user: Some(hidden("eve")), ..of("acme", "/a") };
    assert_eq!(scene.admitted_of(5, &user), 3);
}

#[test]
fn keys_of_the_same_kind_of_name_are_counted_apart() {
    let mut scene = daily("\"key\"", "");
    scene.key("acme", "k1", "live").key("other", "k2", "live");
    assert_eq!(scene.admitted_of(5, &by_key("k1", "/a")), 3);
    assert_eq!(scene.admitted_of(5, &by_key("k2", "/a")), 3);
}

#[test]
fn the_figure_of_the_plan_holds_and_the_first_that_fits_wins() {
    let figures = r#"figures = [{ plans = ["large"], endpoints = ["/b"], limit = 5 }, { plans = ["large"], limit = 4 }]"#;
    let mut scene = daily("\"account\", \"endpoint\"", figures);
    assert_eq!(scene.admitted_of(9, &of("acme", "/a")), 3);
    scene.account("other", AccountAct::ChangePlan { plan: name("large") });
    assert_eq!(scene.admitted_of(9, &of("other", "/a")), 4);
    assert_eq!(scene.admitted_of(9, &of("other", "/b")), 5);
}

#[test]
fn without_a_figure_nobody_is_limited() {
    let mut scene = with("[[limits]]\nname = \"daily\"\nrule = { bucket = \"day\" }\nby = [\"account\"]\n");
    scene.open("acme", None);
    assert_eq!(scene.admitted_of(9, &of("acme", "/a")), 9);
    scene.figure("acme", "daily", Some(10));
    assert_eq!(scene.admitted_of(15, &of("acme", "/a")), 10);
}

#[test]
fn a_figure_of_the_accounts_own_works_at_once_and_what_was_used_stays_used() {
    let mut scene = daily("\"account\"", "");
    assert_eq!(scene.admitted_of(9, &of("acme", "/a")), 3);
    scene.figure("acme", "daily", Some(5));
    assert_eq!(scene.admitted_of(9, &of("acme", "/a")), 2);
    scene.figure("acme", "daily", Some(1));
    let denied = scene.ask(of("acme", "/a"));
    assert_eq!((denied.denied().count, denied.denied().limit), (Some(5), Some(1)));
    scene.figure("acme", "daily", None);
    assert_eq!(scene.ask(of("acme", "/a")).denied().limit, Some(3));
}

#[test]
fn a_plan_without_own_figures_refuses_them() {
    let mut scene = daily("\"account\"", "");
    scene.account("acme", AccountAct::ChangePlan { plan: name("fixed") });
    let act =
        |limit| AccountAct::SetFigure { limit: name(limit), key: None, figure: Some(9), reason: "x".into() };
    assert!(matches!(scene.rejected_act("acme", act("daily")), Rejection::NotAllowed(_)));
    assert!(matches!(scene.rejected_act("acme", act("none")), Rejection::Invalid { field: "limit", .. }));
}

#[test]
fn a_figure_of_the_accounts_own_waits_while_its_plan_has_none() {
    let mut scene = daily("\"account\"", "");
    scene.figure("acme", "daily", Some(9));
    scene.account("acme", AccountAct::ChangePlan { plan: name("fixed") });
    assert_eq!(scene.admitted_of(12, &of("acme", "/a")), 3);
    scene.account("acme", AccountAct::ChangePlan { plan: name("large") });
    assert_eq!(scene.admitted_of(12, &of("acme", "/a")), 6);
}

#[test]
fn no_policy_leaves_out_a_plan_that_an_account_is_on() {
    let mut scene = daily("\"account\"", "");
    scene.account("acme", AccountAct::ChangePlan { plan: name("large") });
    let mut policy = (**scene.book.catalogue().in_force(scene.now).expect("a policy").policy).clone();
    policy.plans.remove(&name("large"));
    let publish = |policy| Action::Publish(Publish::Policy { policy, effective: None, emergency: None });
    let rejection = scene.rejected(publish(Arc::new(policy.clone())));
    assert!(matches!(rejection, Rejection::Invalid { field: "policy", .. }), "{rejection:?}");
    scene.account("acme", AccountAct::ChangePlan { plan: name("small") });
    scene.act(publish(Arc::new(policy))).expect("published");
    scene.account("acme", AccountAct::ChangePlan { plan: name("fixed") });
}

#[test]
fn nobody_comes_on_a_plan_that_an_announced_policy_leaves_out() {
    let mut scene = daily("\"account\"", "");
    let mut policy = (**scene.book.catalogue().in_force(scene.now).expect("a policy").policy).clone();
    policy.plans.remove(&name("large"));
    let (policy, effective) = (Arc::new(policy), Some(scene.now.plus("1d".parse().expect("a span"))));
    scene.act(Action::Publish(Publish::Policy { policy, effective, emergency: None })).expect("announced");
    let rejection = scene.rejected_act("acme", AccountAct::ChangePlan { plan: name("large") });
    assert!(matches!(rejection, Rejection::Invalid { field: "plan", .. }), "{rejection:?}");
    scene.account("acme", AccountAct::ChangePlan { plan: name("fixed") });
}

#[test]
fn nobody_comes_by_default_on_a_plan_that_an_announced_policy_leaves_out() {
    let mut scene = daily("\"account\"", "");
    let mut policy = (**scene.book.catalogue().in_force(scene.now).expect("a policy").policy).clone();
    policy.callers.default_plan = Some(name("large"));
    let publish_in = |policy: &Policy, span: &str, now: Timestamp| {
        let (policy, effective) = (Arc::new(policy.clone()), Some(now.plus(span.parse().expect("a span"))));
        Action::Publish(Publish::Policy { policy, effective, emergency: None })
    };
    let now = scene.now;
    scene.act(publish_in(&policy, "0s", now)).expect("published");
    policy.callers.default_plan = Some(name("small"));
    policy.plans.remove(&name("large"));
    scene.act(publish_in(&policy, "1d", now)).expect("announced");
    let open = |plan| AccountAct::Open { plan, owner: None, calendar: Calendar::default(), opened: None };
    let rejection = scene.rejected_act("new", open(None));
    assert!(matches!(rejection, Rejection::Invalid { field: "plan", .. }), "{rejection:?}");
    scene.account("new", open(Some(name("small"))));
}

#[test]
fn where_keys_are_counted_apart_a_keys_figure_counts_only_if_lower() {
    let mut scene = daily("\"key\"", "");
    scene.key("acme", "k1", "live").key("acme", "k2", "live");
    for (key, figure) in [("k1", 2), ("k2", 9)] {
        let (limit, key, reason) = (name("daily"), Some(name(key)), "own".to_owned());
        scene.account("acme", AccountAct::SetFigure { limit, key, figure: Some(figure), reason });
    }
    assert_eq!(scene.admitted_of(9, &by_key("k1", "/a")), 2);
    assert_eq!(scene.admitted_of(9, &by_key("k2", "/a")), 3);
}

#[test]
fn where_addresses_are_counted_a_key_may_have_a_figure_of_its_own() {
    let mut scene = daily("\"ip\"", "");
    scene.key("acme", "k1", "live");
    figure(&mut scene, Subject::Key(name("k1")), Some(5));
    assert_eq!(scene.admitted_of(9, &from("1.1.1.1", "/a")), 3);
    assert_eq!(scene.admitted_of(9, &by_key("k1", "/a")), 2, "the address has used 3 of 5");
}

#[test]
fn an_address_and_an_owner_may_have_figures_of_their_own() {
    let mut scene = daily("\"ip\"", "");
    figure(&mut scene, Subject::Ip(hidden("2.2.2.2").digest), Some(5));
    assert_eq!(scene.admitted_of(9, &from("1.1.1.1", "/a")), 3);
    assert_eq!(scene.admitted_of(9, &from("2.2.2.2", "/a")), 5);
    let mut scene = daily("\"owner\"", "");
    figure(&mut scene, Subject::Owner(name("holding")), Some(4));
    let owner = AccountDetailed { owner: Some(name("holding")), ..AccountDetailed::default() };
    scene.account("acme", AccountAct::Detail(Box::new(owner)));
    assert_eq!(scene.admitted_of(9, &of("acme", "/a")), 4);
    assert!(scene.book.account("holding").is_none(), "an owner's figure opens no account");
}

#[test]
fn figures_of_subjects_that_a_limit_does_not_count_are_refused() {
    let mut scene = daily("\"account\"", "");
    let set =
        |subject| Action::SetFigure { limit: name("daily"), subject, figure: Some(9), reason: "x".into() };
    let rejection = scene.rejected(set(Subject::Ip(hidden("1.1.1.1").digest)));
    assert!(matches!(rejection, Rejection::Invalid { field: "ip", .. }));
    let rejection = scene.rejected(set(Subject::Owner(name("acme"))));
    assert!(matches!(rejection, Rejection::Invalid { field: "owner", .. }));
    assert_eq!(scene.rejected(set(Subject::Account(name("none")))), Rejection::UnknownAccount(name("none")));
    assert_eq!(scene.rejected(set(Subject::Key(name("none")))), Rejection::UnknownKey(name("none")));
}

#[test]
fn a_cooldowns_own_figure_is_its_length_in_seconds() {
    let mut scene = with("[[limits]]\nname = \"daily\"\nrule = { cooldown = \"1s\" }\nby = [\"ip\"]\n");
    figure(&mut scene, Subject::Ip(hidden("1.1.1.1").digest), Some(10));
    scene.ask(from("1.1.1.1", "/a")).admitted();
    assert_eq!(scene.wait("9s").ask(from("1.1.1.1", "/a")).wait(), Some(1));
    scene.wait("1s").ask(from("1.1.1.1", "/a")).admitted();
}

#[test]
fn a_limit_raised_and_lowered_in_the_middle_of_a_window_counts_what_was_used() {
    let mut scene =
        with("[[limits]]\nname = \"minute\"\nrule = { rolling = \"60s\" }\nlimit = 5\nby = [\"account\"]\n");
    scene.open("acme", None);
    assert_eq!(scene.admitted_of(9, &of("acme", "/a")), 5);
    scene.wait("30s").republish(|policy| policy.limits[0].limit = Some(8));
    assert_eq!(scene.admitted_of(9, &of("acme", "/a")), 3);
    scene.republish(|policy| policy.limits[0].limit = Some(4));
    assert_eq!(scene.wait("29s").ask(of("acme", "/a")).wait(), Some(1));
    assert_eq!(scene.wait("1s").admitted_of(9, &of("acme", "/a")), 1, "3 of 4 are still in the window");
}

#[test]
fn resetting_a_count_is_an_act_of_its_own() {
    let mut scene = daily("\"account\", \"endpoint\"", "");
    assert_eq!(scene.admitted_of(9, &of("acme", "/a")), 3);
    let text = |text: &str| DimensionValue::Text(text.into());
    let values = [(Dimension::Account, text("acme")), (Dimension::Endpoint, text("/a"))];
    let reset = |limit, subject, values| Action::ResetCount {
        limit: name(limit),
        subject,
        values,
        reason: "by mistake".into(),
    };
    let acme = || Subject::Account(name("acme"));
    scene.act(reset("daily", acme(), values.clone().into_iter().collect())).expect("reset");
    assert_eq!(scene.admitted_of(9, &of("acme", "/a")), 3);
    let rejection = scene.rejected(reset("daily", acme(), values[..1].iter().cloned().collect()));
    assert!(matches!(rejection, Rejection::Invalid { field: "values", .. }));
    let rejection = scene.rejected(reset("none", acme(), values.clone().into_iter().collect()));
    assert!(matches!(rejection, Rejection::Invalid { field: "limit", .. }));
    let rejection =
        scene.rejected(reset("daily", Subject::Account(name("no")), values.into_iter().collect()));
    assert_eq!(rejection, Rejection::UnknownAccount(name("no")));
}

#[test]
fn a_shadow_limit_reports_what_it_would_have_refused() {
    let mut scene = daily("\"account\"", "");
    scene.republish(|policy| policy.limits[0].mode = Enforcement::Shadow);
    for round in 0..5 {
        let answer = scene.ask(of("acme", "/a"));
        assert_eq!(answer.admitted().1.shadow.len(), usize::from(round >= 3));
    }
}

#[test]
fn earlier_accounts_are_neither_gated_nor_counted_before_the_switch_over() {
    let only = "only = { opened_from = \"2026-03-01T00:00:00Z\", everyone_from = \"2026-03-02T00:00:00Z\" }";
    let mut scene = daily("\"account\"", only);
    let (opened, calendar) = (Some(scene.now.minus("10d".parse().expect("a span"))), Calendar::default());
    scene.account("early", AccountAct::Open { plan: None, owner: None, calendar, opened });
    assert_eq!(scene.admitted_of(9, &of("early", "/a")), 9);
    assert_eq!(scene.admitted_of(9, &of("acme", "/a")), 3);
    assert_eq!(scene.wait("12h").admitted_of(9, &of("early", "/a")), 3);
}

#[test]
fn a_bucket_by_the_accounts_calendar_resets_at_its_zones_hour() {
    let mut scene = daily("\"account\"", "calendar = \"account\"");
    let calendar = Calendar { zone: "Europe/Berlin".parse().expect("a zone"), reset_hour: 3 };
    let berlin = AccountDetailed { calendar: Some(calendar), ..AccountDetailed::default() };
    scene.account("acme", AccountAct::Detail(Box::new(berlin)));
    for account in ["acme", "other"] {
        assert_eq!(scene.admitted_of(9, &of(account, "/a")), 3);
    }
    scene.wait("12h").ask(of("acme", "/a")).denied();
    scene.ask(of("other", "/a")).admitted();
    assert_eq!(scene.ask(of("acme", "/a")).wait(), Some(7_200), "03:00 in Berlin is 02:00 in UTC");
    scene.wait("2h").ask(of("acme", "/a")).admitted();
}

#[test]
fn what_an_answer_shows_is_what_is_left_after_this_request_and_as_it_was_before_a_refused_one() {
    let minute =
        "[[limits]]\nname = \"minute\"\nrule = { rolling = \"60s\" }\nlimit = 1\nby = [\"account\"]\n";
    let mut scene = daily("\"account\"", minute);
    assert_eq!(scene.ask(at_once(of("acme", "/a"))).left("daily"), 2);
    let denied = scene.ask(at_once(of("acme", "/a")));
    assert_eq!((denied.left("daily"), denied.left("minute"), denied.wait()), (2, 0, Some(60)));
}

#[test]
fn a_token_bucket_with_a_figure_of_zero_stays_shut_after_its_counter_was_let_go() {
    let limit = "[[limits]]\nname = \"flow\"\nrule = { token_bucket = { period = \"1s\", burst = 2 } }\nlimit = 1\n\
                 by = [\"account\"]";
    let mut scene = with(limit);
    scene.open("acme", None).open("other", None);
    assert_eq!(scene.admitted_of(3, &of("acme", "/a")), 2);
    scene.figure("acme", "flow", Some(0));
    for _ in 0..5 {
        scene.wait("1h");
        assert_eq!(scene.admitted_of(3, &of("other", "/a")), 2, "others move the hand over idle counters");
        assert_eq!(scene.admitted_of(1, &of("acme", "/a")), 0);
    }
}
