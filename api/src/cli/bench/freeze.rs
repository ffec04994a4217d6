//! What a snapshot costs while decisions go on: how long it holds them up, and the memory that it takes meanwhile.

use super::{Failed, process};
use crate::engine::FOLD_VERSION;
use adapters::snapshot::{SnapshotHeader, Snapshots};
use domain::book::{Book, Frozen};
use domain::log::{BookId, ChainHash};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Decisions a second while the snapshot is written: about what a service takes here.
const RATE: u128 = 20_000;
/// How often the pause is measured.
const FREEZES: u32 = 5;

/// Takes a snapshot of a book while `decide` is carried out on it, and prints what that cost.
pub(super) fn measure(
    book: &mut Book,
    mut decide: impl FnMut(&mut Book, u64) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let folder = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir()?;
    let own = std::process::id();
    let pauses: Vec<Duration> = (0..FREEZES).map(|_| frozen(book).1).collect();
    let before = process::memory(own);
    process::forget_peak();
    let (frozen, pause) = frozen(book);
    let (count, took) = thread::scope(|scope| {
        let path = folder.path();
        let writer = scope.spawn(move || write(path, &frozen));
        let mut count = 0;
        let began = Instant::now();
        while !writer.is_finished() {
            if u128::from(count) * 1_000_000 < RATE * began.elapsed().as_micros() {
                decide(book, count)?;
                count += 1;
            } else {
                thread::yield_now();
            }
        }
        let written = writer.join().map_err(|_| "the snapshot's thread died")?;
        Ok::<_, Failed>((count, written.map_err(|error| error as Failed)?))
    })?;
    let (peak, after) = (process::peak_memory(own), process::memory(own));
    let longest = pauses.into_iter().chain([pause]).max().unwrap_or_default();
    let size =
        fs::read_dir(folder.path())?.flatten().filter_map(|file| file.metadata().ok()).map(|it| it.len());
    println!("snapshot: {} MiB, written in {} ms", mib(size.sum()), took.as_millis());
    println!("decisions held up by it: {} µs at most", longest.as_micros());
    println!(
        "memory: {} MiB before, {} MiB at most during it and {count} decisions, {} MiB after",
        mib(before),
        mib(peak),
        mib(after)
    );
    Ok(())
}

fn frozen(book: &Book) -> (Frozen, Duration) {
    let began = Instant::now();
    let frozen = book.freeze();
    (frozen, began.elapsed())
}

fn write(folder: &Path, frozen: &Frozen) -> Result<Duration, Box<dyn std::error::Error + Send + Sync>> {
    let began = Instant::now();
    let (book, fold_version, hash) = (BookId([7; 16]), FOLD_VERSION, ChainHash::ZERO);
    let header = SnapshotHeader { book, fold_version, position: frozen.head(), hash };
    Snapshots::in_dir(folder).write(&header, frozen)?;
    Ok(began.elapsed())
}

fn mib(bytes: u64) -> u64 {
    bytes >> 20
}
