//! The server under load: one of our own, or a running one.

use super::Failed;
use super::place::Place;
use super::server::{GATEWAY, OPERATOR, Server};
use super::{log, process};
use clap::Args;
use domain::ids::Position;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// Which server.
#[derive(Args)]
pub(super) struct Choice {
    /// A running server, in place of one on a store of its own; it gets accounts named `bench-…`
    #[arg(
        long,
        value_name = "http://HOST:PORT",
        requires_all = ["gateway_token", "operator_token"],
        conflicts_with = "store"
    )]
    url: Option<String>,
    #[command(flatten)]
    place: Place,
    /// That server's token for gateways
    #[arg(long, value_name = "TOKEN", env = "COUNTERFOIL_BENCH_GATEWAY_TOKEN", hide_env_values = true)]
    gateway_token: Option<String>,
    /// That server's token for operators
    #[arg(long, value_name = "TOKEN", env = "COUNTERFOIL_BENCH_OPERATOR_TOKEN", hide_env_values = true)]
    operator_token: Option<String>,
}

/// A server that answers.
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) gateway: String,
    pub(super) operator: String,
    own: Option<Server>,
}

impl Target {
    /// Starts a server, or finds the one that was named.
    pub(super) fn of(choice: &Choice) -> Result<Self, Failed> {
        let token = |token: &Option<String>| token.clone().unwrap_or_default();
        if let Some(url) = &choice.url {
            let (gateway, operator) = (token(&choice.gateway_token), token(&choice.operator_token));
            return Ok(Self { address: resolve(url)?, gateway, operator, own: None });
        }
        let server = Server::start_in(Server::folder()?, choice.place.clone())?;
        let (gateway, operator) = (GATEWAY.to_owned(), OPERATOR.to_owned());
        Ok(Self { address: server.address, gateway, operator, own: Some(server) })
    }

    /// The CPU time of a server of our own so far; zero for another, which cannot be seen.
    pub(super) fn cpu(&self) -> Duration {
        self.own.as_ref().map_or(Duration::ZERO, Server::cpu)
    }

    /// Ends a server of our own; its peak memory, and the bytes of its events after one position up to another.
    pub(super) async fn end(self, after: Position, last: Position) -> Result<Option<(u64, u64)>, Failed> {
        let Some(mut server) = self.own else { return Ok(None) };
        let memory = process::peak_memory(server.pid());
        server.stop();
        Ok(Some((memory, log::size(&server.storage()?, after, last).await?)))
    }
}

fn resolve(url: &str) -> Result<SocketAddr, Failed> {
    let host = url.strip_prefix("http://").map(|host| host.trim_end_matches('/'));
    let found = host.and_then(|host| host.to_socket_addrs().ok()?.next());
    found.ok_or_else(|| {
        format!("--url must be http://HOST:PORT of a server that can be found, not {url}").into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_http_with_host_and_port() {
        assert_eq!(resolve("http://127.0.0.1:8080/").unwrap(), "127.0.0.1:8080".parse().unwrap());
        for url in ["127.0.0.1:8080", "https://127.0.0.1:8080", "http://127.0.0.1", "http://127.0.0.1:x"] {
            assert!(resolve(url).unwrap_err().to_string().contains("--url"), "{url}");
        }
    }
}
