//! `simulate` on small inputs, one of each format.

use crate::world::{Folder, Run, run};
use serde_json::{Value, json};

const POLICY: &str = r#"
name = "small"
title = "Two a minute"
strip = "/api/"

[callers]
anonymous = true
default_plan = "free"

[plans.free]
[plans.pro]

[attributes]
chars = "number"

[[limits]]
name = "minute"
rule = { rolling = "60s" }
limit = 2
by = ["ip", "account", "endpoint"]

[[limits]]
name = "address"
rule = { rolling = "60s" }
limit = 2
by = ["ip"]

[credit]
charge = "settle"

[prices]
hold = "base"
per = [{ attribute = "chars", price = "0.01", per = 1 }]

[prices.endpoints]
"chat" = { base = 1 }
"free" = { free = true }

[keys.kinds.live]
prefix = "sk_"
"#;

/// Runs `simulate` on a log and returns what it said and the decisions.
fn simulate(format: &str, log: &str, options: &[&str]) -> (Run, Vec<Value>) {
    let folder = Folder::new();
    let (policy, log) = (folder.file("policy.toml", POLICY), folder.file("log", log));
    let out = folder.path("out.jsonl");
    let fixed = ["simulate", "--policy", &policy, "--log", &log, "--format", format, "--decisions", &out];
    let run = run(&[&fixed[..], options].concat());
    let decisions = if run.good { folder.objects("out.jsonl") } else { Vec::new() };
    (run, decisions)
}

fn column(decisions: &[Value], name: &str) -> Vec<Value> {
    decisions.iter().map(|decision| decision[name].clone()).collect()
}

const ACCESS: &str = r#"203.0.113.7 - - [10/Oct/2020:13:55:36 +0000] "GET /free?x=1 HTTP/1.1" 200 5 "-" "a \"b\""
203.0.113.7 - - [10/Oct/2020:13:55:35 +0000] "GET /free HTTP/1.1" 200 5
not a line
203.0.113.7 - - [10/Oct/2020:15:55:37 +0200] "GET /free HTTP/1.1" 200 5
2001:db8:1:2::1 - - [10/Oct/2020:13:56:35 +0000] "GET /a%20b HTTP/1.1" 200 5
203.0.113.7 - - [10/Oct/2020:13:56:35 +0000] "GET /free HTTP/1.1" 200 5
"#;

#[test]
fn an_access_log_is_decided_in_its_own_time_whatever_the_order_of_its_lines() {
    let (run, decisions) = simulate("combined", ACCESS, &[]);
    assert!(run.good, "{run:?}");
    assert_eq!(column(&decisions, "n"), [2, 1, 4, 5, 6]);
    // The window of the line at :36:35 begins right after :35:35, so that the first request has left it.
    assert_eq!(column(&decisions, "status"), [200, 200, 429, 200, 200]);
    let denied = json!({"n": 4, "at": "2020-10-10T13:55:37Z", "subject": "203.0.113.7", "endpoint": "/free",
        "status": 429, "reason": "address", "retry_after": 58, "charged": null, "balance": null});
    assert_eq!(decisions[2], denied);
    let prefixed = (&decisions[3]["subject"], &decisions[3]["endpoint"]);
    assert_eq!(prefixed, (&json!("2001:db8:1:2::/64"), &json!("/a%20b")));
}

#[test]
fn the_summary_counts_and_names_what_it_skipped() {
    let (run, _) = simulate("combined", ACCESS, &[]);
    for words in ["Two a minute (small)", "line 3: no access log line", "address", "203.0.113.7"] {
        assert!(run.out.contains(words), "{words} is not in {}", run.out);
    }
    let figure = |name: &str| {
        let row = run.out.lines().find(|line| line.contains(name)).unwrap_or_default();
        row.split('┆').nth(1).map(|cell| cell.trim().to_owned()).unwrap_or_default()
    };
    let figures = ["requests", "admitted", "refused", "lines not readable"].map(figure);
    assert_eq!(figures, ["5", "4", "1", "1"], "{}", run.out);
}

const TRACE: &str = "when,who,size,note\r\n\
2023-11-16 18:17:03.9799609,acme,100,\"one\r\ntwo\"\r\n\
2023-11-16 18:17:04,acme,many,x\r\n\
2023-11-16 18:17:05,acme,850.5,x\r\n\
2023-11-16 18:17:06,acme,1,x\r\n\
2023-11-16 18:17:07,other,0,x\r\n";

