//! Accounts: opened once, closed for good, and what an operator may do in between.

use super::Scene;
use super::harness::{granted, name, of, time};
use crate::command::AccountAct;
use crate::rejection::Rejection;
use crate::time::Calendar;

const PLANS: &str = include_str!("../../../../policies/plan-tiers.toml");

fn open(plan: Option<&str>, opened: Option<&str>) -> AccountAct {
    let (plan, opened) = (plan.map(name), opened.map(time));
    AccountAct::Open { plan, owner: None, calendar: Calendar::default(), opened }
}

#[test]
fn an_account_is_opened_once_with_a_plan_of_the_policy_or_its_default() {
    let mut scene = Scene::with(PLANS);
    let invalid = |rejection, expected: &str| match rejection {
        Rejection::Invalid { field, .. } => assert_eq!(field, expected),
        other => panic!("{other:?}"),
    };
    invalid(scene.rejected_act("acme", open(Some("gold"), None)), "plan");
    invalid(scene.rejected_act("acme", open(None, Some("2026-03-01T12:00:01Z"))), "opened");
    scene.account("acme", open(None, Some("2020-01-01T00:00:00Z")));
    let account = scene.book.account("acme").expect("acme");
    assert_eq!((account.plan.clone(), account.opened), (Some(name("free")), time("2020-01-01T00:00:00Z")));
    assert_eq!(scene.rejected_act("acme", open(None, None)), Rejection::AccountExists(name("acme")));
    invalid(scene.rejected_act("acme", AccountAct::ChangePlan { plan: name("gold") }), "plan");
    scene.account("acme", AccountAct::ChangePlan { plan: name("pro") });
}

#[test]
fn where_there_is_no_default_a_plan_must_be_named() {
    let mut scene = Scene::with("name = \"n\"\ntitle = \"N\"\n[callers]\n[plans.one]\n");
    assert!(matches!(scene.rejected_act("acme", open(None, None)), Rejection::Invalid { field: "plan", .. }));
    scene.account("acme", open(Some("one"), None));
}

#[test]
fn nobody_acts_on_an_account_that_was_never_opened() {
    let mut scene = Scene::with(PLANS);
    let act = AccountAct::Suspend { reason: "x".into(), until: None };
    assert_eq!(scene.rejected_act("acme", act), Rejection::UnknownAccount(name("acme")));
}

#[test]
fn suspending_and_reinstating_are_acts_with_a_reason() {
    let mut scene = Scene::with(PLANS);
    scene.open("acme", None);
    let reinstate = || AccountAct::Reinstate { reason: "resolved".into() };
    assert!(matches!(scene.rejected_act("acme", reinstate()), Rejection::NothingToChange(_)));
    let past = AccountAct::Suspend { reason: "payment".into(), until: Some(scene.now) };
    assert!(matches!(scene.rejected_act("acme", past), Rejection::Invalid { field: "until", .. }));
    scene.account("acme", AccountAct::Suspend { reason: "payment".into(), until: None });
    assert_eq!(scene.ask(of("acme", "/x")).short(), "SUSPENDED payment");
    assert_eq!(scene.ask(of("acme", "/x")).wait(), None, "waiting cannot help");
    scene.account("acme", reinstate()).ask(of("acme", "/x")).admitted();
}

#[test]
fn a_closed_account_does_nothing_any_more_but_its_credit_can_be_corrected() {
    let mut scene = Scene::with(PLANS);
    scene
        .open("acme", None)
        .grant("acme", "10")
        .account("acme", AccountAct::Terminate { reason: "fraud".into() });
    for act in [
        AccountAct::Terminate { reason: "again".into() },
        AccountAct::ChangePlan { plan: name("pro") },
        AccountAct::Suspend { reason: "x".into(), until: None },
    ] {
        assert_eq!(scene.rejected_act("acme", act), Rejection::AccountClosed(name("acme")));
    }
    scene.account("acme", AccountAct::Grant(granted("1")));
    assert_eq!(scene.balance("acme").0, "11");
}
