//! How much the log grew.

use super::Failed;
use super::target::Target;
use crate::service::{self, Storage};
use domain::ids::Position;
use serde::Deserialize;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a running server counts.
#[derive(Clone, Copy, Deserialize)]
pub(super) struct Figures {
    /// The last durable event.
    pub(super) head: Position,
    pub(super) commits: u64,
    /// The time of all commits together.
    pub(super) commit_micros: u64,
}

/// A running server's figures.
pub(super) async fn figures(server: &Target) -> Result<Figures, Failed> {
    let mut stream = TcpStream::connect(server.address).await?;
    let text = format!(
        "GET /v1/engine HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        server.operator
    );
    stream.write_all(text.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let body = answer.split("\r\n\r\n").nth(1).unwrap_or_default();
    Ok(serde_json::from_str(body)?)
}

/// The bytes of the events after one position up to another.
pub(super) async fn size(folder: &Path, after: Position, last: Position) -> Result<u64, Failed> {
    let store = service::read_only(&Storage::Folder(folder.to_owned())).await?;
    let (mut bytes, mut from) = (0, after + 1);
    while from <= last {
        let frames = store.read(from, 10_000).await?;
        let Some(end) = frames.last().map(domain::log::Frame::end) else { break };
        for frame in &frames {
            let events = frame.events()?.filter(|(position, _)| (from..=last).contains(position));
            bytes += events.map(|(_, text)| text.len() as u64 + 1).sum::<u64>();
        }
        from = end + 1;
    }
    Ok(bytes)
}
