//! Reading views beside those who keep them, each through a connection of its own.

use super::file::{Failed, newest, place};
use super::rows::{count, credits, figure, instant, parsed, position};
use super::{statement, usage};
use async_trait::async_trait;
use domain::event::Stream;
use domain::ids::{Name, Position};
use domain::map::Map;
use domain::time::Timestamp;
use projections::read::{LinesWanted, Moment, Near, Page, ReadModels, UsageWanted};
use projections::runner::ViewError;
use projections::views::balances::Ledgers;
use projections::views::statement::{Line, Standing};
use projections::views::usage::{Usage, UsageKey};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Row, Sqlite, SqliteTransaction, query, query_scalar};
use std::path::PathBuf;
use tokio::sync::{Mutex, MutexGuard};

/// Connections to the newest generation of each view.
pub struct SqliteReads {
    dir: PathBuf,
    open: Mutex<Map<&'static str, (u64, SqliteConnection)>>,
}

impl SqliteReads {
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, open: Mutex::default() }
    }

    /// The connection to a view's newest generation, which stays the same for as long as it is held.
    async fn of(&self, name: &'static str) -> Result<Held<'_>, ViewError> {
        let generation = newest(&self.dir, name).rows()?;
        let generation = generation.ok_or_else(|| ViewError::Rows("the view was not made yet".into()))?;
        let mut open = self.open.lock().await;
        if open.get(name).is_none_or(|(of, _)| *of != generation) {
            let file = place(&self.dir, name, generation);
            let options = SqliteConnectOptions::new().filename(file).read_only(true);
            let options = options.thread_name(|n| format!("read-{n}")).disable_statement_logging();
            open.insert(name, (generation, options.connect().await.rows()?));
        }
        Ok(Held { open, name })
    }
}

impl SqliteReads {
    /// The last checkpoint not after a moment: the stream's version there and the credit; nothing when there is none.
    async fn checkpoint(
        &self,
        account: &Name,
        moment: Moment,
    ) -> Result<(u64, Ledgers, Position), ViewError> {
        let mut held = self.of("balances").await?;
        let (mut look, position) = held.look().await?;
        let (sql, bound) = match moment {
            Moment::After(position) => (BY_POSITION, figure(position)),
            Moment::At(at) => (BY_TIME, at.micros()),
        };
        let row = query(sql).bind(account.as_str()).bind(bound).fetch_optional(&mut *look).await.rows()?;
        let Some(row) = row else { return Ok((0, Ledgers::default(), position)) };
        let ledgers = super::balances::read(row.try_get("state").rows()?)?;
        Ok((count(&row, "version")?, ledgers, position))
    }

    /// Where the next events of an account's stream stand, and how far the index has come.
    async fn next(
        &self,
        account: &Name,
        version: u64,
        most: usize,
    ) -> Result<(Vec<Position>, Position), ViewError> {
        let mut held = self.of("streams").await?;
        let (mut look, position) = held.look().await?;
        let sql = "SELECT position FROM streams WHERE stream = ?1 AND version > ?2 ORDER BY version LIMIT ?3";
        let next: Vec<i64> = query_scalar(sql)
            .bind(Stream::Account(account.clone()).to_string())
            .bind(figure(version))
            .bind(figure(most as u64))
            .fetch_all(&mut *look)
            .await
            .rows()?;
        Ok((next.into_iter().filter_map(|position| u64::try_from(position).ok()).collect(), position))
    }
}

const BY_POSITION: &str = "SELECT version, state FROM checkpoints \
    WHERE account = ?1 AND position <= ?2 ORDER BY version DESC LIMIT 1";
const BY_TIME: &str = "SELECT version, state FROM checkpoints \
    WHERE account = ?1 AND at <= ?2 ORDER BY version DESC LIMIT 1";

struct Held<'a> {
    open: MutexGuard<'a, Map<&'static str, (u64, SqliteConnection)>>,
    name: &'static str,
}

impl Held<'_> {
    /// A look at one moment of the view, and the position of that moment.
    async fn look(&mut self) -> Result<(SqliteTransaction<'_>, Position), ViewError> {
        let missing = || ViewError::Rows("the view is not open".into());
        let (_, connection) = self.open.get_mut(self.name).ok_or_else(missing)?;
        let mut look = connection.begin().await.rows()?;
        let position: i64 =
            query_scalar("SELECT position FROM checkpoint").fetch_one(&mut *look).await.rows()?;
        Ok((look, u64::try_from(position).unwrap_or(0)))
    }
}

#[async_trait]
impl ReadModels for SqliteReads {
    async fn usage(&self, wanted: &UsageWanted) -> Result<Page<(UsageKey, Usage)>, ViewError> {
        let mut held = self.of("usage").await?;
        let (mut look, position) = held.look().await?;
        let rows = usage_query(wanted).build().fetch_all(&mut *look).await.rows()?;
        page(&rows, wanted.limit, position, usage::row)
    }

