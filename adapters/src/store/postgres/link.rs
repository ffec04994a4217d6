//! One connection, made when it is needed and given up as soon as nobody knows what state it is in.

use super::address::Address;
use super::classify;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, raw_sql};
use std::io;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// How long a connection may take until it can be used.
const CONNECT: Duration = Duration::from_secs(5);

/// How much longer than the server's own limit an answer is waited for: the way there and back.
const WAY: Duration = Duration::from_secs(2);

/// What a link is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose {
    /// How long the server works on a statement before it gives up.
    pub(crate) limit: Duration,
    /// Whether a commit waits for the disk. The log's always does.
    pub(crate) durable: bool,
    /// What else is set, in SQL; it has the last word.
    pub(crate) also: &'static str,
}

impl Purpose {
    /// What holds for a session, whatever the database's own settings are. The limits end what a client that was
    /// frozen or cut off has left behind.
    fn settings(self) -> String {
        let (limit, commit) = (self.limit.as_millis(), if self.durable { "on" } else { "off" });
        format!(
            "SET synchronous_commit = {commit}; SET default_transaction_isolation = 'read committed'; \
             SET statement_timeout = {limit}; SET lock_timeout = 2000; \
             SET idle_in_transaction_session_timeout = 5000; \
             SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; \
             SET tcp_user_timeout = 15000; SET client_min_messages = warning; {}",
            self.also
        )
    }

    /// A connection that is not lent, but somebody's own.
    pub(crate) async fn connect(self, address: &Address) -> sqlx::Result<PgConnection> {
        let connecting = async {
            let mut connection = address.options().connect().await?;
            raw_sql(AssertSqlSafe(self.settings())).execute(&mut connection).await?;
            Ok(connection)
        };
        timed(timeout(CONNECT, connecting).await)
    }
}

/// The way to the database.
pub(crate) struct Link {
    address: Address,
    purpose: Purpose,
    connection: Mutex<Option<PgConnection>>,
}

impl Link {
    /// Connects when it is first used.
    pub(crate) fn new(address: &Address, purpose: Purpose) -> Self {
        Self { address: address.clone(), purpose, connection: Mutex::new(None) }
    }

    /// Takes the connection for one exchange. Fails only before anything was asked.
    pub(crate) async fn lend(&self) -> sqlx::Result<Lent<'_>> {
        let mut place = self.connection.lock().await;
        let connection = match place.take() {
            Some(connection) => connection,
            None => self.purpose.connect(&self.address).await?,
        };
        Ok(Lent { place, connection, limit: self.purpose.limit + WAY })
    }
}

/// A connection that is lent for one exchange. Dropped without being settled it is closed, because a half-read
/// answer would be taken for the next one's.
pub(crate) struct Lent<'a> {
    place: MutexGuard<'a, Option<PgConnection>>,
    connection: PgConnection,
    limit: Duration,
}

impl Lent<'_> {
    /// The connection, and how long to wait for the answer.
    pub(crate) fn connection(&mut self) -> (Duration, &mut PgConnection) {
        (self.limit, &mut self.connection)
    }

    /// Keeps the connection for the next exchange, this one having come to its end.
    pub(crate) fn keep(mut self) {
        *self.place = Some(self.connection);
    }

    /// Keeps the connection for the next exchange when this one came to its end.
    pub(crate) fn settle<T>(mut self, outcome: Result<sqlx::Result<T>, Elapsed>) -> sqlx::Result<T> {
        let outcome = timed(outcome);
        if outcome.as_ref().err().is_none_or(classify::leaves_the_connection_usable) {
            *self.place = Some(self.connection);
        }
        outcome
    }
}

/// Waiting in vain is a failure like that of the network.
fn timed<T>(outcome: Result<sqlx::Result<T>, Elapsed>) -> sqlx::Result<T> {
    outcome.unwrap_or_else(|_| {
        Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database does not answer")))
    })
}
