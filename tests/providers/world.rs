//! A service under a provider's policy on a clock that only the test moves, and whoever speaks to it over HTTP.

use counterfoil_tests::client::Answer;
use counterfoil_tests::sandbox::{GATEWAY, OPERATOR, Sandbox, shipped};
use serde_json::{Value, json};
use std::cell::Cell;

/// When every test begins: a Monday morning.
pub(crate) const START: &str = "2026-03-02T10:00:00Z";

/// A running service, its operator, and its gateway.
pub(crate) struct World {
    service: Sandbox,
    asked: Cell<u32>,
}

/// An answer over HTTP.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Reply {
    /// The body, when the status is the expected one.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// An API key: its text and its name.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) name: String,
}

/// A policy that ships, with one of its choices made otherwise. The text must be there.
pub(crate) fn changed(policy: &str, from: &str, to: &str) -> String {
    let text = shipped(policy);
    assert!(text.contains(from), "{policy} says {from:?}");
    text.replace(from, to)
}

impl World {
    /// Under a policy that ships.
    pub(crate) fn of(policy: &str) -> Self {
        Self::under(&shipped(policy))
    }

    /// Under the text of a policy.
    pub(crate) fn under(policy: &str) -> Self {
        Self::on(Sandbox::with_policy(policy))
    }

    /// On a service that was made in another way.
    pub(crate) fn on(service: Sandbox) -> Self {
        service.set(START);
        Self { service, asked: Cell::new(0) }
    }

    /// A request as it stands.
    pub(crate) fn send(&self, method: &str, path: &str, token: Option<&str>, body: Option<&str>) -> Reply {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        let Answer { status, body, .. } =
            self.service.send(method, path, &headers, body.unwrap_or_default().as_bytes());
        Reply { status, body }
    }

    /// An operator's call.
    pub(crate) fn operator(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.send(method, path, Some(OPERATOR), Some(&body.to_string()))
    }

    /// An operator's call that must succeed.
    pub(crate) fn act(&self, method: &str, path: &str, body: &Value) -> Value {
        self.operator(method, path, body).expect(200)
    }

    /// Moves the clock forward.
    pub(crate) fn pass(&self, span: &str) {
        self.act("POST", "/v1/sandbox/clock", &json!({"advance": span}));
    }

    /// Moves the clock to an instant.
    pub(crate) fn at(&self, instant: &str) {
        self.act("POST", "/v1/sandbox/clock", &json!({"set": instant}));
    }

    /// Opens an account with what is said of it.
    pub(crate) fn open(&self, account: &str, more: &Value) {
        let mut body = more.clone();
        body["account"] = json!(account);
        self.act("POST", "/v1/accounts", &body);
    }

    /// Issues a key.
    pub(crate) fn key(&self, account: &str, kind: &str) -> Key {
        issued(&self.act("POST", &format!("/v1/accounts/{account}/keys"), &json!({"kind": kind})))
    }

    /// Changes a key's standing.
    pub(crate) fn change_key(&self, account: &str, key: &Key, change: &str) -> Value {
        self.act(
            "POST",
            &format!("/v1/accounts/{account}/keys/{}/{change}", key.name),
            &json!({"reason": "a test"}),
        )
    }

    /// Grants live credit.
    pub(crate) fn grant(&self, account: &str, amount: &str) -> Value {
        self.act("POST", &format!("/v1/accounts/{account}/grants"), &json!({"amount": amount}))
    }

    /// A gateway's call.
    pub(crate) fn gateway(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.send(method, path, Some(GATEWAY), Some(&body.to_string()))
    }

    /// A request id that was not used before.
    pub(crate) fn new_id(&self) -> String {
        self.asked.set(self.asked.get() + 1);
        format!("r{}", self.asked.get())
    }

    /// Asks for a decision under a new request id, unless the body has one.
    pub(crate) fn ask_raw(&self, body: &Value) -> Reply {
        let mut body = body.clone();
        if body["request_id"].is_null() {
            body["request_id"] = json!(self.new_id());
        }
        self.gateway("POST", "/v1/decisions", &body)
    }

    /// Asks for a decision that must be made.
    pub(crate) fn ask(&self, body: &Value) -> Value {
        self.ask_raw(body).expect(200)
    }

    /// Asks so many times at once, each under a new id, and counts how many passed.
    pub(crate) fn burst(&self, body: &Value, times: usize) -> usize {
        let mut asks = vec![body.clone(); times];
        for ask in &mut asks {
            ask["request_id"] = json!(self.new_id());
        }
        let answers = self.gateway("POST", "/v1/decisions/batch", &json!({"decisions": asks})).expect(200);
        let answers = answers["answers"].as_array().expect("answers").iter();
        answers.filter(|answer| answer["decision"]["allowed"] == true).count()
    }

    /// A later step of a decision: begin, settle, refund, reprocess.
    pub(crate) fn step(&self, decision: &Value, step: &str, body: &Value) -> Value {
        self.gateway("POST", &path_of(decision, step), body).expect(200)
    }

    /// Settles a decision with its outcome and attributes.
    pub(crate) fn settle(&self, decision: &Value, outcome: &str, attributes: &Value) -> Value {
        self.step(decision, "settle", &json!({"outcome": outcome, "attributes": attributes}))
    }

    /// Reads with a key.
    pub(crate) fn read(&self, key: &Key, path: &str) -> Value {
        self.send("GET", path, Some(&key.text), None).expect(200)
    }

    /// Reads as an operator.
    pub(crate) fn look(&self, path: &str) -> Value {
        self.send("GET", path, Some(OPERATOR), None).expect(200)
    }

    /// The credit of an account: available and held.
    pub(crate) fn balance(&self, account: &str) -> (String, String) {
        let balance = self.look(&format!("/v1/account/balance?account={account}"));
        (text(&balance["available"]), text(&balance["held"]))
    }

    /// The events of one type, oldest first.
    pub(crate) fn events(&self, kind: &str) -> Vec<Value> {
        let page = self.look(&format!("/v1/events?type={kind}&limit=1000"));
        page["events"].as_array().expect("events").clone()
    }

    /// The event of one type that was recorded last.
    pub(crate) fn last_event(&self, kind: &str) -> Value {
        self.events(kind).pop().unwrap_or_else(|| panic!("no {kind} was recorded"))
    }
}

/// The path of a later step of a decision.
pub(crate) fn path_of(decision: &Value, step: &str) -> String {
    format!("/v1/decisions/{}/{step}", text(&decision["decision_id"]))
}

/// The key of an answer that issued one.
pub(crate) fn issued(answer: &Value) -> Key {
    Key { text: text(&answer["secret"]), name: text(&answer["event"]["data"]["key"]) }
}

/// A JSON text.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

/// The status that the gateway should give, and the provider's code.
pub(crate) fn verdict(answer: &Value) -> (u64, String) {
    (answer["response"]["status"].as_u64().expect("a status"), text(&answer["code"]))
}

/// A header that the gateway should give.
pub(crate) fn header<'a>(answer: &'a Value, name: &str) -> &'a str {
    let value = &answer["response"]["headers"][name];
    value.as_str().unwrap_or_else(|| panic!("no header {name} in {answer}"))
}

/// One of the limits that an answer shows, or a read of the limits.
pub(crate) fn limit<'a>(answer: &'a Value, name: &str) -> &'a Value {
    let limits = answer["limits"].as_array().expect("limits");
    limits.iter().find(|limit| limit["name"] == name).unwrap_or_else(|| panic!("no limit {name} in {answer}"))
}
