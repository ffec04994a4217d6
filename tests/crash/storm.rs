//! `kill -9` at random moments under load: what was answered is there after the restart, word for word, once.

use crate::moments::Moments;
use crate::server::{self, Folder, Server, audit, views_agree};
use adapters::views::Views;
use counterfoil_tests::client::Client;
use std::net::SocketAddr;
use std::sync::mpsc::{Sender, channel};
use std::thread;

const CALLERS: u64 = 4;
/// The shape of the run; another seed kills at other moments.
const SEED: u64 = 0x1CE_B00C;

/// A call and, if it was answered before the kill, its answer.
#[derive(Clone)]
struct Call {
    path: String,
    body: String,
    answer: Option<(u16, String)>,
}

#[test]
fn what_was_answered_survives_a_kill_at_any_moment_and_nothing_is_doubled() {
    survives(&Folder::new(), 12);
}

/// Kills the server of this folder so often.
pub(crate) fn survives(folder: &Folder, rounds: u64) {
    let mut moments = Moments(SEED);
    let mut answered = Vec::new();
    for round in 0..rounds {
        let mut server = Server::start(folder);
        if round == 0 {
            open_accounts(server.address);
        }
        repeat(&answered, server.address);
        let calls = load_until_killed(&mut server, round, moments.next(20, 200));
        answered = finish(calls, folder);
        views_agree(folder);
        assert!(answered.len() > 20, "round {round} answered {} calls", answered.len());
    }
    let mut server = Server::start(folder);
    repeat(&answered, server.address);
    // Whoever reads the views has them caught up first.
    server::look(&mut Client::new(server.address), "/v1/account/usage?account=caller-0");
    server.kill();
    audit(folder);
    assert_eq!(views_agree(folder), Views::NAMES.len());
}

fn open_accounts(address: SocketAddr) {
    let mut client = Client::new(address);
    for caller in 0..CALLERS {
        let open = format!(r#"{{"account":"caller-{caller}"}}"#);
        server::operator(&mut client, "/v1/accounts", &open);
        server::operator(
            &mut client,
            &format!("/v1/accounts/caller-{caller}/grants"),
            r#"{"amount":"100000","kind":"grant"}"#,
        );
    }
}

/// Callers ask and settle; after so many answers in all, the server is killed under them.
fn load_until_killed(server: &mut Server, round: u64, answers: u64) -> Vec<Call> {
    let (report, reports) = channel();
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (address, report) = (server.address, report.clone());
            thread::spawn(move || call(address, (round, caller), &report))
        })
        .collect();
    drop(report);
    for _ in 0..answers {
        reports.recv().expect("the callers go on until the kill");
    }
    server.kill();
    drop(reports);
    callers.into_iter().flat_map(|caller| caller.join().expect("a caller ends by itself")).collect()
}

/// Asks until the connection breaks; the last call is the one whose answer nobody heard.
fn call(address: SocketAddr, (round, caller): (u64, u64), report: &Sender<()>) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut client = Client::new(address);
    for turn in 0_u64.. {
        let next = settle(calls.last()).unwrap_or_else(|| ask(round, caller, turn));
        calls.push(next);
        let last = calls.last_mut().expect("just pushed");
        let Some(answer) = server::gateway(&mut client, &last.path, &last.body) else { break };
        last.answer = Some(answer);
        if report.send(()).is_err() {
            break;
        }
    }
    calls
}

fn ask(round: u64, caller: u64, turn: u64) -> Call {
    let endpoints = ["translation", "chat", "image-generation", "grammar-fix"];
    let endpoint = endpoints[usize::try_from(turn % 4).unwrap_or(0)];
    let body = format!(
        r#"{{"request_id":"r{round}-{caller}-{turn}","account":"caller-{caller}","ip":"203.0.113.{caller}","endpoint":"/api/v1/ai/{endpoint}","attributes":{{"chars":{}}},"settle":"later"}}"#,
        100 * turn
    );
    Call { path: "/v1/decisions".to_owned(), body, answer: None }
}

/// The settle of a decision that was just admitted, every other time.
fn settle(last: Option<&Call>) -> Option<Call> {
    let last = last.filter(|last| last.path == "/v1/decisions")?;
    let (_, answer) = last.answer.as_ref()?;
    let answer: serde_json::Value = serde_json::from_str(answer).ok()?;
    let decision = answer["decision_id"].as_str().filter(|_| answer["allowed"] == true)?;
    let body = r#"{"outcome":"succeeded","attributes":{"chars":1200}}"#.to_owned();
    Some(Call { path: format!("/v1/decisions/{decision}/settle"), body, answer: None })
}

/// Whatever was answered is answered again, word for word.
fn repeat(answered: &[Call], address: SocketAddr) {
    let mut client = Client::new(address);
    for call in answered {
        let again = server::gateway(&mut client, &call.path, &call.body).expect("a running server answers");
        assert_eq!(Some(&again), call.answer.as_ref(), "{} {}", call.path, call.body);
    }
}

/// After the restart: what was answered is the same; what was not is decided once.
fn finish(calls: Vec<Call>, folder: &Folder) -> Vec<Call> {
    let mut server = Server::start(folder);
    let (heard, unheard): (Vec<_>, Vec<_>) = calls.into_iter().partition(|call| call.answer.is_some());
    repeat(&heard, server.address);
    let mut client = Client::new(server.address);
    for call in unheard {
        let first = server::gateway(&mut client, &call.path, &call.body).expect("a running server answers");
        let second = server::gateway(&mut client, &call.path, &call.body).expect("a running server answers");
        assert_eq!(first, second, "{} {}", call.path, call.body);
    }
    server.kill();
    audit(folder);
    heard
}
