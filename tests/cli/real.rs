//! `simulate` on real traffic, line by line against computations that share nothing with the product.

use crate::world::{Folder, run, shipped};
use counterfoil_tests::real::payg::Verdict;
use counterfoil_tests::real::{five_gates, payg, real};
use serde_json::{Value, json};
use std::fs;

/// Runs `simulate` with a shipped policy and returns its summary and the decisions.
fn simulate(policy: &str, log: &str, options: &[&str]) -> (String, Vec<Value>) {
    let folder = Folder::new();
    let (policy, out) = (shipped(policy), folder.path("out.jsonl"));
    let fixed = ["simulate", "--policy", &policy, "--log", log, "--decisions", &out];
    let run = run(&[&fixed[..], options].concat());
    assert!(run.good, "{run:?}");
    (run.out, folder.objects("out.jsonl"))
}

fn count(decisions: &[Value], status: u16) -> usize {
    decisions.iter().filter(|decision| decision["status"] == status).count()
}

#[test]
fn five_gates_on_an_access_log_of_2015_bans_its_crawlers_as_the_terms_say() {
    let Some(log) = real("apache-combined-2015.log") else { return };
    let (summary, decisions) = simulate("policies/five-gates.toml", &log, &["--format", "combined"]);
    let (expected, bans) = five_gates::decide(&fs::read_to_string(&log).expect("the log is text"));
    assert_eq!(decisions.len(), expected.len());
    for (decision, expected) in decisions.iter().zip(&expected) {
        assert_eq!(decision, expected);
    }
    assert_eq!((count(&decisions, 200), decisions.len(), bans), (8_591, 10_000, 31));
    let told = summary.lines().find(|line| line.contains("bans begun")).expect("the summary tells of bans");
    assert!(told.contains(" 31 "), "{told}");
}

#[test]
fn payg_tokens_on_a_token_trace_of_2023_charges_and_refuses_as_the_terms_say() {
    let Some(log) = real("azure-llm-code-2023.csv") else { return };
    let mapped = ["--format", "csv", "--map", "at=TIMESTAMP", "--map", "chars=ContextTokens"];
    let set = ["--set", "account=acme", "--set", "endpoint=/api/v1/ai/chat", "--set", "grant=1000"];
    let (_, decisions) = simulate("policies/payg-tokens.toml", &log, &[&mapped[..], &set].concat());
    let expected = payg::decide(&fs::read_to_string(&log).expect("the log is text"), 1_000);
    assert_eq!(decisions.len(), expected.len());
    for (decision, expected) in decisions.iter().zip(&expected) {
        assert_eq!(told(decision), *expected, "{decision}");
    }
    let counts = [200, 402, 429].map(|status| count(&decisions, status));
    assert_eq!(counts, [202, 7_935, 682]);
}

/// A decision in the words of the computation.
fn told(decision: &Value) -> (usize, Verdict) {
    let whole = |name: &str| decision[name].as_str().and_then(|text| text.parse().ok());
    let verdict = match decision["status"].as_i64() {
        Some(200) => Verdict::Admitted {
            charged: whole("charged").expect("whole credits"),
            balance: whole("balance").expect("whole credits"),
        },
        Some(402) => {
            assert_eq!(decision["retry_after"], json!(null), "waiting brings no credit");
            Verdict::NoCredit
        }
        Some(429) => Verdict::TooMany(decision["retry_after"].as_i64().expect("seconds")),
        other => panic!("status {other:?}"),
    };
    let n = decision["n"].as_u64().and_then(|n| usize::try_from(n).ok());
    (n.expect("a line number"), verdict)
}
