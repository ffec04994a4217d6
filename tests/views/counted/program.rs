//! A random life of a book: every kind of limit, every kind of caller, and whatever an operator may change.

use counterfoil_tests::chance::Chance;
use domain::book::{Book, Bounds, Reply};
use domain::command::{
    AccountAct, Action, Ask, Caller, Command, DimensionValue, Hidden, Item, NewKey, Publish, Value,
};
use domain::event::{AccountDetailed, Entry, Event, Facts, Subject};
use domain::ids::{Digest, HashKey, Name, Position};
use domain::policy::{Dimension, Policy};
use domain::pricing::Outcome;
use domain::time::{Calendar, Span, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) const KEY: HashKey = HashKey([7; 16]);
const START: i64 = 1_767_225_600_000_000;
const ENDPOINTS: [&str; 3] = ["/a", "/b", "/jobs"];
const ACCOUNTS: [&str; 4] = ["acme", "globex", "hooli", "acme2"];

/// All kinds of rules, by all that counters can be told apart by.
const POLICY: &str = r#"
name = "p"
title = "P"
[callers]
anonymous = true
default_plan = "free"
[plans.free]
own_figures = true
[plans.pro]
[classes]
jobs = ["/jobs"]
[items]
max = 5
endpoint = "/a"
[keys.kinds.secret]
prefix = "sk_"
[[limits]]
name = "window"
rule = { rolling = "60s" }
by = ["account"]
figures = [{ plans = ["free"], limit = 30 }, { plans = ["pro"], limit = 60 }]
[[limits]]
name = "place"
rule = { rolling = "WINDOW" }
limit = 25
by = ["account", "endpoint"]
counts = "items"
[[limits]]
name = "day"
rule = { bucket = "day" }
limit = 400
by = ["account"]
calendar = "account"
[[limits]]
name = "hour"
rule = { bucket = "hour" }
limit = 90
by = ["owner"]
[[limits]]
name = "address"
rule = { rolling = "60s" }
limit = 20
by = ["ip"]
[[limits]]
name = "pause"
rule = { cooldown = "1s" }
by = ["ip", "endpoint"]
only = { endpoints = ["/b"] }
[[limits]]
name = "tokens"
rule = { token_bucket = { period = "30s", burst = 12 } }
limit = TOKENS
by = ["key"]
[[limits]]
name = "jobs"
rule = "concurrent"
limit = 6
by = ["account"]
only = { classes = ["jobs"] }
[[limits]]
name = "everybodys-jobs"
rule = "concurrent"
limit = 15
by = ["class"]
only = { classes = ["jobs"] }
[[limits]]
name = "asked"
rule = { rolling = "60s" }
by = ["account"]
[credit]
charge = "settle"
hold_for = "40s"
overdraft = "unlimited"
[prices]
hold = "base"
[prices.default]
base = 1
"#;

fn policy(chance: &mut Chance) -> Arc<Policy> {
    let text = POLICY.replace("WINDOW", if chance.one_in(2) { "60s" } else { "30s" });
    let text = text.replace("TOKENS", if chance.one_in(2) { "6" } else { "9" });
    Arc::new(Policy::from_toml(&text).unwrap_or_else(|mistakes| panic!("{mistakes:#?}")))
}

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn address(number: u64) -> Hidden {
    Hidden { digest: KEY.digest([b"ip".as_slice(), &number.to_be_bytes()]), sealed: "".into() }
}

pub(crate) struct Program {
    pub(crate) chance: Chance,
    pub(crate) entries: Vec<Entry>,
    book: Book,
    now: Timestamp,
    open: Vec<Position>,
    keys: Vec<(Name, Digest)>,
}

