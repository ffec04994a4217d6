//! The shapes of bodies and answers, for the `OpenAPI` document: the decision path reads and writes them by hand.

use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// A number or a text.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum AttributeValue {
    Number(i64),
    Text(String),
}

/// One request of a caller of the provider.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"request_id": "r-1", "account": "acme", "ip": "203.0.113.7", "endpoint": "/api/v1/ai/chat",
    "attributes": {"chars": 1200}, "settle": "later"}))]
pub struct Ask {
    /// Made by the gateway, one per attempt; a repeat gets the first answer.
    pub request_id: String,
    /// The caller's API key. Without key and account the caller is anonymous.
    pub key: Option<String>,
    /// The caller's account, where the gateway knows it.
    pub account: Option<String>,
    /// The caller's address; or the peer's, together with `forwarded_for`.
    pub ip: Option<String>,
    /// The `X-Forwarded-For` that the peer sent; believed as far as trusted proxies made it.
    pub forwarded_for: Option<String>,
    /// The path as the gateway saw it, at most 1,024 bytes; a query is cut off.
    pub endpoint: String,
    pub method: Option<String>,
    pub channel: Option<String>,
    /// The consumer's own user; kept as a hash and encrypted.
    pub end_user: Option<String>,
    /// A hash of the request's own body.
    pub body_hash: Option<String>,
    /// At most 32; figures are decimals of at most 28 digits, texts have at most 1,024 bytes.
    pub attributes: Option<BTreeMap<String, AttributeValue>>,
    /// How many units one call carries; 1 unless given. Not together with items.
    pub units: Option<u32>,
    /// All or nothing under one decision.
    pub items: Option<Vec<Item>>,
    /// `later` (a hold, open until a settle) unless given; `now` settles at the same instant.
    pub settle: Option<Settling>,
    /// Only with `settle: "now"`; `succeeded` unless given.
    pub outcome: Option<OutcomeName>,
}

/// One item of a request.
#[derive(Serialize, ToSchema)]
pub struct Item {
    pub endpoint: Option<String>,
    pub attributes: Option<BTreeMap<String, AttributeValue>>,
}

/// When the outcome is told.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Settling {
    Later,
    Now,
}

/// How a request ended.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeName {
    Succeeded,
    ClientError,
    SystemError,
    Cancelled,
}

/// Available and held credit, decimals.
#[derive(Serialize, ToSchema)]
pub struct Balance {
    pub available: String,
    pub held: String,
}

/// A limit after this request.
#[derive(Serialize, ToSchema)]
pub struct Limit {
    pub name: String,
    pub limit: u64,
    pub remaining: u64,
    /// Absent where time does not help.
    pub resets_at: Option<String>,
}

/// Items that were accepted and put into an error state.
#[derive(Serialize, ToSchema)]
pub struct Limited {
    pub gate: String,
    pub status_reason: String,
    /// From 0; a request without items is its own item 0.
    pub items: Vec<u32>,
}

/// The caller's plan.
#[derive(Serialize, ToSchema)]
pub struct Plan {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    pub contact: Option<String>,
}

/// What the gateway should give its caller, in the provider's style.
#[derive(Serialize, ToSchema)]
pub struct GatewayResponse {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    /// The exact bytes to send; null where the policy words no body.
    pub body: Option<String>,
}

/// The answer to one request.
#[derive(Serialize, ToSchema)]
pub struct Decision {
    /// Absent for a refusal that was counted and not recorded by itself.
    pub decision_id: Option<String>,
    pub allowed: bool,
    /// The policy's code, or `ALLOWED` `LIMITED` `UNAUTHENTICATED` `BANNED` `SUSPENDED` `TOO_LARGE` `RATE_LIMITED`
    /// `QUEUE_FULL` `INSUFFICIENT_CREDITS`.
    pub code: String,
    pub reason: Option<String>,
    pub message: Option<String>,
    pub held: String,
    pub charged: String,
    pub balance: Option<Balance>,
    pub limits: Vec<Limit>,
    pub limited: Option<Limited>,
    /// Limits in shadow mode that would have refused.
    pub shadow: Vec<String>,
    pub plan: Option<Plan>,
    /// When the hold runs out unless it is settled.
    pub expires_at: Option<String>,
    /// Seconds; absent where waiting cannot help.
    pub retry_after: Option<u64>,
    pub response: GatewayResponse,
}

/// Independent requests.
#[derive(Serialize, ToSchema)]
pub struct Batch {
    /// At most 1,000.
    pub decisions: Vec<Ask>,
}

/// The answers to a batch, in its order.
#[derive(Serialize, ToSchema)]
pub struct Answers {
    pub answers: Vec<BatchAnswer>,
}

/// One of the two.
#[derive(Serialize, ToSchema)]
pub struct BatchAnswer {
    pub decision: Option<Decision>,
    pub problem: Option<ProblemBody>,
}

/// How a request ended, and what its work came to.
#[derive(Serialize, ToSchema)]
pub struct Settle {
    pub outcome: OutcomeName,
    pub attributes: Option<BTreeMap<String, AttributeValue>>,
}

/// What one step of a decision moved.
#[derive(Serialize, ToSchema)]
pub struct Outcome {
    pub decision_id: String,
    /// `begun`, `settled`, `refunded` or `expired`.
    pub state: String,
    pub outcome: Option<OutcomeName>,
    pub refund: Option<String>,
    pub charged: String,
    pub released: String,
    pub uncollected: String,
    pub refunded: String,
    pub balance: Option<Balance>,
    pub at: String,
}

/// A problem of RFC 9457.
#[derive(Serialize, ToSchema)]
pub struct ProblemBody {
    pub r#type: String,
    pub title: String,
    pub status: u16,
    /// Stable, for machines.
    pub code: String,
    /// For people.
    pub detail: String,
    /// The path of the field that is wrong.
    pub field: Option<String>,
    pub retry_after: Option<u64>,
}

/// An event of the log.
#[derive(Serialize, ToSchema)]
pub struct EventBody {
    pub position: u64,
    /// `account-NAME`, `client-HASH` or `catalogue`.
    pub stream: String,
    pub version: u64,
    pub r#type: String,
    pub schema: u16,
    pub at: String,
    pub actor: String,
    pub request_id: Option<String>,
    /// What happened; its members depend on the type.
    #[schema(value_type = Object)]
    pub data: BTreeMap<String, String>,
    /// The personal fields by name, where there are any; values only where the reader may see them.
    #[schema(value_type = Option<Object>)]
    pub personal: Option<BTreeMap<String, String>>,
}
