//! Moving a book from one store to another: cut off anywhere, it is gone on with; nothing is mixed up; and at no
//! moment may both be written.

use adapters::store::memory::MemoryStore;
use api::engine::Source;
use api::moving::{CannotMove, bring_up, fit, prove, seal};
use counterfoil_tests::contract::{after, book, frame, texts};
use counterfoil_tests::faulty::{Fault, FaultyStore};
use domain::book::{Away, Bounds};
use domain::event::BookSealed;
use domain::ids::HashKey;
use domain::log::{BookId, BookInfo, BookKind, EventStore, Head, StoreError, StoreId};
use domain::time::Timestamp;
use std::sync::Arc;

fn copy_of(info: BookInfo) -> BookInfo {
    BookInfo { store: Some(StoreId(BookId([9; 16]))), ..info }
}

fn pair() -> (MemoryStore, FaultyStore) {
    let info = book(BookKind::Wall);
    (MemoryStore::new(info), FaultyStore::new(MemoryStore::new(copy_of(info))))
}

async fn fill(store: &MemoryStore, sizes: &[u32]) -> Head {
    let mut head = store.head().await.unwrap();
    for size in sizes {
        let next = frame(head, *size, "fill");
        let _ = store.append(&next).await.unwrap();
        head = after(&next);
    }
    head
}

#[tokio::test]
async fn a_copy_has_every_event_with_its_hash_whatever_the_frames() {
    let (source, target) = pair();
    let head = fill(&source, &[1, 7, 300, 2, 5_000]).await;
    let mut last = 0;
    assert_eq!(bring_up(&source, &target, |position| last = position).await.unwrap(), head);
    assert_eq!(last, head.position);
    let (one, two) = (source.read(1, 9_999).await.unwrap(), target.read(1, 9_999).await.unwrap());
    assert_eq!(texts(&one), texts(&two));
    prove(&target, head, |_| ()).await.unwrap();
}

#[tokio::test]
async fn a_copy_that_was_cut_off_is_gone_on_with() {
    let (source, target) = pair();
    fill(&source, &[5_000, 5_000]).await;
    // The second page is certainly not written; its next try is, and nobody hears of it.
    target.script([Fault::None, Fault::NotWritten]);
    let failed = bring_up(&source, &target, |_| ()).await;
    assert!(matches!(failed, Err(CannotMove::Target(StoreError::NotWritten(_)))), "{failed:?}");
    assert!(target.head().await.unwrap().position > 0);
    target.script([Fault::MaybeWrittenKept, Fault::MaybeWrittenLost]);
    let head = fill(&source, &[10]).await;
    assert_eq!(bring_up(&source, &target, |_| ()).await.unwrap(), head);
    prove(&target, head, |_| ()).await.unwrap();
}

#[tokio::test]
async fn what_is_no_copy_is_told_apart() {
    let (source, target) = pair();
    assert!(fit(source.book(), target.book()).is_ok());
    assert!(matches!(fit(source.book(), source.book()), Err(CannotMove::Same)));
    let other = BookInfo { id: BookId([3; 16]), ..target.book() };
    assert!(matches!(fit(source.book(), other), Err(CannotMove::OtherBook)));
    fill(&source, &[4]).await;
    let strange = frame(Head::default(), 3, "strange");
    let _ = target.append(&strange).await.unwrap();
    let failed = bring_up(&source, &target, |_| ()).await;
    assert!(matches!(failed, Err(CannotMove::Differs(3))), "{failed:?}");
    let failed = bring_up(&target, &source, |_| ()).await;
    assert!(matches!(failed, Err(CannotMove::Longer(3))), "{failed:?}");
    let failed = prove(&target, source.head().await.unwrap(), |_| ()).await;
    assert!(matches!(failed, Err(CannotMove::Differs(4))), "{failed:?}");
}

fn at(store: Arc<dyn EventStore>) -> Source {
    let runtime = tokio::runtime::Handle::current();
    Source { store, runtime, key: HashKey([1; 16]), bounds: Bounds::default(), snapshots: None }
}

async fn sealed(store: &Arc<MemoryStore>, to: BookInfo) -> Result<Head, CannotMove> {
    let source = at(store.clone());
    let sealing =
        move || seal(&source, BookSealed { to: to.store, place: "elsewhere".to_owned() }, Timestamp::EPOCH);
    tokio::task::spawn_blocking(sealing).await.unwrap()
}

/// Whether an engine starts on it.
async fn is_served(store: &Arc<MemoryStore>) -> Result<(), String> {
    let clock = Arc::new(adapters::system::SandboxClock::new(Timestamp::EPOCH));
    let parts = api::engine::Parts { store: store.clone(), clock, key: HashKey([1; 16]), snapshots: None };
    let started = api::engine::start(api::engine::EngineConfig::default(), parts).await;
    let (engine, _) = started.map_err(|error| error.to_string())?;
    engine.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_book_is_written_in_one_store_at_a_time_there_and_back() {
    let info = book(BookKind::Sandbox);
    let (home, away) = (Arc::new(MemoryStore::new(info)), Arc::new(MemoryStore::new(copy_of(info))));
    assert_eq!(is_served(&home).await, Ok(()));
    assert_eq!(is_served(&away).await, Err(Away::Unfinished.to_string()));

    let head = sealed(&home, away.book()).await.unwrap();
    assert_eq!(sealed(&home, away.book()).await.unwrap(), head, "once is enough");
    let moved = is_served(&home).await.unwrap_err();
    assert!(moved.contains("position 1 and moved to elsewhere"), "{moved}");
    assert_eq!(is_served(&away).await, Err(Away::Unfinished.to_string()), "the seal is not there yet");
    let third = Arc::new(MemoryStore::new(BookInfo { store: Some(StoreId(BookId([8; 16]))), ..info }));
    assert!(matches!(sealed(&home, third.book()).await, Err(CannotMove::Away(_))), "it has moved");

    bring_up(&*home, &*away, |_| ()).await.unwrap();
    assert_eq!(is_served(&away).await, Ok(()));
    sealed(&away, info).await.unwrap();
    assert!(is_served(&away).await.is_err() && is_served(&home).await.is_err(), "on its way");
    bring_up(&*away, &*home, |_| ()).await.unwrap();
    assert_eq!(is_served(&home).await, Ok(()));
    assert!(is_served(&away).await.is_err());
}
