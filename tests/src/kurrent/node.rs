//! What a node answers: the calls that the adapter makes, and what goes wrong as scripted.

#![expect(clippy::result_large_err, reason = "what a call fails with is tonic's")]

use super::connection::Cut;
use super::database::{Appended, Database};
use super::proto::{
    AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, BatchSuccess, ClusterInfo, EndPoint, Failure,
    Member, NotFound, Proposed, ReadEvent, ReadReq, ReadResp, Success, SupportedMethod, SupportedMethods,
    WrongRevision,
};
use futures_util::stream::{self, BoxStream, StreamExt};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tonic::body::Body;
use tonic::codec::ProstCodec;
use tonic::codegen::http;
use tonic::metadata::MetadataMap;
use tonic::server::Grpc;
use tonic::{Request, Response, Status, Streaming};
use tower::service_fn;

/// What happens to an append.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing out of the ordinary.
    None,
    /// It is refused with an error; nothing is written.
    Refused,
    /// The connection is cut before anything is written.
    Cut,
    /// It is written, and the connection is cut before the answer is out.
    AnswerLost,
}

/// One node of a double.
pub(super) struct Node {
    pub(super) address: SocketAddr,
    pub(super) database: Arc<Database>,
    /// What a request must have as its `authorization`.
    pub(super) login: Option<String>,
    pub(super) state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    /// Another node; none when it is this one.
    pub(super) leader: Option<SocketAddr>,
    pub(super) faults: VecDeque<Fault>,
    pub(super) appends: usize,
    /// Those of them that came in a lasting call.
    pub(super) batched: usize,
    /// Whether it knows of no lasting calls.
    pub(super) is_old: bool,
}

const TOO_BIG: &str = "Maximum Append Size of 1048576 Exceeded";

type Answered<T> = Result<Response<T>, Status>;

impl Node {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a call; one that it does not know as a server does that is too old for it.
    pub(super) async fn answer(self: Arc<Self>, call: http::Request<Body>) -> http::Response<Body> {
        match call.uri().path() {
            "/event_store.client.streams.Streams/Append" => {
                let append = service_fn(|request| self.append(request));
                Grpc::new(ProstCodec::default()).client_streaming(append, call).await
            }
            "/event_store.client.streams.Streams/BatchAppend" => {
                let appends = service_fn(|request| std::future::ready(self.appends(request)));
                Grpc::new(ProstCodec::default()).streaming(appends, call).await
            }
            "/event_store.client.server_features.ServerFeatures/GetSupportedMethods" => {
                let features = service_fn(|_: Request<()>| std::future::ready(self.features()));
                Grpc::new(ProstCodec::default()).unary(features, call).await
            }
            "/event_store.client.streams.Streams/Read" => {
                let read = service_fn(|request| std::future::ready(self.read(&request)));
                Grpc::new(ProstCodec::default()).server_streaming(read, call).await
            }
            "/event_store.client.gossip.Gossip/Read" => {
                let gossip =
                    service_fn(|_: Request<()>| std::future::ready(Ok(Response::new(self.gossip()))));
                Grpc::new(ProstCodec::default()).unary(gossip, call).await
            }
            _ => Status::unimplemented("").into_http(),
        }
    }

    async fn append(&self, request: Request<Streaming<AppendReq>>) -> Answered<AppendResp> {
        self.admit(request.metadata())?;
        let cut = request.extensions().get::<Cut>().cloned().unwrap_or_default();
        let mut messages = request.into_inner();
        let (mut stream, mut after, mut events) = (Vec::new(), None, Vec::new());
        while let Some(message) = messages.message().await? {
            if let Some(options) = message.options {
                (stream, after) = (options.stream.unwrap_or_default().name, options.revision);
            }
            events.extend(message.event);
        }
        match self.commit(&cut, &stream, after, &events)? {
            Appended::At(revision) => Ok(Response::new(success(revision))),
            Appended::WrongRevision(current) => Ok(Response::new(wrong(current, after))),
            Appended::TooBig => Err(Status::invalid_argument(TOO_BIG)),
        }
    }

    /// Writes what came as one append, unless something else is scripted.
    fn commit(
        &self,
        cut: &Cut,
        stream: &[u8],
        after: Option<u64>,
        events: &[Proposed],
    ) -> Result<Appended, Status> {
        let fault = {
            let mut state = self.state();
            state.appends += 1;
            state.faults.pop_front().unwrap_or(Fault::None)
        };
        match fault {
            Fault::None => {}
            Fault::Refused => return Err(Status::unavailable("scripted")),
            Fault::Cut => {
                cut.now();
                return Err(Status::unavailable("never heard"));
            }
            Fault::AnswerLost => cut.now(),
        }
        Ok(self.database.append(stream, after, events))
    }

