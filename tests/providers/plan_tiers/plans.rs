use super::{account, ask, complete, job, world};
use crate::world::{World, changed, header, limit, text, verdict};
use serde_json::{Value, json};

#[test]
fn plans_have_their_requests_a_minute() {
    let world = world();
    for (plan, most) in [("free", 10), ("starter", 60), ("pro", 120)] {
        let key = account(&world, plan, plan);
        assert_eq!(world.burst(&ask(&key), most + 1), most, "{plan}");
        let denied = world.ask(&ask(&key));
        assert_eq!((verdict(&denied).0, header(&denied, "Retry-After")), (429, "60"));
    }
}

#[test]
fn plans_have_their_requests_a_day() {
    for (plan, minute, day) in [("free", 10, 100), ("starter", 60, 1_000), ("pro", 120, 10_000)] {
        let world = world();
        let key = account(&world, "acme", plan);
        let mut passed = 0;
        while passed < day {
            let times = minute.min(day - passed);
            assert_eq!(world.burst(&ask(&key), times), times, "{plan} after {passed}");
            passed += times;
            world.pass("60s");
        }
        let denied = world.ask(&ask(&key));
        assert_eq!(
            (verdict(&denied).0, text(&denied["response"]["body"]).contains("day-key")),
            (429, true),
            "{plan}"
        );
        world.at("2026-03-03T00:00:00Z");
        assert_eq!(world.ask(&ask(&key))["allowed"], true);
    }
}

#[test]
fn plans_have_their_jobs_at_once() {
    let world = world();
    for (plan, most) in [("free", 2), ("starter", 5), ("pro", 20)] {
        let key = account(&world, plan, plan);
        world.grant(plan, "10000");
        assert_eq!(
            (0..=most).filter(|_| world.ask(&job(&key, &json!(1)))["allowed"] == true).count(),
            most,
            "{plan}"
        );
        let denied = world.ask(&job(&key, &json!(1)));
        assert_eq!((verdict(&denied), header(&denied, "Retry-After")), ((429, "QUEUE_FULL".into()), "10"));
        assert_eq!(world.ask(&ask(&key))["allowed"], true, "a full queue is no rate");
    }
}

#[test]
fn plans_of_enterprise_have_own_figures_per_account_and_others_have_none() {
    let world = world();
    let key = account(&world, "big", "enterprise");
    assert_eq!(world.burst(&ask(&key), 200), 200, "no figure before an operator sets one");
    let set = |account: &str, limit: &str| {
        let body = json!({"figure": 300, "reason": "contract 7"});
        world.operator("PUT", &format!("/v1/accounts/{account}/limits/{limit}"), &body)
    };
    set("big", "minute-account").expect(200);
    assert_eq!(world.burst(&ask(&key), 101), 101, "requests before the figure were not counted");
    assert_eq!(world.burst(&ask(&key), 300), 199);
    account(&world, "small", "starter");
    assert_eq!(set("small", "minute-account").expect(403)["code"], "NOT_ALLOWED");
}

