//! The server under load: this very program as a child process, on a store of its own that goes away with it.

use super::Failed;
use super::place::Place;
use crate::service::Storage;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

pub(super) const GATEWAY: &str = "bench-gateway-token-0123456789";
pub(super) const OPERATOR: &str = "bench-operator-token-0123456789";
const CONFIG: &str = r#"
[operators]
bench = "bench-operator-token-0123456789"
[gateways]
bench = "bench-gateway-token-0123456789"
"#;

/// A server that ends with this value.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    folder: TempDir,
    place: Place,
}

impl Server {
    /// A folder for one.
    pub(super) fn folder() -> Result<TempDir, Failed> {
        Ok(tempfile::Builder::new().prefix("counterfoil-bench-").tempdir()?)
    }

    /// Where its book is, or will be.
    pub(super) fn book_in(folder: &TempDir) -> PathBuf {
        folder.path().join("book")
    }

    /// Starts one on the book in this folder, whose log may be in a store elsewhere, and waits until it says where it
    /// listens.
    pub(super) fn start_in(folder: TempDir, place: Place) -> Result<Self, Failed> {
        fs::write(folder.path().join("policy.toml"), include_str!("policy.toml"))?;
        fs::write(folder.path().join("config.toml"), CONFIG)?;
        let (child, address) = spawn(&folder, &place)?;
        Ok(Self { child, address, folder, place })
    }

    /// Kills it and starts it anew on the same book.
    pub(super) fn restart(&mut self) -> Result<(), Failed> {
        self.stop();
        (self.child, self.address) = spawn(&self.folder, &self.place)?;
        Ok(())
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn cpu(&self) -> Duration {
        super::process::cpu(self.pid())
    }

    /// Where its log is.
    pub(super) fn storage(&self) -> Result<Storage, Failed> {
        self.place.with(&Self::book_in(&self.folder))
    }

    /// Ends it and waits for that.
    pub(super) fn stop(&mut self) {
        // A child that has ended already is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A child that serves the book in this folder, and where it listens.
fn spawn(folder: &TempDir, place: &Place) -> Result<(Child, SocketAddr), Failed> {
    let mut command = Command::new(std::env::current_exe()?);
    if let Some(store) = &place.store {
        command.env("COUNTERFOIL_STORE", store.reveal());
    }
    let mut child = command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .arg("--policy")
        .arg(folder.path().join("policy.toml"))
        .arg("--config")
        .arg(folder.path().join("config.toml"))
        .arg("--data")
        .arg(Server::book_in(folder))
        .env("RUST_LOG", "error")
        .stdout(Stdio::piped())
        .spawn()?;
    let output = child.stdout.take().ok_or("the server has no output")?;
    let mut lines = BufReader::new(output).lines();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, address) = line.split_once("http://")?;
        address.trim().parse().ok()
    });
    let address = address.ok_or("the server ended before it listened")?;
    Ok((child, address))
}
