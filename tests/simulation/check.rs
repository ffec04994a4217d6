//! What must hold of answers, failures, ends, and of the whole book when nothing is on its way.

use crate::follow;
use crate::node::Node;
use crate::reference::Foretold;
use crate::report::Report;
use crate::store::SimStore;
use crate::translate::micro;
use crate::wish::Asked;
use crate::world::{KEY, World};
use adapters::system::Clock;
use api::engine::{Answer, Committed, Failure, Source, load};
use domain::book::Book;
use domain::event::Event;
use domain::log::codec;
use domain::policy::Mode;
use projections::audit::Audit;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Sends of one frame that told nothing sure, after which an engine that was asked to stop gives up.
const DOUBTS: u32 = 5;

/// A1, and that an answer is what the log says; its kind.
pub(crate) fn answer(store: &SimStore, asked: &Asked, committed: &Committed) -> Result<String, String> {
    if committed.position > store.durable() {
        return Err(format!("A1: {asked:?} was answered from {}, which is lost", committed.position));
    }
    let entry = match &committed.answer {
        Answer::Entry(entry) | Answer::Repeat(entry) => entry,
        Answer::Collapsed(denied) => return Ok(format!("{} (counted)", denied.kind.code())),
        Answer::Rejected(rejection) => {
            let text = crate::translate::rejection(rejection);
            return Ok(text.split(' ').next().unwrap_or_default().to_owned());
        }
    };
    let stored = follow::entry(store, committed.position)?;
    if **entry != stored {
        return Err(format!("{asked:?} was answered {entry:?}, the log has {stored:?}"));
    }
    if let Answer::Repeat(_) = committed.answer {
        return repeat(asked, &stored.event, stored.request.as_ref().map(|tag| &*tag.id));
    }
    Ok(match &stored.event {
        Event::RequestDenied(denied) => denied.kind.code().to_owned(),
        other => other.kind().to_owned(),
    })
}

/// A repeat is of the same id, or of the same settle, beginning or refund.
fn repeat(asked: &Asked, event: &Event, id: Option<&str>) -> Result<String, String> {
    use crate::wish::Wish;
    let same = match (&asked.wish, event) {
        (Wish::Settle { decision, .. }, Event::RequestSettled(event)) => event.decision == *decision,
        (Wish::Begin { decision }, Event::RequestBegun(event)) => event.decision == *decision,
        (Wish::Refund { decision, refund, .. }, Event::CreditRefunded(event)) => {
            event.decision == *decision && event.refund.as_str() == refund
        }
        _ => false,
    };
    if same || id == Some(asked.id.as_str()) {
        return Ok("the first answer again".to_owned());
    }
    Err(format!("{asked:?} got the answer of another: {event:?}"))
}

/// The decision that an answer tells of.
pub(crate) fn decision(committed: &Committed) -> Option<u64> {
    let (Answer::Entry(entry) | Answer::Repeat(entry)) = &committed.answer else { return None };
    matches!(entry.event, Event::RequestAdmitted(_)).then_some(entry.position)
}

/// What the book knows of a decision that it still keeps: what was charged and given back, and its last word.
fn decision_is(book: &Book, (position, foretold): (u64, Foretold)) -> Result<(), String> {
    let Some(kept) = book.decision(position) else { return Ok(()) };
    let settled = kept.settled.map(std::num::NonZero::get);
    let found = (micro(kept.charged.total()), micro(kept.refunded), settled);
    if found == foretold {
        return Ok(());
    }
    Err(format!("d_{position} is {found:?} and should be {foretold:?}"))
}

/// Whether there was a reason not to answer.
pub(crate) fn failure(failure: &Failure, report: &Report, node: &Node) -> Result<(), String> {
    let reason = match failure {
        Failure::Overloaded { .. } => true,
        Failure::Refusing(_) => report.has("faults", "append: "),
        Failure::ClockJumped => report.has("faults", "clock "),
        Failure::Store(_) => report.has("faults", "reads fail"),
        Failure::Stopped => node.asked_to_stop || node.engine.book().is_none(),
        Failure::Standby | Failure::Unreadable { .. } => false,
    };
    if reason { Ok(()) } else { Err(format!("no answer for no reason: {failure}")) }
}

pub(crate) fn failure_kind(failure: &Failure) -> &'static str {
    match failure {
        Failure::Overloaded { .. } => "overloaded",
        Failure::Refusing(_) => "refusing",
        Failure::Standby => "standby",
        Failure::ClockJumped => "clock jumped",
        Failure::Stopped => "stopped",
        Failure::Store(_) | Failure::Unreadable { .. } => "log not read",
    }
}

