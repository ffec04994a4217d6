//! Usage by hour, day and month.

use super::Model;
use super::recent::{ACCOUNTS, Recent};
use super::rows::{count, credits, instant, listed, mode, one_of, parsed, perhaps, text, words};
use super::session::{Found, Session, Sql, Value};
use domain::event::Entry;
use domain::ids::HashKey;
use domain::map::Map;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::usage::{self as model, Calendars, Ended, Span, UsageKey};
use std::collections::BTreeSet;

pub(super) struct Usage;

const ADD: &str = "INSERT INTO usage (account, by, start, until, mode, plan, key, endpoint, ended, gate, requests, \
    units, refused, settled, late, held, released, charged, refunded, uncollected) ";
/// Sums are made outside, of exact decimals.
const ANEW: &str = " ON CONFLICT (account, by, start, until, mode, plan, key, endpoint, ended, gate) DO UPDATE SET \
    requests = excluded.requests, units = excluded.units, refused = excluded.refused, settled = excluded.settled, \
    late = excluded.late, held = excluded.held, released = excluded.released, charged = excluded.charged, \
    refunded = excluded.refunded, uncollected = excluded.uncollected";

/// The rows of these accounts whose periods are among these.
const KNOWN: Sql = Sql {
    sqlite: "SELECT usage.* FROM json_each($1) AS asked JOIN usage \
        ON usage.account = asked.value ->> 0 AND usage.by = asked.value ->> 1 AND usage.start = asked.value ->> 2",
    postgres: "SELECT usage.* FROM json_array_elements($1::json) AS asked JOIN usage \
        ON usage.account = asked.value ->> 0 AND usage.by = asked.value ->> 1 \
        AND usage.start = (asked.value ->> 2)::bigint",
};

const CALENDARS: Sql = Sql {
    sqlite: "SELECT account, calendar FROM calendars WHERE account IN (SELECT value FROM json_each($1))",
    postgres: "SELECT account, calendar FROM calendars \
        WHERE account IN (SELECT value FROM json_array_elements_text($1::json))",
};
const KEEP: (&str, &str) = (
    "INSERT INTO calendars (account, calendar) ",
    " ON CONFLICT (account) DO UPDATE SET calendar = excluded.calendar",
);

/// Of each account the sums of an hour, a day and a month.
type Sums = Recent<UsageKey, model::Usage, { 3 * ACCOUNTS }>;

impl Model for Usage {
    const NAME: &'static str = "usage";
    const VERSION: i64 = 1;
    const SCHEMA: Sql = schema!("usage");
    const TABLES: &'static [&'static str] = &["usage", "calendars"];

    type Memory = Sums;

    async fn write<S: Session>(
        to: &mut S,
        entries: &[Entry],
        origins: &Origins,
        _: HashKey,
        memory: &mut Self::Memory,
    ) -> Result<(), ViewError> {
        let mut calendars = calendars(to, entries, origins).await?;
        let known = calendars.clone();
        let mut rows = model::fold(entries, origins, &mut calendars)?;
        add_existing(to, &mut rows, memory).await?;
        // In the order of the table, by reference: a row is large.
        let mut sorted: Vec<_> = rows.iter().collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        to.insert((ADD, ANEW), sorted.into_iter().map(values)).await?;
        memory.note(rows);
        calendars.retain(|account, calendar| known.get(account) != Some(calendar));
        keep(to, calendars).await
    }
}

async fn calendars<S: Session>(
    of: &mut S,
    entries: &[Entry],
    origins: &Origins,
) -> Result<Calendars, ViewError> {
    let accounts: BTreeSet<_> = model::accounts(entries, origins).collect();
    let rows = of.fetch(S::pick(&CALENDARS), vec![listed(&accounts)?.into()]).await?;
    let mut calendars = Calendars::default();
    for row in &rows {
        let calendar = serde_json::from_str(words(row, "calendar")?);
        calendars
            .insert(parsed(row, "account")?, calendar.map_err(|error| ViewError::Rows(Box::new(error)))?);
    }
    Ok(calendars)
}

async fn keep<S: Session>(to: &mut S, calendars: Calendars) -> Result<(), ViewError> {
    let mut calendars: Vec<_> = calendars.into_iter().collect();
    calendars.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut rows = Vec::with_capacity(calendars.len());
    for (account, calendar) in calendars {
        rows.push([account.to_string().into(), listed(&calendar)?.into()]);
    }
    to.insert(KEEP, rows).await
}

/// Adds what the rows say already: as remembered, or as they are read.
async fn add_existing<S: Session>(
    of: &mut S,
    rows: &mut Map<UsageKey, model::Usage>,
    memory: &mut Sums,
) -> Result<(), ViewError> {
    let mut periods = BTreeSet::new();
    for (key, sum) in rows.iter_mut() {
        match memory.get(key) {
            Some(known) => *sum = known.plus(sum),
            None => drop(periods.insert((text(key.account.as_ref()), key.by.as_str(), key.from.micros()))),
        }
    }
    if periods.is_empty() {
        return Ok(());
    }
    for found in of.fetch(S::pick(&KNOWN), vec![listed(&periods)?.into()]).await? {
        let (key, usage) = row(&found)?;
        if let Some(sum) = rows.get_mut(&key).filter(|_| memory.get(&key).is_none()) {
            *sum = usage.plus(sum);
        }
    }
    Ok(())
}

fn values((key, usage): (&UsageKey, &model::Usage)) -> [Value; 20] {
    [
        text(key.account.as_ref()).into(),
        key.by.as_str().into(),
        key.from.into(),
        key.to.into(),
        key.mode.name().into(),
        text(key.plan.as_ref()).into(),
        text(key.key.as_ref()).into(),
        key.endpoint.to_string().into(),
        key.ended.as_str().into(),
        text(key.gate.as_ref()).into(),
        usage.requests.into(),
        usage.units.into(),
        usage.refused.into(),
        usage.settled.into(),
        usage.late.into(),
        usage.held.into(),
        usage.released.into(),
        usage.charged.into(),
        usage.refunded.into(),
        usage.uncollected.into(),
    ]
}

pub(super) fn row(row: &impl Found) -> Result<(UsageKey, model::Usage), ViewError> {
    let key = UsageKey {
        account: perhaps(row, "account")?,
        by: one_of(row, "by", Span::ALL, Span::as_str)?,
        from: instant(row, "start")?,
        to: instant(row, "until")?,
        mode: mode(row)?,
        plan: perhaps(row, "plan")?,
        key: perhaps(row, "key")?,
        endpoint: words(row, "endpoint")?.into(),
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
