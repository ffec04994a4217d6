//! What stands before the first line: the policy, the accounts with their credit, the keys.

use super::args::SimulateArgs;
use super::line::Line;
use super::mapping::Mapping;
use domain::command::{AccountAct, Action, Command, Grant, NewKey, Publish};
use domain::event::AccountDetailed;
use domain::ids::{Digest, HashKey, Name};
use domain::ledger::LotKind;
use domain::policy::{Mode, Policy};
use domain::time::Calendar;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The hash key of a book that is gone when the run is over.
pub(super) const HASHES: HashKey = HashKey([0; 16]);

/// Whose key is whose.
pub(super) type Owners = BTreeMap<Arc<str>, Name>;

/// Reads the policy file.
pub(super) fn policy(args: &SimulateArgs) -> Result<Arc<Policy>, String> {
    let file = args.policy.display();
    let text = std::fs::read_to_string(&args.policy).map_err(|error| format!("{file}: {error}"))?;
    Policy::from_toml(&text).map(Arc::new).map_err(|mistakes| {
        let (count, first) = (mistakes.len(), mistakes.first().map(ToString::to_string).unwrap_or_default());
        format!("{file}: {first}\n({count} found: `counterfoil policy check {file}` shows all)")
    })
}

/// The hash by which a key is known.
pub(super) fn key_hash(key: &str) -> Digest {
    HASHES.digest([key.as_bytes()])
}

/// Everything that the lines take for granted, as commands in order; and the account of each key.
pub(super) fn commands(
    policy: &Arc<Policy>,
    lines: &[Line],
    mapping: &Mapping,
) -> Result<(Vec<Command>, Owners), String> {
    let publish = Publish::Policy { policy: policy.clone(), effective: None, emergency: None };
    let mut setup = Setup { policy, mapping, commands: Vec::new(), opened: BTreeMap::new() };
    setup.operator(Action::Publish(publish));
    let mut owners = Owners::new();
    for line in lines {
        if let Some(account) = &line.account {
            setup.open(account);
        }
        if let Some(key) = line.key.as_ref().filter(|key| !owners.contains_key(*key)) {
            let name = name(&format!("key-{}", owners.len() + 1));
            let account = line.account.clone().unwrap_or_else(|| name.clone());
            setup.open(&account);
            setup.issue(&account, name, key)?;
            owners.insert(key.clone(), account);
        }
    }
    Ok((setup.commands, owners))
}

fn name(text: &str) -> Name {
    text.parse().expect("a word and a figure are a name")
}

struct Setup<'a> {
    policy: &'a Policy,
    mapping: &'a Mapping,
    commands: Vec<Command>,
    /// Accounts, and whether they may have a key.
    opened: BTreeMap<Name, bool>,
}

impl Setup<'_> {
    fn operator(&mut self, action: Action) {
        self.commands.push(Command { actor: "operator:simulate".into(), request: None, action });
    }

    fn act(&mut self, account: &Name, act: AccountAct) {
        self.operator(Action::Account { account: account.clone(), act });
    }

    fn open(&mut self, account: &Name) {
        if self.opened.contains_key(account) {
            return;
        }
        self.opened.insert(account.clone(), false);
        let plan = self.mapping.plan.clone();
        self.act(
            account,
            AccountAct::Open { plan, owner: None, calendar: Calendar::default(), opened: None },
        );
        if let Some(amount) = self.mapping.grant {
            let grant = Grant {
                kind: LotKind::Grant,
                amount,
                mode: Mode::Live,
                effective: None,
                expires: None,
                priority: 0,
                unit_value: None,
                reason: Some("set for this run".to_owned()),
            };
            self.act(account, AccountAct::Grant(grant));
        }
    }

    /// Issues a key of the policy's first kind that is live.
    fn issue(&mut self, account: &Name, key: Name, text: &str) -> Result<(), String> {
        let kinds = &self.policy.keys.kinds;
        let live = kinds.iter().find(|(_, kind)| kind.mode.is_live()).or_else(|| kinds.iter().next());
        let (kind, rules) = live.ok_or("the lines have keys, and the policy knows no kind of key")?;
        if !self.opened.insert(account.clone(), true).unwrap_or(false) {
            let terms = Some("taken for granted".to_owned());
            let detail = AccountDetailed { contact: Some(true), terms, ..AccountDetailed::default() };
            self.act(account, AccountAct::Detail(Box::new(detail)));
        }
        let new = NewKey {
            key,
            hash: key_hash(text),
            kind: kind.clone(),
            approval: rules.approval.clone(),
            replaces: None,
        };
        self.act(account, AccountAct::IssueKey(new));
        Ok(())
    }
}
