//! Along the log: every event, and in their places the answers that no event tells of, against the reference.

use crate::node::Heard;
use crate::reference::Reference;
use crate::spec::Micros;
use crate::store::SimStore;
use crate::translate;
use crate::wish::{Asked, Fact, Verdict};
use api::engine::{Answer, Committed};
use domain::event::Entry;
use domain::log::codec;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

/// Every command that was ever sent, by sender, id and content: the log names them.
pub(crate) type Commands = BTreeMap<(String, String, u64), Rc<Asked>>;

/// The log of the engine whose answers were heard; how many events were followed.
pub(crate) fn own(
    reference: &mut Reference,
    (store, commands): (&SimStore, &Commands),
    until: u64,
    heard: &[Heard],
) -> Result<u64, String> {
    let mut silent: Vec<_> = heard.iter().filter_map(silent).collect();
    silent.sort_by_key(|(_, committed)| committed.position);
    let mut silent = silent.into_iter().peekable();
    let mut log = Log::between(store, reference.position, until)?;
    loop {
        let place = reference.position;
        while let Some((asked, committed)) = silent.next_if(|(_, committed)| committed.position <= place) {
            check_silent(reference, asked, committed)?;
        }
        if log.entries.is_empty() {
            break;
        }
        log.next(reference, commands, false)?;
    }
    match silent.next() {
        Some((asked, committed)) => {
            Err(format!("an answer to {asked:?} saw {}, which is not durable", committed.position))
        }
        None => Ok(log.followed),
    }
}

/// The log of others, up to its end.
pub(crate) fn foreign(
    reference: &mut Reference,
    (store, commands): (&SimStore, &Commands),
    until: u64,
) -> Result<u64, String> {
    let mut log = Log::between(store, reference.position, until)?;
    while !log.entries.is_empty() {
        log.next(reference, commands, true)?;
    }
    Ok(log.followed)
}

/// The event at a position, as the log has it.
pub(crate) fn entry(store: &SimStore, position: u64) -> Result<Entry, String> {
    let frame = store.frame_of(position).ok_or_else(|| format!("the log does not reach {position}"))?;
    let mut events = frame.events().map_err(|error| error.to_string())?;
    let (_, text) = events.find(|(place, _)| *place == position).ok_or("a frame lacks its event")?;
    codec::decode(text).map_err(|error| error.to_string())
}

/// An answer that stands for no event of its own.
fn silent(heard: &Heard) -> Option<(&Asked, &Committed)> {
    let committed = heard.outcome.as_ref().ok()?;
    match committed.answer {
        Answer::Collapsed(_) | Answer::Rejected(_) => Some((&heard.asked, committed)),
        Answer::Entry(_) | Answer::Repeat(_) => None,
    }
}

fn check_silent(reference: &mut Reference, asked: &Asked, committed: &Committed) -> Result<(), String> {
    let (now, place) = (committed.at.micros(), reference.position);
    if committed.position != place {
        return Err(format!("an answer to {asked:?} saw {}, the log is at {place}", committed.position));
    }
    let given = match &committed.answer {
        Answer::Collapsed(denied) => {
            let stream = reference.stream_of(&asked.wish).ok_or_else(|| format!("{asked:?} was counted"))?;
            Verdict::Counted(stream, Box::new(translate::denied(denied)))
        }
        Answer::Rejected(rejection) => Verdict::Rejected(translate::rejection(rejection)),
        Answer::Entry(_) | Answer::Repeat(_) => return Ok(()),
    };
    if given == Verdict::Rejected("TooManySubjects".to_owned()) {
        return reference.may_be_full(&asked.wish);
    }
    let foretold = reference.answer(asked, now)?;
    if foretold == given {
        return Ok(());
    }
    Err(format!("after {place} at {now} {asked:?}\n  was answered {given:?}\n  and should be {foretold:?}"))
}

/// The events of the log that were not followed yet.
struct Log {
    entries: VecDeque<Entry>,
    followed: u64,
}

impl Log {
    /// The events after one position, up to and with another.
    fn between(store: &SimStore, after: u64, until: u64) -> Result<Self, String> {
        let mut entries = VecDeque::new();
        let frames = if until > after { store.frames_after(after) } else { Vec::new() };
        for frame in frames {
            for (position, text) in frame.events().map_err(|error| error.to_string())? {
                if position > after && position <= until {
                    entries.push_back(codec::decode(text).map_err(|error| format!("{position}: {error}"))?);
                }
            }
        }
        Ok(Self { entries, followed: 0 })
    }

    /// Foretells the next event and all that follows from it, and compares.
    fn next(&mut self, reference: &mut Reference, commands: &Commands, foreign: bool) -> Result<(), String> {
        let Some(first) = self.entries.front() else { return Ok(()) };
        let (position, now) = (first.position, first.at.micros());
        let (stream, fact) = (translate::stream(&first.stream), translate::fact(&first.event));
        if position != reference.position + 1 || now < reference.at {
            return Err(format!(
                "event {position} at {now} after {} at {}",
                reference.position, reference.at
            ));
        }
        let tag = first.request.as_ref();
        let asked = tag.map(|tag| (first.actor.to_string(), tag.id.to_string(), tag.fingerprint));
        let foretold = match asked {
            Some(name) => {
                let asked = commands.get(&name).ok_or_else(|| format!("{position}: nobody sent {name:?}"))?;
                match reference.answer(asked, now).map_err(|why| format!("{position}: {why}"))? {
                    Verdict::Recorded(facts) => facts,
                    other => return Err(different((position, now), asked, &fact, &other)),
                }
            }
            None => reference
                .by_itself((&stream, &fact), foreign, now)
                .map_err(|why| format!("at {position} ({now}) {fact:?}: {why}"))?,
        };
        for (place, foretold) in (position..).zip(foretold) {
            self.compare(reference, (place, now), &foretold)?;
        }
        Ok(())
    }

    fn compare(
        &mut self,
        reference: &mut Reference,
        (place, now): (u64, Micros),
        foretold: &(String, Fact),
    ) -> Result<(), String> {
        let found =
            self.entries.pop_front().ok_or_else(|| format!("the log lacks {foretold:?} at {place}"))?;
        let told = (translate::stream(&found.stream), translate::fact(&found.event));
        if &told != foretold || found.position != place || found.at.micros() != now {
            let asked = found.request;
            return Err(format!(
                "at {place} ({now}, {asked:?})\n  the log has {told:?}\n  and should have {foretold:?}"
            ));
        }
        reference.follow(place, now);
        self.followed += 1;
        Ok(())
    }
}

fn different((position, now): (u64, Micros), asked: &Asked, fact: &Fact, foretold: &Verdict) -> String {
    format!("at {position} ({now}) {asked:?}\n  came to {fact:?}\n  and should come to {foretold:?}")
}
