//! Traffic with everything in it that moves credit, and what its events add up to, by the dumbest of sums.

use crate::home::Home;
use counterfoil_tests::client::Answer;
use counterfoil_tests::sandbox::Sandbox;
use serde_json::{Value, json};

pub(crate) const ENDPOINT: &str = "/api/v1/ai/image-generation";

/// A service with two accounts that have credit.
pub(crate) fn opened(home: &Home) -> Sandbox {
    let sandbox = home.payg();
    for account in ["acme", "globex"] {
        sandbox.open(account, &json!({}));
        sandbox.grant(account, "500");
    }
    sandbox
}

/// Requests of both accounts with every end there is.
pub(crate) fn send(sandbox: &Sandbox, requests: usize) {
    for turn in 0..requests {
        let account = if turn % 3 == 0 { "globex" } else { "acme" };
        let ask = json!({"account": account, "endpoint": ENDPOINT, "attributes": {"chars": 1_200 + turn}});
        let decision = sandbox.request(ask).at("/decision_id").as_str().map(str::to_owned);
        let Some(decision) = decision else { continue };
        let settle = |outcome| sandbox.settle(&decision, &json!({"outcome": outcome}));
        match turn % 5 {
            0 => drop(settle("succeeded")),
            1 => drop(settle("client_error")),
            2 => drop(settle("system_error")),
            3 => {
                settle("succeeded");
                sandbox.refund(&decision, &json!({"refund_id": "r", "amount": "2", "reason": "late"}));
            }
            _ => drop(sandbox.advance("7s")),
        }
    }
}

/// What a reader of views gets once they have caught up.
pub(crate) fn read(sandbox: &Sandbox, path: &str) -> Answer {
    sandbox.catch_up();
    sandbox.gateway("GET", path, &Value::Null).expect(200)
}

/// What the events of an account add up to, in millionths.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) requests: u64,
    pub(crate) refused: u64,
    pub(crate) charged: i64,
    pub(crate) refunded: i64,
    pub(crate) held: i64,
}

/// Adds up the events of a stream, at most 1,000.
pub(crate) fn of_events(sandbox: &Sandbox, account: &str) -> Sums {
    let mut sums = Sums::default();
    for event in sandbox.events(&format!("stream=account-{account}")) {
        let data = &event["data"];
        match event["type"].as_str() {
            Some("RequestAdmitted") => {
                sums.requests += 1;
                sums.held += draws(&data["hold"]);
                sums.charged += draws(&data["charge"]);
            }
            Some("RequestDenied") => sums.refused += 1,
            Some("DenialsCollapsed") => sums.refused += data["count"].as_u64().expect("a count"),
            Some("RequestSettled" | "HoldExpired") => {
                let settlement = &data["settlement"];
                sums.charged += draws(&settlement["from_hold"]) + draws(&settlement["further"]);
                let refund = &data["refund"];
                sums.refunded +=
                    draws(&refund["to_debt"]) + draws(&refund["returned"]) + draws(&refund["renewed"]);
            }
            Some("CreditRefunded") => sums.refunded += millionths(&data["amount"]),
            _ => {}
        }
    }
    sums
}

fn draws(of: &Value) -> i64 {
    of.as_array().into_iter().flatten().map(|draw| millionths(&draw["amount"])).sum()
}

/// A decimal text as a whole number of millionths.
pub(crate) fn millionths(amount: &Value) -> i64 {
    let text = amount.as_str().expect("an amount is a text");
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let whole: i64 = whole.parse().expect("digits");
    whole * 1_000_000 + sign * format!("{part:0<6}").parse::<i64>().expect("digits")
}
