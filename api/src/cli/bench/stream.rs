//! One connection of the load that sends many decisions a request, as a stream of lines.

use super::connection::Tally;
use super::line::Line;
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

/// Decisions of one request.
const LINES: usize = 1_000;
const ADMITTED: &[u8] = b"\"allowed\":true";
/// The end of an answer that came in chunks.
const END: &[u8] = b"\r\n0\r\n\r\n";

/// Sends until the deadline; a request that began before it counts. Each of its decisions took as long as all of it.
pub(super) async fn drive(
    address: SocketAddr,
    token: String,
    mut line: Line,
    until: Instant,
    tally: Rc<RefCell<Tally>>,
) -> io::Result<()> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut from, mut to) = stream.into_split();
    let mut request = request(&token, line.text());
    let body = request.len() - LINES * (line.text().len() + 1);
    let mut answer = Vec::new();
    loop {
        let began = Instant::now();
        if began >= until {
            return Ok(());
        }
        for text in request[body..].chunks_exact_mut(line.text().len() + 1) {
            line.write_next(text);
        }
        // Both at once: a server that waits for its answers to be read reads no more itself.
        let (sent, read) = tokio::join!(to.write_all(&request), read(&mut from, &mut answer));
        sent?;
        read?;
        let admitted = memchr::memmem::find_iter(&answer, ADMITTED).count();
        let mut tally = tally.borrow_mut();
        for _ in 0..LINES {
            tally.times.record(began.elapsed());
        }
        tally.errors += LINES.saturating_sub(admitted) as u64;
    }
}

fn request(token: &str, line: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST /v1/decisions/batch HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
        LINES * (line.len() + 1)
    );
    [head.as_bytes(), &[line, b"\n"].concat().repeat(LINES)].concat()
}

/// Reads one whole answer.
async fn read(from: &mut OwnedReadHalf, answer: &mut Vec<u8>) -> io::Result<()> {
    answer.clear();
    while !answer.ends_with(END) {
        answer.reserve(64 * 1024);
        if from.read_buf(answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if answer.starts_with(b"HTTP/1.1 4") || answer.starts_with(b"HTTP/1.1 5") {
            let line = String::from_utf8_lossy(answer);
            return Err(io::Error::other(line.lines().next().unwrap_or_default().to_owned()));
        }
    }
    Ok(())
}
