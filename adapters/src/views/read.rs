//! What people read of the views, asked the same way of every kind of database.

use super::rows::{count, listed, text};
use super::session::{Found, Value};
use super::streams::Streams;
use super::subjects::Subjects;
use super::usage::{self, Usage as UsageView};
use super::{Model, balances, counters, denials, holds, requests, statement};
use async_trait::async_trait;
use domain::account::Account;
use domain::event::{Stream, Subject};
use domain::ids::{Digest, Name, Position};
use domain::time::Timestamp;
use projections::read::{
    At, BansWanted, DenialsWanted, HoldsWanted, LinesWanted, Moment, Near, Page, PlacesWanted, ReadModels,
    Refused, RequestsWanted, UsageWanted,
};
use projections::runner::ViewError;
use projections::views::balances::Ledgers;
use projections::views::counters::Tally;
use projections::views::denials::{Ban, Denial};
use projections::views::holds::Hold;
use projections::views::requests::Traced;
use projections::views::statement::{Line, Standing};
use projections::views::usage::{Usage, UsageKey};
use std::collections::BTreeSet;

/// The rows of views while they are kept, by this process or another.
#[async_trait]
pub(super) trait Source: Send + Sync {
    type Row: Found;

    /// Rows of a view, and the position that they are of.
    async fn ask<M: Model>(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<(Vec<Self::Row>, Position), ViewError>;
}

/// Reads views.
pub(super) struct Reads<S>(pub(super) S);

impl<S: Source> Reads<S> {
    /// The last checkpoint not after a moment: where it stands and the credit; nothing when there is none.
    async fn checkpoint(
        &self,
        account: &Name,
        moment: Moment,
    ) -> Result<(Position, Ledgers, Position), ViewError> {
        let (sql, bound) = match moment {
            Moment::After(position) => (BY_POSITION, position.into()),
            Moment::At(at) => (BY_TIME, at.into()),
        };
        let (rows, position) =
            self.0.ask::<balances::Balances>(sql, vec![account.as_str().into(), bound]).await?;
        let Some(row) = rows.first() else { return Ok((0, Ledgers::default(), position)) };
        Ok((count(row, "position")?, balances::read(row.bytes("state")?)?, position))
    }

    /// Where an index says that the next events of one stream or subject stand, and how far it has come.
    async fn next<M: Model>(
        &self,
        (sql, of): (&str, String),
        after: Position,
        most: usize,
    ) -> Result<At<Vec<Position>>, ViewError> {
        let (rows, position) =
            self.0.ask::<M>(sql, vec![of.into(), after.into(), (most as u64).into()]).await?;
        let next = rows.iter().map(|row| count(row, "position")).collect::<Result<_, _>>()?;
        Ok((next, position))
    }
}

const BY_POSITION: &str = "SELECT position, state FROM checkpoints \
    WHERE account = $1 AND position <= $2 ORDER BY version DESC LIMIT 1";
const BY_TIME: &str = "SELECT position, state FROM checkpoints \
    WHERE account = $1 AND at <= $2 ORDER BY version DESC LIMIT 1";
const OF_STREAM: &str =
    "SELECT position FROM streams WHERE stream = $1 AND position > $2 ORDER BY position LIMIT $3";
const OF_SUBJECT: &str =
    "SELECT position FROM subjects WHERE subject = $1 AND position > $2 ORDER BY position LIMIT $3";
const LINES: &str = "SELECT * FROM statement WHERE account = $1 AND position > $2 AND at >= $3 AND at < $4 \
    ORDER BY position LIMIT $5";
const OPEN: &str = "SELECT * FROM holds WHERE stream = $1 AND decision > $2 ORDER BY decision LIMIT $3";
/// Times never decrease with the position, so the last line before an instant is the newest one.
const STANDING: &str =
    "SELECT * FROM statement WHERE account = $1 AND at < $2 ORDER BY position DESC LIMIT 1";

#[async_trait]
impl<S: Source> ReadModels for Reads<S> {
    async fn usage(&self, wanted: &UsageWanted) -> Result<Page<(UsageKey, Usage)>, ViewError> {
        let (sql, values) = usage_query(wanted);
        let (rows, position) = self.0.ask::<UsageView>(&sql, values).await?;
        page(&rows, wanted.limit, position, usage::row)
    }

