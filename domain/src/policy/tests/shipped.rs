//! The five policies that ship.

use crate::policy::template::{Placeholder, Style, Template, Value};
use crate::policy::{Kind, Policy};

pub(super) const FILES: [(&str, &str); 5] = [
    ("job-credits", include_str!("../../../../policies/job-credits.toml")),
    ("plan-tiers", include_str!("../../../../policies/plan-tiers.toml")),
    ("enhancement-quotas", include_str!("../../../../policies/enhancement-quotas.toml")),
    ("payg-tokens", include_str!("../../../../policies/payg-tokens.toml")),
    ("five-gates", include_str!("../../../../policies/five-gates.toml")),
];

fn shipped(name: &str) -> Policy {
    let (_, text) = FILES.iter().find(|(file, _)| *file == name).expect("a shipped file");
    Policy::from_toml(text).unwrap_or_else(|mistakes| {
        let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("{name}:\n{}", mistakes.join("\n"))
    })
}

#[test]
fn every_shipped_policy_reads_without_a_mistake_and_is_named_as_its_file() {
    for (name, _) in FILES {
        assert_eq!(shipped(name).name.as_str(), name);
    }
}

#[test]
fn the_normal_form_reads_back_as_the_same_policy_with_the_same_hash() {
    for (name, _) in FILES {
        let policy = shipped(name);
        let again = Policy::from_normal(&policy.normal()).expect("the normal form");
        assert_eq!(again, policy, "{name}");
        assert_eq!(again.hash(), policy.hash(), "{name}");
        assert_eq!(policy.hash().len(), 64);
    }
}

#[test]
fn comments_and_order_do_not_change_the_hash_but_a_figure_does() {
    let text = "title = \"Small\" # a remark\nname = \"small\"\ncallers = { anonymous = true }";
    let (small, same) = (Policy::from_toml(super::SMALL), Policy::from_toml(text));
    assert_eq!(small.as_ref().map(Policy::hash), same.as_ref().map(Policy::hash));
    let other = Policy::from_toml(&super::SMALL.replace("true", "false"));
    assert_ne!(small.map(|policy| policy.hash()), other.map(|policy| policy.hash()));
}

#[test]
fn every_shipped_policy_describes_each_of_its_limits() {
    for (name, _) in FILES {
        let policy = shipped(name);
        let text = policy.describe();
        for limit in &policy.limits {
            let reason = limit.reason.as_deref().unwrap_or(limit.name.as_str());
            assert!(text.contains(reason), "{name} does not tell of {reason}:\n{text}");
        }
    }
}

#[test]
fn five_gates_describes_itself() {
    insta::assert_snapshot!(shipped("five-gates").describe());
}

#[test]
fn job_credits_describes_itself() {
    insta::assert_snapshot!(shipped("job-credits").describe());
}

#[test]
fn payg_tokens_describes_itself() {
    insta::assert_snapshot!(shipped("payg-tokens").describe());
}

#[test]
fn plan_tiers_describes_itself() {
    insta::assert_snapshot!(shipped("plan-tiers").describe());
}

#[test]
fn enhancement_quotas_describes_itself() {
    insta::assert_snapshot!(shipped("enhancement-quotas").describe());
}

#[test]
fn the_denial_of_five_gates_is_worded_byte_for_byte() {
    let policy = shipped("five-gates");
    let wording = &policy.responses[&Kind::RateLimited];
    let values = |message: Option<String>| {
        move |of: Placeholder| match of {
            Placeholder::Code => Some(Value::Text("RATE_LIMITED")),
            Placeholder::Reason => Some(Value::Text("cooldown")),
            Placeholder::RetryAfter => Some(Value::Int(1)),
            Placeholder::Message if message.is_some() => {
                Some(Value::Text("Rate limit exceeded (cooldown). Retry after 1 seconds."))
            }
            _ => None,
        }
    };
    let message = wording.message.as_deref().expect("a message");
    let message = Template::parse(message, Style::Plain, &policy.limits).expect("a template");
    let message = message.render(values(None));
    assert_eq!(message.as_deref(), Some("Rate limit exceeded (cooldown). Retry after 1 seconds."));
    let body = wording.body.as_deref().expect("a body");
    let body = Template::parse(body, Style::Json, &policy.limits).expect("a template");
    assert_eq!(
        body.render(values(message)).as_deref(),
        Some(concat!(
            r#"{"error":{"code":"RATE_LIMITED","message":"Rate limit exceeded (cooldown). Retry after 1 seconds.","#,
            r#""details":{"reason":"cooldown","retry_after":1}}}"#
        ))
    );
}

#[test]
fn a_rule_is_written_in_one_short_form() {
    use crate::limits::Rule;
    use crate::time::{Period, Span};
    for (rule, text) in [
        (Rule::Cooldown { every: Span::from_secs(1) }, r#"{"cooldown":"1s"}"#),
        (Rule::Rolling { window: Span::from_secs(90) }, r#"{"rolling":"90s"}"#),
        (Rule::Bucket { period: Period::Day }, r#"{"bucket":"day"}"#),
        (Rule::Concurrency, r#""concurrent""#),
        (
            Rule::TokenBucket { period: Span::from_secs(1), burst: 20 },
            r#"{"token_bucket":{"period":"1s","burst":20}}"#,
        ),
    ] {
        assert_eq!(serde_json::to_string(&rule).expect("JSON"), text);
        assert_eq!(serde_json::from_str::<Rule>(text).expect("a rule"), rule);
    }
}
