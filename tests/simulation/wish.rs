//! What a simulated caller asks for, and what may come back, in plain words: the language that the generator, the
//! reference ledger and the engine's side of the simulation share.

use crate::spec::{By, Micro, Micros};

/// Who asks, and for what. A repeat has the same sender, id and content.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Asked {
    pub(crate) actor: &'static str,
    pub(crate) id: String,
    /// When the id says that it was made; only time-ordered ids do.
    pub(crate) made: Option<Micros>,
    pub(crate) content: u64,
    pub(crate) wish: Wish,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Wish {
    Request(Request),
    Begin {
        decision: u64,
    },
    Settle {
        decision: u64,
        outcome: Outcome,
        pieces: Option<u32>,
    },
    Refund {
        decision: u64,
        refund: String,
        amount: Option<Micro>,
    },
    Account {
        account: String,
        act: Act,
    },
    Ban {
        ip: u32,
        until: Option<Micros>,
    },
    LiftBan {
        ip: u32,
    },
    IpFigure {
        limit: &'static str,
        ip: u32,
        figure: Option<u64>,
    },
    ResetAccount {
        limit: &'static str,
        account: String,
    },
    ResetIp {
        limit: &'static str,
        ip: u32,
    },
    /// Another policy, by its place in the simulation's list.
    Publish(usize),
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Request {
    pub(crate) caller: Caller,
    pub(crate) ip: Option<u32>,
    pub(crate) endpoint: &'static str,
    pub(crate) pieces: Option<u32>,
    pub(crate) units: u32,
    /// Settled at once.
    pub(crate) settle: Option<Outcome>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Caller {
    Key(u32),
    Account(String),
    Anonymous,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Outcome {
    Succeeded,
    ClientError,
    SystemError,
    Cancelled,
}

/// What an operator does to an account.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Act {
    Open,
    IssueKey { key: u32, test: bool, replaces: Option<u32> },
    ChangeKey { key: u32, change: KeyChange },
    Grant(Grant),
    Deduct { test: bool, amount: Micro },
    Figure { limit: &'static str, figure: Option<u64> },
    Suspend { until: Option<Micros> },
    Reinstate,
    Terminate,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum KeyChange {
    Revoked,
    Suspended,
    Resumed,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Grant {
    pub(crate) promotion: bool,
    pub(crate) amount: Micro,
    pub(crate) test: bool,
    pub(crate) effective: Option<Micros>,
    pub(crate) expires: Option<Micros>,
    pub(crate) priority: i16,
}

/// One event of the log, as far as the reference foretells it.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Fact {
    Admitted(Box<Admitted>),
    Denied(Box<Denied>),
    /// Refusals that were only counted.
    Counted {
        count: u64,
        from: Micros,
        first: First,
    },
    Begun {
        moved: Moved,
        balance: Balance,
    },
    Settled {
        moved: Option<Moved>,
        back: Option<Back>,
        balance: Option<Balance>,
    },
    HoldExpired {
        decision: u64,
        due: Micros,
        moved: Moved,
    },
    Refunded {
        amount: Micro,
        back: Back,
        balance: Balance,
    },
    Opened,
    KeyIssued,
    KeyChanged,
    Granted {
        repaid: Micro,
        expires: Option<Micros>,
        balance: Balance,
    },
    Deducted {
        draws: Vec<Draw>,
        balance: Balance,
    },
    CreditExpired {
        test: bool,
        draws: Vec<Draw>,
        due: Micros,
    },
    FigureSet,
    CountReset,
    Suspended {
        until: Option<Micros>,
        fired: Option<Fired>,
    },
    Reinstated {
        due: Option<Micros>,
    },
    Terminated,
    BanStarted {
        until: Option<Micros>,
        fired: Option<Fired>,
    },
    BanLifted,
    PolicyPublished {
        number: usize,
    },
    PricesPublished {
        number: usize,
    },
}

/// What is told of the first of many refusals: its kind, and who it was that was refused.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct First {
    pub(crate) code: &'static str,
    pub(crate) key: Option<u32>,
    pub(crate) ip: Option<u32>,
}

/// Available and held.
pub(crate) type Balance = (Micro, Micro);
/// An escalation: its name, the signals that it counted, how often it has fired.
pub(crate) type Fired = (String, u64, u32);

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Admitted {
    pub(crate) until: Option<Micros>,
    pub(crate) hold: Vec<Draw>,
    pub(crate) charge: Vec<Draw>,
    pub(crate) uncollected: Micro,
    pub(crate) balance: Option<Balance>,
    /// Limit, figure, what is left after this request.
    pub(crate) limits: Vec<(String, u64, u64)>,
}

#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Denied {
    pub(crate) code: &'static str,
    pub(crate) gate: Option<String>,
    pub(crate) reason: String,
    pub(crate) count: Option<u64>,
    pub(crate) limit: Option<u64>,
    pub(crate) retry_at: Option<Micros>,
    pub(crate) price: Option<Micro>,
    pub(crate) balance: Option<Balance>,
}

/// A part of a movement: the lot, or none for what goes beyond all lots.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Draw {
    pub(crate) lot: Option<LotRef>,
    pub(crate) amount: Micro,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct LotRef {
    /// The position of its event, and its place among that event's lots.
    pub(crate) id: (u64, u64),
    pub(crate) expires: Option<Micros>,
    pub(crate) priority: i16,
}

/// What the end of a hold, or a charge, moved.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Moved {
    pub(crate) from_hold: Vec<Draw>,
    pub(crate) further: Vec<Draw>,
    pub(crate) released: Vec<Draw>,
    pub(crate) expired: Vec<Draw>,
    pub(crate) uncollected: Micro,
}

/// Where a refund went.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Back {
    pub(crate) to_debt: Vec<Draw>,
    pub(crate) returned: Vec<Draw>,
    pub(crate) renewed: Vec<Draw>,
    pub(crate) until: Option<Micros>,
}

/// What a command comes to.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Verdict {
    /// Events, each with its stream.
    Recorded(Vec<(String, Fact)>),
    /// The first answer, at this position, again.
    Repeat(u64),
    /// Refused and only counted, for this stream.
    Counted(String, Box<Denied>),
    Rejected(String),
}

pub(crate) fn total(draws: &[Draw]) -> Micro {
    draws.iter().map(|draw| draw.amount).sum()
}

/// The stream of a subject that an operator bans: it tells nothing of whom it means.
pub(crate) const BANNED: &str = "banned";

pub(crate) fn ip_stream(ip: u32) -> String {
    format!("ip {ip}")
}

pub(crate) fn account_stream(account: &str) -> String {
    format!("account {account}")
}

/// The value of one dimension, as a part of a subject.
pub(crate) fn part(by: By, value: &str) -> String {
    format!("{}={value};", by.text())
}
