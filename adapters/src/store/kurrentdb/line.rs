//! The connection to the server, made anew whenever it may be broken.
//!
//! The client cannot be left to itself: it is dead for good once a connection could not be made, it stays with a leader
//! that is gone, and its tasks outlive it. So each client has a thread and a runtime of its own, and ends with them.

use super::appends::Server;
use domain::log::Cause;
use eventstore::{Client, ClientSettings, Error};
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Mutex, oneshot};
use tokio::time::timeout;

/// How long an answer may take. The client sends a deadline along, but only the server keeps it.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often one request follows a server that names another leader.
const REDIRECTS: usize = 3;

/// The line to the server: at most one client at a time, and none while nobody asks.
pub(super) struct Lines {
    settings: ClientSettings,
    current: Mutex<Option<Arc<Line>>>,
}

struct Line {
    server: Server,
    tasks: Handle,
    /// Dropped with the line, which ends its thread.
    _stop: oneshot::Sender<()>,
}

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("no client can be made for the server")]
    Client(#[source] Cause),
    #[error("the server cannot be reached")]
    Unreached(#[source] Error),
    #[error("the server refuses the user or the password")]
    Denied,
    #[error("the node is not the leader; it names {host}:{port}")]
    NotLeader { host: String, port: u32 },
    #[error("the server did not do it")]
    Said(#[source] Error),
    #[error("the server did not answer within {} s", PATIENCE.as_secs())]
    Late,
    #[error("the connection was given up")]
    GivenUp,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        match error {
            // The client says these two before it has sent anything.
            Error::GrpcConnectionError(_) | Error::ConnectionClosed => Self::Unreached(error),
            Error::AccessDenied => Self::Denied,
            Error::NotLeaderException(leader) => Self::NotLeader { host: leader.host, port: leader.port },
            other => Self::Said(other),
        }
    }
}

/// gRPC's number for a request that the server finds wrong: what it does not even try to write.
const INVALID_ARGUMENT: i32 = 3;

/// gRPC's number that a lasting call gives for a wrong revision.
const ALREADY_EXISTS: i32 = 6;

impl Failed {
    /// Whether the server said something that another connection would not change.
    fn is_answer(&self) -> bool {
        match self {
            Self::Denied => true,
            Self::Said(error) => {
                self.kept_nothing()
                    || matches!(error, Error::ResourceNotFound | Error::ResourceDeleted)
                    || self.is_wrong_revision()
            }
            Self::Client(_) | Self::Unreached(_) | Self::NotLeader { .. } | Self::Late | Self::GivenUp => {
                false
            }
        }
    }

    /// Whether the request certainly wrote nothing: it was never sent, or is one that the server never takes.
    pub(super) fn kept_nothing(&self) -> bool {
        match self {
            Self::Client(_) | Self::Unreached(_) => true,
            Self::Said(Error::Grpc { code, .. }) => i32::from(*code) == INVALID_ARGUMENT,
            Self::Said(_) | Self::Denied | Self::NotLeader { .. } | Self::Late | Self::GivenUp => false,
        }
    }

    /// Whether the place of an append is taken, or not reached yet.
    pub(super) fn is_wrong_revision(&self) -> bool {
        match self {
            Self::Said(Error::WrongExpectedVersion { .. }) => true,
            Self::Said(Error::Grpc { code, .. }) => i32::from(*code) == ALREADY_EXISTS,
            Self::Said(_)
            | Self::Client(_)
            | Self::Unreached(_)
            | Self::Denied
            | Self::NotLeader { .. }
            | Self::Late
            | Self::GivenUp => false,
        }
    }
}

impl Lines {
    pub(super) fn new(settings: ClientSettings) -> Self {
        Self { settings, current: Mutex::new(None) }
    }

    /// Asks once, following the leader where the server names one.
    pub(super) async fn ask<T, F>(&self, work: impl Fn(Server) -> F) -> Result<T, Failed>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let mut redirects = 0;
        loop {
            let line = self.current().await?;
            let failed = match line.run(work(line.server.clone())).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            // The client goes to the leader by itself; the next request finds it there.
            if matches!(failed, Failed::NotLeader { .. }) && redirects < REDIRECTS {
                redirects += 1;
                continue;
            }
            if !failed.is_answer() {
                self.hang_up(&line).await;
            }
            return Err(failed);
        }
    }

    /// As [`Lines::ask`], and once more on a new connection when the first one failed: for what changes nothing.
    pub(super) async fn ask_twice<T, F>(&self, work: impl Fn(Server) -> F) -> Result<T, Failed>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        match self.ask(&work).await {
            Err(failed) if !failed.is_answer() => self.ask(work).await,
            answer => answer,
        }
    }

    async fn current(&self) -> Result<Arc<Line>, Failed> {
        let mut current = self.current.lock().await;
        if let Some(line) = &*current {
            return Ok(Arc::clone(line));
        }
        let line = Arc::new(Line::make(self.settings.clone()).await.map_err(Failed::Client)?);
        *current = Some(Arc::clone(&line));
        Ok(line)
    }

    /// Gives this connection up, unless another has taken its place already.
    async fn hang_up(&self, line: &Arc<Line>) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|it| Arc::ptr_eq(it, line)) {
            *current = None;
        }
    }
}

impl Line {
    /// Makes the client on its own thread: reading the system's certificates takes a while.
    async fn make(settings: ClientSettings) -> Result<Self, Cause> {
        let (tell, told) = oneshot::channel();
        thread::Builder::new().name("kurrentdb".to_owned()).spawn(move || {
            let made = server(settings);
            match made {
                Err(cause) => drop(tell.send(Err(cause))),
                Ok((runtime, server)) => {
                    let (stop, stopped) = oneshot::channel();
                    let line = Self { server, tasks: runtime.handle().clone(), _stop: stop };
                    if tell.send(Ok(line)).is_ok() {
                        // An error is what the end looks like: the sender was dropped.
                        let _ = runtime.block_on(stopped);
                    }
                    runtime.shutdown_background();
                }
            }
        })?;
        told.await?
    }

    async fn run<T, F>(&self, work: F) -> Result<T, Failed>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        match self.tasks.spawn(async { timeout(PATIENCE, work).await }).await {
            Ok(Ok(answer)) => Ok(answer?),
            Ok(Err(_)) => Err(Failed::Late),
            // Cancelled with its runtime, or it panicked: the client expects members of an answer to be there.
            Err(_) => Err(Failed::GivenUp),
        }
    }
}

fn server(settings: ClientSettings) -> Result<(Runtime, Server), Cause> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let client = Client::with_runtime_handle(runtime.handle().clone(), settings)?;
    Ok((runtime, Server::new(client)))
}
