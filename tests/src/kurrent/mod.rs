//! A double of KurrentDB: the server's side of the protocol over memory, as far as the adapter uses it.
//!
//! It shows that the adapter speaks the protocol and lives with what may go wrong. It shows nothing about the server
//! itself: `COUNTERFOIL_TEST_KURRENTDB` runs the contract against a real one.

mod connection;
mod database;
mod node;
mod proto;

pub use node::Fault;

use database::Database;
use node::{Node, State};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tower::service_fn;

/// A node that serves until it is stopped or dropped. What it stored outlives that.
pub struct Double {
    node: Arc<Node>,
    /// With which certificate its connections are encrypted.
    identity: Option<Identity>,
    running: Option<Running>,
}

struct Running {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Double {
    /// A lone node that lets everybody in.
    pub fn start() -> Self {
        Self::of(Arc::default(), None, State::default())
    }

    /// A lone node whose connections are encrypted with this certificate and key, both PEM.
    pub fn encrypted(certificate: &str, key: &str) -> Self {
        let mut double = Self::start();
        double.identity = Some(Identity::from_pem(certificate, key));
        double.restart();
        double
    }

    /// A lone node that does not know of lasting calls for appends.
    pub fn old() -> Self {
        Self::of(Arc::default(), None, State { is_old: true, ..State::default() })
    }

    /// A lone node that wants this `authorization`.
    pub fn with_login(authorization: &str) -> Self {
        Self::of(Arc::default(), Some(authorization.to_owned()), State::default())
    }

    /// A node of the same cluster that is led by this one.
    #[must_use]
    pub fn follower(&self) -> Self {
        let state = State { leader: Some(self.node.address), ..State::default() };
        Self::of(Arc::clone(&self.node.database), self.node.login.clone(), state)
    }

    fn of(database: Arc<Database>, login: Option<String>, state: State) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let node = Arc::new(Node { address, database, login, state: Mutex::new(state) });
        let running = Some(run(Arc::clone(&node), listener, None));
        Self { node, identity: None, running }
    }

    pub fn address(&self) -> SocketAddr {
        self.node.address
    }

    /// The URL of a book on this node.
    pub fn url(&self, name: &str) -> String {
        format!("kurrentdb://{}/{name}?tls=false", self.node.address)
    }

    /// What happens to the next appends, one after the other.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.node.state().faults.extend(faults);
    }

    /// How many appends have come, with those that were not written.
    pub fn appends(&self) -> usize {
        self.node.state().appends
    }

    /// How many of them came in a lasting call.
    pub fn batched(&self) -> usize {
        self.node.state().batched
    }

    /// Changes the data of a stored event.
    pub fn spoil(&self, stream: &str, revision: u64, spoil: impl FnOnce(&mut Vec<u8>)) {
        self.node.database.spoil(stream.as_bytes(), revision, spoil);
    }

    /// Makes this node the leader.
    pub fn lead(&self) {
        self.node.state().leader = None;
    }

    /// Ends the node and all its connections.
    pub fn stop(&mut self) {
        if let Some(Running { stop, thread }) = self.running.take() {
            drop(stop);
            // A panic there was printed where it happened.
            let _ = thread.join();
        }
    }

    /// Serves again, at the same address and with all that was stored.
    pub fn restart(&mut self) {
        self.stop();
        let listener = TcpListener::bind(self.node.address).expect("the port it had");
        self.running = Some(run(Arc::clone(&self.node), listener, self.identity.clone()));
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Serves on a thread and a runtime of its own: with them all its connections end.
fn run(node: Arc<Node>, listener: TcpListener, identity: Option<Identity>) -> Running {
    let (stop, stopped) = oneshot::channel::<()>();
    listener.set_nonblocking(true).expect("a socket");
    let thread = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            let service = service_fn(move |call| {
                let node = Arc::clone(&node);
                async move { Ok::<_, std::convert::Infallible>(node.answer(call).await) }
            });
            let mut server = Server::builder();
            if let Some(identity) = identity {
                let tls = ServerTlsConfig::new().identity(identity);
                server = server.tls_config(tls).expect("a certificate and its key");
            }
            let serving = server.serve_with_incoming(service, connection::incoming(listener));
            tokio::select! {
                served = serving => served.expect("served"),
                _ = stopped => {}
            }
        });
    });
    Running { stop, thread }
}
