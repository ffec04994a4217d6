//! Refusals and bans by subject.

use super::file::{Failed, Model};
use super::rows::{figure, insert};
use async_trait::async_trait;
use domain::event::{BanLifted, BanStarted, Entry};
use domain::ids::Position;
use domain::time::Timestamp;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::denials::{BanChange, Denial, ban, denial};
use sqlx::query_builder::Separated;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Sqlite, query};

pub(super) struct Denials;

const DENIED: &str = "INSERT INTO denials \
    (position, at, stream, key, ip, endpoint, kind, gate, count, figure, retry_at, times) ";

#[async_trait]
impl Model for Denials {
    const NAME: &'static str = "denials";
    const VERSION: i64 = 1;
    const SCHEMA: &'static str = include_str!("../../../migrations/views/sqlite/denials.sql");
    const TABLES: &'static [&'static str] = &["denials", "bans"];

    async fn write(to: &mut SqliteConnection, entries: &[Entry], _: &Origins) -> Result<(), ViewError> {
        insert(to, (DENIED, ""), entries.iter().filter_map(denial), bind).await?;
        for change in entries.iter().filter_map(ban) {
            match change {
                BanChange::Started(position, at, event) => start(to, (position, at), event).await?,
                BanChange::Lifted(position, event) => lift(to, position, event).await?,
            }
        }
        Ok(())
    }
}

fn bind(row: &mut Separated<'_, Sqlite, &'static str>, of: Denial) {
    row.push_bind(figure(of.position)).push_bind(of.at.micros()).push_bind(of.stream.to_string());
    row.push_bind(of.key.map(|key| key.to_string())).push_bind(of.ip.map(|ip| ip.to_string()));
    row.push_bind(of.endpoint.to_string()).push_bind(of.kind);
    row.push_bind(of.gate.map(|gate| gate.to_string()));
    row.push_bind(of.count.map(figure)).push_bind(of.limit.map(figure));
    row.push_bind(of.retry_at.map(Timestamp::micros)).push_bind(figure(of.times));
}

async fn start(
    to: &mut SqliteConnection,
    (position, at): (Position, Timestamp),
    event: &BanStarted,
) -> Result<(), ViewError> {
    let statement = "INSERT INTO bans (position, at, subject, by, name, until, reason) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    query(statement)
        .bind(figure(position))
        .bind(at.micros())
        .bind(event.subject.to_string())
        .bind(serde_json::json!(event.by).to_string())
        .bind(event.name.to_string())
        .bind(event.until.map(Timestamp::micros))
        .bind(&event.reason)
        .execute(to)
        .await
        .rows()?;
    Ok(())
}

async fn lift(to: &mut SqliteConnection, position: Position, event: &BanLifted) -> Result<(), ViewError> {
    query("UPDATE bans SET lifted = ?1 WHERE subject = ?2 AND by = ?3 AND lifted IS NULL")
        .bind(figure(position))
        .bind(event.subject.to_string())
        .bind(serde_json::json!(event.by).to_string())
        .execute(to)
        .await
        .rows()?;
    Ok(())
}
