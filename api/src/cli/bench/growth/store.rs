//! What a commit costs on disk.

use super::{Curve, median};
use crate::cli::bench::Failed;
use crate::cli::bench::requests::Requests;
use crate::service::{self, Storage, TimeKind};
use domain::book::{Book, Bounds};
use domain::log::{AppendOutcome, ChainHash, FrameBuilder, codec};
use std::time::Instant;

const COMMITS: usize = 51;
const ACCOUNTS: u64 = 100;

/// By the number of events that are committed together.
pub(super) async fn batches(sizes: &[u64]) -> Result<Curve, Failed> {
    let folder = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir()?;
    let parts = service::parts(&Storage::Folder(folder.path().into()), TimeKind::Wall).await?;
    let (mut book, mut requests) = (Book::new(parts.key, Bounds::default()), Requests::new(ACCOUNTS));
    let (mut next, mut last, mut points) = (1, ChainHash::ZERO, Vec::new());
    for size in sizes {
        let mut times = Vec::new();
        for _ in 0..COMMITS {
            let mut frame = FrameBuilder::open(next, last);
            let mut out = Vec::new();
            while u64::from(frame.len()) < *size {
                let (command, now) = requests.next();
                book.execute(&command, now, &mut out)?;
                for entry in out.drain(..) {
                    frame.push_with(|text| codec::encode(&entry, text))?;
                }
            }
            (next, last) = (frame.next_position(), frame.last());
            let frame = frame.finish().ok_or("a frame without events")?;
            let began = Instant::now();
            let outcome = parts.store.append(&frame).await?;
            times.push(began.elapsed() / frame.count());
            if !matches!(outcome, AppendOutcome::Appended) {
                return Err("somebody else writes this log".into());
            }
        }
        points.push((*size, median(times)));
    }
    Ok(Curve { grows: "events of a commit", costs: "an event on disk", points })
}
