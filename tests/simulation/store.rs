//! A store whose appends end only when the simulation says so, and as it says.

use async_trait::async_trait;
use domain::ids::Position;
use domain::log::{AppendOutcome, BookInfo, EventStore, Frame, Head, StoreError};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

/// The log on its medium, and the appends on their way to it. A clone is another client of the same log.
#[derive(Clone)]
pub(crate) struct SimStore {
    book: BookInfo,
    /// Which engine this client belongs to.
    client: u32,
    medium: Arc<Mutex<Medium>>,
}

#[derive(Default)]
struct Medium {
    frames: Vec<Frame>,
    /// The client that wrote each of them.
    authors: Vec<u32>,
    /// What each client was told of its appends.
    told: BTreeMap<u32, Told>,
    flights: Vec<Flight>,
    /// Frames of lost answers and dead engines that may still arrive.
    late: Vec<(u32, Frame)>,
    /// So many reads fail.
    bad_reads: u32,
    next: u64,
}

/// What an engine may end for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Told {
    /// Some sync failed.
    pub(crate) sync_failed: bool,
    /// So many sends in a row told nothing sure of one frame.
    pub(crate) in_doubt: u32,
}

struct Flight {
    id: u64,
    client: u32,
    frame: Frame,
    outcome: Option<Result<AppendOutcome, StoreError>>,
    waker: Waker,
}

/// How an append ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Ending {
    Written,
    /// Surely not written.
    Refused,
    /// Written, and the answer lost.
    LostWritten,
    /// Not written, and nobody can tell; the frame may still arrive.
    LostLate,
    /// Not written, nobody can tell, and it never will be.
    LostGone,
    /// A sync failed; the frame was written or not.
    FatalWritten,
    FatalGone,
}

impl SimStore {
    pub(crate) fn new(book: BookInfo) -> Self {
        Self { book, client: 0, medium: Arc::default() }
    }

    pub(crate) fn client(&self, client: u32) -> Self {
        Self { client, ..self.clone() }
    }

    fn medium(&self) -> MutexGuard<'_, Medium> {
        self.medium.lock().expect("nobody panics in here")
    }

    /// Where the log durably ends.
    pub(crate) fn durable_head(&self) -> Head {
        head(&self.medium().frames)
    }

    /// The last durable position.
    pub(crate) fn durable(&self) -> Position {
        self.durable_head().position
    }

    /// The frame that holds a position.
    pub(crate) fn frame_of(&self, position: Position) -> Option<Frame> {
        let medium = self.medium();
        let place = medium.frames.partition_point(|frame| frame.end() < position);
        medium.frames.get(place).filter(|frame| frame.first() <= position).cloned()
    }

    pub(crate) fn frames_after(&self, position: Position) -> Vec<Frame> {
        let medium = self.medium();
        let start = medium.frames.partition_point(|frame| frame.end() <= position);
        medium.frames[start..].to_vec()
    }

    /// The appends that wait for their end.
    pub(crate) fn flying(&self) -> Vec<u64> {
        let waits = |flight: &&Flight| flight.outcome.is_none();
        self.medium().flights.iter().filter(waits).map(|flight| flight.id).collect()
    }

    /// Ends an append.
    pub(crate) fn end(&self, id: u64, ending: Ending) {
        let mut medium = self.medium();
        let Some(place) = medium.flights.iter().position(|flight| flight.id == id) else { return };
        let Flight { client, ref frame, .. } = medium.flights[place];
        let frame = frame.clone();
        let unknown = || StoreError::MaybeWritten("simulated: the answer was lost".into());
        let fatal = || StoreError::Fatal("simulated: a sync failed".into());
        let outcome = match ending {
            Ending::Written => Ok(medium.write(client, &frame)),
            Ending::Refused => Err(StoreError::NotWritten("simulated: the disk is full".into())),
            Ending::LostWritten => keep(medium.write(client, &frame), unknown()),
            Ending::LostLate => {
                medium.late.push((client, frame));
                Err(unknown())
            }
            Ending::LostGone => Err(unknown()),
            Ending::FatalWritten => keep(medium.write(client, &frame), fatal()),
            Ending::FatalGone => Err(fatal()),
        };
        medium.told.entry(client).or_default().hear(&outcome);
        let flight = &mut medium.flights[place];
        flight.outcome = Some(outcome);
        flight.waker.wake_by_ref();
    }

    /// The engine of a client is gone: its appends may still arrive, or not. `arrive` decides for each.
    pub(crate) fn orphan(&self, client: u32, mut arrive: impl FnMut() -> Orphan) -> Vec<Orphan> {
        let mut medium = self.medium();
        let (own, others) = medium.flights.drain(..).partition::<Vec<_>, _>(|flight| flight.client == client);
        medium.flights = others;
        let mut fates = Vec::new();
        for flight in own.into_iter().filter(|flight| flight.outcome.is_none()) {
            let fate = arrive();
            match fate {
                Orphan::Gone => {}
                Orphan::Late => medium.late.push((client, flight.frame)),
                Orphan::Written => drop(medium.write(client, &flight.frame)),
                Orphan::Torn => medium.tear(client, &flight.frame),
            }
            fates.push(fate);
        }
        fates
    }

    /// A frame that was on its way for long arrives, if it still fits; whether it did.
    pub(crate) fn arrive_late(&self, which: usize) -> bool {
        let mut medium = self.medium();
        if medium.late.is_empty() {
            return false;
        }
        let place = which % medium.late.len();
        let (client, frame) = medium.late.swap_remove(place);
        let before = medium.frames.len();
        let outcome = medium.write(client, &frame);
        outcome == AppendOutcome::Appended && medium.frames.len() > before
    }

    /// Who wrote the frame that follows a position.
    pub(crate) fn author_after(&self, position: Position) -> Option<u32> {
        let medium = self.medium();
        let place = medium.frames.partition_point(|frame| frame.end() <= position);
        medium.authors.get(place).copied()
    }

    /// What a client was told of its appends.
    pub(crate) fn told(&self, client: u32) -> Told {
        self.medium().told.get(&client).copied().unwrap_or_default()
    }

    /// The frame that a client has in flight.
    pub(crate) fn frame_in_flight(&self, client: u32) -> Option<Frame> {
        let own = |flight: &&Flight| flight.client == client && flight.outcome.is_none();
        self.medium().flights.iter().find(own).map(|flight| flight.frame.clone())
    }

    pub(crate) fn fail_reads(&self, reads: u32) {
        self.medium().bad_reads = reads;
    }
}

