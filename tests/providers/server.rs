//! The service in a thread of its own, on a free port of this machine.

use crate::world::START;
use api::config::Config;
use api::publish;
use api::service::{Options, Service, Storage, TimeKind};
use domain::policy::Policy;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A service that runs until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) const OPERATOR: &str = "operator-0123456789";
    pub(crate) const GATEWAY: &str = "gateway-0123456789";

    /// On a book that is gone with it.
    pub(crate) fn start(policy: &str) -> Self {
        Self::with(policy, Storage::Memory, "")
    }

    /// On a book in a folder.
    pub(crate) fn in_folder(policy: &str, folder: PathBuf) -> Self {
        Self::with(policy, Storage::Folder(folder), "")
    }

    /// With a proxy that is believed.
    pub(crate) fn behind(policy: &str, proxy: &str) -> Self {
        Self::with(policy, Storage::Memory, proxy)
    }

    fn with(policy: &str, storage: Storage, proxy: &str) -> Self {
        let policy = Policy::from_toml(policy).unwrap_or_else(|faults| panic!("the policy has mistakes: {faults:?}"));
        let time = TimeKind::Sandbox(START.parse().expect("an instant"));
        let options = Options { config: config(proxy), storage, time };
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let service = Service::open(options).await.expect("the service opens");
                publish::publish(service.engine(), policy, false, None).await.expect("the policy is published");
                tell.send(service.address().expect("an address")).expect("the test waits");
                service.serve(async { drop(stopped.await) }).await.expect("the service ends well");
            });
        });
        let address = told.recv().expect("the service starts");
        Self { address, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn config(proxy: &str) -> Config {
    let named = |token: &str| {
        let name = "main".parse().expect("a name");
        [(name, token.parse().expect("a token"))].into()
    };
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        operators: named(Server::OPERATOR),
        gateways: named(Server::GATEWAY),
        trusted_proxies: proxy.parse().into_iter().collect(),
        ..Config::default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            assert!(ended.is_none_or(|ended| ended.is_ok()), "the service ended well");
        }
    }
}
