//! One keep-alive connection of the load: writes a request, waits for its whole answer, begins again.

use super::histogram::Histogram;
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
    id: std::ops::Range<usize>,
    account: std::ops::Range<usize>,
    next: u64,
    stride: u64,
    accounts: u64,
}

const ID_DIGITS: usize = 16;
const ACCOUNT_DIGITS: usize = 12;

impl Requests {
    /// Requests to a path. Ids are `FIRST`, `FIRST + STRIDE` …; accounts go round.
    pub(super) fn new(
        (path, token, endpoint): (&str, &str, &str),
        (first, stride): (u64, u64),
        accounts: u64,
    ) -> Self {
        let (zeros, account) = ("0".repeat(ID_DIGITS), "0".repeat(ACCOUNT_DIGITS));
        let endpoint = serde_json::Value::from(endpoint);
        let body = format!(
            r#"{{"request_id":"bench-{zeros}","account":"bench-{account}","ip":"203.0.113.7","endpoint":{endpoint},"attributes":{{"chars":400}},"settle":"now"}}"#
        );
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut places = body.match_indices("bench-").map(|(place, found)| head.len() + place + found.len());
        let (id, account) = (places.next().unwrap_or(0), places.next().unwrap_or(0));
        Self {
            bytes: [head, body].concat().into_bytes(),
            id: id..id + ID_DIGITS,
            account: account..account + ACCOUNT_DIGITS,
            next: first,
            stride,
            accounts,
        }
    }

    fn advance(&mut self) -> &[u8] {
        let turn = self.next;
        self.next += self.stride;
        digits(&mut self.bytes[self.id.clone()], turn);
        digits(&mut self.bytes[self.account.clone()], turn % self.accounts.max(1));
        &self.bytes
    }
}

fn digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
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
    let mut from = 0;
    while let Some(at) = text[from..].iter().position(|byte| *byte == what[0]) {
        if text[from + at..].starts_with(what) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
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

    #[test]
    fn ids_differ_and_accounts_go_round() {
        let mut requests = Requests::new(("/v1/decisions", "token", "/bench"), (3, 2), 2);
        let first = requests.advance().to_vec();
        let second = requests.advance().to_vec();
        assert!(
            find(&first, b"bench-0000000000000003\"").is_some()
                && find(&second, b"bench-0000000000000005\"").is_some()
        );
        assert!(find(&first, b"\"account\":\"bench-000000000001\"").is_some());
    }
}
