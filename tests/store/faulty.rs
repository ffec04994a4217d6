//! The stand-in fails as scripted and is an honest store otherwise.

use adapters::store::memory::MemoryStore;
use counterfoil_tests::contract::{after, book, frame};
use counterfoil_tests::faulty::{Fault, FaultyStore, Gate};
use domain::log::{AppendOutcome, BookKind, EventStore, Head, StoreError};

fn store() -> FaultyStore {
    FaultyStore::new(MemoryStore::new(book(BookKind::Sandbox)))
}

async fn position(store: &FaultyStore) -> u64 {
    store.head().await.unwrap().position
}

#[tokio::test]
async fn a_frame_whose_fate_is_unknown_may_be_sent_again() {
    let (store, one) = (store(), frame(Head::default(), 2, "one"));
    store.script([Fault::NotWritten, Fault::MaybeWrittenLost, Fault::MaybeWrittenKept]);
    assert!(matches!(store.append(&one).await, Err(StoreError::NotWritten(_))));
    assert!(matches!(store.append(&one).await, Err(StoreError::MaybeWritten(_))));
    assert_eq!(position(&store).await, 0);
    assert!(matches!(store.append(&one).await, Err(StoreError::MaybeWritten(_))));
    assert_eq!(position(&store).await, 2);
    assert_eq!(store.append(&one).await.unwrap(), AppendOutcome::Appended);
    assert_eq!((position(&store).await, store.scripted()), (2, 0));
}

#[tokio::test]
async fn a_rival_comes_first() {
    let (store, mine, rival) =
        (store(), frame(Head::default(), 2, "mine"), frame(Head::default(), 1, "rival"));
    store.script([Fault::Rival(rival.clone())]);
    let outcome = store.append(&mine).await.unwrap();
    assert_eq!(outcome, AppendOutcome::Conflict { head: after(&rival) });
    assert_eq!(store.read(1, 9).await.unwrap(), [rival]);
}

#[tokio::test]
async fn a_gate_holds_an_append_until_it_is_opened() {
    let (store, gate, one) = (store(), Gate::new(), frame(Head::default(), 2, "one"));
    store.script([Fault::Held(gate.clone())]);
    let held = tokio::spawn({
        let store = store.clone();
        async move { store.append(&one).await }
    });
    gate.arrived().await;
    assert_eq!((position(&store).await, held.is_finished()), (0, false));
    gate.open();
    assert_eq!(held.await.unwrap().unwrap(), AppendOutcome::Appended);
    assert_eq!(position(&store).await, 2);
}
