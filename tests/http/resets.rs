//! Counts of limits set back to nothing.

use counterfoil_tests::sandbox::Sandbox;
use serde_json::{Value, json};

const POLICY: &str = r#"
name = "resets"
title = "One request an hour of each model and file"
[callers]
[attributes]
model = "label"
file = "personal"
[[limits]]
name = "hourly"
rule = { rolling = "1h" }
limit = 1
by = ["account", "attribute:model", "attribute:file"]
"#;

#[test]
fn a_count_by_attributes_is_reset_by_their_values() {
    let sandbox = Sandbox::with_policy(POLICY);
    sandbox.open("acme", &json!({}));
    let allowed = |model: &str, file: &str| {
        let attributes = json!({"model": model, "file": file});
        let ask = json!({"account": "acme", "endpoint": "/a", "attributes": attributes, "settle": "now"});
        sandbox.request(ask).expect(200).at("/allowed")
    };
    for (model, file) in [("fast", "a.png"), ("fast", "b.png"), ("slow", "a.png")] {
        assert_eq!([allowed(model, file), allowed(model, file)], [json!(true), json!(false)]);
    }
    let reset = |values: &Value| {
        let body = json!({"account": "acme", "values": values, "reason": "a test"});
        sandbox.operator("POST", "/v1/limits/hourly/reset", &body)
    };
    reset(&json!({"attribute:model": "fast", "attribute:file": "a.png"})).expect(200);
    assert_eq!(allowed("fast", "b.png"), json!(false));
    assert_eq!(allowed("slow", "a.png"), json!(false));
    assert_eq!(allowed("fast", "a.png"), json!(true));
    let missing = reset(&json!({"attribute:model": "fast"})).expect(400);
    assert_eq!(missing.at("/detail"), json!("values must give attribute:file"));
}