impl Program {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let now = Timestamp::from_micros(START + i64::try_from(chance.below(86_400)).unwrap() * 1_000_000);
        let book = Book::new(KEY, Bounds::default());
        Self { chance, entries: Vec::new(), book, now, open: Vec::new(), keys: Vec::new() }
    }

    /// Lives so many steps; the book as it is then.
    pub(crate) fn run(&mut self, steps: usize) -> Book {
        let policy = policy(&mut self.chance);
        self.act(Action::Publish(Publish::Policy { policy, effective: None, emergency: None }));
        for _ in 0..steps {
            self.pass();
            self.step();
        }
        self.book.clone()
    }

    /// Time passes: often none, mostly little, at times so much that everything runs out.
    fn pass(&mut self) {
        let micros = match self.chance.below(40) {
            0 => 7_200_000_000,
            1 => 90_000_000,
            2..12 => 0,
            _ => self.chance.below(2_000_000),
        };
        self.now = self.now.plus(Span::from_micros(i64::try_from(micros).expect("a span")));
        if self.chance.one_in(6) {
            self.book.sweep(self.now, 2, &mut self.entries);
        }
    }

    fn step(&mut self) {
        match self.chance.below(30) {
            0..20 => self.request(),
            20..24 => self.settle(),
            24 => self.open_account(),
            25 => self.issue(),
            26 => self.set_figure(),
            27 => self.reset(),
            28 => self.change_account(),
            _ => self.publish(),
        }
    }

    fn act(&mut self, action: Action) -> Option<Position> {
        let command = Command { actor: "operator:o".into(), request: None, action };
        let first = self.entries.len();
        match self.book.execute(&command, self.now, &mut self.entries) {
            Ok(Reply::Done(place)) => {
                let entry = &self.entries[place.max(first)];
                matches!(entry.event, Event::RequestAdmitted(_)).then_some(entry.position)
            }
            Ok(Reply::Repeat(_) | Reply::Collapsed(..)) | Err(_) => None,
        }
    }

    fn request(&mut self) {
        let caller = match self.chance.below(5) {
            0 => Caller::Anonymous,
            1 | 2 if !self.keys.is_empty() => Caller::Key(self.keys[self.chance.index(self.keys.len())].1),
            _ => Caller::Account(name(self.chance.pick(&ACCOUNTS))),
        };
        let mut ask = Ask::new(caller, self.chance.pick(&ENDPOINTS));
        ask.ip = (!self.chance.one_in(4)).then(|| address(self.chance.below(3)));
        if self.chance.one_in(6) {
            ask.items = (0..=self.chance.below(3)).map(|_| self.item()).collect();
        } else if self.chance.one_in(4) {
            ask.units = 1 + u32::try_from(self.chance.below(3)).expect("a few");
        }
        if self.chance.one_in(2) {
            ask.settle = None;
        }
        ask.ip = ask.ip.or_else(|| (ask.caller == Caller::Anonymous).then(|| address(0)));
        let waits = ask.settle.is_none();
        let admitted = self.act(Action::Request(Box::new(ask)));
        self.open.extend(admitted.filter(|_| waits));
    }

    fn item(&mut self) -> Item {
        Item {
            endpoint: Some(self.chance.pick(&ENDPOINTS).into()),
            attributes: vec![(name("n"), Value::Number(1.into()))],
        }
    }

    fn settle(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let decision = self.open.swap_remove(self.chance.index(self.open.len()));
        let outcome = self.chance.pick(&[Outcome::Succeeded, Outcome::ClientError, Outcome::SystemError]);
        self.act(Action::Settle { decision, outcome, attributes: Vec::new() });
    }

    fn account(&mut self, act: AccountAct) {
        let account = name(self.chance.pick(&ACCOUNTS));
        self.act(Action::Account { account, act });
    }

    fn open_account(&mut self) {
        let plan = Some(name(self.chance.pick(&["free", "pro"])));
        let owner = self.chance.one_in(2).then(|| name("acme"));
        let calendar = self.calendar();
        self.account(AccountAct::Open { plan, owner, calendar, opened: None });
    }

    fn calendar(&mut self) -> Calendar {
        let zone = self.chance.pick(&["UTC", "Europe/Berlin", "America/New_York"]);
        let hour = self.chance.below(24);
        serde_json::from_value(serde_json::json!({"zone": zone, "reset_hour": hour})).expect("a calendar")
    }

    fn issue(&mut self) {
        let key = name(&format!("k{}", self.keys.len()));
        let hash = KEY.digest([key.as_str().as_bytes()]);
        let new = NewKey { key: key.clone(), hash, kind: name("secret"), approval: None, replaces: None };
        self.account(AccountAct::IssueKey(new));
        self.keys.push((key, hash));
    }

    fn set_figure(&mut self) {
        let (figure, reason) =
            (Some(5 + self.chance.below(60)).filter(|_| !self.chance.one_in(3)), "r".to_owned());
        match self.chance.below(4) {
            0 => {
                let (limit, subject) = (name("address"), Subject::Ip(address(self.chance.below(3)).digest));
                self.act(Action::SetFigure { limit, subject, figure, reason });
            }
            1 => {
                let (limit, subject) =
                    (name("hour"), Subject::Owner(name(self.chance.pick(&["acme", "globex"]))));
                self.act(Action::SetFigure { limit, subject, figure, reason });
            }
            2 if !self.keys.is_empty() => {
                let key = self.keys[self.chance.index(self.keys.len())].0.clone();
                self.account(AccountAct::SetFigure { limit: name("tokens"), key: Some(key), figure, reason });
            }
            _ => {
                let limit = name(self.chance.pick(&["asked", "window", "day", "jobs"]));
                self.account(AccountAct::SetFigure { limit, key: None, figure, reason });
            }
        }
    }

    fn reset(&mut self) {
        let text = |text: &str| DimensionValue::Text(text.into());
        let account = self.chance.pick(&ACCOUNTS);
        let (limit, subject, mut values) = match self.chance.below(3) {
            0 => ("window", Subject::Account(name(account)), BTreeMap::new()),
            1 => {
                let endpoint = (Dimension::Endpoint, text(self.chance.pick(&ENDPOINTS)));
                ("place", Subject::Account(name(account)), BTreeMap::from([endpoint]))
            }
            _ => ("address", Subject::Ip(address(self.chance.below(3)).digest), BTreeMap::new()),
        };
        match &subject {
            Subject::Ip(digest) => values.insert(Dimension::Ip, DimensionValue::Hash(*digest)),
            Subject::Account(_) | Subject::Key(_) | Subject::Owner(_) => {
                values.insert(Dimension::Account, text(account))
            }
        };
        self.act(Action::ResetCount { limit: name(limit), subject, values, reason: "r".into() });
    }

    fn change_account(&mut self) {
        let act = match self.chance.below(3) {
            0 => AccountAct::ChangePlan { plan: name(self.chance.pick(&["free", "pro"])) },
            1 => AccountAct::Detail(Box::new(AccountDetailed {
                calendar: Some(self.calendar()),
                ..AccountDetailed::default()
            })),
            _ => AccountAct::Detail(Box::new(AccountDetailed {
                owner: Some(name(self.chance.pick(&["acme", "globex"]))),
                ..AccountDetailed::default()
            })),
        };
        self.account(act);
    }

    fn publish(&mut self) {
        let later = self.chance.one_in(2).then(|| self.now.plus(Span::from_secs(45)));
        let policy = policy(&mut self.chance);
        self.act(Action::Publish(Publish::Policy { policy, effective: later, emergency: None }));
    }

    /// Whose limits are looked at: accounts, their keys, addresses, and some together.
    pub(crate) fn askers(&mut self) -> Vec<(Option<Name>, Facts)> {
        let mut askers = Vec::new();
        for _ in 0..3 {
            let key = (self.chance.one_in(2) && !self.keys.is_empty())
                .then(|| self.keys[self.chance.index(self.keys.len())].0.clone());
            let ip = self.chance.one_in(2).then(|| address(self.chance.below(3)).digest);
            let endpoint = self.chance.pick(&ENDPOINTS).into();
            let account = (!self.chance.one_in(4)).then(|| name(self.chance.pick(&ACCOUNTS)));
            askers.push((account, Facts { endpoint, key, ip, ..Facts::default() }));
        }
        askers
    }
}
