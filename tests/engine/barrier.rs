//! Nothing is answered before it is durable, and what gathers meanwhile leaves together.

use crate::world::{World, ask, entry, is_answered, send, taken_up, with_id};
use api::engine::{Answer, EngineConfig, Failure};
use futures_util::FutureExt;

#[tokio::test]
async fn a_decision_is_answered_when_its_append_returns_and_not_before() {
    let world = World::new();
    let handle = world.running().await;
    let gate = world.hold_append();
    let decision = send(&handle, ask(1)).await;
    gate.arrived().await;
    assert!(!is_answered(&decision).await);
    assert_eq!(handle.health().head, 1);
    gate.open();
    assert_eq!(entry(decision.await.unwrap()).position, 2);
    assert_eq!(handle.health().head, 2);
}

#[tokio::test]
async fn a_read_waits_for_what_it_saw() {
    let world = World::new();
    let handle = world.running().await;
    let gate = world.hold_append();
    let decision = send(&handle, ask(1)).await;
    gate.arrived().await;
    let reader = handle.clone();
    let read = tokio::spawn(async move { reader.read(None, |book, _| book.head()).await });
    assert!(!is_answered(&read).await);
    gate.open();
    assert_eq!(read.await.unwrap().unwrap(), 2);
    entry(decision.await.unwrap());
}

#[tokio::test]
async fn a_rejection_waits_for_what_it_saw() {
    let world = World::new();
    let handle = world.running().await;
    let gate = world.hold_append();
    let first = send(&handle, crate::world::open("acme")).await;
    gate.arrived().await;
    let second = send(&handle, crate::world::open("acme")).await;
    assert!(!is_answered(&second).await);
    gate.open();
    assert_eq!(entry(first.await.unwrap()).position, 2);
    let rejected = second.await.unwrap().unwrap();
    assert!(matches!(rejected.answer, Answer::Rejected(_)));
    assert_eq!(rejected.position, 2);
}

#[tokio::test]
async fn what_is_decided_during_an_append_leaves_in_one_frame() {
    let world = World::new();
    let handle = world.running().await;
    let gate = world.hold_append();
    let mut decisions = vec![send(&handle, ask(0)).await];
    gate.arrived().await;
    for address in 1..=20 {
        decisions.push(send(&handle, ask(address)).await);
    }
    taken_up(&handle).await;
    gate.open();
    for (position, decision) in (2..).zip(decisions) {
        assert_eq!(entry(decision.await.unwrap()).position, position);
    }
    assert_eq!(world.frames().await, [(1, 1), (2, 1), (3, 20)]);
    assert_eq!(handle.health().largest_batch, 20);
}

#[tokio::test]
async fn a_full_frame_is_cut_between_commands() {
    let world = World::new();
    let config = EngineConfig { batch_bytes: 1, ..EngineConfig::default() };
    let (handle, _) = world.start(config, None).await;
    let gate = world.hold_append();
    let mut decisions = vec![send(&handle, crate::world::publish()).await];
    gate.arrived().await;
    for address in 1..=3 {
        decisions.push(send(&handle, ask(address)).await);
    }
    gate.open();
    for decision in decisions {
        entry(decision.await.unwrap());
    }
    assert_eq!(world.frames().await, [(1, 1), (2, 1), (3, 1), (4, 1)]);
}

#[tokio::test]
async fn more_than_may_wait_is_refused_at_once() {
    let world = World::new();
    let config = EngineConfig { batch_bytes: 1, queue_max: 2, ..EngineConfig::default() };
    let (handle, _) = world.start(config, None).await;
    let gate = world.hold_append();
    let mut decisions = vec![send(&handle, crate::world::publish()).await];
    gate.arrived().await;
    // This one fills the open frame, the next two the queue.
    decisions.push(send(&handle, ask(1)).await);
    taken_up(&handle).await;
    decisions.push(send(&handle, ask(2)).await);
    decisions.push(send(&handle, ask(3)).await);
    let refused = handle.submit(ask(4)).now_or_never();
    assert!(matches!(refused, Some(Err(Failure::Overloaded { .. }))), "{refused:?}");
    gate.open();
    for decision in decisions {
        entry(decision.await.unwrap());
    }
    entry(handle.submit(ask(4)).await);
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_as_the_log_has_it() {
    let world = World::new();
    let handle = world.running().await;
    let first = entry(handle.submit(with_id("r-1", ask(1))).await);
    let again = handle.submit(with_id("r-1", ask(1))).await.unwrap();
    let Answer::Repeat(repeated) = again.answer else { panic!("{:?}", again.answer) };
    assert_eq!((&repeated, again.position), (&first, first.position));
    assert!(again.policy.is_some());
    assert_eq!(handle.health().head, 2, "a repeat appends nothing");
}