    async fn statement(&self, wanted: &LinesWanted) -> Result<Page<Line>, ViewError> {
        let mut held = self.of("statement").await?;
        let (mut look, position) = held.look().await?;
        let sql = "SELECT * FROM statement WHERE account = ?1 AND position > ?2 AND at >= ?3 AND at < ?4 \
                   ORDER BY position LIMIT ?5";
        let rows = query(sql)
            .bind(wanted.account.as_str())
            .bind(figure(wanted.after))
            .bind(wanted.from.micros())
            .bind(wanted.to.micros())
            .bind(figure(wanted.limit as u64 + 1))
            .fetch_all(&mut *look)
            .await
            .rows()?;
        page(&rows, wanted.limit, position, line)
    }

    async fn near(&self, account: &Name, moment: Moment, most: usize) -> Result<Near, ViewError> {
        let (version, ledgers, reached) = self.checkpoint(account, moment).await?;
        let (next, position) = self.next(account, version, most).await?;
        Ok(Near { ledgers, next, position: position.min(reached) })
    }

    async fn places(&self, account: &Name, version: u64, most: usize) -> Result<Vec<Position>, ViewError> {
        self.next(account, version, most).await.map(|(next, _)| next)
    }

    async fn standing(&self, account: &Name, before: Timestamp) -> Result<Standing, ViewError> {
        let mut held = self.of("statement").await?;
        let (mut look, _) = held.look().await?;
        // Times never decrease with the position, so the last line before an instant is the newest one.
        let sql = "SELECT * FROM statement WHERE account = ?1 AND at < ?2 ORDER BY position DESC LIMIT 1";
        let row = query(sql)
            .bind(account.as_str())
            .bind(before.micros())
            .fetch_optional(&mut *look)
            .await
            .rows()?;
        row.as_ref().map_or(Ok(Standing::default()), statement::after)
    }
}

/// One row more than asked for tells whether there are more.
fn page<T>(
    rows: &[SqliteRow],
    limit: usize,
    position: Position,
    of: impl Fn(&SqliteRow) -> Result<T, ViewError>,
) -> Result<Page<T>, ViewError> {
    let more = rows.len() > limit;
    let rows = rows.iter().take(limit).map(of).collect::<Result<_, _>>()?;
    Ok(Page { rows, more, position })
}

fn usage_query(wanted: &UsageWanted) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("SELECT * FROM usage WHERE account = ");
    query.push_bind(wanted.account.to_string()).push(" AND by = ").push_bind(wanted.by.as_str());
    query.push(" AND start >= ").push_bind(wanted.from.micros());
    query.push(" AND start < ").push_bind(wanted.to.micros());
    if let Some(mode) = wanted.mode {
        query.push(" AND mode = ").push_bind(mode.name());
    }
    if let Some(key) = &wanted.key {
        query.push(" AND key = ").push_bind(key.to_string());
    }
    if let Some(endpoint) = &wanted.endpoint {
        query.push(" AND endpoint = ").push_bind(endpoint.clone());
    }
    if let Some(after) = &wanted.after {
        after_row(&mut query, after);
    }
    query.push(" ORDER BY start, until, mode, plan, key, endpoint, ended, gate LIMIT ");
    query.push_bind(figure(wanted.limit as u64 + 1));
    query
}

fn after_row(query: &mut QueryBuilder<Sqlite>, after: &UsageKey) {
    use super::rows::text;
    query.push(" AND (start, until, mode, plan, key, endpoint, ended, gate) > (");
    query.push_bind(after.from.micros()).push(", ").push_bind(after.to.micros());
    for part in [
        after.mode.name().to_owned(),
        text(after.plan.as_ref()),
        text(after.key.as_ref()),
        after.endpoint.to_string(),
        after.ended.as_str().to_owned(),
        text(after.gate.as_ref()),
    ] {
        query.push(", ").push_bind(part);
    }
    query.push(")");
}

fn line(row: &SqliteRow) -> Result<Line, ViewError> {
    let cause: &str = row.try_get("cause").rows()?;
    let known = domain::event::Event::TYPES.iter().map(|(name, _)| *name).find(|name| *name == cause);
    Ok(Line {
        account: parsed(row, "account")?,
        position: count(row, "position")?,
        at: instant(row, "at")?,
        cause: known.ok_or_else(|| ViewError::Rows(format!("no event is a {cause}").into()))?,
        decision: position(row, "decision")?,
        actor: row.try_get::<&str, _>("actor").rows()?.into(),
        request: row.try_get::<Option<&str>, _>("request").rows()?.map(Into::into),
        credit: credits(row, "credit")?,
        held: credits(row, "held")?,
        charged: credits(row, "charged")?,
        refunded: credits(row, "refunded")?,
        uncollected: credits(row, "uncollected")?,
        after: statement::after(row)?,
    })
}