    async fn statement(&self, wanted: &LinesWanted) -> Result<Page<Line>, ViewError> {
        let values = vec![
            wanted.account.as_str().into(),
            wanted.after.into(),
            wanted.from.into(),
            wanted.to.into(),
            (wanted.limit as u64 + 1).into(),
        ];
        let (rows, position) = self.0.ask::<statement::Statement>(LINES, values).await?;
        page(&rows, wanted.limit, position, statement::line)
    }

    async fn near(&self, account: &Name, moment: Moment, most: usize) -> Result<Near, ViewError> {
        let (kept, ledgers, reached) = self.checkpoint(account, moment).await?;
        let stream = Stream::Account(account.clone()).to_string();
        let (next, position) = self.next::<Streams>((OF_STREAM, stream), kept, most).await?;
        Ok(Near { ledgers, next, position: position.min(reached) })
    }

    async fn places(&self, wanted: &PlacesWanted) -> Result<Page<Position>, ViewError> {
        let (mut rows, mut position) = (BTreeSet::new(), Position::MAX);
        let most = wanted.limit + 1;
        for stream in &wanted.streams {
            let of = (OF_STREAM, stream.to_string());
            let (found, reached) = self.next::<Streams>(of, wanted.after, most).await?;
            rows.extend(found);
            position = position.min(reached);
        }
        if let Some(subject) = &wanted.subject {
            let of = (OF_SUBJECT, subject.clone());
            let (found, reached) = self.next::<Subjects>(of, wanted.after, most).await?;
            rows.extend(found);
            position = position.min(reached);
        }
        let more = rows.len() > wanted.limit;
        Ok(Page { rows: rows.into_iter().take(wanted.limit).collect(), more, position })
    }

    async fn requests(&self, wanted: &RequestsWanted) -> Result<Page<Traced>, ViewError> {
        let (sql, values) = requests_query(wanted);
        let (rows, position) = self.0.ask::<requests::Requests>(&sql, values).await?;
        let mut rows = requests::traced(&rows)?;
        let more = rows.len() > wanted.limit;
        rows.truncate(wanted.limit);
        Ok(Page { rows, more, position })
    }

    async fn holds(&self, wanted: &HoldsWanted) -> Result<Page<Hold>, ViewError> {
        let stream = Stream::Account(wanted.account.clone()).to_string();
        let values = vec![stream.into(), wanted.after.into(), (wanted.limit as u64 + 1).into()];
        let (rows, position) = self.0.ask::<holds::Holds>(OPEN, values).await?;
        page(&rows, wanted.limit, position, holds::hold)
    }

    async fn denials(&self, wanted: &DenialsWanted) -> Result<Page<Denial>, ViewError> {
        let (sql, values) = denials_query(wanted);
        let (rows, position) = self.0.ask::<denials::Denials>(&sql, values).await?;
        page(&rows, wanted.limit, position, denials::denial)
    }

    async fn bans(&self, wanted: &BansWanted) -> Result<Page<Ban>, ViewError> {
        let (sql, values) = bans_query(wanted)?;
        let (rows, position) = self.0.ask::<denials::Denials>(&sql, values).await?;
        page(&rows, wanted.limit, position, denials::ban)
    }

    async fn published(&self, moment: Moment) -> Result<At<usize>, ViewError> {
        counters::published(&self.0, moment).await
    }

    async fn caller(&self, caller: &Subject, moment: Moment) -> Result<At<Option<Account>>, ViewError> {
        counters::caller(&self.0, caller, moment).await
    }

    async fn tally(&self, counter: Digest, moment: Moment) -> Result<At<Tally>, ViewError> {
        counters::tally(&self.0, counter, moment).await
    }

