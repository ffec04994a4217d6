//! What a look into the past costs: an account's credit after any event of a long log, over HTTP.

use super::Failed;
use super::histogram::Histogram;
use super::log::{self, Figures};
use super::place::Place;
use super::server::{OPERATOR, Server};
use super::start::Start;
use clap::Args;
use domain::ids::Position;
use indicatif::ProgressBar;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// How large the log is, where it is kept, and how often it is looked at.
#[derive(Args)]
pub(super) struct Past {
    #[command(flatten)]
    log: Start,
    #[command(flatten)]
    place: Place,
    /// Looks, one after the other
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    looks: u64,
}

/// How often the read models are asked whether they have caught up.
const ASK: Duration = Duration::from_millis(500);

/// From one look to the next: a prime, so that they are scattered over accounts and log, the same in every run.
const STRIDE: u64 = 2_654_435_761;

impl Past {
    pub(super) fn run(self) -> Result<(), Failed> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.measure())
    }

    async fn measure(&self) -> Result<(), Failed> {
        let folder = Server::folder()?;
        let events = self.log.write(&self.place.with(&Server::book_in(&folder))?).await?;
        let (began, mut server) = (Instant::now(), Server::start_in(folder, self.place.clone())?);
        println!("events: {events}, accounts: {}", self.log.accounts);
        println!("full fold, until it listens: {} ms", began.elapsed().as_millis());
        caught_up(server.address, events).await?;
        let took = began.elapsed().as_millis().max(1);
        println!(
            "read models caught up: {took} ms after the start, {} events/s",
            u128::from(events) * 1_000 / took
        );
        // What comes next is a server at rest, not a disk with gigabytes to put in order.
        let began = Instant::now();
        server.restart()?;
        caught_up(server.address, events).await?;
        println!("killed and started anew: {} ms", began.elapsed().as_millis());
        let times = self.looks(server.address, events).await?;
        let [median, most] = [500, 990].map(|share| times.per_mille(share).as_micros());
        println!(
            "credit as of a past event: p50 {median} µs, p99 {most} µs, max {} µs",
            times.max().as_micros()
        );
        Ok(())
    }

    async fn looks(&self, address: SocketAddr, events: Position) -> Result<Histogram, Failed> {
        let (mut times, mut stream) = (Histogram::new(), TcpStream::connect(address).await?);
        // Each account is there after as many commands as prepare the book.
        let prepared = 2 * self.log.accounts + 1;
        for look in 0..self.looks {
            let account = look.wrapping_mul(STRIDE) % self.log.accounts;
            let position = prepared + look.wrapping_mul(STRIDE) % events.saturating_sub(prepared).max(1);
            let path = format!("/v1/account/balance?account=bench-{account:012}&as_of={position}");
            let began = Instant::now();
            log::get(&mut stream, &path, OPERATOR).await?;
            times.record(began.elapsed());
        }
        Ok(times)
    }
}

async fn caught_up(address: SocketAddr, events: Position) -> Result<(), Failed> {
    let bar = ProgressBar::new(events);
    let mut stream = TcpStream::connect(address).await?;
    loop {
        let figures: Figures = serde_json::from_str(&log::get(&mut stream, "/v1/engine", OPERATOR).await?)?;
        bar.set_position(figures.views);
        if figures.views >= events {
            bar.finish_and_clear();
            return Ok(());
        }
        tokio::time::sleep(ASK).await;
    }
}
