//! Between the plain words of the simulation and the types of the book.

use crate::spec::{Micro, Micros, Spec, decimal};
use crate::wish::{
    Act, Admitted, Asked, BANNED, Back, Balance, Caller, Denied, Draw, Fact, Fired, First, Grant, KeyChange,
    LotRef, Moved, Outcome, Request, Wish,
};
use domain::command::{self, AccountAct, Action, Ask, Command, Hidden, NewKey, Publish, Value};
use domain::event::{self, Event, RequestTag, Stream, Subject};
use domain::ids::{Digest, Name};
use domain::ledger::{Draws, LotKind, Refunded, Settlement};
use domain::money::Credits;
use domain::policy::{Dimension, Mode, Policy};
use domain::rejection::Rejection;
use domain::time::{Calendar, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

pub(crate) fn instant(at: Micros) -> Timestamp {
    Timestamp::from_micros(at)
}

fn credits(amount: Micro) -> Credits {
    decimal(amount).parse().expect("an amount")
}

pub(crate) fn micro(amount: Credits) -> Micro {
    let mut decimal = amount.decimal();
    decimal.rescale(6);
    decimal.mantissa()
}

pub(crate) fn policies(specs: &[Spec]) -> Vec<Arc<Policy>> {
    let read = |spec: &Spec| {
        let text = spec.toml();
        Arc::new(Policy::from_toml(&text).unwrap_or_else(|mistakes| panic!("{mistakes:?} in\n{text}")))
    };
    specs.iter().map(read).collect()
}

/// The command as the edge would send it.
pub(crate) fn command(
    asked: &Asked,
    policies: &[Arc<Policy>],
    ban_subject: impl Fn(u32) -> Digest,
) -> Command {
    let action = match &asked.wish {
        Wish::Request(request) => Action::Request(Box::new(ask(request))),
        Wish::Begin { decision } => Action::Begin { decision: *decision },
        Wish::Settle { decision, outcome, pieces } => {
            let (outcome, attributes) = (self::outcome(*outcome), pieces_of(*pieces));
            Action::Settle { decision: *decision, outcome, attributes }
        }
        Wish::Refund { decision, refund, amount } => Action::Refund(command::Refund {
            decision: *decision,
            refund: name(refund),
            amount: amount.map(credits),
            reason: None,
        }),
        Wish::Account { account, act } => Action::Account { account: name(account), act: self::act(act) },
        Wish::Ban { ip, until } => Action::Ban {
            by: vec![Dimension::Ip],
            subject: ban_subject(*ip),
            reason: "operator".to_owned(),
            until: until.map(instant),
            name: name("operator"),
        },
        Wish::LiftBan { ip } => {
            let (by, subject, reason) = (vec![Dimension::Ip], ban_subject(*ip), "operator".to_owned());
            Action::LiftBan { by, subject, reason }
        }
        Wish::IpFigure { limit, ip, figure } => {
            let (limit, subject, reason) = (name(limit), Subject::Ip(digest(*ip)), "operator".to_owned());
            Action::SetFigure { limit, subject, figure: *figure, reason }
        }
        Wish::ResetAccount { limit, account } => {
            let value = (Dimension::Account, command::DimensionValue::Text(account.as_str().into()));
            reset(limit, Subject::Account(name(account)), value)
        }
        Wish::ResetIp { limit, ip } => {
            let value = (Dimension::Ip, command::DimensionValue::Hash(digest(*ip)));
            reset(limit, Subject::Ip(digest(*ip)), value)
        }
        Wish::Publish(which) => {
            let policy = policies[*which].clone();
            Action::Publish(Publish::Policy { policy, effective: None, emergency: None })
        }
    };
    let request = RequestTag { id: asked.id.as_str().into(), fingerprint: asked.content };
    Command { actor: asked.actor.into(), request: Some(request), action }
}

fn reset(limit: &str, subject: Subject, value: (Dimension, command::DimensionValue)) -> Action {
    let (limit, values, reason) = (name(limit), BTreeMap::from([value]), "operator".to_owned());
    Action::ResetCount { limit, subject, values, reason }
}

pub(crate) fn digest(ip: u32) -> Digest {
    Digest(u128::from(ip))
}

fn key_hash(key: u32) -> Digest {
    Digest((1 << 64) | u128::from(key))
}

fn key_name(key: u32) -> Name {
    name(&format!("k{key}"))
}

fn pieces_of(pieces: Option<u32>) -> command::Attributes {
    pieces.into_iter().map(|pieces| (name("pieces"), Value::Number(pieces.into()))).collect()
}

fn outcome(outcome: Outcome) -> domain::pricing::Outcome {
    match outcome {
        Outcome::Succeeded => domain::pricing::Outcome::Succeeded,
        Outcome::ClientError => domain::pricing::Outcome::ClientError,
        Outcome::SystemError => domain::pricing::Outcome::SystemError,
        Outcome::Cancelled => domain::pricing::Outcome::Cancelled,
    }
}

fn ask(request: &Request) -> Ask {
    let caller = match &request.caller {
        Caller::Key(key) => command::Caller::Key(key_hash(*key)),
        Caller::Account(account) => command::Caller::Account(name(account)),
        Caller::Anonymous => command::Caller::Anonymous,
    };
    Ask {
        caller,
        ip: request.ip.map(|ip| Hidden { digest: digest(ip), sealed: "sealed".into() }),
        endpoint: request.endpoint.into(),
        channel: None,
        end_user: None,
        body: None,
        attributes: pieces_of(request.pieces),
        units: request.units,
        items: Vec::new(),
        settle: request.settle.map(outcome),
    }
}

fn mode(test: bool) -> Mode {
    if test { Mode::Test } else { Mode::Live }
}

fn act(act: &Act) -> AccountAct {
    let reason = || "operator".to_owned();
    match act {
        Act::Open => {
            AccountAct::Open { plan: None, owner: None, calendar: Calendar::default(), opened: None }
        }
        Act::IssueKey { key, test, replaces } => AccountAct::IssueKey(NewKey {
            key: key_name(*key),
            hash: key_hash(*key),
            kind: name(if *test { "trial" } else { "main" }),
            approval: None,
            replaces: replaces.map(key_name),
        }),
        Act::ChangeKey { key, change } => {
            let change = match change {
                KeyChange::Revoked => event::KeyChange::Revoked,
                KeyChange::Suspended => event::KeyChange::Suspended,
                KeyChange::Resumed => event::KeyChange::Resumed,
            };
            AccountAct::ChangeKey { key: key_name(*key), change, reason: None }
        }
        Act::Grant(grant) => AccountAct::Grant(granted(grant)),
        Act::Deduct { test, amount } => {
            AccountAct::Deduct { mode: mode(*test), amount: credits(*amount), reason: reason() }
        }
        Act::Figure { limit, figure } => {
            AccountAct::SetFigure { limit: name(limit), key: None, figure: *figure, reason: reason() }
        }
        Act::Suspend { until } => AccountAct::Suspend { reason: reason(), until: until.map(instant) },
        Act::Reinstate => AccountAct::Reinstate { reason: reason() },
        Act::Terminate => AccountAct::Terminate { reason: reason() },
    }
}

fn granted(grant: &Grant) -> command::Grant {
    command::Grant {
        kind: if grant.promotion { LotKind::Promotion } else { LotKind::Grant },
        amount: credits(grant.amount),
        mode: mode(grant.test),
        effective: grant.effective.map(instant),
        expires: grant.expires.map(instant),
        priority: grant.priority,
        unit_value: None,
        reason: None,
    }
}

/// A stream in the words of the reference. Addresses are hashed to small numbers here, subjects of bans are not.
pub(crate) fn stream(stream: &Stream) -> String {
    match stream {
        Stream::Account(name) => crate::wish::account_stream(name.as_str()),
        Stream::Client(Digest(hash)) => {
            u32::try_from(*hash).map_or(BANNED.to_owned(), crate::wish::ip_stream)
        }
        Stream::Catalogue => "catalogue".to_owned(),
        Stream::Book => "book".to_owned(),
    }
}

/// An event in the words of the reference.
pub(crate) fn fact(event: &Event) -> Fact {
    match event {
        Event::RequestAdmitted(event) => Fact::Admitted(Box::new(admitted(event))),
        Event::RequestDenied(event) => Fact::Denied(Box::new(denied(event))),
        Event::DenialsCollapsed(event) => {
            let (count, from) = (event.count, event.from.micros());
            Fact::Counted { count, from, first: first(&event.first) }
        }
        Event::RequestBegun(event) => {
            Fact::Begun { moved: moved(&event.settlement), balance: balance(event.balance) }
        }
        Event::RequestSettled(event) => Fact::Settled {
            moved: event.settlement.as_ref().map(moved),
            back: event.refund.as_deref().map(back),
            balance: event.balance.map(balance),
        },
        Event::HoldExpired(event) => {
            let (decision, due) = (event.decision, event.due.micros());
            Fact::HoldExpired { decision, due, moved: moved(&event.settlement) }
        }
        Event::CreditRefunded(event) => {
            let (amount, balance) = (micro(event.amount), balance(event.balance));
            Fact::Refunded { amount, back: back(&event.returned), balance }
        }
        Event::AccountOpened(_) => Fact::Opened,
        Event::KeyIssued(_) => Fact::KeyIssued,
        Event::KeyChanged(_) => Fact::KeyChanged,
        Event::CreditGranted(event) => Fact::Granted {
            repaid: micro(event.granted.debt_repaid),
            expires: event.granted.lot.expires.map(Timestamp::micros),
            balance: balance(event.balance),
        },
        Event::CreditAdjusted(event) => {
            Fact::Deducted { draws: draws(&event.draws), balance: balance(event.balance) }
        }
        Event::CreditExpired(event) => {
            let (test, due) = (!event.mode.is_live(), event.due.micros());
            Fact::CreditExpired { test, draws: draws(&event.draws), due }
        }
        Event::FigureSet(_) => Fact::FigureSet,
        Event::CountReset(_) => Fact::CountReset,
        Event::AccountSuspended(event) => {
            let (until, fired) = (event.until.map(Timestamp::micros), event.escalation.as_ref().map(fired));
            Fact::Suspended { until, fired }
        }
        Event::AccountReinstated(event) => Fact::Reinstated { due: event.due.map(Timestamp::micros) },
        Event::AccountTerminated(_) => Fact::Terminated,
        Event::BanStarted(event) => {
            let (until, fired) = (event.until.map(Timestamp::micros), event.escalation.as_ref().map(fired));
            Fact::BanStarted { until, fired }
        }
        Event::BanLifted(_) => Fact::BanLifted,
        Event::PolicyPublished(event) => Fact::PolicyPublished { number: event.number as usize },
        Event::PricesPublished(event) => Fact::PricesPublished { number: event.number as usize },
        Event::AccountDetailed(_)
        | Event::PlanChanged(_)
        | Event::NoticeAnnounced(_)
        | Event::BookSealed(_) => {
            panic!("no program of the simulation asks for {}", event.kind())
        }
    }
}

fn first(event: &event::RequestDenied) -> First {
    let number = |name: &Name| name.as_str()[1..].parse().expect("a key's number");
    let ip = event.ask.ip.map(|ip| u32::try_from(ip.0).expect("an address's number"));
    First { code: event.kind.code(), key: event.ask.key.as_ref().map(number), ip }
}

fn fired(fired: &event::Fired) -> Fired {
    (fired.name.to_string(), fired.count, fired.step)
}

fn admitted(event: &event::RequestAdmitted) -> Admitted {
    Admitted {
        until: event.until.map(Timestamp::micros),
        hold: draws(&event.hold),
        charge: draws(&event.charge),
        uncollected: micro(event.uncollected),
        balance: event.balance.map(balance),
        limits: event.limits.iter().map(|state| (state.0.to_string(), state.1, state.2)).collect(),
    }
}

pub(crate) fn denied(event: &event::RequestDenied) -> Denied {
    Denied {
        code: event.kind.code(),
        gate: event.gate.as_ref().map(ToString::to_string),
        reason: event.reason.to_string(),
        count: event.count,
        limit: event.limit,
        retry_at: event.retry_at.map(Timestamp::micros),
        price: event.price.map(micro),
        balance: event.balance.map(balance),
    }
}

fn balance(event::Balance(available, held): event::Balance) -> Balance {
    (micro(available), micro(held))
}

fn draws(draws: &Draws) -> Vec<Draw> {
    let lot = |lot: domain::ledger::LotRef| LotRef {
        id: (lot.id.position(), lot.id.index()),
        expires: lot.expires.map(Timestamp::micros),
        priority: lot.priority,
    };
    draws.iter().map(|draw| Draw { lot: draw.lot.map(lot), amount: micro(draw.amount) }).collect()
}

fn moved(settlement: &Settlement) -> Moved {
    Moved {
        from_hold: draws(&settlement.from_hold),
        further: draws(&settlement.further),
        released: draws(&settlement.rest.released),
        expired: draws(&settlement.rest.expired),
        uncollected: micro(settlement.uncollected),
    }
}

fn back(refunded: &Refunded) -> Back {
    Back {
        to_debt: draws(&refunded.to_debt),
        returned: draws(&refunded.returned),
        renewed: draws(&refunded.renewed),
        until: refunded.renewed_until.map(Timestamp::micros),
    }
}

/// A rejection in the words of the reference: which one, and the figure that it names.
pub(crate) fn rejection(rejection: &Rejection) -> String {
    match rejection {
        Rejection::RequestIdReused => "RequestIdReused".to_owned(),
        Rejection::RequestIdTooOld => "RequestIdTooOld".to_owned(),
        Rejection::Invalid { field, .. } => format!("Invalid {field}"),
        Rejection::NoPolicy => "NoPolicy".to_owned(),
        Rejection::UnknownAccount(_) => "UnknownAccount".to_owned(),
        Rejection::AccountExists(_) => "AccountExists".to_owned(),
        Rejection::AccountClosed(_) => "AccountClosed".to_owned(),
        Rejection::AccountSuspended(_) => "AccountSuspended".to_owned(),
        Rejection::UnknownKey(_) => "UnknownKey".to_owned(),
        Rejection::UnknownDecision(position) => format!("UnknownDecision {position}"),
        Rejection::Retired(position) => format!("Retired {position}"),
        Rejection::WrongState(position, _) => format!("WrongState {position}"),
        Rejection::NothingToChange(_) => "NothingToChange".to_owned(),
        Rejection::NotAllowed(_) => "NotAllowed".to_owned(),
        Rejection::RefundTooLarge { left } => format!("RefundTooLarge {}", micro(*left)),
        Rejection::NotEnough { available } => format!("NotEnough {}", micro(*available)),
        Rejection::NoticeTooShort(_) => "NoticeTooShort".to_owned(),
        Rejection::Amount { field, .. } => format!("Amount {field}"),
        Rejection::TooManySubjects => "TooManySubjects".to_owned(),
        Rejection::TooManyHolds(_) => "TooManyHolds".to_owned(),
    }
}
