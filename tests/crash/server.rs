//! The executable as a child process that can be killed, and calls that may find it dead.

use counterfoil_tests::binary::counterfoil;
use counterfoil_tests::client::Client;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const CONFIG: &str = "[gateways]\ncrash = \"crash-gateway-token-0123456789\"\n[operators]\ncrash = \"crash-operator-token-0123456789\"\n";
const GATEWAY: &str = "Bearer crash-gateway-token-0123456789";
const OPERATOR: &str = "Bearer crash-operator-token-0123456789";

/// A running server; killed, if it still runs, when this value goes.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts one on the folder's book and waits until it says where it listens.
    pub(crate) fn start(folder: &Path) -> Self {
        fs::write(folder.join("config.toml"), CONFIG).expect("a configuration");
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/payg-tokens.toml");
        let mut child = Command::new(counterfoil())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .arg("--policy")
            .arg(policy)
            .arg("--config")
            .arg(folder.join("config.toml"))
            .arg("--data")
            .arg(folder.join("book"))
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the executable starts");
        let output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let address = output.lines().map_while(Result::ok).find_map(|line| {
            let (_, address) = line.split_once("http://")?;
            address.trim().parse().ok()
        });
        Self { child, address: address.expect("it listens") }
    }

    /// SIGKILL: nothing is flushed, nobody is told.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A gateway's call; `None` when the server was gone before it had answered.
pub(crate) fn gateway(client: &mut Client, path: &str, body: &str) -> Option<(u16, String)> {
    let headers = [("authorization", GATEWAY), ("content-type", "application/json")];
    let answer = client.try_send("POST", path, &headers, body.as_bytes()).ok()?;
    assert!(answer.status < 500, "{path} {body}: {answer:?}");
    Some((answer.status, answer.body))
}

/// An operator's call, which must succeed.
pub(crate) fn operator(client: &mut Client, path: &str, body: &str) {
    let headers = [("authorization", OPERATOR), ("content-type", "application/json")];
    let answer = client.send("POST", path, &headers, body.as_bytes());
    assert!(answer.status < 300, "{path}: {answer:?}");
}

/// `audit verify` finds nothing.
pub(crate) fn audit(folder: &Path) {
    let output =
        Command::new(counterfoil()).args(["audit", "verify", "--data"]).arg(folder.join("book")).output();
    let output = output.expect("the executable runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}
