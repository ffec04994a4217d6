//! What time brings about without a command, and what happens when nobody knows the time.

use crate::world::{World, ask, ask_open, entry, name, open, publish};
use adapters::system::{Clock, ClockJump};
use api::engine::{Answer, EngineConfig, Failure, Handle};
use counterfoil_tests::faulty::Fault;
use domain::event::{DenialsCollapsed, Event};
use domain::time::{Span, Timestamp};
use futures_util::future::join5;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

async fn refused(handle: &Handle, times: usize) -> usize {
    let mut collapsed = 0;
    for _ in 0..times {
        let answer = handle.submit(ask(1)).await.expect("an answer").answer;
        collapsed += usize::from(matches!(answer, Answer::Collapsed(_)));
    }
    collapsed
}

async fn last(handle: &Handle) -> Event {
    handle.entry(handle.health().head).await.expect("the log reads").expect("it is not empty").event
}

fn collapsed(event: &Event) -> &DenialsCollapsed {
    let Event::DenialsCollapsed(collapsed) = event else { panic!("{}", event.kind()) };
    collapsed
}

#[tokio::test]
async fn refusals_beyond_the_figure_of_a_minute_become_one_event_with_their_count() {
    let world = World::new();
    let handle = world.running().await;
    // One is admitted, two are recorded as they are.
    assert_eq!(refused(&handle, 10).await, 7);
    assert_eq!((handle.health().head, handle.health().collapsed), (4, 7));
    let mut head = handle.head();
    world.clock.advance(Span::from_secs(60));
    handle.wake();
    head.wait_for(|head| *head == 5).await.unwrap();
    let event = last(&handle).await;
    let DenialsCollapsed { count, from, to, .. } = collapsed(&event);
    assert_eq!((*count, to.since(*from)), (7, Span::from_secs(60)));
    assert_eq!(handle.health().collapsed, 0);
    world.assert_equals_log(&handle).await;
}

#[tokio::test]
async fn a_stop_records_the_refusals_that_were_only_counted() {
    let world = World::new();
    let handle = world.running().await;
    assert_eq!(refused(&handle, 6).await, 3);
    handle.stop().await;
    assert_eq!(collapsed(&last(&handle).await).count, 3);
}

#[tokio::test]
async fn counted_refusals_are_kept_when_their_event_is_not_written() {
    let world = World::new();
    let handle = world.running().await;
    assert_eq!(refused(&handle, 6).await, 3);
    world.store.script([Fault::NotWritten]);
    let mut head = handle.head();
    world.clock.advance(Span::from_secs(60));
    handle.wake();
    head.wait_for(|head| *head == 5).await.unwrap();
    assert_eq!(world.store.scripted(), 0);
    assert_eq!(collapsed(&last(&handle).await).count, 3);
}

#[tokio::test]
async fn a_hold_that_runs_out_expires_without_a_command() {
    let world = World::new();
    let handle = world.running().await;
    entry(handle.submit(open("acme")).await);
    entry(handle.submit(ask_open("acme")).await);
    let mut head = handle.head();
    world.clock.advance(Span::from_secs(2 * 86_400));
    handle.wake();
    head.wait_for(|head| *head == 4).await.unwrap();
    assert_eq!(last(&handle).await.kind(), "HoldExpired");
}

#[tokio::test]
async fn many_dues_are_settled_in_bounded_steps() {
    let world = World::new();
    let config = EngineConfig { sweep_max: 2, ..EngineConfig::default() };
    let (handle, _) = world.start(config, None).await;
    entry(handle.submit(publish()).await);
    entry(handle.submit(open("acme")).await);
    for _ in 0..7 {
        entry(handle.submit(ask_open("acme")).await);
    }
    let mut head = handle.head();
    world.clock.advance(Span::from_secs(2 * 86_400));
    handle.wake();
    head.wait_for(|head| *head == 16).await.unwrap();
    assert!(handle.health().largest_batch <= 2);
    world.assert_equals_log(&handle).await;
}

#[tokio::test]
async fn a_read_of_an_account_sees_its_dues_settled() {
    let world = World::new();
    let handle = world.running().await;
    entry(handle.submit(open("acme")).await);
    entry(handle.submit(ask_open("acme")).await);
    world.clock.advance(Span::from_secs(2 * 86_400));
    let open = |book: &domain::book::Book, _| book.account("acme").map(|it| it.open_decisions().len());
    assert_eq!(handle.read(Some(name("acme")), open).await.unwrap(), Some(0));
}

/// A clock that jumped until somebody confirms it.
struct Jumped {
    confirmed: AtomicBool,
    at: Timestamp,
}

impl Clock for Jumped {
    fn now(&self) -> Result<Timestamp, ClockJump> {
        let confirmed = self.confirmed.load(Ordering::Relaxed);
        if confirmed { Ok(self.at) } else { Err(ClockJump { wall: self.at, expected: Timestamp::EPOCH }) }
    }

    fn confirm(&self) {
        self.confirmed.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn nothing_is_decided_after_a_jump_of_the_clock_until_it_is_confirmed() {
    let world = World::new();
    let clock = Jumped { confirmed: AtomicBool::new(false), at: world.clock.now().unwrap() };
    let (handle, _) = world.start_by(Arc::new(clock), EngineConfig::default(), None).await;
    assert!(matches!(handle.submit(publish()).await, Err(Failure::ClockJumped)));
    handle.confirm_clock();
    assert_eq!(entry(handle.submit(publish()).await).position, 1);
}

#[tokio::test]
async fn a_command_is_decided_at_the_time_at_which_it_is_taken_up() {
    let world = World::new();
    let handle = world.running().await;
    let start = world.clock.now().unwrap();
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let hold = handle.read(None, move |_, _| held.recv().is_ok());
    let clock = world.clock.clone();
    let tick = handle.read(None, move |_, _| clock.advance(Span::from_secs(61)));
    // All three wait while the engine is held, so they are taken up in one turn.
    let (before, after) = (handle.submit(ask(1)), handle.submit(ask(2)));
    let all = join5(hold, before, tick, after, async { let_go.send(()) }).await;
    let (Ok(before), Ok(after)) = (all.1, all.3) else { panic!("both are answered") };
    assert_eq!((before.at, after.at), (start, start.plus(Span::from_secs(61))));
}
