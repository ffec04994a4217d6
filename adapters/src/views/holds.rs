//! Open holds.

use super::file::{Failed, Model};
use super::rows::{figure, insert};
use async_trait::async_trait;
use domain::event::Entry;
use domain::ids::Position;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::holds::{Change, fold};
use sqlx::query;
use sqlx::sqlite::SqliteConnection;

pub(super) struct Holds;

const OPENED: &str = "INSERT INTO holds (decision, stream, mode, endpoint, at, until, held) ";

#[async_trait]
impl Model for Holds {
    const NAME: &'static str = "holds";
    const VERSION: i64 = 1;
    const SCHEMA: &'static str = include_str!("../../../migrations/views/sqlite/holds.sql");
    const TABLES: &'static [&'static str] = &["holds"];

    async fn write(to: &mut SqliteConnection, entries: &[Entry], _: &Origins) -> Result<(), ViewError> {
        let (mut opened, mut begun, mut closed) = (Vec::new(), Vec::new(), Vec::new());
        for (decision, change) in fold(entries) {
            match change {
                Change::Opened(hold) => opened.push(hold),
                Change::Begun => begun.push(decision),
                Change::Closed => closed.push(decision),
            }
        }
        insert(to, (OPENED, ""), opened, |row, hold| {
            row.push_bind(figure(hold.decision)).push_bind(hold.stream.to_string());
            row.push_bind(hold.mode.name()).push_bind(hold.endpoint.to_string());
            row.push_bind(hold.at.micros()).push_bind(hold.until.micros()).push_bind(hold.held.to_string());
        })
        .await?;
        each(to, "UPDATE holds SET held = '0' WHERE decision IN (SELECT value FROM json_each(?1))", &begun)
            .await?;
        each(to, "DELETE FROM holds WHERE decision IN (SELECT value FROM json_each(?1))", &closed).await
    }
}

/// One statement for many decisions.
async fn each(to: &mut SqliteConnection, sql: &'static str, of: &[Position]) -> Result<(), ViewError> {
    if !of.is_empty() {
        query(sql).bind(serde_json::json!(of).to_string()).execute(to).await.rows()?;
    }
    Ok(())
}
