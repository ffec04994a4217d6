//! What people read of the views, whatever keeps their rows.

use crate::runner::ViewError;
use crate::views::balances::Ledgers;
use crate::views::counters::Tally;
use crate::views::denials::{Ban, Denial};
use crate::views::holds::Hold;
use crate::views::requests::Traced;
use crate::views::statement::{Line, Standing};
use crate::views::usage::{Span, Usage, UsageKey};
use async_trait::async_trait;
use domain::account::Account;
use domain::event::{Stream, Subject};
use domain::ids::{Digest, Name, Position};
use domain::policy::{Dimension, Mode};
use domain::time::Timestamp;
use std::sync::Arc;

/// Rows in their order, and how far the view had come when they were read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Whether there are more after them.
    pub more: bool,
    pub position: Position,
}

impl<T> Page<T> {
    /// Where the next page begins: after the last row, when there are more.
    pub fn cursor<C>(&self, of: impl FnOnce(&T) -> C) -> Option<C> {
        self.rows.last().filter(|_| self.more).map(of)
    }
}

/// Which usage of an account is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsageWanted {
    pub account: Name,
    pub by: Span,
    /// Periods that begin in `[from, to)`.
    pub from: Timestamp,
    pub to: Timestamp,
    pub mode: Option<Mode>,
    pub key: Option<Name>,
    pub endpoint: Option<String>,
    /// The last row of the page before.
    pub after: Option<UsageKey>,
    pub limit: usize,
}

/// Which movements of an account are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinesWanted {
    pub account: Name,
    /// Events of `[from, to)`.
    pub from: Timestamp,
    pub to: Timestamp,
    pub after: Position,
    pub limit: usize,
}

/// Which decisions of one request id are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RequestsWanted {
    pub request: String,
    /// Ids are within their sender's ids; of every sender unless given.
    pub actor: Option<Arc<str>>,
    pub after: Position,
    pub limit: usize,
}

/// Which open holds of an account are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HoldsWanted {
    pub account: Name,
    pub after: Position,
    pub limit: usize,
}

/// Whose refusals.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refused {
    Everybody,
    Account(Name),
    /// Whoever came from an address.
    Ip(Digest),
}

/// Which refusals are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DenialsWanted {
    pub of: Refused,
    /// Events of `[from, to)`.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub after: Position,
    pub limit: usize,
}

/// Whose bans: a hash says nothing of what it is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Banned {
    pub subject: Digest,
    /// Any unless given.
    pub by: Option<Dimension>,
}

/// Which bans are asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BansWanted {
    /// Everybody's unless given.
    pub of: Option<Banned>,
    pub after: Position,
    pub limit: usize,
}

/// An account's credit at a checkpoint, and where its events after that stand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Near {
    pub ledgers: Ledgers,
    /// Positions of the next events of the account's stream, in order.
    pub next: Vec<Position>,
    /// How far the views had come.
    pub position: Position,
}

/// Where events stand, by the streams that they are of, or by a subject that they speak of besides.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PlacesWanted {
    pub streams: Vec<Stream>,
    /// As in [`crate::views::subjects::Mention`].
    pub subject: Option<String>,
    pub after: Position,
    pub limit: usize,
}

/// A moment of the log: what stands before an event, or before an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// After the event at this position.
    After(Position),
    /// With all that was recorded up to and at this instant.
    At(Timestamp),
}

/// What was found, and how far the view had come that says so.
pub type At<T> = (T, Position);

/// Reads views while they are being kept.
#[async_trait]
pub trait ReadModels: Send + Sync {
    /// Usage, by period, mode, plan, key, endpoint and end.
    async fn usage(&self, wanted: &UsageWanted) -> Result<Page<(UsageKey, Usage)>, ViewError>;

    /// Movements of live credit in their order.
    async fn statement(&self, wanted: &LinesWanted) -> Result<Page<Line>, ViewError>;

    /// The last checkpoint of an account's credit that is not after a moment, and the `most` events that follow it.
    async fn near(&self, account: &Name, moment: Moment, most: usize) -> Result<Near, ViewError>;

    /// Positions of events in their order, each once.
    async fn places(&self, wanted: &PlacesWanted) -> Result<Page<Position>, ViewError>;

    /// The decisions of a request id, each with its later steps.
    async fn requests(&self, wanted: &RequestsWanted) -> Result<Page<Traced>, ViewError>;

    /// Open decisions in their order.
    async fn holds(&self, wanted: &HoldsWanted) -> Result<Page<Hold>, ViewError>;

    /// Refusals in their order.
    async fn denials(&self, wanted: &DenialsWanted) -> Result<Page<Denial>, ViewError>;

    /// Bans in their order.
    async fn bans(&self, wanted: &BansWanted) -> Result<Page<Ban>, ViewError>;

    /// How many policies had been published by a moment.
    async fn published(&self, moment: Moment) -> Result<At<usize>, ViewError>;

    /// What limits go by of a caller, as it was at a moment: an account without its credit; of an address or an owner the
    /// figures that operators set. `None` when nothing was known.
    async fn caller(&self, caller: &Subject, moment: Moment) -> Result<At<Option<Account>>, ViewError>;

    /// What a counter came to at a moment.
    async fn tally(&self, counter: Digest, moment: Moment) -> Result<At<Tally>, ViewError>;

    /// How an account stood before an instant.
    async fn standing(&self, account: &Name, before: Timestamp) -> Result<Standing, ViewError>;
}
