//! Usage by hour, day and month.

use super::file::{Failed, Model};
use super::rows::{count, credits, figure, insert, instant, parsed, perhaps, text};
use async_trait::async_trait;
use domain::event::Entry;
use domain::map::Map;
use domain::policy::Mode;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::usage::{self as model, Calendars, Ended, Span, UsageKey};
use sqlx::query_builder::Separated;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Row, Sqlite, query};
use std::collections::BTreeSet;

pub(super) struct Usage;

const ADD: &str = "INSERT INTO usage (account, by, start, until, mode, plan, key, endpoint, ended, gate, requests, \
    units, refused, settled, late, held, released, charged, refunded, uncollected) ";
/// Sums are made outside, of exact decimals.
const ANEW: &str = " ON CONFLICT DO UPDATE SET requests = excluded.requests, units = excluded.units, \
    refused = excluded.refused, settled = excluded.settled, late = excluded.late, held = excluded.held, \
    released = excluded.released, charged = excluded.charged, refunded = excluded.refunded, \
    uncollected = excluded.uncollected";

/// The rows of these accounts whose periods are among these.
const KNOWN: &str = "SELECT usage.* FROM json_each(?1) AS asked JOIN usage \
    ON usage.account = asked.value ->> 0 AND usage.by = asked.value ->> 1 AND usage.start = asked.value ->> 2";

#[async_trait]
impl Model for Usage {
    const NAME: &'static str = "usage";
    const VERSION: i64 = 1;
    const SCHEMA: &'static str = include_str!("../../../migrations/views/sqlite/usage.sql");
    const TABLES: &'static [&'static str] = &["usage", "calendars"];

    async fn write(to: &mut SqliteConnection, entries: &[Entry], origins: &Origins) -> Result<(), ViewError> {
        let mut calendars = calendars(to, entries, origins).await?;
        let known = calendars.clone();
        let mut rows = model::fold(entries, origins, &mut calendars)?;
        for (key, usage) in existing(to, &rows).await? {
            if let Some(sum) = rows.get_mut(&key) {
                *sum = usage.plus(sum);
            }
        }
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        insert(to, (ADD, ANEW), rows, bind).await?;
        calendars.retain(|account, calendar| known.get(account) != Some(calendar));
        keep(to, calendars).await
    }
}

async fn calendars(
    of: &mut SqliteConnection,
    entries: &[Entry],
    origins: &Origins,
) -> Result<Calendars, ViewError> {
    let accounts: BTreeSet<_> = model::accounts(entries, origins).collect();
    let sql = "SELECT account, calendar FROM calendars WHERE account IN (SELECT value FROM json_each(?1))";
    let rows = query(sql).bind(serde_json::json!(accounts).to_string()).fetch_all(of).await.rows()?;
    let mut calendars = Calendars::default();
    for row in &rows {
        let calendar = serde_json::from_str(row.try_get("calendar").rows()?);
        calendars
            .insert(parsed(row, "account")?, calendar.map_err(|error| ViewError::Rows(Box::new(error)))?);
    }
    Ok(calendars)
}

async fn keep(to: &mut SqliteConnection, calendars: Calendars) -> Result<(), ViewError> {
    let mut calendars: Vec<_> = calendars.into_iter().collect();
    calendars.sort_by(|(a, _), (b, _)| a.cmp(b));
    let statement = (
        "INSERT INTO calendars (account, calendar) ",
        " ON CONFLICT DO UPDATE SET calendar = excluded.calendar",
    );
    insert(to, statement, calendars, |row, (account, calendar)| {
        row.push_bind(account.to_string()).push_bind(serde_json::json!(calendar).to_string());
    })
    .await
}

/// Rows of the periods that are to be added to.
async fn existing(
    of: &mut SqliteConnection,
    rows: &Map<UsageKey, model::Usage>,
) -> Result<Vec<(UsageKey, model::Usage)>, ViewError> {
    let periods: BTreeSet<_> =
        rows.keys().map(|key| (text(key.account.as_ref()), key.by.as_str(), key.from.micros())).collect();
    let found = query(KNOWN).bind(serde_json::json!(periods).to_string()).fetch_all(of).await.rows()?;
    found.iter().map(row).collect()
}

fn bind(row: &mut Separated<'_, Sqlite, &'static str>, (key, usage): (UsageKey, model::Usage)) {
    row.push_bind(text(key.account.as_ref())).push_bind(key.by.as_str());
    row.push_bind(key.from.micros()).push_bind(key.to.micros()).push_bind(key.mode.name());
    row.push_bind(text(key.plan.as_ref())).push_bind(text(key.key.as_ref()));
    row.push_bind(key.endpoint.to_string());
    row.push_bind(key.ended.as_str()).push_bind(text(key.gate.as_ref()));
    for count in [usage.requests, usage.units, usage.refused, usage.settled, usage.late] {
        row.push_bind(figure(count));
    }
    for amount in [usage.held, usage.released, usage.charged, usage.refunded, usage.uncollected] {
        row.push_bind(amount.to_string());
    }
}

pub(super) fn row(row: &SqliteRow) -> Result<(UsageKey, model::Usage), ViewError> {
    let key = UsageKey {
        account: perhaps(row, "account")?,
        by: one_of(row, "by", Span::ALL, Span::as_str)?,
        from: instant(row, "start")?,
        to: instant(row, "until")?,
        mode: one_of(row, "mode", [Mode::Live, Mode::Test], Mode::name)?,
        plan: perhaps(row, "plan")?,
        key: perhaps(row, "key")?,
        endpoint: row.try_get::<&str, _>("endpoint").rows()?.into(),
        ended: one_of(row, "ended", Ended::ALL, Ended::as_str)?,
        gate: perhaps(row, "gate")?,
    };
    let usage = model::Usage {
        requests: count(row, "requests")?,
        units: count(row, "units")?,
        refused: count(row, "refused")?,
        settled: count(row, "settled")?,
        late: count(row, "late")?,
        held: credits(row, "held")?,
        released: credits(row, "released")?,
        charged: credits(row, "charged")?,
        refunded: credits(row, "refunded")?,
        uncollected: credits(row, "uncollected")?,
    };
    Ok((key, usage))
}

fn one_of<T: Copy, const N: usize>(
    row: &SqliteRow,
    column: &str,
    all: [T; N],
    name: fn(T) -> &'static str,
) -> Result<T, ViewError> {
    let text: &str = row.try_get(column).rows()?;
    let found = all.into_iter().find(|one| name(*one) == text);
    found.ok_or_else(|| ViewError::Rows(format!("{column} cannot be {text:?}").into()))
}
