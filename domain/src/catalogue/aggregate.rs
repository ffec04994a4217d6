//! The catalogue as an aggregate of `cqrs_es`.

use super::{Catalogue, decide};
use crate::command::Publish;
use crate::event::{Entry, Event, Stream};
use crate::ids::Position;
use crate::rejection::Rejection;
use crate::time::Timestamp;
use cqrs_es::{Aggregate, event_sink::EventSink};
use std::sync::Arc;

/// What publishing needs to know besides the catalogue itself.
#[derive(Clone, Debug)]
pub struct Publisher {
    pub now: Timestamp,
    pub actor: Arc<str>,
    /// The position that the first event will have.
    pub position: Position,
}

impl Publisher {
    fn entry(&self, place: u64, version: u64, event: Event) -> Entry {
        let Self { now: at, actor, position } = self.clone();
        let (stream, request, personal) = (Stream::Catalogue, None, Vec::new());
        Entry { position: position + place, stream, version, at, actor, request, event, personal }
    }
}

impl Aggregate for Catalogue {
    const TYPE: &'static str = "catalogue";
    type Command = Publish;
    type Event = Entry;
    type Error = Rejection;
    type Services = Publisher;

    /// Decides first and writes last: a rejection leaves nothing behind.
    async fn handle(
        &mut self,
        publish: Publish,
        publisher: &Publisher,
        sink: &EventSink<Self>,
    ) -> Result<(), Rejection> {
        let events = decide(self, &publish, publisher.now)?;
        for (place, event) in (0..).zip(events) {
            let entry = publisher.entry(place, self.version + 1, event);
            sink.write(entry, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, entry: Entry) {
        Self::apply(self, &entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{PolicyPublished, PricesPublished};
    use crate::policy::Policy;
    use crate::time::Span;
    use cqrs_es::test::TestFramework;

    const POLICY: &str = "name = \"n\"\ntitle = \"N\"\n[callers]\n[notice]\nchanges = \"30d\"\n\
        [credit]\ncharge = \"settle\"\n[prices]\n[prices.default]\nbase = 1\n";

    fn publisher() -> Publisher {
        Publisher { now: Timestamp::from_micros(5), actor: "operator:ann".into(), position: 1 }
    }

    fn policy() -> Arc<Policy> {
        Arc::new(Policy::from_toml(POLICY).expect("a policy"))
    }

    fn publish() -> Publish {
        Publish::Policy { policy: policy(), effective: Some(publisher().now), emergency: None }
    }

    fn published() -> Vec<Entry> {
        let (policy, effective, emergency) = (policy(), publisher().now, None);
        let prices = Arc::new(policy.prices.clone().expect("prices"));
        let hash = policy.hash();
        let first = PolicyPublished { number: 1, hash, effective, emergency: None, policy };
        let second = PricesPublished { number: 1, effective, emergency, prices };
        vec![publisher().entry(0, 1, first.into()), publisher().entry(1, 2, second.into())]
    }

    #[test]
    fn the_first_policy_brings_its_prices_and_needs_no_notice() {
        let catalogue = TestFramework::<Catalogue>::with(publisher());
        catalogue.given_no_previous_events().when(publish()).then_expect_events(published());
    }

    #[test]
    fn a_later_one_keeps_the_notice_period() {
        let catalogue = TestFramework::<Catalogue>::with(publisher());
        let month = Span::from_secs(30 * 86_400);
        catalogue.given(published()).when(publish()).then_expect_error(Rejection::NoticeTooShort(month));
    }
}
