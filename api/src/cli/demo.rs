//! `serve --demo`: a sample account with credit and a key, and a tour to paste.

use crate::config::Config;
use crate::engine::{Answer, Committed};
use crate::service::Service;
use domain::book::Book;
use domain::command::{AccountAct, Action, Command, Grant, NewKey};
use domain::ids::{Name, Position};
use domain::ledger::LotKind;
use domain::money::Credits;
use domain::policy::Mode;
use domain::rejection::Rejection;
use domain::time::{Calendar, Timestamp};
use std::error::Error;
use std::net::SocketAddr;

/// The sample policy.
pub(super) const POLICY: &str = include_str!("../../../policies/payg-tokens.toml");

const GATEWAY: &str = "demo-gateway-token";
const OPERATOR: &str = "demo-operator-token";
const ACCOUNT: &str = "acme";
const CREDITS: u32 = 1_000;
/// Where the tour asks.
const ENDPOINT: &str = "/api/v1/ai/image-generation";

type Failed = Box<dyn Error>;

/// Lets the tokens in that the tour shows.
pub(super) fn tokens(config: &mut Config) -> Result<(), Failed> {
    config.gateways.insert("demo".parse()?, GATEWAY.parse()?);
    config.operators.insert("demo".parse()?, OPERATOR.parse()?);
    Ok(())
}

/// Opens the sample account with its credit, unless it exists, and issues it a key.
pub(super) async fn account(service: &Service) -> Result<String, Failed> {
    let open = AccountAct::Open { plan: None, owner: None, calendar: Calendar::default(), opened: None };
    match act(service, open).await?.answer {
        Answer::Rejected(Rejection::AccountExists(_)) => {}
        Answer::Rejected(rejection) => return Err(rejection.into()),
        Answer::Entry(_) | Answer::Repeat(_) | Answer::Collapsed(_) => {
            accepted(act(service, AccountAct::Grant(credit())).await?)?;
        }
    }
    let (kind, prefix) = kind(service).await?;
    let key = service.make_key(&prefix)?;
    let hash = service.key_digest(&key.text);
    let new = NewKey { key: key.name, hash, kind, approval: None, replaces: None };
    accepted(act(service, AccountAct::IssueKey(new)).await?)?;
    Ok(key.text)
}

fn credit() -> Grant {
    Grant {
        kind: LotKind::Grant,
        amount: Credits::whole(CREDITS),
        mode: Mode::Live,
        effective: None,
        expires: None,
        priority: 0,
        unit_value: None,
        reason: Some("demo".to_owned()),
    }
}

/// A kind of key that needs no approval.
async fn kind(service: &Service) -> Result<(Name, String), Failed> {
    let kind = service.engine().read(None, |book, now| {
        let rules = book.catalogue().in_force(now)?;
        let mut kinds = rules.policy.keys.kinds.iter();
        let free = kinds.find(|(_, kind)| kind.approval.is_none() && kind.mode.is_live());
        free.map(|(name, kind)| (name.clone(), kind.prefix.clone()))
    });
    kind.await?.ok_or_else(|| "the policy has no kind of live key without approval".into())
}

async fn act(service: &Service, act: AccountAct) -> Result<Committed, Failed> {
    let action = Action::Account { account: ACCOUNT.parse()?, act };
    let command = Command { actor: "operator:demo".into(), request: None, action };
    Ok(service.engine().submit(command).await?)
}

fn accepted(committed: Committed) -> Result<(), Failed> {
    match committed.answer {
        Answer::Rejected(rejection) => Err(rejection.into()),
        Answer::Entry(_) | Answer::Repeat(_) | Answer::Collapsed(_) => Ok(()),
    }
}

/// Prints calls that work when pasted.
pub(super) async fn tour(service: &Service, address: SocketAddr, key: &str) -> Result<(), Failed> {
    let (next, available) = service.engine().read(None, next).await?;
    print_tour(&format!("http://{address}"), key, (next, available.unwrap_or(Credits::ZERO)));
    Ok(())
}

/// The decision that the tour's first call becomes, and the credit that the account has for it.
fn next(book: &Book, now: Timestamp) -> (Position, Option<Credits>) {
    (book.head() + 1, book.account(ACCOUNT).map(|account| account.balance(Mode::Live, now).0))
}

fn print_tour(url: &str, key: &str, (next, available): (Position, Credits)) {
    let json = "-H 'Content-Type: application/json'";
    println!("Counterfoil listens on {url} — account {ACCOUNT} has {available} credits.\n");
    println!("# May this request pass, and what does it cost? (a gateway asks)");
    println!("curl -s {url}/v1/decisions -H 'Authorization: Bearer {GATEWAY}' {json} \\");
    println!(
        "  -d '{{\"request_id\":\"demo-{next}\",\"key\":\"{key}\",\"ip\":\"203.0.113.7\",\"endpoint\":\"{ENDPOINT}\",\"attributes\":{{\"chars\":1200}}}}'\n"
    );
    println!("# It went well: 5 base credits and 2 for 1,200 characters (the decision_id is in the answer)");
    println!("curl -s {url}/v1/decisions/d_{next}/settle -H 'Authorization: Bearer {GATEWAY}' {json} \\");
    println!("  -d '{{\"outcome\":\"succeeded\",\"attributes\":{{\"chars\":1200}}}}'\n");
    println!("# What the consumer sees");
    println!("curl -s {url}/v1/account/balance -H 'Authorization: Bearer {key}'");
    println!("curl -s '{url}/v1/limits?endpoint={ENDPOINT}' -H 'Authorization: Bearer {key}'\n");
    println!("# What the operator sees");
    println!("curl -s '{url}/v1/events?after=0' -H 'Authorization: Bearer {OPERATOR}'\n");
    println!("Documentation: {url}/docs");
}