    /// A lasting call: each message is an append, and has an answer of its own.
    fn appends(
        self: &Arc<Self>,
        request: Request<Streaming<BatchAppendReq>>,
    ) -> Answered<BoxStream<'static, Result<BatchAppendResp, Status>>> {
        self.admit(request.metadata())?;
        let cut = request.extensions().get::<Cut>().cloned().unwrap_or_default();
        let node = Arc::clone(self);
        let answers = request.into_inner().map(move |message| node.append_of(&cut, message?));
        Ok(Response::new(answers.boxed()))
    }

    fn append_of(&self, cut: &Cut, message: BatchAppendReq) -> Result<BatchAppendResp, Status> {
        self.state().batched += 1;
        let options = message.options.unwrap_or_default();
        let stream = options.stream.unwrap_or_default();
        let outcome = self.commit(cut, &stream.name, options.revision, &message.events)?;
        let failed =
            |code: tonic::Code, message: &str| Failure { code: code.into(), message: message.to_owned() };
        let (error, success) = match outcome {
            Appended::At(revision) => {
                (None, Some(BatchSuccess { revision: Some(revision), no_position: Some(()) }))
            }
            Appended::WrongRevision(_) => {
                (Some(failed(tonic::Code::AlreadyExists, "WrongExpectedVersion")), None)
            }
            Appended::TooBig => (Some(failed(tonic::Code::InvalidArgument, TOO_BIG)), None),
        };
        let (id, revision) = (message.id, options.revision);
        Ok(BatchAppendResp { id, error, success, stream: Some(stream), revision })
    }

    /// What this server can do beyond the oldest one.
    fn features(&self) -> Answered<SupportedMethods> {
        if self.state().is_old {
            return Err(Status::unimplemented(""));
        }
        let (method, service) = ("batchappend".to_owned(), "event_store.client.streams.streams".to_owned());
        let methods = vec![SupportedMethod { method, service }];
        Ok(Response::new(SupportedMethods { methods, version: "24.10.0".to_owned() }))
    }

    fn read(&self, request: &Request<ReadReq>) -> Answered<BoxStream<'static, Result<ReadResp, Status>>> {
        self.admit(request.metadata())?;
        let options = request.get_ref().options.clone().unwrap_or_default();
        let from = options.stream.unwrap_or_default();
        let name = from.stream.unwrap_or_default();
        let count = options.count.ok_or_else(|| Status::unimplemented("no subscriptions here"))?;
        let found = self.database.read(&name.name, from.revision, options.direction == 1, count);
        let messages = match found {
            None => vec![ReadResp { event: None, not_found: Some(NotFound { stream: Some(name) }) }],
            Some(events) => {
                let event = |event| ReadEvent { event: Some(event), no_position: Some(()) };
                events.into_iter().map(|it| ReadResp { event: Some(event(it)), not_found: None }).collect()
            }
        };
        Ok(Response::new(stream::iter(messages).map(Ok).boxed()))
    }

    fn gossip(&self) -> ClusterInfo {
        let member = |address: SocketAddr, state| Member {
            state,
            is_alive: true,
            endpoint: Some(EndPoint { address: address.ip().to_string(), port: address.port().into() }),
        };
        let members = match self.state().leader {
            None => vec![member(self.address, 8)],
            Some(leader) => vec![member(self.address, 6), member(leader, 8)],
        };
        ClusterInfo { members }
    }

    /// Whether it may answer: the caller is known, and it leads when the caller wants the leader.
    fn admit(&self, metadata: &MetadataMap) -> Result<(), Status> {
        let given = metadata.get("authorization").and_then(|value| value.to_str().ok());
        if self.login.is_some() && self.login.as_deref() != given {
            return Err(Status::unauthenticated("Unauthenticated"));
        }
        match self.state().leader {
            Some(leader) if metadata.contains_key("requires-leader") => Err(not_leader(leader)),
            Some(_) | None => Ok(()),
        }
    }
}

fn not_leader(leader: SocketAddr) -> Status {
    let mut told = MetadataMap::new();
    let text = |text: String| text.parse().expect("ASCII");
    told.insert("exception", text("not-leader".to_owned()));
    told.insert("leader-endpoint-host", text(leader.ip().to_string()));
    told.insert("leader-endpoint-port", text(leader.port().to_string()));
    Status::with_metadata(tonic::Code::NotFound, "Leader info available", told)
}

fn success(revision: u64) -> AppendResp {
    let success = Success { revision: Some(revision), no_position: Some(()) };
    AppendResp { success: Some(success), wrong_revision: None }
}

fn wrong(current: Option<u64>, expected: Option<u64>) -> AppendResp {
    let none = |revision: Option<u64>| if revision.is_none() { Some(()) } else { None };
    let wrong =
        WrongRevision { current, no_stream: none(current), expected, expected_no_stream: none(expected) };
    AppendResp { success: None, wrong_revision: Some(wrong) }
}
