//! An anonymous caller as an aggregate of `cqrs_es`: what was refused to it, and whether it is banned.

use super::Ban;
use crate::event::{BanLifted, BanStarted, Entry, Event, Stream};
use crate::ids::{Digest, Name, Position};
use crate::policy::Dimension;
use crate::rejection::Rejection;
use crate::time::Timestamp;
use cqrs_es::{Aggregate, event_sink::EventSink};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The fold of one `client-` stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// Events of the stream so far.
    pub version: u64,
    /// Refusals, collapsed ones too.
    pub denials: u64,
    pub ban: Option<Ban>,
}

/// What an operator may do to a subject of bans.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClientAct {
    Ban { by: Vec<Dimension>, name: Name, reason: String, until: Option<Timestamp> },
    Lift { by: Vec<Dimension>, reason: String },
}

/// Decides an act on a subject with the ban that it has, if any.
pub(super) fn decide(
    ban: Option<&Ban>,
    subject: Digest,
    act: &ClientAct,
    now: Timestamp,
) -> Result<Event, Rejection> {
    match act.clone() {
        ClientAct::Ban { until: Some(until), .. } if until <= now => {
            Err(Rejection::invalid("until", "must lie in the future"))
        }
        ClientAct::Ban { by, name, reason, until } => {
            Ok(BanStarted { by, subject, name, until, reason, escalation: None }.into())
        }
        ClientAct::Lift { .. } if !ban.is_some_and(|ban| ban.is_in_force(now)) => {
            Err(Rejection::NothingToChange("there is no such ban in force".into()))
        }
        ClientAct::Lift { by, reason } => Ok(BanLifted { by, subject, reason }.into()),
    }
}

/// What the rules of a caller need to know besides the caller.
#[derive(Clone, Debug)]
pub struct Warden {
    pub subject: Digest,
    pub now: Timestamp,
    pub actor: Arc<str>,
    /// The position that the event will have.
    pub position: Position,
}

impl Aggregate for Client {
    const TYPE: &'static str = "client";
    type Command = ClientAct;
    type Event = Entry;
    type Error = Rejection;
    type Services = Warden;

    /// Decides first and writes last: a rejection leaves nothing behind.
    async fn handle(
        &mut self,
        act: ClientAct,
        warden: &Warden,
        sink: &EventSink<Self>,
    ) -> Result<(), Rejection> {
        let Warden { subject, now: at, actor, position } = warden.clone();
        let event = decide(self.ban.as_ref(), subject, &act, at)?;
        let (stream, version) = (Stream::Client(subject), self.version + 1);
        let (request, personal) = (None, Vec::new());
        sink.write(Entry { position, stream, version, at, actor, request, event, personal }, self).await;
        Ok(())
    }

    fn apply(&mut self, entry: Entry) {
        self.version = entry.version;
        match entry.event {
            Event::RequestDenied(_) => self.denials += 1,
            Event::DenialsCollapsed(event) => self.denials += event.count,
            Event::BanStarted(event) => self.ban = Some(Ban::started(&event, entry.at)),
            Event::BanLifted(_) => self.ban = None,
            Event::RequestAdmitted(_)
            | Event::RequestBegun(_)
            | Event::RequestSettled(_)
            | Event::HoldExpired(_)
            | Event::CreditRefunded(_)
            | Event::AccountOpened(_)
            | Event::AccountDetailed(_)
            | Event::PlanChanged(_)
            | Event::KeyIssued(_)
            | Event::KeyChanged(_)
            | Event::CreditGranted(_)
            | Event::CreditAdjusted(_)
            | Event::CreditExpired(_)
            | Event::FigureSet(_)
            | Event::CountReset(_)
            | Event::AccountSuspended(_)
            | Event::AccountReinstated(_)
            | Event::AccountTerminated(_)
            | Event::PolicyPublished(_)
            | Event::PricesPublished(_)
            | Event::NoticeAnnounced(_)
            | Event::BookSealed(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cqrs_es::test::TestFramework;

    fn warden() -> Warden {
        let (subject, now) = (Digest(9), Timestamp::from_micros(5));
        Warden { subject, now, actor: "operator:ann".into(), position: 7 }
    }

    fn ban(until: Option<Timestamp>) -> ClientAct {
        let (by, name) = (vec![Dimension::Ip], "manual".parse().expect("a name"));
        ClientAct::Ban { by, name, reason: "scraping".into(), until }
    }

    fn lift() -> ClientAct {
        ClientAct::Lift { by: vec![Dimension::Ip], reason: "appeal".into() }
    }

    fn banned(until: Option<Timestamp>) -> Entry {
        let event = decide(None, Digest(9), &ban(until), Timestamp::EPOCH).expect("a ban");
        let Warden { subject, now: at, actor, position } = warden();
        let (stream, request, personal) = (Stream::Client(subject), None, Vec::new());
        Entry { position, stream, version: 1, at, actor, request, event, personal }
    }

    #[test]
    fn a_ban_begins_at_once_and_ends_in_the_future() {
        let client = || TestFramework::<Client>::with(warden()).given_no_previous_events();
        client().when(ban(None)).then_expect_events(vec![banned(None)]);
        let late = client().when(ban(Some(warden().now)));
        late.then_expect_error(Rejection::invalid("until", "must lie in the future"));
    }

    #[test]
    fn only_a_ban_in_force_is_lifted() {
        let client = || TestFramework::<Client>::with(warden());
        let lifted = client().given(vec![banned(None)]).when(lift()).inspect_result();
        assert!(matches!(lifted.expect("lifted")[0].event, Event::BanLifted(_)));
        let over = vec![banned(Some(warden().now))];
        client().given(over).when(lift()).then_expect_error_message("there is no such ban in force");
    }
}
