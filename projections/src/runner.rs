//! Keeps read models caught up: reads committed events in order and gives each view those it has not seen.

use crate::origins::{Origins, UnknownDecision};
use crate::views::{balances, counters};
use async_trait::async_trait;
use domain::event::Entry;
use domain::ids::Position;
use domain::log::codec::{self, CodecError};
use domain::log::{Cause, EventStore, FrameError, StoreError};
use futures_util::future::{join, poll_fn, try_join_all};
use std::mem;
use std::sync::Arc;
use std::task::Poll;

/// Events of one step: a transaction of every view. Many, because a row that many of them change is then read and
/// written once; a view in PostgreSQL has 30 s for them.
pub const STEP: usize = 65_536;
/// Admissions that are remembered from one step to the next; for others the log is asked.
const ORIGINS_MAX: usize = 100_000;

/// A read model on disk: rows, and the position up to which they say what the log says.
#[async_trait]
pub trait View: Send {
    fn name(&self) -> &'static str;

    /// The last event that is in the rows; looks whether a rebuilt view has taken this one's place.
    async fn position(&mut self) -> Result<Position, ViewError>;

    /// Folds the entries after its position, the first of which must be the next; rows and position in one
    /// transaction. Returns how far its rows have come: not so far where another process keeps it too and came first.
    async fn apply(&mut self, entries: &[Entry], origins: &Origins) -> Result<Position, ViewError>;
}

/// A view that cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    #[error(transparent)]
    Fold(#[from] UnknownDecision),
    #[error(transparent)]
    Credit(#[from] balances::Misfit),
    #[error(transparent)]
    Counts(#[from] counters::Misfit),
    #[error("its rows cannot be read or written")]
    Rows(#[source] Cause),
}

/// Why views do not follow the log.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("the log cannot be read")]
    Store(#[from] StoreError),
    #[error("the frame at position {position} is not whole")]
    Frame {
        position: Position,
        #[source]
        cause: FrameError,
    },
    #[error("the event at position {position} cannot be read by this release")]
    Unreadable {
        position: Position,
        #[source]
        cause: CodecError,
    },
    #[error("the view {name} stopped after position {position}")]
    View {
        name: &'static str,
        position: Position,
        #[source]
        cause: ViewError,
    },
}

impl RunError {
    /// Whether it may go better later.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Store(StoreError::NotWritten(_) | StoreError::MaybeWritten(_))
                | Self::View { cause: ViewError::Rows(_), .. }
        )
    }
}

/// Where the views of a book are kept.
#[async_trait]
pub trait Shelf: Send + Sync {
    /// Opens every view to keep it; one that is missing, of another fold or of another book begins anew.
    async fn open(&self) -> Result<Vec<Box<dyn View>>, ViewError>;
}

#[async_trait]
impl View for Box<dyn View> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    async fn position(&mut self) -> Result<Position, ViewError> {
        (**self).position().await
    }

    async fn apply(&mut self, entries: &[Entry], origins: &Origins) -> Result<Position, ViewError> {
        (**self).apply(entries, origins).await
    }
}

/// Views of one book, and its log.
pub struct Runner<V> {
    log: Arc<dyn EventStore>,
    views: Vec<V>,
    origins: Origins,
    /// Events that were read while those before them were folded.
    ahead: Vec<Entry>,
    /// Events of the next step, at most.
    most: usize,
}

impl<V: View> Runner<V> {
    pub fn new(log: Arc<dyn EventStore>, views: Vec<V>) -> Self {
        Self { log, views, origins: Origins::new(ORIGINS_MAX), ahead: Vec::new(), most: STEP }
    }

