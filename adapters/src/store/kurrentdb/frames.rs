//! From events back to the frames that they were appended in.

use super::events::{Mark, Record};
use super::stream::Stream;
use crate::store::{Broken, damaged, verified};
use domain::ids::Position;
use domain::log::{ChainHash, Frame, StoreError};
use std::ops::Range;

/// The frames that hold these positions, whole, verified and in order.
pub(super) async fn read(stream: &Stream, asked: Range<Position>) -> Result<Vec<Frame>, StoreError> {
    // From the event before: the chain goes on from its hash, and most reads begin where a frame does.
    let mut found = stream.records((asked.start - 1).max(1)..asked.end).await?;
    let Some(first) = found.iter().find(|record| record.position == asked.start) else {
        return Ok(Vec::new());
    };
    let start = first.mark.first;
    if start < asked.start {
        let mut whole = stream.records(start.saturating_sub(1).max(1)..found[0].position).await?;
        whole.append(&mut found);
        found = whole;
    }
    if let Some(last) = found.last() {
        let (mark, next) = (last.mark, last.position + 1);
        let rest = stream.records(next..mark.first.saturating_add(Position::from(mark.count))).await?;
        found.extend(rest.into_iter().take_while(|record| record.mark.first == mark.first));
    }
    verified(frames(found, start)?)
}

/// The events that stand where a frame with this first position would, and were appended in one that began there.
pub(super) async fn begun_at(
    stream: &Stream,
    first: Position,
    count: u32,
) -> Result<Vec<Record>, StoreError> {
    let mut found =
        stream.records(first..first.saturating_add(Position::from(count)).saturating_add(1)).await?;
    found.retain(|record| record.mark.first == first);
    Ok(found)
}

/// Where the frame before this event's ends, when this event does not end its own: the rest is under way, or never came.
pub(super) fn before_torn(last: &Record) -> Option<Position> {
    let Mark { first, count, .. } = last.mark;
    (last.position + 1 < first.saturating_add(Position::from(count))).then(|| first - 1)
}

/// Groups the events from `start` on by frame; of those before, only the hash of the last counts.
fn frames(mut records: Vec<Record>, start: Position) -> Result<Vec<Frame>, StoreError> {
    let within = records.split_off(records.partition_point(|record| record.position < start));
    let mut previous = records.last().map_or(ChainHash::ZERO, |before| before.mark.hash);
    let mut frames = Vec::new();
    let mut within = within.into_iter().peekable();
    while let Some(first) = within.next() {
        let mark = first.mark;
        if first.position != mark.first {
            return Err(damaged(first.position, Broken));
        }
        let (mut text, mut count, mut last) = (String::from("["), 0, mark.hash);
        let mut next = Some(first);
        while let Some(record) = next {
            if count > 0 {
                text.push(',');
            }
            text.push_str(str::from_utf8(&record.data).map_err(|cause| damaged(record.position, cause))?);
            (count, last) = (count + 1, record.mark.hash);
            next = within.next_if(|next| next.mark.first == mark.first);
        }
        text.push(']');
        frames.push(Frame::from_parts(mark.first, count, previous, last, text));
        previous = last;
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn an_event_that_does_not_end_its_frame_tells_where_the_frame_before_ends() {
        let mark = Mark { hash: ChainHash::ZERO, first: 5, count: 3 };
        let at = |position| Record { position, id: Uuid::nil(), mark, data: Vec::new() };
        assert_eq!([5, 6, 7].map(|position| before_torn(&at(position))), [Some(4), Some(4), None]);
    }
}