/// Whether an engine had a reason to end; which. Nothing here damages a log, so no engine may end for that.
pub(crate) fn end(node: &Node, store: &SimStore, why: &str, failed: bool) -> Result<&'static str, String> {
    let told = store.told(node.client);
    let ends = [
        ("it was asked to stop", "in good order", node.asked_to_stop && !failed),
        ("another writer", "met another writer", met_another_writer(node, store)),
        ("make data durable", "a failed sync", told.sync_failed),
        (
            "unknown whether the last append",
            "stopped in doubt",
            node.asked_to_stop && told.in_doubt >= DOUBTS,
        ),
    ];
    match ends.iter().find(|(part, ..)| why.contains(part)) {
        Some((_, kind, true)) => Ok(kind),
        Some((_, _, false)) => Err(format!("an engine ended for no reason: {why}")),
        None => Err(format!("an engine ended: {why}")),
    }
}

/// Whether the log goes on with another's frame where this engine's own ends. A frame of its own that was written and
/// that it does not know of is no other writer: it has to find that out, not to step down.
fn met_another_writer(node: &Node, store: &SimStore) -> bool {
    let author = store.author_after(node.handle.health().head);
    author.is_some_and(|author| author != node.client)
}

impl World {
    /// The log, its fold, the running state and the reference, when nothing is on its way.
    pub(crate) fn check_all(&mut self) -> Result<(), String> {
        let node = self.nodes.last().ok_or("no engine runs")?;
        let running = node.engine.book().ok_or("the engine has ended")?;
        let folded = load(&self.source()).map_err(|error| format!("the log does not fold: {error}"))?.book;
        if let Some(field) = running.differs_from(&folded) {
            return Err(format!("L2: the running state and the fold of the log differ in {field}"));
        }
        self.check_snapshots(running)?;
        self.compare(running)?;
        self.audit(running)?;
        self.report.add("checks", "log = fold = running state = reference, and audit");
        Ok(())
    }

    /// No snapshot speaks of what the log does not have, and a start from the newest one gives the same state.
    fn check_snapshots(&self, running: &Book) -> Result<(), String> {
        let Some(snapshots) = self.snapshots() else { return Ok(()) };
        let ahead = self.runtime.block_on(snapshots.ahead_of(&self.store));
        if let Some((_, position)) = ahead.map_err(|error| error.to_string())? {
            return Err(format!("a snapshot of event {position} is of no log"));
        }
        let source = Source { snapshots: Some(Arc::new(snapshots)), ..self.source() };
        let loaded = load(&source).map_err(|error| format!("no start from a snapshot: {error}"))?;
        match running.differs_from(&loaded.book) {
            Some(field) => Err(format!("L2: a start from event {} differs in {field}", loaded.snapshot)),
            None => Ok(()),
        }
    }

    fn compare(&self, book: &Book) -> Result<(), String> {
        let node = self.nodes.last().ok_or("no engine runs")?;
        let now = self.clock.now().map_or(book.at(), |now| now.max(book.at()));
        for (name, live, test) in node.reference.balances(now.micros()) {
            let account = book.account(&name).ok_or_else(|| format!("the book has no account {name}"))?;
            for (mode, foretold) in [(Mode::Live, live), (Mode::Test, test)] {
                let balance = account.balance(mode, now);
                let found = (micro(balance.0), micro(balance.1));
                if found != foretold {
                    return Err(format!("{name} has {found:?} and should have {foretold:?} ({mode:?})"));
                }
            }
        }
        for (name, account) in book.accounts().iter() {
            let open: BTreeSet<_> = account.open_decisions().iter().map(|(_, position)| *position).collect();
            let foretold = node.reference.waiting(name.as_str());
            if open != foretold {
                return Err(format!("{name} has {open:?} open and should have {foretold:?}"));
            }
        }
        node.reference.decisions().try_for_each(|foretold| decision_is(book, foretold))
    }

    fn audit(&self, running: &Book) -> Result<(), String> {
        let mut audit = Audit::new(self.config.bounds.ids_max);
        let mut book = Book::new(KEY, self.config.bounds);
        for frame in self.store.frames_after(0) {
            for (position, text) in frame.events().map_err(|error| error.to_string())? {
                let stated = (position == frame.end()).then(|| frame.last());
                audit.observe_text(position, text.as_bytes(), stated);
                let entry = codec::decode(text).map_err(|error| error.to_string())?;
                audit.observe(&entry);
                book.apply(&entry).map_err(|error| format!("{position}: {error}"))?;
            }
        }
        audit.compare(&book, running);
        let report = audit.finish(&book);
        if report.is_clean() {
            return Ok(());
        }
        let findings: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
        Err(format!("the audit found:\n  {}", findings.join("\n  ")))
    }
}
