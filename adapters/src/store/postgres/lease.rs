//! Whose turn it is to write. The lease says when another may take over, the epoch in each append sees to it that who
//! had the turn before never writes again: a wrong lease costs a restart and never an event.

use super::link::Link;
use sqlx::postgres::PgConnection;
use sqlx::{Row, query};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How often the writer renews its lease, which lasts three times as long: [`CLAIM`] and [`RENEW`] say so too.
const EVERY: Duration = Duration::from_secs(1);

const CLAIM: &str = "UPDATE writer SET epoch = epoch + 1, until = clock_timestamp() + interval '3 seconds',
    holder = $1 || coalesce(' at ' || host(inet_client_addr()), '')
    WHERE until < clock_timestamp() RETURNING epoch";
const RENEW: &str = "UPDATE writer SET until = clock_timestamp() + interval '3 seconds' WHERE epoch = $1 AND until > '-infinity'";
const RELEASE: &str = "UPDATE writer SET until = '-infinity' WHERE epoch = $1";

/// What became of a try to be the writer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Claim {
    /// It is this process's turn.
    Taken { epoch: i64 },
    /// Another process has the turn, and lives.
    Held { holder: String },
}

/// Takes the next epoch if nobody's lease runs.
pub(super) async fn claim(connection: &mut PgConnection) -> sqlx::Result<Claim> {
    let holder = format!("process {}", std::process::id());
    let taken = query(CLAIM).bind(holder).fetch_optional(&mut *connection).await?;
    if let Some(row) = taken {
        return Ok(Claim::Taken { epoch: row.try_get("epoch")? });
    }
    let row = query("SELECT holder FROM writer").fetch_one(connection).await?;
    Ok(Claim::Held { holder: row.try_get("holder")? })
}

/// A lease that is renewed until this value goes, or the epoch is another's.
pub(super) struct Lease {
    link: Arc<Link>,
    epoch: i64,
    task: JoinHandle<()>,
}

impl Lease {
    /// Renews on a link of its own: an append that waits for the disk must not cost the lease.
    pub(super) fn keep(link: Arc<Link>, epoch: i64, lost: watch::Sender<bool>) -> Self {
        let task = tokio::spawn(renew(link.clone(), epoch, lost));
        Self { link, epoch, task }
    }

    /// Gives the turn up, so that the next process need not wait.
    pub(super) async fn release(&self) -> sqlx::Result<()> {
        self.task.abort();
        update(&self.link, RELEASE, self.epoch).await.map(drop)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn renew(link: Arc<Link>, epoch: i64, lost: watch::Sender<bool>) {
    let mut ticks = interval(EVERY);
    // After a sleep of the process one look is enough.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match update(&link, RENEW, epoch).await {
            Ok(1..) => {}
            Ok(0) => {
                lost.send_replace(true);
                return;
            }
            // Whether it is another's turn by now, the next append or the next renewal tells.
            Err(error) => tracing::warn!(%error, "the writer's lease could not be renewed"),
        }
    }
}

async fn update(link: &Link, statement: &'static str, epoch: i64) -> sqlx::Result<u64> {
    let mut lent = link.lend().await?;
    let (limit, connection) = lent.connection();
    let done = timeout(limit, query(statement).bind(epoch).execute(connection)).await;
    lent.settle(done).map(|done| done.rows_affected())
}
