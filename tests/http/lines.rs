//! Decisions as a stream of lines.

use counterfoil_tests::sandbox::{GATEWAY, Sandbox};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

fn world() -> Sandbox {
    let sandbox = Sandbox::start("payg-tokens");
    sandbox.open("acme", &Value::Null);
    sandbox.grant("acme", "100000");
    sandbox
}

fn line(id: &str, account: &str) -> String {
    let endpoint = "/api/v1/account/usage";
    json!({"request_id": id, "account": account, "endpoint": endpoint, "settle": "now"}).to_string()
}

/// A connection on which a body of so many bytes was announced. HTTP/1.0, so that answers come without chunks.
fn announce(sandbox: &Sandbox, bytes: usize) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(sandbox.address()).expect("a connection");
    let head = format!(
        "POST /v1/decisions/batch HTTP/1.0\r\nhost: test\r\nauthorization: Bearer {GATEWAY}\r\n\
         content-type: application/x-ndjson; charset=utf-8\r\ncontent-length: {bytes}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("the head is sent");
    BufReader::new(stream)
}

fn head(answers: &mut BufReader<TcpStream>) -> Vec<String> {
    answers.by_ref().lines().map(|line| line.expect("a line")).take_while(|line| !line.is_empty()).collect()
}

/// All answers to a body.
fn answers(sandbox: &Sandbox, body: &str) -> Vec<Value> {
    let mut stream = announce(sandbox, body.len());
    stream.get_mut().write_all(body.as_bytes()).expect("the body is sent");
    let head = head(&mut stream);
    assert!(
        head[0].contains(" 200 ") && head.iter().any(|line| line.contains("application/x-ndjson")),
        "{head:?}"
    );
    stream.lines().map(|line| serde_json::from_str(&line.expect("a line")).expect("JSON")).collect()
}

#[test]
fn each_line_is_answered_for_itself_in_its_turn() {
    let sandbox = world();
    let lines = [
        line("one", "acme"),
        "{\"request_id\":".to_owned(),
        String::new(),
        line("two", "nobody"),
        line("one", "acme"),
        line("three", "acme") + "\r",
    ];
    let answers = answers(&sandbox, &lines.join("\n"));
    let shown =
        |pointer: &str| answers.iter().map(|answer| answer.pointer(pointer).cloned()).collect::<Vec<_>>();
    let (yes, no) = (Some(json!(true)), None);
    assert_eq!(shown("/decision/allowed"), [yes.clone(), no.clone(), no, yes.clone(), yes]);
    assert_eq!(shown("/problem/code")[1..3], [Some(json!("MALFORMED_BODY")), Some(json!("UNKNOWN_ACCOUNT"))]);
    assert_eq!(answers[0], answers[3], "the same id again is the same answer");
}

#[test]
fn a_line_is_answered_before_the_next_one_is_sent() {
    let sandbox = world();
    let lines = [line("one", "acme") + "\n", line("two", "acme") + "\n"];
    let mut stream = announce(&sandbox, lines.concat().len());
    stream.get_mut().write_all(lines[0].as_bytes()).expect("a line is sent");
    head(&mut stream);
    let mut answer = String::new();
    stream.read_line(&mut answer).expect("an answer");
    assert!(answer.contains("\"allowed\":true"), "{answer}");
    stream.get_mut().write_all(lines[1].as_bytes()).expect("a line is sent");
    answer.clear();
    stream.read_line(&mut answer).expect("an answer");
    assert!(answer.contains("\"allowed\":true"), "{answer}");
    assert_eq!(stream.read_line(&mut answer).expect("the end"), 0);
}

#[test]
fn thousands_of_lines_are_decided_in_their_order() {
    let sandbox = world();
    for account in 0..60 {
        sandbox.open(&format!("a{account}"), &Value::Null);
    }
    let many: Vec<_> =
        (0..3_000).map(|place| line(&format!("m{place}"), &format!("a{}", place % 60))).collect();
    let answers = answers(&sandbox, &many.join("\n"));
    assert_eq!(answers.len(), many.len());
    assert!(answers.iter().all(|answer| answer["decision"]["allowed"] == json!(true)));
    let ids = answers.iter().filter_map(|answer| answer["decision"]["decision_id"].as_str()).map(number);
    assert!(ids.is_sorted_by(|one, other| one < other));
}

fn number(id: &str) -> u64 {
    id.trim_start_matches("d_").parse().expect("a position")
}

#[test]
fn a_line_that_is_too_long_ends_the_stream() {
    let sandbox = world();
    let long = format!("{}\n{}", line("one", "acme"), "x".repeat(70_000));
    let answers = answers(&sandbox, &long);
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[1]["problem"]["code"], json!("BODY_TOO_LARGE"));
}
