//! The messages of the protocol that the double speaks, by hand: only the members that it looks at.
//!
//! On the wire the alternatives of a choice are optional members, so they are written as such here.

use prost::Message;
use std::collections::HashMap;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Uuid {
    #[prost(message, optional, tag = "1")]
    structured: Option<Structured>,
}

#[derive(Clone, PartialEq, Message)]
struct Structured {
    #[prost(int64, tag = "1")]
    high: i64,
    #[prost(int64, tag = "2")]
    low: i64,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamIdentifier {
    #[prost(bytes = "vec", tag = "3")]
    pub(super) name: Vec<u8>,
}

/// One message of an append: first where to, then the events.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AppendReq {
    #[prost(message, optional, tag = "1")]
    pub(super) options: Option<AppendOptions>,
    #[prost(message, optional, tag = "2")]
    pub(super) event: Option<Proposed>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AppendOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<StreamIdentifier>,
    #[prost(uint64, optional, tag = "2")]
    pub(super) revision: Option<u64>,
    #[prost(message, optional, tag = "3")]
    pub(super) no_stream: Option<()>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Proposed {
    #[prost(message, optional, tag = "1")]
    pub(super) id: Option<Uuid>,
    #[prost(map = "string, string", tag = "2")]
    pub(super) metadata: HashMap<String, String>,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) custom_metadata: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) data: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct AppendResp {
    #[prost(message, optional, tag = "1")]
    pub(super) success: Option<Success>,
    #[prost(message, optional, tag = "2")]
    pub(super) wrong_revision: Option<WrongRevision>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Success {
    #[prost(uint64, optional, tag = "1")]
    pub(super) revision: Option<u64>,
    #[prost(message, optional, tag = "4")]
    pub(super) no_position: Option<()>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct WrongRevision {
    #[prost(uint64, optional, tag = "6")]
    pub(super) current: Option<u64>,
    #[prost(message, optional, tag = "7")]
    pub(super) no_stream: Option<()>,
    #[prost(uint64, optional, tag = "8")]
    pub(super) expected: Option<u64>,
    #[prost(message, optional, tag = "11")]
    pub(super) expected_no_stream: Option<()>,
}

/// One append of a lasting call.
#[derive(Clone, PartialEq, Message)]
pub(super) struct BatchAppendReq {
    #[prost(message, optional, tag = "1")]
    pub(super) id: Option<Uuid>,
    #[prost(message, optional, tag = "2")]
    pub(super) options: Option<BatchOptions>,
    #[prost(message, repeated, tag = "3")]
    pub(super) events: Vec<Proposed>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BatchOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<StreamIdentifier>,
    #[prost(uint64, optional, tag = "2")]
    pub(super) revision: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BatchAppendResp {
    #[prost(message, optional, tag = "1")]
    pub(super) id: Option<Uuid>,
    #[prost(message, optional, tag = "2")]
    pub(super) error: Option<Failure>,
    #[prost(message, optional, tag = "3")]
    pub(super) success: Option<BatchSuccess>,
    #[prost(message, optional, tag = "4")]
    pub(super) stream: Option<StreamIdentifier>,
    #[prost(uint64, optional, tag = "5")]
    pub(super) revision: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Failure {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct BatchSuccess {
    #[prost(uint64, optional, tag = "1")]
    pub(super) revision: Option<u64>,
    #[prost(message, optional, tag = "4")]
    pub(super) no_position: Option<()>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SupportedMethods {
    #[prost(message, repeated, tag = "1")]
    pub(super) methods: Vec<SupportedMethod>,
    #[prost(string, tag = "2")]
    pub(super) version: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SupportedMethod {
    #[prost(string, tag = "1")]
    pub(super) method: String,
    #[prost(string, tag = "2")]
    pub(super) service: String,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadReq {
    #[prost(message, optional, tag = "1")]
    pub(super) options: Option<ReadOptions>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<StreamOptions>,
    /// 1 is backwards.
    #[prost(int32, tag = "3")]
    pub(super) direction: i32,
    #[prost(uint64, optional, tag = "5")]
    pub(super) count: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StreamOptions {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<StreamIdentifier>,
    /// Absent: from the start, or from the end when read backwards.
    #[prost(uint64, optional, tag = "2")]
    pub(super) revision: Option<u64>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadResp {
    #[prost(message, optional, tag = "1")]
    pub(super) event: Option<ReadEvent>,
    #[prost(message, optional, tag = "4")]
    pub(super) not_found: Option<NotFound>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct NotFound {
    #[prost(message, optional, tag = "1")]
    pub(super) stream: Option<StreamIdentifier>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct ReadEvent {
    #[prost(message, optional, tag = "1")]
    pub(super) event: Option<Recorded>,
    #[prost(message, optional, tag = "4")]
    pub(super) no_position: Option<()>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Recorded {
    #[prost(message, optional, tag = "1")]
    pub(super) id: Option<Uuid>,
    #[prost(message, optional, tag = "2")]
    pub(super) stream: Option<StreamIdentifier>,
    #[prost(uint64, tag = "3")]
    pub(super) revision: u64,
    #[prost(map = "string, string", tag = "6")]
    pub(super) metadata: HashMap<String, String>,
    #[prost(bytes = "vec", tag = "7")]
    pub(super) custom_metadata: Vec<u8>,
    #[prost(bytes = "vec", tag = "8")]
    pub(super) data: Vec<u8>,
}

/// What a node says about its cluster.
#[derive(Clone, PartialEq, Message)]
pub(super) struct ClusterInfo {
    #[prost(message, repeated, tag = "1")]
    pub(super) members: Vec<Member>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Member {
    /// 6 is a follower, 8 the leader.
    #[prost(int32, tag = "3")]
    pub(super) state: i32,
    #[prost(bool, tag = "4")]
    pub(super) is_alive: bool,
    #[prost(message, optional, tag = "5")]
    pub(super) endpoint: Option<EndPoint>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct EndPoint {
    #[prost(string, tag = "1")]
    pub(super) address: String,
    #[prost(uint32, tag = "2")]
    pub(super) port: u32,
}
