//! The cases, each named after the rule it shows.

use super::Harness;
use super::sample::{after, frame, open_frame, texts};
use domain::log::AppendOutcome::{Appended, Conflict};
use domain::log::{BookKind, ChainHash, EventStore, Frame, FrameBuilder, Head};
use futures_util::future::{join, join_all};
use std::future::poll_fn;
use std::task::Poll;

const ALL: usize = 1_000_000;

/// Appends frames of these sizes, one after the other, and returns them.
async fn fill(store: &impl EventStore, sizes: &[u32]) -> Vec<Frame> {
    let mut head = store.head().await.unwrap();
    let mut frames = Vec::new();
    for size in sizes {
        let next = frame(head, *size, "fill");
        assert_eq!(store.append(&next).await.unwrap(), Appended);
        head = after(&next);
        frames.push(next);
    }
    frames
}

async fn log(store: &impl EventStore) -> Vec<Frame> {
    store.read(1, ALL).await.unwrap()
}

pub async fn an_empty_log_ends_at_zero<H: Harness>(harness: &H) {
    let store = harness.open().await;
    assert_eq!(store.head().await.unwrap(), Head { position: 0, hash: ChainHash::ZERO });
    assert_eq!(log(&store).await, []);
    assert_eq!(store.read(0, 10).await.unwrap(), []);
}

pub async fn events_come_back_in_order_with_their_very_bytes<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let written = fill(&store, &[3, 1, 20]).await;
    assert_eq!(log(&store).await, written);
    let positions: Vec<u64> = texts(&written).into_iter().map(|(position, _)| position).collect();
    assert_eq!(positions, (1..=24).collect::<Vec<u64>>());
}

pub async fn the_head_is_the_last_event_appended<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let written = fill(&store, &[2, 5]).await;
    let head = store.head().await.unwrap();
    assert_eq!((head.position, head.hash), (7, written[1].last()));
}

pub async fn positions_have_no_gaps<H: Harness>(harness: &H) {
    let store = harness.open().await;
    fill(&store, &[2]).await;
    let head = store.head().await.unwrap();
    for first in [1, 2, 4, 5, 1_000] {
        let mut stray = FrameBuilder::open(first, head.hash);
        stray.push("{}");
        let outcome = store.append(&stray.finish().unwrap()).await.unwrap();
        assert_eq!(outcome, Conflict { head }, "first = {first}");
    }
    assert_eq!(store.head().await.unwrap(), head);
}

pub async fn a_frame_after_another_hash_is_a_conflict<H: Harness>(harness: &H) {
    let store = harness.open().await;
    fill(&store, &[2]).await;
    let head = store.head().await.unwrap();
    let other = Head { hash: ChainHash::ZERO.next(b"another log"), ..head };
    assert_eq!(store.append(&frame(other, 1, "x")).await.unwrap(), Conflict { head });
}

pub async fn a_conflict_keeps_nothing<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let written = fill(&store, &[2]).await;
    let refused = store.append(&frame(Head::default(), 9, "late")).await.unwrap();
    assert_eq!(refused, Conflict { head: after(&written[0]) });
    assert_eq!(log(&store).await, written);
    fill(&store, &[1]).await;
}

pub async fn of_two_frames_at_one_head_exactly_one_wins<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let (one, two) = (frame(Head::default(), 2, "one"), frame(Head::default(), 3, "two"));
    assert_eq!(store.append(&one).await.unwrap(), Appended);
    assert_eq!(store.append(&two).await.unwrap(), Conflict { head: after(&one) });
    assert_eq!(log(&store).await, [one]);
}

pub async fn of_frames_racing_at_one_head_exactly_one_wins<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let rivals: Vec<Frame> = (0..8).map(|n| frame(Head::default(), 2, &n.to_string())).collect();
    let outcomes = join_all(rivals.iter().map(|rival| store.append(rival))).await;
    let won: Vec<usize> = (0..8).filter(|n| matches!(outcomes[*n], Ok(Appended))).collect();
    assert_eq!(won.len(), 1, "{outcomes:?}");
    let winner = &rivals[won[0]];
    let lost = outcomes.iter().filter(|it| matches!(it, Ok(Conflict { head }) if *head == after(winner)));
    assert_eq!(lost.count(), 7);
    assert_eq!(log(&store).await, std::slice::from_ref(winner));
}

