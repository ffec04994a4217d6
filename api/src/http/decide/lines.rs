//! Decisions as a stream of lines: read as they come, decided in groups, answered in order.

use super::many;
use crate::http::App;
use crate::http::read;
use axum::body::{Body, BodyDataStream};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use hyper::body::Bytes;
use std::convert::Infallible;
use std::mem;
use std::sync::Arc;

pub(super) const MEDIA_TYPE: &str = "application/x-ndjson";

/// Most lines that are decided as one group: enough to fill a commit, few enough to be answered soon.
const GROUP_MAX: usize = 256;
/// Groups of one stream that may be under way at once: one is read while another is decided, synced or written.
const GROUPS_AHEAD: usize = 2;

/// The answers to all lines of a body, begun before the body has ended.
pub(super) fn answers(app: Arc<App>, actor: Arc<str>, body: Body) -> Response {
    let lines = Lines { body: body.into_data_stream(), text: Vec::new(), ended: false };
    let groups = stream::unfold(lines, async |mut lines| Some((lines.group().await?, lines)));
    let answered = groups.map(move |group| {
        let (app, actor) = (app.clone(), actor.clone());
        async move { Ok::<_, Infallible>(answer(&app, &actor, &group).await) }
    });
    let mut response = Response::new(Body::from_stream(answered.buffered(GROUPS_AHEAD)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

async fn answer(app: &App, actor: &Arc<str>, text: &[u8]) -> Bytes {
    let mut out = Vec::new();
    let lines = text.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    many::decide(app, actor, lines.filter(|line| !line.is_empty()), (&mut out, b'\n')).await;
    out.into()
}

/// A body that is cut at its line ends.
struct Lines {
    body: BodyDataStream,
    /// What was read and not cut off yet.
    text: Vec<u8>,
    ended: bool,
}

impl Lines {
    /// The next lines that are there; waits only when not one is whole. `None`: there are no more.
    ///
    /// A line that is longer than a request may be is the last one: nothing after it is read.
    async fn group(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(end) = end_of_group(&self.text) {
                let rest = self.text.split_off(end);
                return Some(mem::replace(&mut self.text, rest));
            }
            self.ended |= self.text.len() > read::BODY_MAX;
            if self.ended {
                // The last line needs no end.
                let last = mem::take(&mut self.text);
                return (!last.is_empty()).then_some(last);
            }
            match self.body.next().await {
                Some(Ok(bytes)) => self.text.extend_from_slice(&bytes),
                // Half a line of a connection that broke off is no request.
                Some(Err(_)) => (self.ended, self.text) = (true, Vec::new()),
                None => self.ended = true,
            }
        }
    }
}

/// Where the last whole line ends, or that of a full group.
fn end_of_group(text: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', text).take(GROUP_MAX).last().map(|end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_ends_with_the_last_whole_line_or_when_it_is_full() {
        assert_eq!(end_of_group(b""), None);
        assert_eq!(end_of_group(b"half a li"), None);
        assert_eq!(end_of_group(b"one\ntwo\nhalf"), Some(8));
        assert_eq!(end_of_group("x\n".repeat(GROUP_MAX + 3).as_bytes()), Some(2 * GROUP_MAX));
    }
}
