//! An event that this release does not know: the views stop there and say where, and everything else goes on.

use adapters::store::memory::MemoryStore;
use adapters::views::{Identity, Views};
use api::following::{Begin, Following};
use counterfoil_tests::contract::book;
use domain::ids::HashKey;
use domain::log::{AppendOutcome, BookKind, EventStore, FrameBuilder, Head};
use projections::runner::{RunError, Runner, Shelf};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;

const KNOWN: &str = r#"{"n":1,"s":"account-acme","v":1,"t":"AccountOpened","sv":1,"at":1700000000000000,"by":"operator:o","d":{"opened":1700000000000000,"calendar":{"zone":"UTC","reset_hour":0}}}"#;
const ODD: &str = r#"{"n":2,"s":"account-acme","v":2,"t":"AccountPainted","sv":1,"at":1700000000000001,"by":"operator:o","d":{}}"#;

async fn log() -> Arc<dyn EventStore> {
    let store = MemoryStore::new(book(BookKind::Wall));
    let mut frame = FrameBuilder::open(1, Head::default().hash);
    frame.push(KNOWN);
    frame.push(ODD);
    let appended = store.append(&frame.finish().expect("two events")).await;
    assert!(matches!(appended, Ok(AppendOutcome::Appended)), "{appended:?}");
    Arc::new(store)
}

#[tokio::test]
async fn the_views_name_the_event_that_they_cannot_pass() {
    let folder = TempDir::new().unwrap();
    let log = log().await;
    let views = Views::of(folder.path(), Identity { id: log.book().id, key: HashKey([7; 16]) });
    let mut runner = Runner::new(log.clone(), views.open().await.unwrap());
    assert_eq!(runner.step(2).await.unwrap(), 1, "what stands before it is folded");
    let stopped = runner.step(2).await.unwrap_err();
    assert!(matches!(stopped, RunError::Unreadable { position: 2, .. }), "{stopped:?}");
    let said = format!("{stopped}: {}", std::error::Error::source(&stopped).expect("a cause"));
    assert!(said.contains("position 2") && said.contains("AccountPainted"), "{said}");
}

#[tokio::test]
async fn readers_are_told_that_the_views_stand_still() {
    let folder = TempDir::new().unwrap();
    let log = log().await;
    let views = Views::of(folder.path(), Identity { id: log.book().id, key: HashKey([7; 16]) });
    let (_engine, head) = watch::channel(2);
    let reads = views.reads();
    let following = Following::start((Arc::new(views), reads), log, head, Begin::Now).expect("a thread");
    // They run where a processor is idle, so that may take more than a reader's patience.
    let why = loop {
        following.fresh().await;
        if let Some(why) = following.standing().stopped {
            break why;
        }
    };
    assert!(why.contains("position 2"), "{why}");
}
