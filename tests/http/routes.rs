//! Every route, with who may call it: the list that other tests go through.

use serde_json::{Value, json};

/// Who may call a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Open {
    /// Everyone.
    Everyone,
    /// Everyone, a little; with a key or a token more.
    Anonymous,
    Gateway,
    Operator,
    /// Gateways and operators.
    Staff,
    /// An account's own key.
    Account,
    /// An account's own key for itself, gateways and operators for any account.
    Reader,
}

/// A route with an example of its path and body.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// As in the document.
    pub(crate) path: &'static str,
    pub(crate) example: &'static str,
    pub(crate) body: Value,
    pub(crate) open: Open,
}

fn route(method: &'static str, path: &'static str, example: &'static str, open: Open, body: Value) -> Route {
    Route { method, path, example, body, open }
}

fn read(path: &'static str, example: &'static str, open: Open) -> Route {
    route("GET", path, example, open, Value::Null)
}

pub(crate) fn routes() -> Vec<Route> {
    [open(), decisions(), consumers(), accounts(), catalogue()].concat()
}

fn open() -> Vec<Route> {
    use Open::{Anonymous, Everyone};
    vec![
        read("/health/live", "/health/live", Everyone),
        read("/health/ready", "/health/ready", Everyone),
        read("/v1/limits", "/v1/limits", Anonymous),
        read("/v1/pricing/costs", "/v1/pricing/costs", Anonymous),
    ]
}

fn decisions() -> Vec<Route> {
    use Open::{Gateway, Operator, Staff};
    let ask =
        || json!({"request_id": "r", "account": "acme", "endpoint": "/api/v1/ai/chat", "settle": "now"});
    vec![
        route("POST", "/v1/noop", "/v1/noop", Gateway, ask()),
        route("POST", "/v1/decisions", "/v1/decisions", Gateway, ask()),
        route("POST", "/v1/decisions/batch", "/v1/decisions/batch", Gateway, json!({"decisions": [ask()]})),
        read("/v1/decisions/{id}", "/v1/decisions/d_999", Staff),
        read("/v1/decisions/{id}/explain", "/v1/decisions/d_999/explain", Staff),
        route("POST", "/v1/decisions/{id}/begin", "/v1/decisions/d_999/begin", Gateway, Value::Null),
        route(
            "POST",
            "/v1/decisions/{id}/settle",
            "/v1/decisions/d_999/settle",
            Gateway,
            json!({"outcome": "succeeded"}),
        ),
        route(
            "POST",
            "/v1/decisions/{id}/refund",
            "/v1/decisions/d_999/refund",
            Staff,
            json!({"refund_id": "f"}),
        ),
        route(
            "POST",
            "/v1/decisions/{id}/reprocess",
            "/v1/decisions/d_999/reprocess",
            Gateway,
            json!({"request_id": "again"}),
        ),
        read("/v1/requests/{request_id}", "/v1/requests/r-none", Staff),
        read("/v1/events", "/v1/events", Operator),
        read("/v1/engine", "/v1/engine", Operator),
        read("/metrics", "/metrics", Operator),
    ]
}

fn consumers() -> Vec<Route> {
    use Open::{Account, Reader};
    vec![
        read("/v1/account/balance", "/v1/account/balance", Reader),
        read("/v1/account/usage", "/v1/account/usage", Reader),
        read("/v1/account/usage-summary", "/v1/account/usage-summary", Reader),
        read("/v1/account/statement", "/v1/account/statement", Reader),
        read("/v1/account/holds", "/v1/account/holds", Reader),
        read("/v1/account/denials", "/v1/account/denials", Reader),
        read("/v1/account/reports/{month}", "/v1/account/reports/2026-01", Reader),
        read("/v1/notices", "/v1/notices", Reader),
        read("/v1/account/api-key/current", "/v1/account/api-key/current", Account),
        route("DELETE", "/v1/account/api-keys/{key}", "/v1/account/api-keys/k_none", Account, Value::Null),
        route(
            "POST",
            "/v1/account/api-keys/{key}/rotate",
            "/v1/account/api-keys/k_none/rotate",
            Account,
            Value::Null,
        ),
    ]
}

fn accounts() -> Vec<Route> {
    let operator = |method, path, example, body| route(method, path, example, Open::Operator, body);
    let reason = || json!({"reason": "test"});
    vec![
        operator("POST", "/v1/accounts", "/v1/accounts", json!({"account": "other"})),
        read("/v1/accounts/{id}", "/v1/accounts/acme", Open::Operator),
        operator("PATCH", "/v1/accounts/{id}", "/v1/accounts/acme", json!({"contact": true})),
        operator("PUT", "/v1/accounts/{id}/plan", "/v1/accounts/acme/plan", json!({"plan": "enterprise"})),
        operator("POST", "/v1/accounts/{id}/keys", "/v1/accounts/acme/keys", json!({"kind": "live"})),
        operator(
            "POST",
            "/v1/accounts/{id}/keys/{key}/{change}",
            "/v1/accounts/acme/keys/k_none/suspend",
            reason(),
        ),
        operator("POST", "/v1/accounts/{id}/grants", "/v1/accounts/acme/grants", json!({"amount": "1"})),
        operator(
            "POST",
            "/v1/accounts/{id}/deductions",
            "/v1/accounts/acme/deductions",
            json!({"amount": "1", "reason": "test"}),
        ),
        operator(
            "PUT",
            "/v1/accounts/{id}/limits/{limit}",
            "/v1/accounts/acme/limits/per-minute",
            json!({"figure": 100, "reason": "test"}),
        ),
        operator("POST", "/v1/accounts/{id}/suspend", "/v1/accounts/none/suspend", reason()),
        operator("POST", "/v1/accounts/{id}/reinstate", "/v1/accounts/none/reinstate", reason()),
        operator("POST", "/v1/accounts/{id}/terminate", "/v1/accounts/none/terminate", reason()),
    ]
}

fn catalogue() -> Vec<Route> {
    let operator = |method, path, example, body| route(method, path, example, Open::Operator, body);
    let ip = || json!({"ip": "203.0.113.9", "reason": "test"});
    vec![
        operator(
            "PUT",
            "/v1/limits/{limit}",
            "/v1/limits/per-minute",
            json!({"ip": "203.0.113.9", "figure": 5, "reason": "test"}),
        ),
        operator(
            "POST",
            "/v1/limits/{limit}/reset",
            "/v1/limits/per-minute/reset",
            json!({"account": "acme", "values": {"endpoint": "/api/v1/ai/chat"}, "reason": "test"}),
        ),
        read("/v1/denials", "/v1/denials", Open::Operator),
        read("/v1/bans", "/v1/bans", Open::Operator),
        operator("POST", "/v1/bans", "/v1/bans", ip()),
        operator("POST", "/v1/bans/lift", "/v1/bans/lift", ip()),
        operator(
            "POST",
            "/v1/price-lists",
            "/v1/price-lists",
            json!({"prices": {"endpoints": {"/a": {"base": 1}}}}),
        ),
        operator("POST", "/v1/policies", "/v1/policies", json!({"toml": "name = 1"})),
        operator(
            "POST",
            "/v1/notices",
            "/v1/notices",
            json!({"kind": "maintenance", "effective": "2027-01-01T00:00:00Z", "text": "soon"}),
        ),
        operator("POST", "/v1/clock/confirm", "/v1/clock/confirm", Value::Null),
        operator("POST", "/v1/sandbox/clock", "/v1/sandbox/clock", json!({"advance": "1s"})),
    ]
}