#[test]
fn columns_become_fields_and_attributes_and_accounts_have_their_credit_before_the_first_line() {
    let options = ["--map", "at=when", "--map", "account=who", "--map", "chars=size"];
    let options = [&options[..], &["--set", "endpoint=/api/chat", "--set", "grant=10"]].concat();
    let (run, decisions) = simulate("csv", TRACE, &options);
    assert!(run.good && run.out.contains("line 4: chars `many`"), "{run:?}");
    assert_eq!(column(&decisions, "n"), [2, 5, 6, 7]);
    assert_eq!(decisions[0]["at"], "2023-11-16T18:17:03.97996Z");
    assert_eq!(column(&decisions, "subject"), ["acme", "acme", "acme", "other"]);
    assert_eq!(column(&decisions, "charged"), ["2", "8", "0", "1"].map(figure));
    assert_eq!(column(&decisions, "status"), [200, 200, 402, 200]);
    assert_eq!(decisions[3]["balance"], "9");
}

#[test]
fn what_a_request_lacked_is_told_and_how_often() {
    let options =
        ["--map", "at=when", "--map", "account=who", "--set", "endpoint=/api/chat", "--set", "grant=10"];
    let (run, decisions) = simulate("csv", TRACE, &options);
    assert!(run.good, "{run:?}");
    assert_eq!(column(&decisions, "status"), [400; 5]);
    let told = run.out.lines().find(|line| line.contains("from line 2 on")).unwrap_or_default();
    assert!(told.trim_start().starts_with("5 from line 2 on:") && told.contains("chars"), "{}", run.out);
}

#[test]
fn no_decision_is_written_over_what_is_read() {
    let folder = Folder::new();
    let (policy, log) = (folder.file("policy.toml", POLICY), folder.file("log", ACCESS));
    for out in [&policy, &log] {
        let fixed =
            ["simulate", "--policy", &policy, "--log", &log, "--format", "combined", "--decisions", out];
        let run = run(&fixed);
        assert!(!run.good && run.err.contains("--decisions"), "{run:?}");
    }
    assert_eq!(std::fs::read_to_string(&log).expect("the log"), ACCESS);
    assert_eq!(std::fs::read_to_string(&policy).expect("the policy"), POLICY);
}

fn figure(text: &str) -> Value {
    if text == "null" { Value::Null } else { json!(text) }
}

#[test]
fn json_lines_give_members_by_name_and_keys_have_accounts_of_their_own() {
    let log = r#"{"at":1700000000,"key":"sk_a","endpoint":"/api/free","ip":"203.0.113.7"}
{"at":1700000001.5,"key":"sk_b","endpoint":"/api/free","ip":"203.0.113.8"}
{"at":"2023-11-14T22:13:22Z","key":"sk_a","endpoint":"/api/free","ip":"203.0.113.7"}
{"at":"2023-11-14T22:13:23Z","key":"sk_a","endpoint":"/api/free","ip":"203.0.113.7"}
"#;
    let (run, decisions) = simulate("jsonl", log, &[]);
    assert!(run.good, "{run:?}");
    assert_eq!(column(&decisions, "subject"), ["key-1", "key-2", "key-1", "key-1"]);
    assert_eq!(
        column(&decisions, "reason"),
        ["null", "null", "null", "\"minute\""]
            .map(|text| { serde_json::from_str::<Value>(text).expect("JSON") })
    );
}

#[test]
fn what_is_asked_wrongly_is_told_before_anything_runs() {
    for (options, words) in [
        (&["--map", "at=time"][..], "there is no column `time`; the columns are when, who, size, note"),
        (&["--map", "at=when"], "no column is named `endpoint`"),
        (&["--map", "at"], "must be FIELD=TEXT"),
        (&["--set", "grant=much"], "--set grant"),
        (&["--map", "grant=size"], "can only be set"),
        (&["--set", "plan=gold"], "no plan `gold`; it has free, pro"),
        (&["--set", "endpoint=/a", "--map", "endpoint=when"], "twice"),
    ] {
        let (run, _) = simulate("csv", TRACE, options);
        assert!(!run.good && run.err.contains(words), "{options:?}: {run:?}");
    }
}

#[test]
fn a_log_of_which_no_line_can_be_read_is_an_error() {
    let (run, _) = simulate("jsonl", "nonsense\n", &[]);
    assert!(!run.good && run.err.contains("no line can be read; line 1: no JSON object"), "{run:?}");
}

#[test]
fn an_empty_log_has_a_summary_without_requests() {
    let (run, decisions) = simulate("jsonl", "", &[]);
    assert!(run.good && decisions.is_empty(), "{run:?}");
}

#[test]
fn a_bad_policy_is_told_with_its_line() {
    let folder = Folder::new();
    let policy = folder.file("policy.toml", "name = \"p\"\ntitle = 5\n");
    let log = folder.file("log", "");
    let run = run(&["simulate", "--policy", &policy, "--log", &log, "--format", "jsonl"]);
    assert!(!run.good && run.err.contains("line 2") && run.err.contains("policy check"), "{run:?}");
}
