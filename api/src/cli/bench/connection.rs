//! One keep-alive connection of the load: writes a request, waits for its whole answer, begins again.

use super::histogram::Histogram;
use super::line::Line;
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What all connections of a run share.
pub(super) struct Tally {
    pub(super) times: Histogram,
    pub(super) errors: u64,
}

/// Requests of one connection, written in place for the next id and account.
pub(super) struct Requests {
    bytes: Vec<u8>,
    body: usize,
    line: Line,
}

impl Requests {
    /// Requests to a path of the server.
    pub(super) fn new(path: &str, token: &str, line: Line) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            line.text().len()
        );
        Self { bytes: [head.as_bytes(), line.text()].concat(), body: head.len(), line }
    }

    fn advance(&mut self) -> &[u8] {
        self.line.write_next(&mut self.bytes[self.body..]);
        &self.bytes
    }
}

/// Sends until the deadline; a request that began before it counts.
pub(super) async fn drive(
    address: SocketAddr,
    mut requests: Requests,
    until: Instant,
    tally: Rc<RefCell<Tally>>,
) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let began = Instant::now();
        if began >= until {
            return Ok(());
        }
        stream.write_all(requests.advance()).await?;
        let admitted = answer(&mut stream, &mut buffer).await?;
        let mut tally = tally.borrow_mut();
        tally.times.record(began.elapsed());
        if !admitted {
            tally.errors += 1;
        }
    }
}

/// Reads one whole answer and says whether it admitted the request.
async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += read;
        let Some((head, length)) = split(&buffer[..filled]) else { continue };
        if filled >= head + length {
            let body = &buffer[head..head + length];
            return Ok(find(&body[..body.len().min(64)], b"\"allowed\":true").is_some());
        }
    }
}

/// Where the body begins and how long it is, once the head is whole.
fn split(text: &[u8]) -> Option<(usize, usize)> {
    let end = find(text, b"\r\n\r\n")? + 4;
    let at = find(&text[..end], b"ontent-").or(Some(0))?;
    let length = text[at..end].split(|byte| *byte == b'\n').find_map(length);
    Some((end, length.unwrap_or(0)))
}

fn length(line: &[u8]) -> Option<usize> {
    let line = std::str::from_utf8(line).ok()?.to_ascii_lowercase();
    let (_, value) = line.split_once("ontent-length:")?;
    value.trim().parse().ok()
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_split_into_head_and_body() {
        let text = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 5\r\n\r\nhello";
        assert_eq!(split(text), Some((text.len() - 5, 5)));
        assert_eq!(split(&text[..40]), None);
    }
}
