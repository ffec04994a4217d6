//! What a commit costs on disk.

use super::{Curve, median};
use crate::cli::bench::Failed;
use crate::cli::bench::requests::Requests;
use crate::cli::bench::start;
use crate::service::{self, Storage, TimeKind};
use domain::book::{Book, Bounds};
use domain::log::{ChainHash, FrameBuilder};
use std::time::Instant;

const COMMITS: usize = 51;
const ACCOUNTS: u64 = 100;

/// By the number of events that are committed together.
pub(super) async fn batches(sizes: &[u64]) -> Result<Curve, Failed> {
    let folder = tempfile::Builder::new().prefix("counterfoil-bench-").tempdir()?;
    let parts = service::parts(&Storage::Folder(folder.path().into()), TimeKind::Wall).await?;
    let (mut book, mut requests) = (Book::new(parts.key, Bounds::default()), Requests::new(ACCOUNTS));
    let (mut frame, mut points) = (FrameBuilder::open(1, ChainHash::ZERO), Vec::new());
    for size in sizes {
        let mut times = Vec::new();
        for _ in 0..COMMITS {
            while u64::from(frame.len()) < *size {
                start::decide(&mut book, &mut requests, &mut frame)?;
            }
            let (began, events) = (Instant::now(), frame.len());
            frame = start::append(&*parts.store, frame).await?;
            times.push(began.elapsed() / events);
        }
        points.push((*size, median(times)));
    }
    Ok(Curve { grows: "events of a commit", costs: "an event on disk", points })
}
