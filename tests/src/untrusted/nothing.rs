//! Read models that never have a row: what is asked of them is read, and answered from nothing.

use async_trait::async_trait;
use domain::account::Account;
use domain::event::Subject;
use domain::ids::{Digest, Name, Position};
use domain::time::Timestamp;
use projections::read::{
    At, BansWanted, DenialsWanted, HoldsWanted, LinesWanted, Moment, Near, Page, PlacesWanted, ReadModels,
    RequestsWanted, UsageWanted,
};
use projections::runner::{Shelf, View, ViewError};
use projections::views::counters::Tally;
use projections::views::denials::{Ban, Denial};
use projections::views::holds::Hold;
use projections::views::requests::Traced;
use projections::views::statement::{Line, Standing};
use projections::views::usage::{Usage, UsageKey};

pub(super) struct Nothing;

#[async_trait]
impl Shelf for Nothing {
    async fn open(&self) -> Result<Vec<Box<dyn View>>, ViewError> {
        Ok(Vec::new())
    }
}

fn page<T>() -> Page<T> {
    Page { rows: Vec::new(), more: false, position: 0 }
}

#[async_trait]
impl ReadModels for Nothing {
    async fn usage(&self, _: &UsageWanted) -> Result<Page<(UsageKey, Usage)>, ViewError> {
        Ok(page())
    }

    async fn statement(&self, _: &LinesWanted) -> Result<Page<Line>, ViewError> {
        Ok(page())
    }

    async fn near(&self, _: &Name, _: Moment, _: usize) -> Result<Near, ViewError> {
        Ok(Near::default())
    }

    async fn places(&self, _: &PlacesWanted) -> Result<Page<Position>, ViewError> {
        Ok(page())
    }

    async fn requests(&self, _: &RequestsWanted) -> Result<Page<Traced>, ViewError> {
        Ok(page())
    }

    async fn holds(&self, _: &HoldsWanted) -> Result<Page<Hold>, ViewError> {
        Ok(page())
    }

    async fn denials(&self, _: &DenialsWanted) -> Result<Page<Denial>, ViewError> {
        Ok(page())
    }

    async fn bans(&self, _: &BansWanted) -> Result<Page<Ban>, ViewError> {
        Ok(page())
    }

    async fn published(&self, _: Moment) -> Result<At<usize>, ViewError> {
        Ok((0, 0))
    }

    async fn caller(&self, _: &Subject, _: Moment) -> Result<At<Option<Account>>, ViewError> {
        Ok((None, 0))
    }

    async fn tally(&self, _: Digest, _: Moment) -> Result<At<Tally>, ViewError> {
        Ok((Tally::default(), 0))
    }

    async fn standing(&self, _: &Name, _: Timestamp) -> Result<Standing, ViewError> {
        Ok(Standing::default())
    }
}
