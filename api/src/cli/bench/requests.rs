//! Commands as a busy book sees them: a policy, accounts with credit, and their requests in turn.

use domain::command::{AccountAct, Action, Ask, Caller, Command, Grant, Publish, Value};
use domain::event::RequestTag;
use domain::ids::{Name, Position};
use domain::ledger::LotKind;
use domain::money::Credits;
use domain::policy::Policy;
use domain::pricing::Outcome;
use domain::time::{Calendar, Span, Timestamp};
use std::sync::Arc;

pub(super) const POLICY: &str = include_str!("policy.toml");

/// Commands in order: publish, then open and grant for each account, then requests for ever.
pub(super) struct Requests {
    policy: Arc<Policy>,
    settle: Option<Outcome>,
    accounts: Vec<Name>,
    turn: u64,
    now: Timestamp,
    actor: Arc<str>,
    endpoint: Arc<str>,
    chars: Name,
}

impl Requests {
    /// Under the bench's own policy, each with its outcome.
    pub(super) fn new(accounts: u64) -> Self {
        Self::under(POLICY, accounts, Some(Outcome::Succeeded))
    }

    /// Under the text of a policy that is sound; without an outcome they are to be settled later.
    pub(super) fn under(policy: &str, accounts: u64, settle: Option<Outcome>) -> Self {
        let policy = Policy::from_toml(policy).expect("the bench's policies are sound");
        let name =
            |account: u64| format!("bench-{account:012}").parse().expect("a name of letters and digits");
        Self {
            policy: Arc::new(policy),
            settle,
            accounts: (0..accounts).map(name).collect(),
            turn: 0,
            now: Timestamp::from_micros(1_772_366_400_000_000),
            actor: "gateway:bench".into(),
            endpoint: "/api/v1/ai/translation".into(),
            chars: "chars".parse().expect("a name of letters"),
        }
    }

    /// How many commands prepare the book: the policy, and each account's opening and credit.
    pub(super) fn preparations(&self) -> u64 {
        1 + 2 * self.accounts.len() as u64
    }

    /// The outcome of an earlier request.
    pub(super) fn settle(&self, decision: Position) -> Command {
        let (outcome, attributes) = (Outcome::Succeeded, Vec::new());
        let action = Action::Settle { decision, outcome, attributes };
        Command { actor: self.actor.clone(), request: None, action }
    }

    /// The next command and its time.
    pub(super) fn next(&mut self) -> (Command, Timestamp) {
        let turn = self.turn;
        self.turn += 1;
        self.now = self.now.plus(Span::from_micros(20));
        let accounts = self.accounts.len() as u64;
        let place = |index: u64| usize::try_from(index % accounts).unwrap_or(0);
        let (action, request) = match turn.checked_sub(1) {
            None => (self.publish(), None),
            Some(turn) if turn < 2 * accounts => {
                (prepare(&self.accounts[place(turn / 2)], turn % 2 == 0), None)
            }
            Some(turn) => {
                let tag = RequestTag { id: format!("bench-{turn:012}").into(), fingerprint: turn };
                (self.ask(&self.accounts[place(turn)]), Some(tag))
            }
        };
        (Command { actor: self.actor.clone(), request, action }, self.now)
    }

    fn ask(&self, account: &Name) -> Action {
        Action::Request(Box::new(Ask {
            attributes: vec![(self.chars.clone(), Value::Number(400.into()))],
            settle: self.settle,
            ..Ask::new(Caller::Account(account.clone()), self.endpoint.clone())
        }))
    }

    fn publish(&self) -> Action {
        let policy = self.policy.clone();
        Action::Publish(Publish::Policy { policy, effective: None, emergency: None })
    }
}

fn prepare(account: &Name, open: bool) -> Action {
    let act = if open {
        AccountAct::Open { plan: None, owner: None, calendar: Calendar::default(), opened: None }
    } else {
        AccountAct::Grant(Grant::new(LotKind::Grant, Credits::whole(1_000_000_000)))
    };
    Action::Account { account: account.clone(), act }
}