#[test]
fn scope_is_each_limit_per_key_and_per_account_and_the_denial_names_which() {
    let world = world();
    let key = account(&world, "acme", "free");
    let second = world.key("acme", "live");
    assert_eq!(world.burst(&ask(&key), 10), 10);
    let by_key = world.ask(&ask(&key));
    let body = r#"{"error":{"code":"RATE_LIMITED","message":"The limit of this key is reached (minute-key). Retry after 60 seconds.","scope":"key","limit":"minute-key","retry_after":60}}"#;
    assert_eq!(text(&by_key["response"]["body"]), body);
    let by_account = world.ask(&ask(&second));
    assert_eq!((text(&by_account["reason"]), verdict(&by_account).0), ("account".into(), 429));
    assert!(text(&by_account["response"]["body"]).contains(r#""limit":"minute-account""#));
}

#[test]
fn scope_of_jobs_is_per_key_and_per_account_too() {
    let world = world();
    let key = account(&world, "acme", "free");
    let second = world.key("acme", "live");
    world.grant("acme", "1000");
    (0..2).for_each(|_| assert_eq!(world.ask(&job(&key, &json!(1)))["allowed"], true));
    assert_eq!(world.ask(&job(&key, &json!(1)))["reason"], "key");
    assert_eq!(world.ask(&job(&second, &json!(1)))["reason"], "account");
}

#[test]
fn scope_a_keys_figure_is_the_plans_unless_it_has_a_lower_one() {
    let world = world();
    let key = account(&world, "acme", "starter");
    let set = |figure: u64| {
        let body = json!({"key": key.name, "figure": figure, "reason": "a small integration"});
        world.act("PUT", "/v1/accounts/acme/limits/minute-key", &body);
    };
    set(3);
    assert_eq!(world.burst(&ask(&key), 4), 3);
    set(1_000);
    assert_eq!(world.burst(&ask(&key), 100), 57, "a higher figure is the plan's");
    let other = account(&world, "other", "starter");
    assert_eq!(world.burst(&ask(&other), 61), 60);
}

#[test]
fn scope_linked_accounts_may_share_one_count() {
    let by = "name = \"minute-account\"\nrule = { rolling = \"60s\" }\nby = [\"account\", \"mode\"]";
    let policy = changed("plan-tiers", by, &by.replace("\"account\",", "\"owner\","));
    let world = World::under(&policy);
    let keys = ["one", "two"].map(|name| {
        world.open(name, &json!({"plan": "free", "owner": "group"}));
        complete(&world, name);
        world.key(name, "live")
    });
    assert_eq!(world.burst(&ask(&keys[0]), 7), 7);
    assert_eq!(world.burst(&ask(&keys[1]), 7), 3);
}

#[test]
fn violations_that_persist_suspend_in_steps_up_to_for_good() {
    let world = world();
    let key = account(&world, "acme", "free");
    for (round, lasts) in [Some("24h"), Some("7d"), None].into_iter().enumerate() {
        while world.events("AccountSuspended").len() == round {
            world.burst(&ask(&key), 60);
            world.pass("60s");
        }
        let answer = world.ask(&ask(&key));
        assert_eq!(
            (verdict(&answer), text(&answer["reason"])),
            ((403, "SUSPENDED".into()), "rate_abuse".into())
        );
        assert_eq!(answer["retry_after"].is_null(), lasts.is_none(), "step {round}");
        world.pass(lasts.unwrap_or("365d"));
    }
    assert_eq!(verdict(&world.ask(&ask(&key))).0, 403);
}

#[test]
fn suspension_works_at_once_with_each_of_the_reasons() {
    let world = world();
    let key = account(&world, "acme", "free");
    for reason in ["security", "rate_abuse", "abuse_report", "payment", "protection"] {
        world.act("POST", "/v1/accounts/acme/suspend", &json!({"reason": reason}));
        let answer = world.ask(&ask(&key));
        assert_eq!(
            (verdict(&answer), text(&answer["reason"])),
            ((403, "SUSPENDED".into()), reason.to_owned())
        );
        assert_eq!(world.read(&key, "/v1/limits")["suspension"]["reason"], reason);
        world.act("POST", "/v1/accounts/acme/reinstate", &json!({"reason": "cleared"}));
        assert_eq!(world.ask(&ask(&key))["allowed"], true);
    }
}

#[test]
fn plan_attributes_are_returned_by_the_decision() {
    let world = world();
    for (plan, commercial) in [("free", "false"), ("starter", "true"), ("pro", "true")] {
        let key = account(&world, plan, plan);
        let shown = world.ask(&ask(&key))["plan"].clone();
        assert_eq!(
            (&shown["name"], &shown["attributes"]["commercial_use"]),
            (&json!(plan), &json!(commercial))
        );
        let names: Vec<_> = shown["attributes"].as_object().expect("attributes").keys().cloned().collect();
        let all =
            ["attribution_required", "commercial_use", "content_retention", "support_level", "white_label"];
        assert_eq!(names, all);
    }
}

#[test]
fn plan_attributes_may_be_an_accounts_own() {
    let world = world();
    let key = account(&world, "acme", "free");
    let mut first = ask(&key);
    first["request_id"] = json!("first");
    let before = world.ask_raw(&first).body;
    world.act("PATCH", "/v1/accounts/acme", &json!({"attributes": {"commercial_use": "true"}}));
    assert_eq!(world.ask(&ask(&key))["plan"]["attributes"]["commercial_use"], "true");
    assert_eq!(world.ask_raw(&first).body, before, "a repeat shows them as they were");
}

#[test]
fn plan_changes_count_from_the_next_decision_and_what_was_used_stays_used() {
    let world = world();
    let key = account(&world, "acme", "free");
    assert_eq!(world.burst(&ask(&key), 11), 10);
    world.act("PUT", "/v1/accounts/acme/plan", &json!({"plan": "starter"}));
    let answer = world.ask(&ask(&key));
    assert_eq!(limit(&answer, "minute-account")["remaining"], 49);
    assert_eq!(world.burst(&ask(&key), 100), 49);
}

#[test]
fn end_users_may_be_blocked_by_the_account() {
    let world = world();
    let key = account(&world, "acme", "free");
    let of = |user: &str| {
        let mut ask = ask(&key);
        ask["end_user"] = json!(user);
        world.ask(&ask)
    };
    world.act("PATCH", "/v1/accounts/acme", &json!({"blocked": {"mallory": true}}));
    let refused = of("mallory");
    assert_eq!(
        (verdict(&refused), text(&refused["reason"])),
        ((403, "BANNED".into()), "end_user_blocked".into())
    );
    assert_eq!(of("alice")["allowed"], true);
    let events = world.look("/v1/events?subject=end_user:mallory")["events"].clone();
    assert_eq!(events.as_array().map(Vec::len), Some(1), "usage and denials can be found by end user");
    world.act("PATCH", "/v1/accounts/acme", &json!({"blocked": {"mallory": false}}));
    assert_eq!(of("mallory")["allowed"], true);
}

#[test]
fn statements_usage_is_shown_in_real_time() {
    let world = world();
    let key = account(&world, "acme", "starter");
    world.grant("acme", "100");
    let decision = world.ask(&job(&key, &json!(2)));
    world.settle(&decision, "succeeded", &json!({}));
    world.burst(&ask(&key), 70);
    let summary = world.read(&key, "/v1/account/usage-summary");
    assert_eq!(summary["live"]["charged"], "30");
    assert_eq!((&summary["live"]["requests"], &summary["live"]["refused"]), (&json!(60), &json!(11)));
    let usage = world.read(&key, "/v1/account/usage");
    let rows: Vec<&Value> = usage["rows"].as_array().expect("rows").iter().collect();
    let ends: Vec<_> = rows.iter().map(|row| (&row["endpoint"], &row["ended"], &row["charged"])).collect();
    assert_eq!(ends.len(), 4, "{ends:?}");
    assert_eq!(
        (&usage["from"], &usage["to"]),
        (&json!("2026-03-01T00:00:00Z"), &json!("2026-04-01T00:00:00Z"))
    );
}

#[test]
fn termination_at_once_revokes_the_keys_and_leaves_charges_due() {
    let world = world();
    let key = account(&world, "acme", "starter");
    world.grant("acme", "100");
    let decision = world.ask(&job(&key, &json!(2)));
    world.act("POST", "/v1/accounts/acme/terminate", &json!({"reason": "fraud"}));
    assert_eq!(verdict(&world.ask(&ask(&key))).0, 401);
    assert_eq!(world.settle(&decision, "succeeded", &json!({}))["charged"], "30");
    assert_eq!(
        world.operator("POST", "/v1/accounts/acme/keys", &json!({"kind": "live"})).expect(409)["code"],
        "ACCOUNT_CLOSED"
    );
}