    /// Goes on with steps as long as another runner's were at its end.
    #[must_use]
    pub fn with_steps_of(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Events of the next step, at most: half as many after one that failed, for it may have been too long for a slow
    /// database; an eighth more after one that went well, up to [`STEP`].
    pub fn most(&self) -> usize {
        self.most
    }

    /// The views, for what is to be done with them besides.
    pub fn views(&mut self) -> &mut Vec<V> {
        &mut self.views
    }

    /// Gives the views that are furthest behind their next events, none after `until`; returns how far the last of
    /// all has come. Whoever calls until that is `until` has caught up.
    ///
    /// # Errors
    /// Names the event, or the view and the position where it stopped. What was folded before stays.
    pub async fn step(&mut self, until: Position) -> Result<Position, RunError> {
        let positions = self.positions().await?;
        let behind = last_of(&positions);
        if behind >= until {
            return Ok(behind);
        }
        let stepped = self.step_from(behind, positions, until).await;
        self.most = match &stepped {
            Ok(_) => STEP.min(self.most + self.most / 8 + 1),
            Err(_) => (self.most / 2).max(1),
        };
        stepped
    }

    async fn step_from(
        &mut self,
        behind: Position,
        positions: Vec<Position>,
        until: Position,
    ) -> Result<Position, RunError> {
        let entries = self.next(behind + 1, until).await?;
        self.learn(&entries).await?;
        let (origins, views) = (&self.origins, self.views.iter_mut().zip(positions));
        let folded = try_join_all(views.map(|(view, at)| fold(view, at, &entries, origins)));
        let ahead = decoded(&*self.log, behind + 1 + entries.len() as Position, until, self.most);
        let (reached, ahead) = join(folded, ahead).await;
        // Whatever is wrong with the next events is told when it is their turn.
        self.ahead = ahead.unwrap_or_default();
        self.origins.trim();
        Ok(last_of(&reached?))
    }

    /// The events from a position on, as they were read ahead or as they are read now.
    async fn next(&mut self, from: Position, until: Position) -> Result<Vec<Entry>, RunError> {
        let ahead = mem::take(&mut self.ahead);
        if ahead.first().is_some_and(|first| first.position == from) {
            return Ok(ahead);
        }
        decoded(&*self.log, from, until, self.most).await
    }

    /// How far the last of all views has come.
    ///
    /// # Errors
    /// When a view cannot tell.
    pub async fn position(&mut self) -> Result<Position, RunError> {
        self.positions().await.map(|positions| last_of(&positions))
    }

    async fn positions(&mut self) -> Result<Vec<Position>, RunError> {
        let mut positions = Vec::with_capacity(self.views.len());
        for view in &mut self.views {
            let name = view.name();
            let position = view.position().await;
            positions.push(position.map_err(|cause| RunError::View { name, position: 0, cause })?);
        }
        Ok(positions)
    }

    /// Learns the admissions among these entries, and those before them that they speak of.
    async fn learn(&mut self, entries: &[Entry]) -> Result<(), RunError> {
        self.origins.learn(entries);
        for decision in self.origins.missing(entries) {
            self.origins.learn(&decoded(&*self.log, decision, decision, 1).await?);
        }
        Ok(())
    }
}

fn last_of(positions: &[Position]) -> Position {
    positions.iter().copied().min().unwrap_or(Position::MAX)
}

async fn fold<V: View>(
    view: &mut V,
    position: Position,
    entries: &[Entry],
    origins: &Origins,
) -> Result<Position, RunError> {
    let name = view.name();
    view.apply(entries, origins).await.map_err(|cause| RunError::View { name, position, cause })
}

/// The events from a position up to another one, at most so many. What stands before an event that cannot be read is given
/// first, so that views come up to that very event.
async fn decoded(
    log: &dyn EventStore,
    from: Position,
    until: Position,
    most: usize,
) -> Result<Vec<Entry>, RunError> {
    let most = usize::try_from((until + 1).saturating_sub(from)).map_or(most, |left| left.min(most));
    if most == 0 {
        return Ok(Vec::new());
    }
    let mut entries = Vec::with_capacity(most);
    for frame in log.read(from, most).await? {
        let events = frame.events().map_err(|cause| RunError::Frame { position: frame.first(), cause })?;
        for (position, text) in events.filter(|(position, _)| *position >= from) {
            if entries.len() == most {
                return Ok(entries);
            }
            match codec::decode(text) {
                Ok(entry) => entries.push(entry),
                Err(cause) if entries.is_empty() => return Err(RunError::Unreadable { position, cause }),
                Err(_) => return Ok(entries),
            }
        }
        give_way().await;
    }
    Ok(entries)
}

/// Lets what else is to be done in the same task have its turn.
async fn give_way() {
    let mut has_waited = false;
    poll_fn(|context| {
        context.waker().wake_by_ref();
        if mem::replace(&mut has_waited, true) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}
