//! Holds, refusals, bans and requests are read the same from every kind of database, and are what the events say.

use crate::home::{Home, run};
use crate::traffic::{ENDPOINT, opened, send};
use counterfoil_tests::sandbox::{GATEWAY, OPERATOR, Sandbox};
use domain::ids::{Digest, Name};
use projections::read::{BansWanted, DenialsWanted, HoldsWanted, Page, ReadModels, Refused, RequestsWanted};
use projections::runner::ViewError;
use projections::views::denials::{Ban, Denial};
use projections::views::holds::Hold;
use projections::views::requests::Traced;
use serde_json::{Value, json};
use std::sync::Arc;

on_every_database!(
    what_is_open_is_what_was_admitted_and_not_ended,
    refusals_and_bans_are_those_of_the_events,
    every_step_of_a_request_is_found_by_its_id,
    views_of_another_fold_are_made_again,
);

fn acme() -> Name {
    "acme".parse().expect("a name")
}

/// Traffic with holds that stay open, refusals and bans.
fn lived(home: &Home) -> Sandbox {
    let sandbox = opened(home);
    send(&sandbox, 40);
    sandbox.open("poor", &json!({}));
    for turn in 0..5 {
        let ip = format!("203.0.113.{}", turn % 2);
        sandbox.request(json!({"account": "poor", "endpoint": ENDPOINT, "ip": ip})).expect(200);
    }
    for (path, until) in
        [("/v1/bans", Some("2026-03-01T00:00:00Z")), ("/v1/bans/lift", None), ("/v1/bans", None)]
    {
        let mut body = json!({"ip": "203.0.113.0", "reason": "a test"});
        if let Some(until) = until {
            body["until"] = json!(until);
        }
        sandbox.operator("POST", path, &body).expect(200);
    }
    sandbox
}

fn positions(rows: &[Value], of: &str) -> Vec<Value> {
    rows.iter().map(|row| row[of].clone()).collect()
}

fn what_is_open_is_what_was_admitted_and_not_ended(home: &Home) {
    let sandbox = lived(home);
    for account in ["acme", "globex"] {
        let rows = sandbox.pages(GATEWAY, &format!("/v1/account/holds?account={account}"), "holds", 2);
        let events = sandbox.events(&format!("stream=account-{account}"));
        let ends = |position: &Value| {
            events.iter().any(|event| {
                event["data"]["decision"] == *position
                    && ["RequestSettled", "HoldExpired"].iter().any(|kind| event["type"] == *kind)
            })
        };
        let open =
            events.iter().filter(|event| event["type"] == "RequestAdmitted" && !ends(&event["position"]));
        let open: Vec<_> = open.map(|event| json!(format!("d_{}", event["position"]))).collect();
        assert!(!open.is_empty());
        assert_eq!(positions(&rows, "decision_id"), open, "{account}");
    }
}

fn refusals_and_bans_are_those_of_the_events(home: &Home) {
    let sandbox = lived(home);
    for (path, list, events) in [
        ("/v1/account/denials?account=poor", "denials", "type=RequestDenied&stream=account-poor"),
        ("/v1/denials", "denials", "type=RequestDenied"),
        ("/v1/denials?subject=ip:203.0.113.1", "denials", "type=RequestDenied&subject=ip:203.0.113.1"),
        ("/v1/bans?subject=ip:203.0.113.0", "bans", "type=BanStarted"),
    ] {
        let rows = sandbox.pages(OPERATOR, path, list, 2);
        assert!(!rows.is_empty(), "{path}");
        assert_eq!(positions(&rows, "position"), positions(&sandbox.events(events), "position"), "{path}");
    }
    let bans = sandbox.pages(OPERATOR, "/v1/bans", "bans", 1);
    let lifted: Vec<_> = bans.iter().map(|ban| ban["lifted"]["position"].clone()).collect();
    let event = sandbox.events("type=BanLifted")[0]["position"].clone();
    assert_eq!(lifted, [event, Value::Null]);
}

fn every_step_of_a_request_is_found_by_its_id(home: &Home) {
    let sandbox = lived(home);
    let events = sandbox.events("");
    let decided = events
        .iter()
        .filter(|event| ["RequestAdmitted", "RequestDenied"].iter().any(|kind| event["type"] == *kind));
    for event in decided.step_by(4) {
        let id = event["request_id"].as_str().expect("an id");
        let rows = sandbox.pages(GATEWAY, &format!("/v1/requests/{id}"), "decisions", 1);
        assert_eq!(positions(&rows, "position"), [event["position"].clone()], "{id}");
        let later: Vec<_> =
            events.iter().filter(|later| later["data"]["decision"] == event["position"]).cloned().collect();
        let steps = rows[0]["steps"].as_array().expect("steps");
        assert_eq!(positions(steps, "position"), positions(&later, "position"), "{id}");
    }
}

fn views_of_another_fold_are_made_again(home: &Home) {
    let sandbox = lived(home);
    let path = "/v1/account/holds?account=acme";
    let before = sandbox.look(GATEWAY, path)["holds"].clone();
    drop(sandbox);
    home.age("holds");
    let sandbox = home.payg();
    sandbox.set("2026-01-01T02:00:00Z");
    assert_eq!(sandbox.look(GATEWAY, path)["holds"], before);
}

/// What the port gives of a book, in pages of 3, without what is hashed under the book's own key.
async fn read(home: &Home) -> Result<(Vec<Hold>, Vec<Denial>, Vec<Ban>, Vec<Traced>), ViewError> {
    let log = home.log().await;
    let reads: Arc<dyn ReadModels> = home.views(&log).reads();
    let (mut holds, mut denials, mut bans, mut requests) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut after = Some(0);
    while let Some(cursor) = after {
        let page = reads.holds(&HoldsWanted { account: acme(), after: cursor, limit: 3 }).await?;
        after = next(&page, &mut holds, |hold| hold.decision);
    }
    after = Some(0);
    while let Some(cursor) = after {
        let wanted = DenialsWanted { of: Refused::Everybody, from: None, to: None, after: cursor, limit: 3 };
        after = next(&reads.denials(&wanted).await?, &mut denials, |denial| denial.position);
    }
    for denial in &mut denials {
        denial.ip = None;
    }
    after = Some(0);
    while let Some(cursor) = after {
        let wanted = BansWanted { of: None, after: cursor, limit: 1 };
        after = next(&reads.bans(&wanted).await?, &mut bans, |ban| ban.position);
    }
    for ban in &mut bans {
        ban.subject = Digest(0);
    }
    for id in 1..=45 {
        let request = format!("auto-{id}");
        let page = reads.requests(&RequestsWanted { request, actor: None, after: 0, limit: 3 }).await?;
        requests.extend(page.rows);
    }
    Ok((holds, denials, bans, requests))
}

/// Takes a page, and says where the next one begins.
fn next<T: Clone>(page: &Page<T>, rows: &mut Vec<T>, place: impl Fn(&T) -> u64) -> Option<u64> {
    rows.extend(page.rows.iter().cloned());
    page.rows.last().filter(|_| page.more).map(place)
}

#[test]
fn the_port_gives_the_same_of_both_kinds_of_database() {
    let [folder, database] = [Home::in_folder(), Home::in_database()].map(|home| {
        lived(&home).catch_up();
        run(read(&home)).expect("rows")
    });
    let (holds, denials, bans, requests) = &folder;
    assert!(holds.len() > 3 && denials.len() > 3, "{holds:?} {denials:?}");
    assert_eq!((bans.len(), requests.len()), (2, 45));
    assert_eq!(folder, database);
}
