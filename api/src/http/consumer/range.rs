//! Which time a report is about: by default the account's current month.

use crate::http::error::Problem;
use crate::http::{App, text};
use domain::ids::Name;
use domain::rejection::Rejection;
use domain::time::{Calendar, Period, Timestamp};

/// The time `[from, to)`, and what time it is.
pub(super) struct Range {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) now: Timestamp,
}

impl Range {
    /// What was asked for, else the current month of the account.
    pub(super) async fn of(
        app: &App,
        account: &Name,
        (from, to): (Option<&str>, Option<&str>),
    ) -> Result<Self, Problem> {
        let (from, to) = (text::time("from", from)?, text::time("to", to)?);
        let (calendar, now) = calendar(app, account).await?;
        let month = calendar.period(Period::Month, now);
        let (from, to) = (from.unwrap_or(month.0), to.unwrap_or(month.1));
        text::ordered(from, to)?;
        Ok(Self { from, to, now })
    }

    /// A month of the account's calendar, as `YYYY-MM`.
    pub(super) async fn month(app: &App, account: &Name, month: &str) -> Result<Self, Problem> {
        let wrong = || Problem::invalid("month", "must be a month such as 2026-01");
        // The middle of the month lies in it whatever the calendar.
        let middle: Timestamp = format!("{month}-15T12:00:00Z").parse().map_err(|_| wrong())?;
        let (calendar, now) = calendar(app, account).await?;
        let (from, to) = calendar.period(Period::Month, middle);
        Ok(Self { from, to, now })
    }
}

async fn calendar(app: &App, account: &Name) -> Result<(Calendar, Timestamp), Problem> {
    let name = account.clone();
    let read = app.engine.read(None, move |book, now| {
        book.account(name.as_str()).map(|account| (account.calendar.clone(), now))
    });
    Ok(read.await?.ok_or_else(|| Rejection::UnknownAccount(account.clone()))?)
}
