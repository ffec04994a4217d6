//! The account as an aggregate of `cqrs_es`: the rules that the book runs, driven by themselves.

use super::{Account, Setting, decide};
use crate::command::AccountAct;
use crate::event::{Entry, Stream};
use crate::ids::{Name, Position};
use crate::policy::Policy;
use crate::rejection::Rejection;
use crate::time::Timestamp;
use cqrs_es::{Aggregate, event_sink::EventSink};
use std::sync::Arc;

/// What an account's rules need to know besides the account itself.
#[derive(Clone, Debug)]
pub struct Desk {
    pub name: Name,
    /// The policy in force at `now`.
    pub policy: Arc<Policy>,
    pub now: Timestamp,
    pub actor: Arc<str>,
    /// The position that the event will have.
    pub position: Position,
}

impl Aggregate for Account {
    const TYPE: &'static str = "account";
    type Command = AccountAct;
    type Event = Entry;
    type Error = Rejection;
    type Services = Desk;

    /// Decides first and writes last: a rejection leaves nothing behind.
    async fn handle(
        &mut self,
        act: AccountAct,
        desk: &Desk,
        sink: &EventSink<Self>,
    ) -> Result<(), Rejection> {
        let Desk { name, policy, now, actor, position } = desk;
        let known = Some(&*self).filter(|account| account.version > 0);
        let event = decide(known, &act, &Setting { name, policy, now: *now })?;
        let entry = Entry {
            position: *position,
            stream: Stream::Account(name.clone()),
            version: self.version + 1,
            at: *now,
            actor: actor.clone(),
            request: None,
            event,
            personal: Vec::new(),
        };
        sink.write(entry, self).await;
        Ok(())
    }

    /// The account's own part of the fold.
    fn apply(&mut self, entry: Entry) {
        let applied = Self::apply(self, &entry);
        applied.expect("an account's history is what its rules decided");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{AccountOpened, AccountTerminated, Event};
    use crate::time::Calendar;
    use cqrs_es::test::TestFramework;

    fn desk() -> Desk {
        let policy = Policy::from_toml("name = \"n\"\ntitle = \"N\"\n[callers]\n").expect("a policy");
        let (name, now) = ("acme".parse().expect("a name"), Timestamp::from_micros(5));
        Desk { name, policy: Arc::new(policy), now, actor: "operator:ann".into(), position: 7 }
    }

    fn entry(version: u64, event: impl Into<Event>) -> Entry {
        let Desk { name, now, actor, position, .. } = desk();
        let stream = Stream::Account(name);
        let (request, personal) = (None, Vec::new());
        Entry { position, stream, version, at: now, actor, request, event: event.into(), personal }
    }

    fn opened() -> Entry {
        let (plan, owner, calendar, opened) = (None, None, Calendar::default(), Timestamp::from_micros(5));
        entry(1, AccountOpened { plan, owner, calendar, opened })
    }

    fn open() -> AccountAct {
        AccountAct::Open { plan: None, owner: None, calendar: Calendar::default(), opened: None }
    }

    fn terminate() -> AccountAct {
        AccountAct::Terminate { reason: "left".into() }
    }

    #[test]
    fn an_account_is_opened_once() {
        let account = || TestFramework::<Account>::with(desk());
        account().given_no_previous_events().when(open()).then_expect_events(vec![opened()]);
        account().given(vec![opened()]).when(open()).then_expect_error(Rejection::AccountExists(desk().name));
    }

    #[test]
    fn an_account_is_closed_once_and_only_if_it_was_opened() {
        let account = || TestFramework::<Account>::with(desk());
        let closed = entry(2, AccountTerminated { reason: "left".into() });
        account()
            .given_no_previous_events()
            .when(terminate())
            .then_expect_error(Rejection::UnknownAccount(desk().name));
        account().given(vec![opened()]).when(terminate()).then_expect_events(vec![closed.clone()]);
        account()
            .given(vec![opened(), closed])
            .when(terminate())
            .then_expect_error(Rejection::AccountClosed(desk().name));
    }
}
