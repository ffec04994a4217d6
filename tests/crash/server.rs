//! The executable as a child process that can be killed, and calls that may find it dead.

use crate::faults::Disk;
use counterfoil_tests::binary::counterfoil;
use counterfoil_tests::client::{Answer, Client};
use counterfoil_tests::cluster::Database;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use tempfile::TempDir;

const CONFIG: &str = "[gateways]\ncrash = \"crash-gateway-token-0123456789\"\n[operators]\ncrash = \"crash-operator-token-0123456789\"\n";
const GATEWAY: &str = "Bearer crash-gateway-token-0123456789";
const OPERATOR: &str = "Bearer crash-operator-token-0123456789";

/// What a standby says when its turn has come.
const LEADS: &str = "this process decides from now on";

/// A folder for a book and what belongs to it; gone with this value.
pub(crate) struct Folder {
    /// As the system names it, whatever the way to it.
    path: PathBuf,
    /// The database of the log, where that is not in the folder.
    store: Option<String>,
    _dir: TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        Self { path: dir.path().canonicalize().expect("a folder has a path"), store: None, _dir: dir }
    }

    /// One for a book whose log is in this database.
    pub(crate) fn on(database: &Database) -> Self {
        Self { store: Some(database.url().to_owned()), ..Self::new() }
    }

    /// Another instance's folder for the same book, with the secret keys that it needs.
    pub(crate) fn beside(&self) -> Self {
        let beside = Self { store: self.store.clone(), ..Self::new() };
        fs::create_dir(beside.book()).expect("a folder");
        fs::copy(self.book().join("keys.json"), beside.book().join("keys.json")).expect("the keys");
        beside
    }

    /// As `beside`, without the keys.
    pub(crate) fn beside_without_keys(&self) -> Self {
        Self { store: self.store.clone(), ..Self::new() }
    }

    /// Says where the book is.
    fn name_book(&self, command: &mut Command) {
        command.arg("--data").arg(self.book());
        if let Some(store) = &self.store {
            command.env("COUNTERFOIL_STORE", store);
        }
    }

    /// The book is in this store from now on, or in the folder itself.
    pub(crate) fn move_to(&mut self, store: Option<&str>) {
        self.store = store.map(ToOwned::to_owned);
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the book is, or will be.
    pub(crate) fn book(&self) -> PathBuf {
        self.path.join("book")
    }

    /// Another one with the same book.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::new();
        fs::create_dir(copy.book()).expect("a folder");
        // The views are not part of the truth.
        let files =
            fs::read_dir(self.book()).expect("a book").flatten().filter(|entry| entry.path().is_file());
        for entry in files {
            fs::copy(entry.path(), copy.book().join(entry.file_name())).expect("a copy");
        }
        copy
    }
}

/// A running server; killed, if it still runs, when this value goes.
pub(crate) struct Server {
    child: Child,
    errors: BufReader<ChildStderr>,
    pub(crate) address: SocketAddr,
}

/// How a server ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; none after a signal.
    pub(crate) code: Option<i32>,
    /// What it said on standard error.
    pub(crate) said: String,
}

impl Server {
    /// Starts one on the folder's book and waits until it says where it listens.
    pub(crate) fn start(folder: &Folder) -> Self {
        let mut server = Self::standby(folder);
        if folder.store.is_some() {
            // The lease of the one before may still run.
            server.decides();
        }
        server
    }

    /// As `start`, and does not wait until it decides.
    pub(crate) fn standby(folder: &Folder) -> Self {
        Self::run(serve(folder)).unwrap_or_else(|ended| panic!("it listens: {ended:?}"))
    }

