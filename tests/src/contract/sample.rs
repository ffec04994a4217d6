//! Sample events and frames.

use domain::log::{BookId, BookInfo, BookKind, Frame, FrameBuilder, Head};
use domain::time::Timestamp;

/// The identity of a sample book.
pub fn book(kind: BookKind) -> BookInfo {
    let created = Timestamp::from_micros(1_700_000_000_000_000);
    BookInfo { id: BookId(*b"a sample book 01"), kind, created, store: None }
}

/// A frame that follows `head`, of `count` events that say `mark`.
pub fn frame(head: Head, count: u32, mark: &str) -> Frame {
    let mut frame = open_frame(head);
    for _ in 0..count {
        let position = frame.next_position();
        let at = 1_700_000_000_000_000 + position;
        frame.push(&format!(
            r#"{{"n":{position},"s":"account-acme","v":{position},"t":"CreditGranted","sv":1,"at":{at},"by":"operator:o","d":{{"mark":"{mark}","say":"ü\"],[\\"}}}}"#
        ));
    }
    frame.finish().expect("count is at least 1")
}

/// An empty frame that follows `head`.
pub fn open_frame(head: Head) -> FrameBuilder {
    FrameBuilder::open(head.position + 1, head.hash)
}

/// Where the log ends after `frame`.
pub fn after(frame: &Frame) -> Head {
    Head { position: frame.end(), hash: frame.last() }
}

/// Every event of these frames, in order.
pub fn texts(frames: &[Frame]) -> Vec<(u64, String)> {
    let events = |frame: &Frame| -> Vec<(u64, String)> {
        let events = frame.events().expect("a store gives verified frames");
        events.map(|(position, text)| (position, text.to_owned())).collect()
    };
    frames.iter().flat_map(events).collect()
}
