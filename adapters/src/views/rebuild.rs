//! A view folded from nothing beside the one in use, compared with it, and put into its place.

use super::session::{Found, Session};
use async_trait::async_trait;
use domain::event::Entry;
use domain::ids::Position;
use projections::origins::Origins;
use projections::runner::{View, ViewError};

/// Rows of one table that a comparison names at most.
const NAMED: u32 = 10;

/// A row that the view in use and the one folded anew do not share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    pub table: &'static str,
    /// Whether the row stands in the view that is in use; else in the one folded anew.
    pub in_use: bool,
    /// Its columns, `name=value`.
    pub row: String,
}

/// What each kind of database does for a view that is being folded from nothing.
#[async_trait]
pub(super) trait Building: Send {
    fn name(&self) -> &'static str;

    fn position(&self) -> Position;

    fn in_use(&self) -> Option<Position>;

    async fn apply(&mut self, entries: &[Entry], origins: &Origins) -> Result<(), ViewError>;

    async fn hold_still(&mut self) -> Result<Option<Position>, ViewError>;

    async fn compare(&mut self) -> Result<Vec<Difference>, ViewError>;

    async fn take_over(self: Box<Self>) -> Result<(), ViewError>;

    async fn discard(self: Box<Self>) -> Result<(), ViewError>;
}

/// A view that is being folded from nothing.
pub struct Fresh(pub(super) Box<dyn Building>);

impl Fresh {
    /// How far the view in use had come when it was last looked at; none when there is none of this fold that can be
    /// read.
    pub fn in_use(&self) -> Option<Position> {
        self.0.in_use()
    }

    /// Holds the view in use still, as seen from here, and says how far it has come: this one must be folded up to
    /// there, then compared.
    ///
    /// # Errors
    /// When its rows cannot be read.
    pub async fn hold_still(&mut self) -> Result<Option<Position>, ViewError> {
        self.0.hold_still().await
    }

    /// Rows that only one of both has, at most ten of each table; ends the hold.
    ///
    /// # Errors
    /// When rows cannot be read, or this view is not where the other is.
    pub async fn compare(&mut self) -> Result<Vec<Difference>, ViewError> {
        let (live, rebuilt) = (self.0.in_use(), self.0.position());
        if live != Some(rebuilt) {
            let text = format!("the views are at positions {live:?} and {rebuilt}");
            return Err(ViewError::Rows(text.into()));
        }
        self.0.compare().await
    }

    /// Puts this view into the place of the one in use; whoever keeps that goes on with this one.
    ///
    /// # Errors
    /// When it cannot be put there.
    pub async fn take_over(self) -> Result<(), ViewError> {
        self.0.take_over().await
    }

    /// Throws this view away.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub async fn discard(self) -> Result<(), ViewError> {
        self.0.discard().await
    }
}

#[async_trait]
impl View for Fresh {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    async fn position(&mut self) -> Result<Position, ViewError> {
        Ok(self.0.position())
    }

    async fn apply(&mut self, entries: &[Entry], origins: &Origins) -> Result<Position, ViewError> {
        self.0.apply(entries, origins).await?;
        Ok(self.0.position())
    }
}

/// The rows that only one of two schemas has: that of the view in use, and that of the one folded anew.
pub(super) async fn differences<S: Session>(
    of: &mut S,
    tables: &[&'static str],
    (live, fresh): (&str, &str),
) -> Result<Vec<Difference>, ViewError> {
    let mut found = Vec::new();
    for table in tables {
        for (in_use, of_one, not_of) in [(true, live, fresh), (false, fresh, live)] {
            let sql =
                format!("SELECT * FROM {of_one}.{table} EXCEPT SELECT * FROM {not_of}.{table} LIMIT {NAMED}");
            let rows = of.fetch(&sql, Vec::new()).await?;
            found.extend(rows.iter().map(|row| Difference { table, in_use, row: row.shown() }));
        }
    }
    Ok(found)
}