    async fn standing(&self, account: &Name, before: Timestamp) -> Result<Standing, ViewError> {
        let values = vec![account.as_str().into(), before.into()];
        let (rows, _) = self.0.ask::<statement::Statement>(STANDING, values).await?;
        rows.first().map_or(Ok(Standing::default()), statement::after)
    }
}

/// One row more than asked for tells whether there are more.
fn page<R, T>(
    rows: &[R],
    limit: usize,
    position: Position,
    of: impl Fn(&R) -> Result<T, ViewError>,
) -> Result<Page<T>, ViewError> {
    let more = rows.len() > limit;
    let rows = rows.iter().take(limit).map(of).collect::<Result<_, _>>()?;
    Ok(Page { rows, more, position })
}

/// Conditions as they come, and what stands for their parameters.
#[derive(Default)]
struct Asked {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Asked {
    fn parameter(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn only(&mut self, condition: &str, value: impl Into<Value>) {
        let parameter = self.parameter(value);
        self.conditions.push(format!("{condition} {parameter}"));
    }

    /// So many rows of a table, and one more, by the column that they are in the order of.
    fn rows(mut self, table: &str, order: &str, limit: usize) -> (String, Vec<Value>) {
        let limit = self.parameter(limit as u64 + 1);
        let conditions = self.conditions.join(" AND ");
        let sql = format!("SELECT * FROM {table} WHERE {conditions} ORDER BY {order} LIMIT {limit}");
        (sql, self.values)
    }
}

/// Decisions with their steps in one statement: a step that came between two would be missing.
fn requests_query(wanted: &RequestsWanted) -> (String, Vec<Value>) {
    let mut asked = Asked::default();
    asked.only("request =", wanted.request.as_str());
    if let Some(actor) = &wanted.actor {
        asked.only("actor =", &**actor);
    }
    asked.only("decision >", wanted.after);
    let (decided, values) = asked.rows("requests", "decision", wanted.limit);
    let sql = format!(
        "SELECT decided.*, steps.position AS step, steps.at AS step_at, steps.kind AS step_kind, steps.outcome, \
         steps.charged AS step_charged, steps.released, steps.refunded \
         FROM ({decided}) AS decided LEFT JOIN steps ON steps.decision = decided.decision \
         ORDER BY decided.decision, steps.position"
    );
    (sql, values)
}

fn denials_query(wanted: &DenialsWanted) -> (String, Vec<Value>) {
    let mut asked = Asked::default();
    match &wanted.of {
        Refused::Everybody => {}
        Refused::Account(name) => asked.only("stream =", Stream::Account(name.clone()).to_string()),
        Refused::Ip(ip) => asked.only("ip =", ip.to_string()),
    }
    asked.only("position >", wanted.after);
    if let Some(from) = wanted.from {
        asked.only("at >=", from);
    }
    if let Some(to) = wanted.to {
        asked.only("at <", to);
    }
    asked.rows("denials", "position", wanted.limit)
}

fn bans_query(wanted: &BansWanted) -> Result<(String, Vec<Value>), ViewError> {
    let mut asked = Asked::default();
    if let Some(of) = &wanted.of {
        asked.only("subject =", of.subject.to_string());
        if let Some(by) = &of.by {
            asked.only("by =", listed(&[by])?);
        }
    }
    asked.only("position >", wanted.after);
    Ok(asked.rows("bans", "position", wanted.limit))
}

fn usage_query(wanted: &UsageWanted) -> (String, Vec<Value>) {
    let mut asked = Asked::default();
    asked.only("account =", wanted.account.as_str());
    asked.only("by =", wanted.by.as_str());
    asked.only("start >=", wanted.from);
    asked.only("start <", wanted.to);
    if let Some(mode) = wanted.mode {
        asked.only("mode =", mode.name());
    }
    if let Some(key) = &wanted.key {
        asked.only("key =", key.as_str());
    }
    if let Some(endpoint) = &wanted.endpoint {
        asked.only("endpoint =", endpoint.as_str());
    }
    if let Some(after) = &wanted.after {
        let place = place(after).map(|value| asked.parameter(value));
        asked.conditions.push(format!("({ORDER}) > ({})", place.join(", ")));
    }
    asked.rows("usage", ORDER, wanted.limit)
}

/// The order of the rows of an account.
const ORDER: &str = "start, until, mode, plan, key, endpoint, ended, gate";

/// Where a row stands in [`ORDER`].
fn place(of: &UsageKey) -> [Value; 8] {
    [
        of.from.into(),
        of.to.into(),
        of.mode.name().into(),
        text(of.plan.as_ref()).into(),
        text(of.key.as_ref()).into(),
        of.endpoint.to_string().into(),
        of.ended.as_str().into(),
        text(of.gate.as_ref()).into(),
    ]
}
