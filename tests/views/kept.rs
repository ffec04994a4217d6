//! Views that are kept while the service decides.

use crate::home::Home;
use crate::traffic::{self, ENDPOINT, Sums, millionths, of_events, opened, send};
use serde_json::{Value, json};

on_every_database!(
    usage_adds_up_to_the_events_by_hour_day_and_month,
    pages_of_usage_join_to_the_whole,
    usage_can_be_filtered,
    what_is_wrong_in_a_query_is_named,
    a_statement_ends_where_the_balance_stands_and_every_line_follows_the_one_before,
    a_restart_goes_on_where_the_views_were_and_doubles_nothing,
);

fn sums(figures: &Value) -> Sums {
    Sums {
        requests: figures["requests"].as_u64().expect("a count"),
        refused: figures["refused"].as_u64().expect("a count"),
        charged: millionths(&figures["charged"]),
        refunded: millionths(&figures["refunded"]),
        held: millionths(&figures["held"]),
    }
}

fn plus(a: Sums, b: Sums) -> Sums {
    Sums {
        requests: a.requests + b.requests,
        refused: a.refused + b.refused,
        charged: a.charged + b.charged,
        refunded: a.refunded + b.refunded,
        held: a.held + b.held,
    }
}

fn usage_adds_up_to_the_events_by_hour_day_and_month(home: &Home) {
    let sandbox = opened(home);
    send(&sandbox, 150);
    for account in ["acme", "globex"] {
        let events = of_events(&sandbox, account);
        assert!(events.charged > 0 && events.refunded > 0, "{events:?}");
        for by in ["hour", "day", "month"] {
            let read = |path: &str| traffic::read(&sandbox, path).json();
            let usage = read(&format!("/v1/account/usage?account={account}&by={by}&limit=1000"));
            let rows = usage["rows"].as_array().expect("rows").iter().map(sums);
            assert_eq!(rows.fold(Sums::default(), plus), events, "{account} by {by}");
            let summary = read(&format!("/v1/account/usage-summary?account={account}&by={by}"));
            assert_eq!(sums(&summary["live"]), events, "{account} by {by}, in sum");
        }
    }
}

fn pages_of_usage_join_to_the_whole(home: &Home) {
    let sandbox = opened(home);
    send(&sandbox, 60);
    let read = |query: &str| {
        let path = format!("/v1/account/usage?account=acme&by=hour{query}");
        traffic::read(&sandbox, &path).json()
    };
    let whole = read("&limit=1000");
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = read(&format!("&limit=1{cursor}"));
        rows.extend(page["rows"].as_array().expect("rows").clone());
        let Some(next) = page["cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(json!(rows), whole["rows"]);
    assert!(rows.len() > 3, "several ends make several rows");
}

fn usage_can_be_filtered(home: &Home) {
    let sandbox = opened(home);
    send(&sandbox, 10);
    let rows = |query: &str| {
        let path = format!("/v1/account/usage?account=acme{query}");
        traffic::read(&sandbox, &path).json()["rows"].as_array().map(Vec::len)
    };
    assert_eq!(rows(&format!("&endpoint={ENDPOINT}")), rows(""));
    for nothing in [
        "&endpoint=/other",
        "&key=k_other",
        "&mode=test",
        "&from=2026-02-01T00:00:00Z&to=2026-03-01T00:00:00Z",
    ] {
        assert_eq!(rows(nothing), Some(0), "{nothing}");
    }
}

fn what_is_wrong_in_a_query_is_named(home: &Home) {
    let sandbox = opened(home);
    for (path, field) in [
        ("usage?account=acme&by=week", "by"),
        ("usage?account=acme&limit=0", "limit"),
        ("usage?account=acme&cursor=x", "cursor"),
        ("usage?account=acme&mode=both", "mode"),
        ("usage?account=acme&from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("usage-summary?account=acme&from=yesterday", "from"),
        ("statement?account=acme&limit=1001", "limit"),
        ("reports/2026-13?account=acme", "month"),
        ("reports/january?account=acme", "month"),
        ("reports/2026-01?account=acme&format=pdf", "format"),
    ] {
        let answer = sandbox.gateway("GET", &format!("/v1/account/{path}"), &Value::Null).expect(400);
        assert_eq!(answer.at("/field"), json!(field), "{path}");
    }
    sandbox.gateway("GET", "/v1/account/statement?account=nobody", &Value::Null).expect(404);
}

fn a_statement_ends_where_the_balance_stands_and_every_line_follows_the_one_before(home: &Home) {
    let sandbox = opened(home);
    send(&sandbox, 80);
    for account in ["acme", "globex"] {
        let read = |path: &str| traffic::read(&sandbox, path).json();
        let statement = read(&format!("/v1/account/statement?account={account}&limit=1000"));
        let lines = statement["lines"].as_array().expect("lines");
        let (mut credit, mut held) = (0, 0);
        for line in lines {
            credit += millionths(&line["credit"]);
            held += millionths(&line["held"]);
            let after = (millionths(&line["after"]["credit"]), millionths(&line["after"]["held"]));
            assert_eq!(after, (credit, held), "{line}");
        }
        let balance = read(&format!("/v1/account/balance?account={account}"));
        assert_eq!((credit, held), (millionths(&balance["available"]), millionths(&balance["held"])));
    }
}

fn a_restart_goes_on_where_the_views_were_and_doubles_nothing(home: &Home) {
    for round in 0..3 {
        let sandbox = if round == 0 { opened(home) } else { home.payg() };
        send(&sandbox, 30);
        // Read, so that some of the events are in the views, and then some more come.
        let path = "/v1/account/usage-summary?account=acme";
        traffic::read(&sandbox, path);
        send(&sandbox, 10);
        let summary = traffic::read(&sandbox, path).json();
        assert_eq!(sums(&summary["live"]), of_events(&sandbox, "acme"));
    }
}