/// What becomes of an append whose engine died.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Orphan {
    Gone,
    Late,
    Written,
    /// The power went while it was written: half a frame, which the next opening finds and cuts off.
    Torn,
}

impl Told {
    fn hear(&mut self, outcome: &Result<AppendOutcome, StoreError>) {
        match outcome {
            Ok(_) => self.in_doubt = 0,
            Err(StoreError::MaybeWritten(_)) => self.in_doubt += 1,
            // Once in doubt, "not written" tells only of this send.
            Err(StoreError::NotWritten(_)) => self.in_doubt += u32::from(self.in_doubt > 0),
            Err(StoreError::Fatal(_)) => self.sync_failed = true,
            Err(StoreError::Damaged { .. }) => {}
        }
    }
}

/// What was lost is an answer; a conflict is one that came.
fn keep(outcome: AppendOutcome, error: StoreError) -> Result<AppendOutcome, StoreError> {
    match outcome {
        AppendOutcome::Appended => Err(error),
        conflict @ AppendOutcome::Conflict { .. } => Ok(conflict),
    }
}

fn head(frames: &[Frame]) -> Head {
    frames.last().map_or_else(Head::default, |frame| Head { position: frame.end(), hash: frame.last() })
}

impl Medium {
    /// As every store: a frame that follows the head is added, one that stands there already is no news.
    fn write(&mut self, client: u32, frame: &Frame) -> AppendOutcome {
        let head = head(&self.frames);
        if frame.first() == head.position + 1 && frame.previous() == head.hash {
            self.frames.push(frame.clone());
            self.authors.push(client);
            return AppendOutcome::Appended;
        }
        let same = |there: &&Frame| there.first() == frame.first() && there.last() == frame.last();
        if self
            .frames
            .iter()
            .rev()
            .take_while(|there| there.first() >= frame.first())
            .any(|there| same(&there))
        {
            return AppendOutcome::Appended;
        }
        AppendOutcome::Conflict { head }
    }

    /// Leaves half a frame behind, and opens the log again: what does not verify is no part of it.
    fn tear(&mut self, client: u32, frame: &Frame) {
        let mut half = frame.text().len() / 2;
        while !frame.text().is_char_boundary(half) {
            half -= 1;
        }
        let text = frame.text()[..half].to_owned();
        let (first, count) = (frame.first(), frame.count());
        self.frames.push(Frame::from_parts(first, count, frame.previous(), frame.last(), text));
        self.authors.push(client);
        while self.frames.last().is_some_and(|last| last.verify().is_err()) {
            self.frames.pop();
            self.authors.pop();
        }
    }
}

#[async_trait]
impl EventStore for SimStore {
    fn book(&self) -> BookInfo {
        self.book
    }

    async fn head(&self) -> Result<Head, StoreError> {
        Ok(head(&self.medium().frames))
    }

    async fn append(&self, frame: &Frame) -> Result<AppendOutcome, StoreError> {
        let mut own = None;
        poll_fn(|context| {
            let mut medium = self.medium();
            let id = *own.get_or_insert_with(|| {
                medium.next += 1;
                let (id, frame, waker) = (medium.next, frame.clone(), context.waker().clone());
                medium.flights.push(Flight { id, client: self.client, frame, outcome: None, waker });
                id
            });
            let ended = |flight: &Flight| flight.id == id && flight.outcome.is_some();
            let Some(place) = medium.flights.iter().position(ended) else { return Poll::Pending };
            Poll::Ready(medium.flights.swap_remove(place).outcome.expect("it has ended"))
        })
        .await
    }

    async fn read(&self, from: Position, max_events: usize) -> Result<Vec<Frame>, StoreError> {
        let mut medium = self.medium();
        if medium.bad_reads > 0 {
            medium.bad_reads -= 1;
            return Err(StoreError::NotWritten("simulated: the log cannot be read".into()));
        }
        let until = from.max(1).saturating_add(Position::try_from(max_events).unwrap_or(Position::MAX));
        let start = medium.frames.partition_point(|frame| frame.end() < from);
        Ok(medium.frames[start..].iter().take_while(|frame| frame.first() < until).cloned().collect())
    }
}
