//! How long the steps are in which views are folded.

use adapters::store::memory::MemoryStore;
use async_trait::async_trait;
use counterfoil_tests::contract::book;
use domain::event::Entry;
use domain::ids::Position;
use domain::log::{AppendOutcome, BookKind, EventStore, FrameBuilder, Head};
use projections::origins::Origins;
use projections::runner::{Runner, STEP, View, ViewError};
use std::sync::Arc;

/// Takes no more than so many events at once, as a database that is too slow for more.
struct Slow {
    most: usize,
    seen: Position,
}

#[async_trait]
impl View for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    async fn position(&mut self) -> Result<Position, ViewError> {
        Ok(self.seen)
    }

    async fn apply(&mut self, entries: &[Entry], _: &Origins) -> Result<Position, ViewError> {
        assert_eq!(entries[0].position, self.seen + 1);
        if entries.len() > self.most {
            return Err(ViewError::Rows("it takes too long".into()));
        }
        self.seen += entries.len() as Position;
        Ok(self.seen)
    }
}

async fn log(events: Position) -> Arc<dyn EventStore> {
    let store = MemoryStore::new(book(BookKind::Wall));
    let mut frame = FrameBuilder::open(1, Head::default().hash);
    for n in 1..=events {
        frame.push(&format!(
            r#"{{"n":{n},"s":"account-a{n}","v":1,"t":"AccountOpened","sv":1,"at":1700000000000000,"by":"operator:o","d":{{"opened":1700000000000000,"calendar":{{"zone":"UTC","reset_hour":0}}}}}}"#
        ));
    }
    let appended = store.append(&frame.finish().expect("events")).await;
    assert!(matches!(appended, Ok(AppendOutcome::Appended)), "{appended:?}");
    Arc::new(store)
}

#[tokio::test]
async fn a_view_that_is_too_slow_for_long_steps_gets_shorter_ones_until_it_has_all() {
    let log = log(1_000).await;
    let (mut seen, mut most, mut failures) = (0, STEP, 0);
    while seen < 1_000 {
        let mut runner = Runner::new(log.clone(), vec![Slow { most: 100, seen }]).with_steps_of(most);
        while let Ok(reached) = runner.step(1_000).await {
            seen = reached;
            if seen == 1_000 {
                break;
            }
        }
        failures += usize::from(seen < 1_000);
        most = runner.most();
    }
    // From 65,536 to 64 ten times, and once more for every few steps that went well.
    assert!((10..=16).contains(&failures), "{failures}");
}