pub async fn a_repeated_frame_is_appended_and_kept_once<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let one = frame(Head::default(), 3, "one");
    for _ in 0..3 {
        assert_eq!(store.append(&one).await.unwrap(), Appended);
    }
    assert_eq!(log(&store).await, [one]);
}

pub async fn a_repeat_after_later_frames_is_appended<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let written = fill(&store, &[3, 2, 4]).await;
    for repeat in &written {
        assert_eq!(store.append(repeat).await.unwrap(), Appended);
    }
    assert_eq!(log(&store).await, written);
}

pub async fn a_late_second_frame_is_a_conflict<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let written = fill(&store, &[3, 2, 4]).await;
    let late = frame(after(&written[0]), 2, "other");
    assert_eq!(store.append(&late).await.unwrap(), Conflict { head: after(&written[2]) });
    assert_eq!(log(&store).await, written);
}

pub async fn part_of_a_frame_is_not_a_repeat<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let written = fill(&store, &[3]).await;
    let head = after(&written[0]);
    let shorter = frame(Head::default(), 2, "fill");
    let longer = frame(Head::default(), 4, "fill");
    assert_eq!(store.append(&shorter).await.unwrap(), Conflict { head });
    assert_eq!(store.append(&longer).await.unwrap(), Conflict { head });
}

pub async fn pages_join_to_the_whole_log<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let written = fill(&store, &[1, 7, 2, 30, 1, 1, 4]).await;
    for page in [1, 2, 3, 10, 45, 46, 47] {
        let (mut from, mut joined) = (1, Vec::new());
        loop {
            let frames = store.read(from, page).await.unwrap();
            let Some(last) = frames.last() else { break };
            from = last.end() + 1;
            joined.extend(frames);
        }
        assert_eq!(joined, written, "pages of {page}");
    }
}

pub async fn a_read_gives_whole_frames<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let written = fill(&store, &[5, 5, 5]).await;
    assert_eq!(store.read(3, 1).await.unwrap(), written[..1], "one position, one frame");
    assert_eq!(store.read(3, 4).await.unwrap(), written[..2], "begins before, reaches further");
    assert_eq!(store.read(6, 5).await.unwrap(), written[1..2], "exactly one frame");
    assert_eq!(store.read(10, 2).await.unwrap(), written[1..], "the last of one and the first of the next");
    assert_eq!(store.read(15, ALL).await.unwrap(), written[2..], "the last event");
    assert_eq!(store.read(0, 5).await.unwrap(), written[..1], "0 reads from the first");
    assert_eq!(store.read(1, usize::MAX).await.unwrap(), written, "as many as there are");
}

pub async fn a_read_past_the_head_is_empty<H: Harness>(harness: &H) {
    let store = harness.open().await;
    fill(&store, &[5]).await;
    for from in [6, 7, 1_000_000, u64::MAX] {
        assert_eq!(store.read(from, 10).await.unwrap(), [], "from {from}");
    }
}

pub async fn a_read_of_nothing_still_makes_progress<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let written = fill(&store, &[5, 5]).await;
    assert_eq!(store.read(2, 0).await.unwrap(), written[..1]);
}

pub async fn a_frame_of_five_thousand_events_is_kept<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let written = fill(&store, &[1, 5_000, 1]).await;
    assert_eq!(store.read(4_000, 1).await.unwrap(), written[1..2]);
    assert_eq!(texts(&log(&store).await), texts(&written));
}

pub async fn an_event_of_300_kilobytes_is_kept<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let text = format!(r#"{{"position":1,"data":"{}"}}"#, "é".repeat(150_000));
    let mut big = open_frame(Head::default());
    big.push(&text);
    assert_eq!(store.append(&big.finish().unwrap()).await.unwrap(), Appended);
    fill(&store, &[2]).await;
    assert_eq!(texts(&log(&store).await)[0], (1, text));
}

