//! A whole service in this process: memory store, a clock that only tests move, a real socket.

use crate::client::{Answer, Client};
use api::config::Config;
use api::publish::publish;
use api::service::{Options, Service, Storage, TimeKind};
use domain::policy::Policy;
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::path::Path;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// The gateway's token.
pub const GATEWAY: &str = "test-gateway-token";
/// The operator's token.
pub const OPERATOR: &str = "test-operator-token";
/// When the clock of every sandbox starts.
pub const START: &str = "2026-01-01T00:00:00Z";

/// A running service and a connection to it.
pub struct Sandbox {
    address: SocketAddr,
    client: RefCell<Client>,
    next: Cell<u64>,
    stop: Option<oneshot::Sender<()>>,
    served: Option<tokio::task::JoinHandle<()>>,
    runtime: Runtime,
}

/// A key as it was issued.
#[derive(Clone, Debug)]
pub struct IssuedKey {
    /// The name by which operators speak of it.
    pub name: String,
    /// The text that opens something.
    pub secret: String,
}

impl Sandbox {
    /// A service under a shipped policy, `policies/NAME.toml`.
    pub fn start(policy: &str) -> Self {
        Self::with_policy(&shipped(policy))
    }

    /// A service under the text of a policy.
    pub fn with_policy(text: &str) -> Self {
        Self::configured(text, |_| {})
    }

    /// A service under the text of a policy, with a configuration of its own.
    pub fn configured(text: &str, change: impl FnOnce(&mut Config)) -> Self {
        Self::opened(text, Storage::Memory, change)
    }

    /// A service on a book in a folder, which may be one that was served before.
    pub fn in_folder(text: &str, folder: &Path) -> Self {
        Self::opened(text, Storage::Folder(folder.to_owned()), |_| {})
    }

    /// A service on this storage, with a configuration of its own.
    pub fn opened(text: &str, storage: Storage, change: impl FnOnce(&mut Config)) -> Self {
        let policy = Policy::from_toml(text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
        let mut config = Config { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() };
        config.gateways.insert("main".parse().expect("a name"), GATEWAY.parse().expect("a token"));
        config.operators.insert("olga".parse().expect("a name"), OPERATOR.parse().expect("a token"));
        change(&mut config);
        let time = TimeKind::Sandbox(START.parse().expect("an instant"));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (stop, stopped) = oneshot::channel();
        let (address, served) = runtime.block_on(async {
            let options = Options { config, storage, time };
            let service = Service::open(options).await.expect("a service");
            publish(service.engine(), policy, false, None).await.expect("a policy");
            let address = service.address().expect("an address");
            let stopped = async {
                let _ = stopped.await;
            };
            let served = tokio::spawn(async { service.serve(stopped).await.expect("a good end") });
            (address, served)
        });
        let client = RefCell::new(Client::new(address));
        Self { address, client, next: Cell::new(1), stop: Some(stop), served: Some(served), runtime }
    }

    /// Where the service listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends any request, with any headers.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.client.borrow_mut().send(method, path, headers, body)
    }

