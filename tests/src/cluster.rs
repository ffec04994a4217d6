//! A PostgreSQL for tests: the run's own, or one that this process starts and that ends with it.

use adapters::store::postgres::Address;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use std::env;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A server. One that was started here ends when its standard input does: with this value, or with the process.
pub struct Cluster {
    url: String,
    own: Option<Own>,
}

struct Own {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Cluster {
    /// The one that all tests of a run share: what `COUNTERFOIL_TEST_POSTGRES` names, or else this process's own.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| match env::var("COUNTERFOIL_TEST_POSTGRES") {
            Ok(url) => Self { url, own: None },
            Err(_) => Self::start(),
        })
    }

    /// One for a test that ends it.
    pub fn start() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("postgres");
        let mut command = Command::new(script);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("tests/postgres starts");
        let input = child.stdin.take();
        let mut output = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
        let url = output.next().expect("it starts, or says what is missing").expect("a URL");
        Self { url, own: Some(Own { child, input, output }) }
    }

    /// A database of its own for a test, empty.
    pub async fn database(&self) -> Database {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("counterfoil_{}_{number}", std::process::id());
        let mut client = self.client().await;
        let made = client.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await;
        made.expect("a database is made");
        client.close().await.expect("the client closes");
        Database { url: self.url.replacen("/postgres?", &format!("/{name}?"), 1), name }
    }

    /// A client of the server's own database.
    pub async fn client(&self) -> PgConnection {
        options(&self.url).connect().await.expect("the server takes connections")
    }

    /// Ends the server as a crash would, and starts it again.
    pub fn crash(&mut self) {
        let own = self.own.as_mut().expect("only a test's own server is ended");
        let input = own.input.as_mut().expect("it runs");
        input.write_all(b"restart\n").expect("it listens");
        assert_eq!(own.output.next().expect("it answers").expect("a line"), "restarted");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(own) = &mut self.own {
            drop(own.input.take());
            // It cleans up by itself; whether it could is no part of a test.
            let _ = own.child.wait();
        }
    }
}

/// A database of a test.
pub struct Database {
    url: String,
    pub name: String,
}

impl Database {
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The way to it over a Unix socket.
    pub fn address(&self) -> Address {
        self.url.parse().expect("a URL")
    }

    /// Anyone's client on it.
    pub async fn client(&self) -> PgConnection {
        options(&self.url).connect().await.expect("the server takes connections")
    }
}

fn options(url: &str) -> PgConnectOptions {
    url.parse().expect("a URL")
}
