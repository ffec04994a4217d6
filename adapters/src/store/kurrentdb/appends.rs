//! Appends over one lasting call of the connection.
//!
//! A call of its own for each append leaves as head, body and end, and the client does not set `TCP_NODELAY`: the
//! body of a small one often waits 40 ms for the other side to acknowledge the head. In a lasting call an append is
//! one message, and what was sent before it has been answered.

use domain::ids::Position;
use eventstore::{
    AppendToStreamOptions, BatchAppendClient, BatchAppendOptions, Client, Credentials, Error, EventData,
    StreamState,
};
use std::sync::Arc;
use tokio::sync::Mutex;

/// A client and its lasting call.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) client: Client,
    appending: Arc<Mutex<Appending>>,
}

/// The call that appends go into.
enum Appending {
    /// Not yet, or it has ended: it does with its first failure, even if that is a wrong revision.
    Closed,
    Open(BatchAppendClient),
    /// The server is too old for it.
    Unknown,
}

impl Server {
    pub(super) fn new(client: Client) -> Self {
        Self { client, appending: Arc::new(Mutex::new(Appending::Closed)) }
    }

    /// Appends to a stream; one at a time.
    pub(super) async fn append(
        self,
        (name, login): (String, Option<Credentials>),
        state: StreamState,
        events: Vec<EventData>,
    ) -> Result<(), Error> {
        let appending = Arc::clone(&self.appending);
        let mut appending = appending.lock().await;
        if let Appending::Closed = *appending {
            *appending = self.begin(login.as_ref()).await?;
        }
        let Appending::Open(open) = &*appending else {
            return self.append_alone((name, login), state, events).await.map(drop);
        };
        let outcome = open.append_to_stream(&name, state, events.clone()).await.map(drop);
        if outcome.is_err() {
            *appending = Appending::Closed;
        }
        match outcome {
            // Only after a call of its own does the client go to the leader.
            Err(Error::NotLeaderException(_)) => {
                self.append_alone((name, login), state, events).await.map(drop)
            }
            outcome => outcome,
        }
    }

    async fn begin(&self, login: Option<&Credentials>) -> Result<Appending, Error> {
        let options = BatchAppendOptions::default().requires_leader(true);
        let options = login.iter().fold(options, |options, &login| options.authenticated(login.clone()));
        match self.client.batch_append(&options).await {
            Err(Error::UnsupportedFeature) => Ok(Appending::Unknown),
            begun => begun.map(Appending::Open),
        }
    }

    /// Appends to a stream by a call of its own, and gives the revision of the last event.
    pub(super) async fn append_alone(
        self,
        (name, login): (String, Option<Credentials>),
        state: StreamState,
        events: Vec<EventData>,
    ) -> Result<Position, Error> {
        let options = AppendToStreamOptions::default().stream_state(state).requires_leader(true);
        let options = login.into_iter().fold(options, AppendToStreamOptions::authenticated);
        Ok(self.client.append_to_stream(name, &options, events).await?.next_expected_version)
    }
}
