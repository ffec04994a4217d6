//! Limits at a past moment are what the book, folded to that moment, says of them.

mod program;

use adapters::store::memory::MemoryStore;
use adapters::views::{Identity, Views};
use domain::book::{Book, Bounds, LimitView, reader};
use domain::event::{Entry, Facts};
use domain::ids::{Name, Position};
use domain::log::{AppendOutcome, BookId, BookInfo, BookKind, ChainHash, EventStore, FrameBuilder, codec};
use domain::time::{Span, Timestamp};
use program::{KEY, Program};
use projections::read::{Moment, ReadModels};
use projections::runner::{Runner, Shelf};
use projections::views::counters::Asked;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const BOOK: BookId = BookId([2; 16]);

/// A log of these events.
async fn log(entries: &[Entry]) -> Arc<dyn EventStore> {
    let info = BookInfo { id: BOOK, kind: BookKind::Sandbox, created: Timestamp::EPOCH, store: None };
    let store = MemoryStore::new(info);
    let mut frame = FrameBuilder::open(1, ChainHash::ZERO);
    for entry in entries {
        frame.push_with(|text| codec::encode(entry, text)).expect("an event");
    }
    let appended = store.append(&frame.finish().expect("events")).await;
    assert!(matches!(appended, Ok(AppendOutcome::Appended)), "{appended:?}");
    Arc::new(store)
}

/// Views of a log, folded in steps of uneven length.
async fn folded(log: &Arc<dyn EventStore>, folder: &Path) -> Views {
    let views = Views::of(folder, Identity { id: BOOK, key: KEY });
    let head = log.head().await.expect("a head").position;
    let mut runner = Runner::new(log.clone(), views.open().await.expect("views"));
    for until in (0..head).step_by(37).chain([head]) {
        while runner.step(until).await.expect("a step") < until {}
    }
    views
}

/// A book folded to a moment, with everything written that was due by then.
fn book_at(entries: &[Entry], moment: Moment) -> (Book, Timestamp) {
    let mut book = Book::new(KEY, Bounds::default());
    let mut at = Timestamp::EPOCH;
    for entry in entries {
        match moment {
            Moment::After(position) if entry.position > position => break,
            Moment::At(instant) if entry.at > instant => break,
            Moment::After(_) | Moment::At(_) => {}
        }
        book.apply(entry).expect("the log's own event");
        at = entry.at;
    }
    if let Moment::At(instant) = moment {
        at = instant;
    }
    book.sweep(at, usize::MAX, &mut Vec::new());
    (book, at)
}

async fn then(
    reads: &dyn ReadModels,
    book: &Book,
    (account, facts): (Option<&Name>, &Facts),
    (moment, at): (Moment, Timestamp),
) -> Vec<LimitView> {
    let (published, _) = reads.published(moment).await.expect("a figure");
    let Some(policy) = book.catalogue().policy_in_force(published, at) else { return Vec::new() };
    let asked = Asked { key: KEY, account, facts, moment, at };
    asked.limits(reads, policy).await.expect("limits").limits
}

fn expected(
    entries: &[Entry],
    moment: Moment,
    (account, facts): (Option<&Name>, &Facts),
) -> (Vec<LimitView>, Timestamp) {
    let (book, at) = book_at(entries, moment);
    let Some(rules) = book.catalogue().in_force(at) else { return (Vec::new(), at) };
    let state = account.and_then(|account| book.account(account.as_str()));
    let facts = reader::facts(facts.clone(), rules.policy, state);
    (book.limits_of(account, &facts, at), at)
}

/// Moments all over a log: after events, at their instants, and a little off them.
fn moments(entries: &[Entry], program: &mut Program) -> Vec<Moment> {
    let some = |program: &mut Program| entries[program.chance.index(entries.len())].clone();
    let mut moments = vec![Moment::At(Timestamp::EPOCH), Moment::After(1)];
    for _ in 0..60 {
        moments.push(Moment::After(some(program).position));
        moments.push(Moment::At(some(program).at));
        let off = Span::from_micros(i64::try_from(program.chance.below(90_000_000)).expect("a span"));
        let last = entries.last().expect("an event").at;
        moments.push(Moment::At(some(program).at.plus(off).min(last)));
    }
    moments
}

async fn check(seed: u64, steps: usize) -> (usize, Position) {
    let mut program = Program::new(seed);
    let book = program.run(steps);
    let entries = std::mem::take(&mut program.entries);
    let (log, folder) = (log(&entries).await, TempDir::new().expect("a folder"));
    let reads = folded(&log, folder.path()).await.reads();
    let mut counted = 0;
    for moment in moments(&entries, &mut program) {
        for (account, facts) in program.askers() {
            let asker = (account.as_ref(), &facts);
            let (limits, at) = expected(&entries, moment, asker);
            let found = then(&*reads, &book, asker, (moment, at)).await;
            assert_eq!(found, limits, "seed {seed}, {moment:?}, {account:?} {facts:?}");
            counted += limits.iter().filter(|limit| limit.used > 0).count();
        }
    }
    (counted, book.head())
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_any_past_moment_are_those_of_the_book_folded_to_it() {
    for seed in 0..4 {
        let (counted, head) = check(seed, 700).await;
        assert!(counted > 30 && head > 400, "seed {seed}: {counted} limits in use, {head} events");
    }
}
