//! Keys: who may have one, rotation, and what a compromise leads to.

use super::Scene;
use super::harness::{by_key, name, new_key};
use crate::command::{AccountAct, NewKey};
use crate::event::{AccountDetailed, KeyChange};
use crate::rejection::Rejection;

const POLICY: &str = r#"
name = "keys"
title = "Keys under conditions"
[callers]
[keys]
needs_contact = true
needs_terms = true
max = 2
[keys.kinds.live]
prefix = "k_"
[keys.kinds.partner]
prefix = "p_"
approval = "partner-terms"
"#;

fn detail(contact: Option<bool>, terms: Option<&str>) -> AccountAct {
    let terms = terms.map(ToOwned::to_owned);
    AccountAct::Detail(Box::new(AccountDetailed { contact, terms, ..AccountDetailed::default() }))
}

fn scene() -> Scene {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None).account("acme", detail(Some(true), Some("v1")));
    scene
}

fn issue(key: &str) -> AccountAct {
    AccountAct::IssueKey(new_key(key, "live"))
}

fn unchanged(rejection: &Rejection) -> bool {
    matches!(rejection, Rejection::NothingToChange(_))
}

fn not_allowed(rejection: &Rejection) -> bool {
    matches!(rejection, Rejection::NotAllowed(_))
}

#[test]
fn a_key_needs_contact_data_and_an_accepted_version_of_the_terms() {
    let mut scene = Scene::with(POLICY);
    scene.open("acme", None);
    assert!(not_allowed(&scene.rejected_act("acme", issue("k"))));
    scene.account("acme", detail(Some(true), None));
    assert!(not_allowed(&scene.rejected_act("acme", issue("k"))));
    scene.account("acme", detail(None, Some("v1"))).account("acme", issue("k"));
    scene.ask(by_key("k", "/x")).admitted();
}

#[test]
fn a_partners_key_needs_an_approval_that_names_the_terms() {
    let mut scene = scene();
    let partner = |approval: Option<&str>| {
        let approval = approval.map(ToOwned::to_owned);
        AccountAct::IssueKey(NewKey { approval, ..new_key("p", "partner") })
    };
    for approval in [None, Some("other-terms")] {
        let rejection = scene.rejected_act("acme", partner(approval));
        assert!(matches!(rejection, Rejection::Invalid { field: "approval", .. }));
    }
    scene.account("acme", partner(Some("partner-terms")));
}

#[test]
fn a_suspended_account_cannot_make_a_key() {
    let mut scene = scene();
    scene.account("acme", AccountAct::Suspend { reason: "security".into(), until: None });
    assert_eq!(scene.rejected_act("acme", issue("k")), Rejection::AccountSuspended(name("acme")));
}

#[test]
fn an_account_has_so_many_living_keys_and_rotating_one_adds_none() {
    let mut scene = scene();
    scene.account("acme", issue("k1")).account("acme", issue("k2"));
    assert!(not_allowed(&scene.rejected_act("acme", issue("k3"))));
    let rotate = |key: &str, old: &str| {
        AccountAct::IssueKey(NewKey { replaces: Some(name(old)), ..new_key(key, "live") })
    };
    assert_eq!(scene.rejected_act("acme", rotate("k3", "none")), Rejection::UnknownKey(name("none")));
    scene.account("acme", rotate("k3", "k1"));
    assert_eq!(scene.ask(by_key("k1", "/x")).short(), "UNAUTHENTICATED key_revoked");
    scene.ask(by_key("k3", "/x")).admitted();
    assert_eq!(scene.rejected_act("acme", rotate("k4", "k1")), Rejection::UnknownKey(name("k1")));
    scene.change_key("acme", "k2", KeyChange::Revoked).account("acme", issue("k4"));
}

#[test]
fn a_keys_name_and_hash_are_used_once_in_the_whole_book() {
    let mut scene = scene();
    scene.account("acme", issue("k")).open("other", None).account("other", detail(Some(true), Some("v1")));
    for (key, hash) in [("k", "new"), ("new", "k")] {
        let key = NewKey { key: name(key), ..new_key(hash, "live") };
        let rejection = scene.rejected_act("other", AccountAct::IssueKey(key));
        assert!(matches!(rejection, Rejection::Invalid { field: "key", .. }));
    }
    let unknown = AccountAct::IssueKey(new_key("n", "none"));
    assert!(matches!(scene.rejected_act("other", unknown), Rejection::Invalid { field: "kind", .. }));
}

#[test]
fn after_a_compromise_a_new_key_needs_a_recorded_verification() {
    let mut scene = scene();
    scene.account("acme", issue("k1"));
    let (suspected, reported) = (scene.now, scene.now);
    scene.change_key("acme", "k1", KeyChange::Compromised { suspected, reported, within_a_day: true });
    assert!(not_allowed(&scene.rejected_act("acme", issue("k2"))));
    scene.change_key("acme", "k1", KeyChange::Verified).account("acme", issue("k2"));
    assert_eq!(scene.ask(by_key("k1", "/x")).short(), "UNAUTHENTICATED key_compromised");
}

#[test]
fn a_keys_standing_changes_only_as_it_can() {
    let mut scene = scene();
    scene.account("acme", issue("k1"));
    let change = |key: &str, change| AccountAct::ChangeKey { key: name(key), change, reason: None };
    assert_eq!(
        scene.rejected_act("acme", change("none", KeyChange::Revoked)),
        Rejection::UnknownKey(name("none"))
    );
    assert!(unchanged(&scene.rejected_act("acme", change("k1", KeyChange::Resumed))));
    assert!(unchanged(&scene.rejected_act("acme", change("k1", KeyChange::Verified))));
    scene
        .account("acme", change("k1", KeyChange::Suspended))
        .account("acme", change("k1", KeyChange::Revoked));
    for late in [KeyChange::Suspended, KeyChange::Resumed, KeyChange::Revoked] {
        assert!(unchanged(&scene.rejected_act("acme", change("k1", late))));
    }
}