    /// Waits until it decides. Who asked it all the while would keep a processor from the database.
    pub(crate) fn decides(&mut self) {
        let ready = |address| look(&mut Client::new(address), "/health/ready").status == 200;
        if !ready(self.address) {
            let said = self.errors.by_ref().lines().map_while(Result::ok);
            assert!(said.into_iter().any(|line| line.contains(LEADS)), "it ended as a standby");
            assert!(ready(self.address), "it decides when it says so");
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("there is a shell");
        assert!(status.success(), "it was running");
    }

    /// As `start`, with the book on this disk.
    pub(crate) fn start_on(disk: &Disk, folder: &Folder) -> Self {
        Self::try_start_on(disk, folder).unwrap_or_else(|ended| panic!("it listens: {ended:?}"))
    }

    /// As `start`, when it may refuse to.
    pub(crate) fn try_start(folder: &Folder) -> Result<Self, Ended> {
        Self::run(serve(folder))
    }

    /// As `start_on`, when it may refuse to.
    pub(crate) fn try_start_on(disk: &Disk, folder: &Folder) -> Result<Self, Ended> {
        let mut command = serve(folder);
        disk.put_under(&mut command);
        Self::run(command)
    }

    fn run(mut command: Command) -> Result<Self, Ended> {
        let mut child = command.spawn().expect("the executable starts");
        let output = BufReader::new(child.stdout.take().expect("its output is piped"));
        let address = output.lines().map_while(Result::ok).find_map(|line| {
            let (_, address) = line.split_once("http://")?;
            address.trim().parse().ok()
        });
        let mut errors = BufReader::new(child.stderr.take().expect("its errors are piped"));
        match address {
            Some(address) => Ok(Self { child, errors, address }),
            None => Err(ended(&mut child, &mut errors)),
        }
    }

    /// SIGKILL: nothing is flushed, nobody is told.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }

    /// SIGTERM: it finishes what is under way and ends in order.
    pub(crate) fn stop(mut self) -> Ended {
        self.signal("TERM");
        let ended = ended(&mut self.child, &mut self.errors);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended
    }

    /// Waits until it ends by itself.
    pub(crate) fn ended(mut self) -> Ended {
        ended(&mut self.child, &mut self.errors)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(folder: &Folder) -> Command {
    fs::write(folder.path().join("config.toml"), CONFIG).expect("a configuration");
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies/payg-tokens.toml");
    let mut command = Command::new(counterfoil());
    command.args(["serve", "--listen", "127.0.0.1:0", "--policy"]).arg(policy);
    command.arg("--config").arg(folder.path().join("config.toml"));
    folder.name_book(&mut command);
    // So few lines that it never waits for somebody to read them.
    command.env("RUST_LOG", "error,api::service::ground=info").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ended(child: &mut Child, errors: &mut impl Read) -> Ended {
    let mut said = String::new();
    errors.read_to_string(&mut said).expect("its errors are text");
    Ended { code: child.wait().expect("it ends").code(), said }
}

/// A `copy` of the folder's book that is under way.
pub(crate) struct Copying(Child);

impl Copying {
    /// To this store, or into the folder itself.
    pub(crate) fn start(folder: &Folder, to: Option<&str>) -> Self {
        let (book, mut command) = (folder.book(), Command::new(counterfoil()));
        command.arg("copy").arg("--data").arg(&book);
        command.env("COUNTERFOIL_COPY_FROM", folder.store.as_ref().map_or(book.as_os_str(), OsStr::new));
        command.env("COUNTERFOIL_COPY_TO", to.map_or(book.as_os_str(), OsStr::new));
        command.env("RUST_LOG", "error").stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().expect("the executable starts"))
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Ended {
        let mut errors = self.0.stderr.take().expect("its errors are piped");
        ended(&mut self.0, &mut errors)
    }

    /// SIGKILL as soon as it has said this.
    pub(crate) fn kill_when_it_says(mut self, words: &str) {
        let output = BufReader::new(self.0.stdout.take().expect("its output is piped"));
        assert!(output.lines().map_while(Result::ok).any(|line| line.contains(words)), "it says {words:?}");
        self.0.kill().expect("it can be killed");
        self.0.wait().expect("it ends");
    }
}

/// A gateway's call; `None` when the server was gone before it had answered.
pub(crate) fn gateway(client: &mut Client, path: &str, body: &str) -> Option<(u16, String)> {
    let answer = try_gateway(client, path, body)?;
    assert!(answer.status < 500, "{path} {body}: {answer:?}");
    Some((answer.status, answer.body))
}

/// As `gateway`, when the server may be in trouble and say so.
pub(crate) fn try_gateway(client: &mut Client, path: &str, body: &str) -> Option<Answer> {
    let headers = [("authorization", GATEWAY), ("content-type", "application/json")];
    client.try_send("POST", path, &headers, body.as_bytes()).ok()
}

/// An operator's call, which must succeed.
pub(crate) fn operator(client: &mut Client, path: &str, body: &str) {
    let headers = [("authorization", OPERATOR), ("content-type", "application/json")];
    let answer = client.send("POST", path, &headers, body.as_bytes());
    assert!(answer.status < 300, "{path}: {answer:?}");
}

/// What an operator reads.
pub(crate) fn look(client: &mut Client, path: &str) -> Answer {
    client.send("GET", path, &[("authorization", OPERATOR)], b"")
}

/// `audit verify` finds nothing.
pub(crate) fn audit(folder: &Folder) {
    let output = verify(folder);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// What the views hold must be what the log says; how many of them there were.
pub(crate) fn views_agree(folder: &Folder) -> usize {
    let mut command = Command::new(counterfoil());
    command.args(["rebuild", "--check"]);
    folder.name_book(&mut command);
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    said.matches("the same at position").count() - said.matches("the same at position 0 ").count()
}

/// What `audit verify` says, and its exit code.
pub(crate) fn verify(folder: &Folder) -> Output {
    let mut command = Command::new(counterfoil());
    command.args(["audit", "verify"]);
    folder.name_book(&mut command);
    command.output().expect("the executable runs")
}
