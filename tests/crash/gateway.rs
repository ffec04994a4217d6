//! One gateway that asks about one account and remembers what it was answered.

use crate::server;
use counterfoil_tests::client::{Answer, Client};
use std::net::SocketAddr;

/// A gateway's calls in the order in which they were made.
pub(crate) struct Gateway {
    account: String,
    asked: u64,
    /// Body and answer of each decision that was answered.
    pub(crate) answered: Vec<(String, Answer)>,
}

impl Gateway {
    /// One that asks about `acme`, which it opens.
    pub(crate) fn opened(address: SocketAddr) -> Self {
        Self::of("acme", address)
    }

    /// One that asks about an account of its own, which it opens.
    pub(crate) fn of(account: &str, address: SocketAddr) -> Self {
        let mut client = Client::new(address);
        server::operator(&mut client, "/v1/accounts", &format!(r#"{{"account":"{account}"}}"#));
        let grant = r#"{"amount":"100000","kind":"grant"}"#;
        server::operator(&mut client, &format!("/v1/accounts/{account}/grants"), grant);
        Self { account: account.to_owned(), asked: 0, answered: Vec::new() }
    }

    /// Asks for so many decisions, all of which are answered.
    pub(crate) fn ask(&mut self, address: SocketAddr, times: u64) {
        let mut client = Client::new(address);
        for _ in 0..times {
            let answer = self.try_ask(&mut client).expect("a running server answers");
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }

    /// Asks for a decision; `None` when the server was gone before it had answered.
    pub(crate) fn try_ask(&mut self, client: &mut Client) -> Option<Answer> {
        self.send(client, "chat", r#"{"chars":100}"#)
    }

    /// As `try_ask`, with so much to record that 50 events make the log's keeper move them; at so many endpoints that
    /// none is refused.
    pub(crate) fn try_ask_at_length(&mut self, client: &mut Client) -> Option<Answer> {
        let notes = (0..31).map(|n| format!(r#","note-{n}":"{}""#, "x".repeat(1_000)));
        let endpoints =
            ["chat", "translation", "email-reply", "text-summarize", "grammar-fix", "pii-redaction"];
        let endpoint = endpoints[usize::try_from(self.asked / 50).unwrap_or(0) % endpoints.len()];
        self.send(client, endpoint, &format!(r#"{{"chars":100{}}}"#, notes.collect::<String>()))
    }

    fn send(&mut self, client: &mut Client, endpoint: &str, attributes: &str) -> Option<Answer> {
        self.asked += 1;
        let body = format!(
            r#"{{"request_id":"{0}-{1}","account":"{0}","ip":"203.0.113.7","endpoint":"/api/v1/ai/{endpoint}","attributes":{attributes}}}"#,
            self.account, self.asked
        );
        let answer = server::try_gateway(client, "/v1/decisions", &body)?;
        // A refusal beyond those that are recorded has no id, and is decided anew when it is asked again.
        if answer.status == 200 && !answer.body.contains(r#""decision_id":null"#) {
            self.answered.push((body, answer.clone()));
        }
        Some(answer)
    }

    /// Asks until there is an answer: the service tries its disk again by itself, after a pause.
    pub(crate) fn ask_until_answered(&mut self, client: &mut Client) {
        while self.try_ask(client).expect("a running server answers").status != 200 {}
    }

    /// Asks all of it again: whatever was answered is answered again, word for word.
    pub(crate) fn repeat(&self, address: SocketAddr) {
        let mut client = Client::new(address);
        for (body, first) in &self.answered {
            let again =
                server::gateway(&mut client, "/v1/decisions", body).expect("a running server answers");
            assert_eq!(again, (first.status, first.body.clone()), "{body}");
        }
    }
}
