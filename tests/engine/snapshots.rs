//! Snapshots in service: of the running book, and never of an event that is not durable.

use crate::world::{World, ask, ask_open, entry, open, publish, send};
use api::engine::{EngineConfig, Failure, Handle};
use counterfoil_tests::faulty::{Fault, Gate};
use domain::ids::Position;
use domain::log::EventStore;
use tempfile::TempDir;
use tokio::task::yield_now;

fn every(events: u64) -> EngineConfig {
    EngineConfig { snapshot_every: events, ..EngineConfig::default() }
}

/// Waits for a snapshot of this event or a later one.
async fn written(handle: &Handle, position: Position) -> Position {
    while handle.health().snapshot < position {
        yield_now().await;
    }
    handle.health().snapshot
}

/// Sends requests until there is a snapshot of this event or a later one: none is begun while another is written.
async fn written_in_traffic(handle: &Handle, position: Position) -> Position {
    while handle.health().snapshot < position {
        entry(handle.submit(ask_open("acme")).await);
        yield_now().await;
    }
    handle.health().snapshot
}

/// Starts from the newest snapshot, as after a crash, and compares with the log.
async fn restarted(world: &World, dir: &TempDir) -> Position {
    let (again, opening) = world.start(every(0), Some(dir.path())).await;
    world.assert_equals_log(&again).await;
    opening.snapshot
}

#[tokio::test]
async fn a_snapshot_taken_under_traffic_is_a_beginning_of_the_log() {
    let (world, dir) = (World::new(), TempDir::new().unwrap());
    let (handle, _) = world.start(every(7), Some(dir.path())).await;
    entry(handle.submit(publish()).await);
    entry(handle.submit(open("acme")).await);
    let mut taken = 0;
    for wave in 0..20_u128 {
        let mut sent = Vec::new();
        for address in 0..10 {
            sent.push(send(&handle, ask(wave * 10 + address)).await);
            sent.push(send(&handle, ask_open("acme")).await);
        }
        for decision in sent {
            entry(decision.await.unwrap());
        }
        taken = written_in_traffic(&handle, taken + 1).await;
        assert!(taken <= handle.health().head);
    }
    assert!(restarted(&world, &dir).await >= taken);
}

#[tokio::test]
async fn what_was_frozen_with_a_refused_append_is_never_written() {
    let (world, dir) = (World::new(), TempDir::new().unwrap());
    let (handle, _) = world.start(every(1), Some(dir.path())).await;
    entry(handle.submit(publish()).await);
    written(&handle, 1).await;
    let gate = Gate::new();
    world.store.script([Fault::HeldThenRefused(gate.clone())]);
    let refused = send(&handle, ask(1)).await;
    gate.arrived().await;
    assert_eq!(handle.health().snapshot, 1);
    gate.open();
    assert!(matches!(refused.await.unwrap(), Err(Failure::Refusing(_))));
    assert_eq!(handle.health().snapshot, 1);
    // Another event stands at that position now.
    entry(handle.submit(open("acme")).await);
    let taken = written_in_traffic(&handle, 2).await;
    assert!(restarted(&world, &dir).await >= taken);
}

#[tokio::test]
async fn an_event_that_may_have_been_lost_is_in_no_snapshot_before_it_is_known() {
    let (world, dir) = (World::new(), TempDir::new().unwrap());
    let (handle, _) = world.start(every(1), Some(dir.path())).await;
    entry(handle.submit(publish()).await);
    written(&handle, 1).await;
    let gate = Gate::new();
    world.store.script([Fault::MaybeWrittenLost, Fault::Held(gate.clone())]);
    let decision = send(&handle, ask(1)).await;
    gate.arrived().await;
    assert_eq!((handle.health().snapshot, world.frames().await.len()), (1, 1));
    gate.open();
    entry(decision.await.unwrap());
    entry(handle.submit(open("acme")).await);
    let taken = written_in_traffic(&handle, 2).await;
    assert!(restarted(&world, &dir).await >= taken);
}

#[tokio::test]
async fn a_standby_takes_snapshots_of_what_it_follows() {
    let (world, dir) = (World::new(), TempDir::new().unwrap());
    let writer = world.running().await;
    let standby = world.standby_by(every(5), Some(dir.path())).await;
    for address in 0..9 {
        entry(writer.submit(ask(address)).await);
    }
    standby.follow(world.store.read(2, 1_000).await.unwrap()).await.unwrap();
    assert_eq!(written(&standby, 1).await, 10);
    assert_eq!(restarted(&world, &dir).await, 10);
}
