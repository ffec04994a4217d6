//! How much the log grew.

use super::Failed;
use super::target::Target;
use crate::service::{self, Storage};
use domain::ids::Position;
use serde::Deserialize;
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
    /// The last event that a snapshot holds.
    pub(super) snapshot: Position,
    /// The last event that is in all read models.
    pub(super) views: Position,
}

/// A running server's figures.
pub(super) async fn figures(server: &Target) -> Result<Figures, Failed> {
    let mut stream = TcpStream::connect(server.address).await?;
    Ok(serde_json::from_str(&get(&mut stream, "/v1/engine", &server.operator).await?)?)
}

/// The body of what an operator reads at a path, which must be found.
pub(super) async fn get(stream: &mut TcpStream, path: &str, operator: &str) -> Result<String, Failed> {
    let ask = format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {operator}\r\n\r\n");
    stream.write_all(ask.as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            return Err(format!("{path}: the server hung up").into());
        }
        let text = std::str::from_utf8(&answer)?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.to_ascii_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length: ").and_then(|length| length.parse::<usize>().ok())
        });
        if length.is_some_and(|length| body.len() >= length) {
            let found = head.starts_with("HTTP/1.1 200");
            return if found { Ok(body.to_owned()) } else { Err(format!("{path}: {text}").into()) };
        }
    }
}

/// The bytes of the events after one position up to another.
pub(super) async fn size(storage: &Storage, after: Position, last: Position) -> Result<u64, Failed> {
    let store = service::read_only(storage).await?;
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
