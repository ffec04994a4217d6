//! A standby: it folds what the writer wrote, answers reads, decides nothing, and leads when it is told to.

use crate::world::{World, ask, entry, open};
use api::engine::{Failure, Handle, State};
use domain::log::{EventStore, Frame};

/// Brings the standby up to the end of the log.
async fn catch_up(world: &World, standby: &Handle) {
    let from = standby.health().head + 1;
    standby.follow(world.store.read(from, 1_000).await.unwrap()).await.unwrap();
    standby.caught_up();
}

async fn accounts(handle: &Handle) -> [bool; 2] {
    handle
        .read(None, |book, _| ["acme", "late"].map(|account| book.account(account).is_some()))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_standby_shows_what_the_writer_wrote_and_decides_nothing() {
    let world = World::new();
    let writer = world.running().await;
    entry(writer.submit(open("acme")).await);
    let standby = world.standby().await;
    assert_eq!(standby.health().state, State::Standby);
    assert_eq!(accounts(&standby).await, [true, false]);

    entry(writer.submit(open("late")).await);
    assert_eq!(accounts(&standby).await, [true, false], "nobody has told it yet");
    catch_up(&world, &standby).await;
    assert_eq!(accounts(&standby).await, [true, true]);
    assert_eq!(standby.health().head, writer.health().head);
    assert!(standby.health().lag.is_some() && writer.health().lag.is_none());
    world.assert_equals_log(&standby).await;

    let before = world.frames().await;
    assert!(matches!(standby.submit(ask(1)).await, Err(Failure::Standby)));
    assert_eq!(world.frames().await, before);
}

#[tokio::test]
async fn a_standby_that_leads_goes_on_where_the_writer_ended_and_remembers_its_answers() {
    let world = World::new();
    let writer = world.running().await;
    let standby = world.standby().await;
    let first = entry(writer.submit(ask(1)).await);
    writer.stop().await;
    catch_up(&world, &standby).await;
    standby.lead().unwrap();
    assert!(standby.led().await);
    assert_eq!(standby.health().state, State::Running);
    let second = entry(standby.submit(ask(2)).await);
    assert_eq!(second.position, first.position + 1);
    world.assert_equals_log(&standby).await;
}

#[tokio::test]
async fn a_standby_ends_when_what_it_is_given_does_not_continue_the_log() {
    let world = World::new();
    let writer = world.running().await;
    let standby = world.standby().await;
    entry(writer.submit(open("acme")).await);
    entry(writer.submit(open("late")).await);
    let frames = world.store.read(1, 1_000).await.unwrap();
    let last: Vec<Frame> = frames.last().cloned().into_iter().collect();
    assert!(matches!(standby.follow(last).await, Err(Failure::Stopped)));
    let (why, failed) = standby.ended().await;
    assert!(failed && why.contains("does not go on at position"), "{why}");
}
