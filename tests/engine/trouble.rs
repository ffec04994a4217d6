//! Appends that fail, that may have failed, and other writers.

use crate::world::{World, ask, entry, publish, send, taken_up};
use api::engine::{Failure, State};
use counterfoil_tests::faulty::Fault;
use domain::log::{ChainHash, FrameBuilder};

#[tokio::test]
async fn what_rests_on_a_refused_append_is_refused_and_the_book_is_what_the_log_says() {
    let world = World::new();
    let handle = world.running().await;
    let gate = world.hold_append();
    world.store.script([Fault::NotWritten]);
    let kept = send(&handle, ask(1)).await;
    gate.arrived().await;
    let lost = [send(&handle, ask(2)).await, send(&handle, ask(3)).await];
    taken_up(&handle).await;
    gate.open();
    assert_eq!(entry(kept.await.unwrap()).position, 2);
    for decision in lost {
        let outcome = decision.await.unwrap();
        assert!(matches!(outcome, Err(Failure::Refusing(_))), "{outcome:?}");
    }
    // The same addresses again: nothing of what was refused has counted.
    assert_eq!(entry(handle.submit(ask(2)).await).event.kind(), "RequestAdmitted");
    assert_eq!(world.frames().await, [(1, 1), (2, 1), (3, 1)]);
    world.assert_equals_log(&handle).await;
}

#[tokio::test]
async fn a_store_that_keeps_refusing_is_tried_again_until_it_takes_events() {
    let world = World::new();
    let handle = world.running().await;
    world.store.script((0..3).map(|_| Fault::NotWritten));
    let mut refused = 0;
    let decided = loop {
        match handle.submit(ask(1)).await {
            Err(Failure::Refusing(_)) => refused += 1,
            other => break entry(other),
        }
    };
    assert_eq!((decided.position, world.store.scripted()), (2, 0));
    assert!(refused >= 3, "{refused}");
    assert_eq!(handle.health().state, State::Running);
    world.assert_equals_log(&handle).await;
}

#[tokio::test]
async fn an_append_of_unknown_outcome_is_sent_again_and_answered_once_known() {
    let unclear: [&[fn() -> Fault]; 4] = [
        &[|| Fault::MaybeWrittenKept],
        &[|| Fault::MaybeWrittenLost],
        &[|| Fault::MaybeWrittenKept, || Fault::NotWritten],
        &[|| Fault::MaybeWrittenLost, || Fault::MaybeWrittenKept],
    ];
    for faults in unclear {
        let world = World::new();
        let handle = world.running().await;
        world.store.script(faults.iter().map(|fault| fault()));
        assert_eq!(entry(handle.submit(ask(1)).await).position, 2);
        assert_eq!(world.store.scripted(), 0);
        assert_eq!(world.frames().await, [(1, 1), (2, 1)], "once, however often it was sent");
        assert_eq!(handle.health().state, State::Running);
        world.assert_equals_log(&handle).await;
    }
}

#[tokio::test]
async fn an_engine_that_meets_another_writer_steps_down_and_answers_nobody() {
    let world = World::new();
    let (handle, _) = world.start(api::engine::EngineConfig::default(), None).await;
    let mut rival = FrameBuilder::open(1, ChainHash::ZERO);
    rival.push("{}");
    world.store.script([Fault::Rival(rival.finish().unwrap())]);
    let outcome = handle.submit(publish()).await;
    assert!(matches!(outcome, Err(Failure::Stopped)), "{outcome:?}");
    let (why, failed) = handle.ended().await;
    assert!(failed && why.contains("another writer"), "{why}");
    assert!(matches!(handle.submit(ask(1)).await, Err(Failure::Stopped)));
}

#[tokio::test]
async fn a_failed_sync_is_the_end_and_answers_nobody() {
    let world = World::new();
    let handle = world.running().await;
    world.store.script([Fault::Fatal]);
    let outcome = handle.submit(ask(1)).await;
    assert!(matches!(outcome, Err(Failure::Stopped)), "{outcome:?}");
    let (why, failed) = handle.ended().await;
    assert!(failed && why.contains("durable"), "{why}");
}