    /// Sends JSON (or, with `null`, nothing) with a bearer token.
    pub fn call(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &headers, body.as_bytes())
    }

    /// An operator's call.
    pub fn operator(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.call(OPERATOR, method, path, body)
    }

    /// A gateway's call.
    pub fn gateway(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.call(GATEWAY, method, path, body)
    }

    /// A consumer's read, with an API key.
    pub fn consumer(&self, key: &str, path: &str) -> Answer {
        self.call(key, "GET", path, &Value::Null)
    }

    /// Asks for a decision; gives the request an id of its own when it has none.
    pub fn request(&self, mut ask: Value) -> Answer {
        if ask.get("request_id").is_none() {
            let next = self.next.get();
            self.next.set(next + 1);
            ask["request_id"] = json!(format!("auto-{next}"));
        }
        self.gateway("POST", "/v1/decisions", &ask)
    }

    /// Settles a decision.
    pub fn settle(&self, decision: &str, body: &Value) -> Answer {
        self.gateway("POST", &format!("/v1/decisions/{decision}/settle"), body)
    }

    /// Tells that a job began.
    pub fn begin(&self, decision: &str) -> Answer {
        self.gateway("POST", &format!("/v1/decisions/{decision}/begin"), &Value::Null)
    }

    /// Gives charged credit back.
    pub fn refund(&self, decision: &str, body: &Value) -> Answer {
        self.gateway("POST", &format!("/v1/decisions/{decision}/refund"), body)
    }

    /// Takes limited items up again.
    pub fn reprocess(&self, decision: &str, request_id: &str) -> Answer {
        let body = json!({"request_id": request_id});
        self.gateway("POST", &format!("/v1/decisions/{decision}/reprocess"), &body)
    }

    /// Moves the clock on, such as by `61s`, and gives the new time.
    pub fn advance(&self, span: &str) -> String {
        self.clock(&json!({"advance": span}))
    }

    /// Puts the clock to an instant that is not in the past.
    pub fn set(&self, at: &str) -> String {
        self.clock(&json!({"set": at}))
    }

    fn clock(&self, step: &Value) -> String {
        let answer = self.operator("POST", "/v1/sandbox/clock", step).expect(200);
        answer.at("/now").as_str().expect("an instant").to_owned()
    }

    /// Opens an account; `more` may give plan, owner, zone, reset hour or opening date.
    pub fn open(&self, account: &str, more: &Value) -> Answer {
        let mut body = json!({"account": account});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.operator("POST", "/v1/accounts", &body).expect(200)
    }

    /// Grants live credit.
    pub fn grant(&self, account: &str, amount: &str) -> Answer {
        self.operator("POST", &format!("/v1/accounts/{account}/grants"), &json!({"amount": amount}))
            .expect(200)
    }

    /// Issues a key of a kind.
    pub fn issue_key(&self, account: &str, kind: &str) -> IssuedKey {
        let path = format!("/v1/accounts/{account}/keys");
        let answer = self.operator("POST", &path, &json!({"kind": kind})).expect(200);
        let text = |pointer| answer.at(pointer).as_str().expect("a text").to_owned();
        IssuedKey { name: text("/event/data/key"), secret: text("/secret") }
    }

    /// Waits until the read models have caught up: on a busy machine it takes longer to make them than one reader waits.
    pub fn catch_up(&self) {
        loop {
            // Wakes them and waits for a while.
            self.operator("GET", "/v1/denials?limit=1", &Value::Null);
            let figures = self.operator("GET", "/v1/engine", &Value::Null).expect(200);
            if figures.at("/views") == figures.at("/head") {
                return;
            }
        }
    }

    /// What a token reads of the read models once they have caught up.
    pub fn look(&self, token: &str, path: &str) -> Value {
        self.catch_up();
        self.call(token, "GET", path, &Value::Null).expect(200).json()
    }

    /// All rows of a list of the read models, asked for so many at a time, under this name of its answers.
    pub fn pages(&self, token: &str, path: &str, list: &str, limit: usize) -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        let mark = if path.contains('?') { '&' } else { '?' };
        loop {
            let page = self.look(token, &format!("{path}{mark}limit={limit}{cursor}"));
            let found = page[list].as_array().unwrap_or_else(|| panic!("no {list} in {page}"));
            assert!(found.len() <= limit, "{page}");
            rows.extend(found.clone());
            let Some(next) = page["cursor"].as_u64() else { return rows };
            cursor = format!("&cursor={next}");
        }
    }

    /// The events of the log that a query such as `type=RequestDenied` selects, at most 1,000.
    pub fn events(&self, query: &str) -> Vec<Value> {
        let answer =
            self.operator("GET", &format!("/v1/events?limit=1000&{query}"), &Value::Null).expect(200);
        answer.at("/events").as_array().cloned().unwrap_or_default()
    }
}

/// The text of a shipped policy.
pub fn shipped(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let file = root.join("policies").join(format!("{name}.toml"));
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

impl Drop for Sandbox {
    /// Stops the service in order, so that what ends badly fails its test.
    fn drop(&mut self) {
        drop(self.stop.take());
        // The connection would be waited for.
        self.client.replace(Client::new(self.address));
        if let Some(served) = self.served.take() {
            let ended = self.runtime.block_on(served);
            assert!(ended.is_ok() || std::thread::panicking(), "the service ended badly");
        }
    }
}
