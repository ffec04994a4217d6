//! The load: so many connections, each asking again as soon as it is answered.

use super::Failed;
use super::connection::{self, Requests, Tally};
use super::histogram::Histogram;
use super::line::Line;
use super::log;
use super::report::{self, Row};
use super::stream;
use super::target::{Choice, Target};
use adapters::system;
use clap::Args;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, LocalSet};

/// How the load is made.
#[derive(Args)]
pub(super) struct Load {
    /// Connections at once; several runs by commas
    #[arg(long, value_delimiter = ',', default_value = "64,512", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    connections: Vec<u64>,
    /// How long each run lasts
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Accounts of the spread run
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    accounts: u64,
    /// Decisions of one account only
    #[arg(long, conflicts_with = "spread")]
    hot: bool,
    /// Decisions of many accounts only
    #[arg(long)]
    spread: bool,
    /// Decisions as streams of lines only, 1,000 a request over 4 connections
    #[arg(long, conflicts_with_all = ["hot", "spread"])]
    stream: bool,
    /// The endpoint that is asked for, with 400 `chars`
    #[arg(long, default_value = "/api/v1/ai/translation")]
    endpoint: String,
    #[command(flatten)]
    server: Choice,
}

/// One kind of request.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    /// Of one decision a request; none: streams of lines.
    path: Option<&'static str>,
    accounts: u64,
}

/// Connections that send streams: enough that one is read while another is decided.
const STREAMS: u64 = 4;

impl Load {
    pub(super) fn run(self) -> Result<(), Failed> {
        let server = Target::of(&self.server)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let accounts = if self.hot { 1 } else { self.accounts };
        eprintln!("opening {accounts} accounts at http://{}", server.address);
        runtime.block_on(LocalSet::new().run_until(open_accounts(&server, accounts)))?;
        let before = runtime.block_on(log::figures(&server))?;
        let mut rows = Vec::new();
        for (kind, connections) in self.runs() {
            eprintln!("{}: {connections} connections, {} s", kind.name, self.seconds);
            rows.push(self.measure(&runtime, &server, (&kind, connections))?);
        }
        let after = runtime.block_on(log::figures(&server))?;
        let decided = rows.iter().filter(|row| row.name != NOOP).map(|row| row.requests).sum::<u64>();
        let own = runtime.block_on(server.end(before.head, after.head))?;
        let snapshot = (after.snapshot > before.snapshot).then_some(after.snapshot);
        report::print(&rows, &report::Log { decided, events: after.head - before.head, snapshot, own });
        Ok(())
    }

    /// Every kind of load at every number of connections, and streams at the end.
    fn runs(&self) -> Vec<(Kind, u64)> {
        let noop = Kind { name: NOOP, path: Some("/v1/noop"), accounts: 1 };
        let spread = Kind { name: "spread", path: Some("/v1/decisions"), accounts: self.accounts };
        let hot = Kind { name: "hot", path: Some("/v1/decisions"), accounts: 1 };
        let stream = (Kind { name: "stream", path: None, accounts: self.accounts }, STREAMS);
        let kinds = match (self.hot, self.spread) {
            _ if self.stream => return vec![stream],
            (true, _) => vec![noop, hot],
            (_, true) => vec![noop, spread],
            (false, false) => vec![noop, spread, hot],
        };
        let all = !self.hot && !self.spread;
        let each = |connections: &u64| kinds.iter().map(|kind| (*kind, *connections)).collect::<Vec<_>>();
        self.connections.iter().flat_map(each).chain(all.then_some(stream)).collect()
    }

    fn measure(
        &self,
        runtime: &tokio::runtime::Runtime,
        server: &Target,
        (kind, connections): (&Kind, u64),
    ) -> Result<Row, Failed> {
        let first = unused_ids()?;
        let tally = Rc::new(RefCell::new(Tally { times: Histogram::new(), errors: 0 }));
        let before = runtime.block_on(log::figures(server))?;
        let (began, cpu) = (Instant::now(), server.cpu());
        let until = began + Duration::from_secs(self.seconds);
        let run = async {
            let tasks: Vec<_> = (0..connections)
                .map(|place| {
                    let line = Line::new(&self.endpoint, (first + place, connections), kind.accounts);
                    spawn((server, kind), line, until, tally.clone())
                })
                .collect();
            for task in tasks {
                task.await??;
            }
            Ok::<_, Failed>(())
        };
        runtime.block_on(LocalSet::new().run_until(run))?;
        let (took, cpu) = (began.elapsed(), server.cpu().saturating_sub(cpu));
        let after = runtime.block_on(log::figures(server))?;
        let tally = tally.borrow();
        Ok(Row::new(kind.name, connections, (took, cpu), (before, after), &tally))
    }
}

fn spawn(
    (server, kind): (&Target, &Kind),
    line: Line,
    until: Instant,
    tally: Rc<RefCell<Tally>>,
) -> JoinHandle<std::io::Result<()>> {
    let address = server.address;
    if let Some(path) = kind.path {
        let requests = Requests::new(path, &server.gateway, line);
        return tokio::task::spawn_local(connection::drive(address, requests, until, tally));
    }
    tokio::task::spawn_local(stream::drive(address, server.gateway.clone(), line, until, tally))
}

/// The name of the yardstick.
pub(super) const NOOP: &str = "no-op";

const OPENERS: u64 = 32;

/// The first of ids that no earlier run used, for all that chance can do: 16 digits, of which a run takes a few millions.
fn unused_ids() -> Result<u64, Failed> {
    Ok(u64::from_be_bytes(system::random()?) % 9_000_000_000_000_000)
}

async fn open_accounts(server: &Target, accounts: u64) -> Result<(), Failed> {
    let tasks: Vec<_> = (0..OPENERS.min(accounts))
        .map(|first| {
            let who = (server.address, server.operator.clone());
            tokio::task::spawn_local(open_some(who, first, accounts))
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

async fn open_some(
    (address, operator): (SocketAddr, String),
    first: u64,
    accounts: u64,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let step = usize::try_from(OPENERS.min(accounts)).unwrap_or(1);
    for account in (first..accounts).step_by(step) {
        let name = format!("bench-{account:012}");
        let open = format!(r#"{{"account":"{name}"}}"#);
        // 409: an earlier run opened it.
        post(&mut stream, &operator, ("/v1/accounts", &open), &["2", "409"]).await?;
        let (path, grant) =
            (format!("/v1/accounts/{name}/grants"), r#"{"amount":"1000000000","kind":"grant"}"#);
        post(&mut stream, &operator, (&path, grant), &["2"]).await?;
    }
    Ok(())
}

/// Posts a body; the status must begin with one of these.
async fn post(
    stream: &mut TcpStream,
    operator: &str,
    (path, body): (&str, &str),
    good: &[&str],
) -> std::io::Result<()> {
    let text = format!(
        "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {operator}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(text.as_bytes()).await?;
    let mut answer = vec![0; 16 * 1024];
    let read = stream.read(&mut answer).await?;
    let line = String::from_utf8_lossy(&answer[..read]);
    let status = line.strip_prefix("HTTP/1.1 ").unwrap_or_default();
    if good.iter().any(|good| status.starts_with(good)) {
        return Ok(());
    }
    Err(std::io::Error::other(format!("{path} was answered {}", line.lines().next().unwrap_or_default())))
}
