//! The document: complete, and served with its page.

use crate::routes::{Open, routes};
use counterfoil_tests::sandbox::Sandbox;
use serde_json::Value;
use std::collections::BTreeSet;

fn document() -> Value {
    serde_json::to_value(api::http::document()).expect("JSON")
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        let item = item.as_object().expect("operations");
        item.iter().map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
    });
    operations.collect()
}

#[test]
fn every_operation_says_what_it_does_and_what_each_answer_means() {
    let document = document();
    for (name, operation) in operations(&document) {
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name} has no summary");
        let responses = operation["responses"].as_object().expect("responses");
        assert!(responses.contains_key("default"), "{name} does not tell of problems");
        for (status, response) in responses {
            let described = response["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(described, "{name} {status} has no description");
        }
    }
}

#[test]
fn every_write_outside_decisions_tells_of_its_idempotency_key() {
    let untagged = ["/v1/decisions", "/v1/noop", "/v1/clock", "/v1/sandbox"];
    for (name, operation) in operations(&document()) {
        let (method, path) = name.split_once(' ').expect("a method and a path");
        let tagged = method != "GET" && !untagged.iter().any(|untagged| path.starts_with(untagged));
        let told = operation["parameters"].to_string().contains("\"Idempotency-Key\"");
        assert_eq!(told, tagged, "{name}");
    }
}

#[test]
fn every_operation_has_an_id_of_its_own() {
    let document = document();
    let mut ids: Vec<_> =
        operations(&document).iter().map(|(_, one)| one["operationId"].to_string()).collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all);
}

#[test]
fn every_operation_says_who_may_call_it() {
    let document = document();
    for (name, operation) in operations(&document) {
        let open = routes().into_iter().find(|route| format!("{} {}", route.method, route.path) == name);
        let everyone = open.is_some_and(|route| route.open == Open::Everyone);
        assert_eq!(operation["security"].is_null(), everyone, "{name}");
    }
}

#[test]
fn every_list_has_a_page_of_its_own() {
    let document = document();
    let pages =
        ["/v1/events", "/v1/account/usage", "/v1/account/statement", "/v1/account/holds", "/v1/denials"];
    let schema = |path: &str| {
        let answer = &document["paths"][path]["get"]["responses"]["200"];
        answer["content"]["application/json"]["schema"]["$ref"].to_string()
    };
    let schemas: BTreeSet<_> = pages.into_iter().map(schema).collect();
    assert_eq!(schemas.len(), pages.len(), "{schemas:?}");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap_or_default();
        assert!(document.pointer(pointer).is_some(), "{pointer} is missing");
    }
}

#[test]
fn the_document_and_its_page_are_open_to_everyone() {
    let sandbox = Sandbox::start("payg-tokens");
    let served = sandbox.send("GET", "/openapi.json", &[], b"").expect(200);
    assert_eq!(served.json(), document());
    assert_eq!(served.at("/openapi"), "3.1.0");
    let page = sandbox.send("GET", "/docs/", &[], b"").expect(200);
    assert!(page.body.contains("swagger"), "{}", page.body);
}
