//! Monthly reports: closed at the month's end in the account's zone, and late settlements in the month they came in.

use crate::home::Home;
use crate::traffic::{ENDPOINT, opened, read, send};
use counterfoil_tests::sandbox::Sandbox;
use serde_json::{Value, json};

on_every_database!(
    a_late_settlement_counts_in_the_month_of_the_settlement_and_says_so,
    a_month_is_that_of_the_accounts_zone,
    a_report_has_the_same_figures_as_csv,
);

fn report(sandbox: &Sandbox, account: &str, month: &str) -> Value {
    let path = format!("/v1/account/reports/{month}?account={account}");
    read(sandbox, &path).json()
}

fn ask(sandbox: &Sandbox, account: &str) -> String {
    let ask = json!({"account": account, "endpoint": ENDPOINT, "attributes": {"chars": 1_200}});
    sandbox.request(ask).expect(200).at("/decision_id").as_str().expect("a decision").to_owned()
}

fn a_late_settlement_counts_in_the_month_of_the_settlement_and_says_so(home: &Home) {
    let sandbox = opened(home);
    sandbox.set("2026-01-31T23:59:50Z");
    let decision = ask(&sandbox, "acme");
    sandbox.advance("20s");
    sandbox.settle(&decision, &json!({"outcome": "succeeded"})).expect(200);
    let (january, february) = (report(&sandbox, "acme", "2026-01"), report(&sandbox, "acme", "2026-02"));
    assert_eq!((&january["closed"], &february["closed"]), (&json!(true), &json!(false)));
    let row = |report: &Value| {
        let total = &report["total"];
        [&total["requests"], &total["settled"], &total["late"], &total["charged"]].map(Clone::clone)
    };
    assert_eq!(row(&january), [json!(1), json!(0), json!(0), json!("0")]);
    assert_eq!(row(&february), [json!(0), json!(1), json!(1), json!("7")]);
    assert_eq!(january["closing"], february["opening"]);
    for report in [january, february] {
        assert_eq!(report["statement"]["agrees"], true);
    }
}

fn a_month_is_that_of_the_accounts_zone(home: &Home) {
    let sandbox = opened(home);
    sandbox.open("early", &json!({"zone": "Pacific/Kiritimati"}));
    sandbox.grant("early", "100");
    sandbox.set("2026-01-31T12:00:00Z");
    for account in ["acme", "early"] {
        let decision = ask(&sandbox, account);
        sandbox.settle(&decision, &json!({"outcome": "succeeded"})).expect(200);
    }
    let charged = |account: &str, month: &str| report(&sandbox, account, month)["total"]["charged"].clone();
    assert_eq!((charged("acme", "2026-01"), charged("acme", "2026-02")), (json!("7"), json!("0")));
    assert_eq!((charged("early", "2026-01"), charged("early", "2026-02")), (json!("0"), json!("7")));
    assert_eq!(report(&sandbox, "early", "2026-02")["from"], "2026-01-31T10:00:00Z");
}

fn a_report_has_the_same_figures_as_csv(home: &Home) {
    let sandbox = opened(home);
    send(&sandbox, 40);
    let json = report(&sandbox, "acme", "2026-01");
    let csv = sandbox
        .gateway("GET", "/v1/account/reports/2026-01?account=acme&format=csv", &Value::Null)
        .expect(200);
    let text = csv.body;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines[0],
        "account,month,plan,endpoint,requests,units,refused,settled,late,held,released,charged,refunded,uncollected"
    );
    assert_eq!(lines.len() - 1, json["endpoints"].as_array().map_or(0, Vec::len));
    let row = &json["endpoints"][0];
    let figures = ["requests", "units", "refused", "settled", "late"].map(|name| row[name].to_string());
    let credits = ["held", "released", "charged", "refunded", "uncollected"]
        .map(|name| row[name].as_str().unwrap().to_owned());
    let expected = format!("acme,2026-01,standard,{ENDPOINT},{},{}", figures.join(","), credits.join(","));
    assert_eq!(lines[1], expected);
}
