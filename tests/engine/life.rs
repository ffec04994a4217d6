//! Start, stop, crash and snapshots: the book is always what the log says.

use crate::world::{World, ask, ask_open, entry, is_answered, open, publish, send, taken_up};
use api::engine::{EngineConfig, Failure};
use domain::time::Span;
use tempfile::TempDir;
use tokio::task::yield_now;

#[tokio::test]
async fn a_restart_from_the_log_gives_the_book_that_ran() {
    let world = World::new();
    let handle = world.running().await;
    entry(handle.submit(open("acme")).await);
    for address in 0..50 {
        entry(handle.submit(ask(address % 40)).await);
        entry(handle.submit(ask_open("acme")).await);
        world.clock.advance(Span::from_secs(1));
    }
    let before = handle.read(None, |book, _| book.clone()).await.unwrap();
    // As after a crash: the first engine is not asked to stop.
    let (again, opening) = world.start(EngineConfig::default(), None).await;
    assert_eq!((opening.head, opening.snapshot, opening.events), (102, 0, 102));
    let after = again.read(None, |book, _| book.clone()).await.unwrap();
    assert_eq!(before.differs_from(&after), None);
    assert_eq!(entry(again.submit(ask(1_000)).await).position, 103);
}

#[tokio::test]
async fn a_stop_carries_out_what_was_sent_before_and_refuses_what_comes_after() {
    let world = World::new();
    let handle = world.running().await;
    let gate = world.hold_append();
    let before = [send(&handle, ask(1)).await, send(&handle, ask(2)).await];
    gate.arrived().await;
    let stopping = handle.clone();
    let stop = tokio::spawn(async move { stopping.stop().await });
    assert!(!is_answered(&stop).await);
    taken_up(&handle).await;
    assert!(matches!(handle.submit(ask(3)).await, Err(Failure::Stopped)));
    gate.open();
    stop.await.unwrap();
    for decision in before {
        entry(decision.await.unwrap());
    }
    assert_eq!(handle.ended().await, ("it was asked to stop".into(), false));
    handle.stop().await;
}

#[tokio::test]
async fn a_start_from_the_snapshot_of_a_stop_is_a_full_fold() {
    let (world, dir) = (World::new(), TempDir::new().unwrap());
    let (handle, _) = world.start(EngineConfig::default(), Some(dir.path())).await;
    entry(handle.submit(publish()).await);
    for address in 0..20 {
        entry(handle.submit(ask(address)).await);
    }
    handle.stop().await;
    assert_eq!(handle.health().snapshot, 21);
    let (again, opening) = world.start(EngineConfig::default(), Some(dir.path())).await;
    assert_eq!((opening.head, opening.snapshot, opening.events), (21, 21, 0));
    assert_eq!(entry(again.submit(ask(21)).await).position, 22);
    world.assert_equals_log(&again).await;
}

#[tokio::test]
async fn a_snapshot_is_taken_while_decisions_go_on() {
    let (world, dir) = (World::new(), TempDir::new().unwrap());
    let config = EngineConfig { snapshot_every: 5, ..EngineConfig::default() };
    let (handle, _) = world.start(config.clone(), Some(dir.path())).await;
    entry(handle.submit(publish()).await);
    for address in 0..5 {
        entry(handle.submit(ask(address)).await);
    }
    while handle.health().snapshot == 0 {
        yield_now().await;
    }
    entry(handle.submit(ask(5)).await);
    taken_up(&handle).await;
    let (again, opening) = world.start(config, Some(dir.path())).await;
    assert_eq!((opening.head, opening.snapshot, opening.events), (7, 5, 2));
    world.assert_equals_log(&again).await;
}