pub async fn a_restart_keeps_everything<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let mut written = fill(&store, &[3, 4]).await;
    harness.close(store).await;

    let store = harness.open().await;
    assert_eq!(store.head().await.unwrap(), after(&written[1]));
    assert_eq!(store.append(&written[1]).await.unwrap(), Appended, "a repeat from before the restart");
    written.extend(fill(&store, &[2]).await);
    assert_eq!(log(&store).await, written);
}

pub async fn a_restart_keeps_the_books_identity<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let book = store.book();
    assert_eq!(book, super::book(BookKind::Wall));
    harness.close(store).await;
    assert_eq!(harness.open().await.book(), book);
}

/// The engine is a plain thread that polls the append by itself.
pub async fn appending_needs_no_async_runtime<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let one = frame(Head::default(), 2, "one");
    let outcome = std::thread::scope(|scope| scope.spawn(|| park_on(store.append(&one))).join());
    assert_eq!(outcome.unwrap().unwrap(), Appended);
    assert_eq!(log(&store).await, [one]);
}

/// What became of it is unknown, as when an answer is lost: the same frame again settles it, and is kept once.
pub async fn an_append_that_nobody_waited_for_is_settled_by_sending_it_again<H: Harness>(harness: &H) {
    let store = harness.open().await;
    let mut written = fill(&store, &[2]).await;
    for polls in 0..4 {
        let next = frame(after(&written[polls]), 3, "unheard");
        give_up_after(polls, store.append(&next)).await;
        assert_eq!(store.append(&next).await.unwrap(), Appended, "given up after {polls} polls");
        let other = frame(after(&written[polls]), 3, "other");
        assert_eq!(store.append(&other).await.unwrap(), Conflict { head: after(&next) });
        written.push(next);
    }
    assert_eq!(log(&store).await, written);
}

/// Polls a future so often at most and drops it.
async fn give_up_after<F: Future>(polls: usize, future: F) {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        if poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await {
            return;
        }
        tokio::task::yield_now().await;
    }
}

pub async fn a_reader_that_follows_sees_every_event_once_and_in_order<H: Harness>(harness: &H) {
    const FRAMES: u32 = 60;
    let store = harness.open().await;
    let write = async {
        let mut written = Vec::new();
        for n in 0..FRAMES {
            written.extend(fill(&store, &[1 + n % 5]).await);
        }
        written
    };
    let follow = async {
        let (mut seen, mut next) = (Vec::new(), 1);
        while seen.len() < FRAMES as usize {
            let frames = store.read(next, 7).await.unwrap();
            next = frames.last().map_or(next, |last| last.end() + 1);
            seen.extend(frames);
            tokio::task::yield_now().await;
        }
        seen
    };
    let (written, seen) = join(write, follow).await;
    assert_eq!(seen, written);
}

/// Each decides on the head that it knows and begins anew after a conflict, as two services at one log would.
pub async fn of_two_writers_at_one_log_every_frame_is_kept_once<H: Harness>(harness: &H) {
    const FRAMES: usize = 20;
    let store = harness.open().await;
    let write = |mark: &'static str| {
        let store = &store;
        async move {
            let (mut head, mut kept) = (Head::default(), Vec::new());
            while kept.len() < FRAMES {
                let next = frame(head, 2, mark);
                match store.append(&next).await.unwrap() {
                    Appended => {
                        head = after(&next);
                        kept.push(next);
                    }
                    Conflict { head: found } => head = found,
                }
                tokio::task::yield_now().await;
            }
            kept
        }
    };
    let (one, two) = join(write("one"), write("two")).await;
    let mut kept: Vec<Frame> = one.into_iter().chain(two).collect();
    kept.sort_by_key(Frame::first);
    assert_eq!(log(&store).await, kept);
}

/// Polls a future on this thread, parked in between.
fn park_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}
