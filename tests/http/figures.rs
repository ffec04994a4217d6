//! The figures of a service, for people and for Prometheus.

use counterfoil_tests::sandbox::Sandbox;
use serde_json::{Value, json};

#[test]
fn prometheus_reads_what_the_engines_figures_say() {
    let sandbox = Sandbox::start("payg-tokens");
    sandbox.open("acme", &json!({}));
    sandbox.catch_up();
    let figures = sandbox.operator("GET", "/v1/engine", &Value::Null).expect(200).json();
    let answer = sandbox.operator("GET", "/metrics", &Value::Null).expect(200);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let value = |name: &str| {
        let line = answer.body.lines().find_map(|line| line.strip_prefix(&format!("counterfoil_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {}", answer.body)).to_owned()
    };
    for (name, member) in
        [("head_position", "head"), ("commits_total", "commits"), ("views_position", "views")]
    {
        assert_eq!(value(name), figures[member].to_string(), "{name}");
    }
    assert_eq!(
        (value("ready"), value("views_behind_events"), value("views_follow")),
        ("1".into(), "0".into(), "1".into())
    );
    let kinds: Vec<_> =
        answer.body.lines().filter_map(|line| line.strip_prefix("# TYPE counterfoil_")).collect();
    insta::assert_snapshot!(kinds.join("\n"), @r"
    ready gauge
    head_position gauge
    queue_depth gauge
    commits_total counter
    committed_events_total counter
    commit_seconds_total counter
    last_commit_seconds gauge
    snapshot_position gauge
    collapsed_refusals gauge
    views_position gauge
    views_behind_events gauge
    views_follow gauge
    ");
}
