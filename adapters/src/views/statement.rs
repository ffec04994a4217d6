//! The account statement.

use super::file::{Failed, Model};
use super::rows::{credits, figure, insert};
use async_trait::async_trait;
use domain::event::{Entry, Stream};
use domain::ids::Name;
use domain::map::Map;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::statement::{Line, Standing, fold};
use sqlx::query_builder::Separated;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Sqlite, query};
use std::collections::BTreeSet;

pub(super) struct Statement;

const LINE: &str = "INSERT INTO statement (account, position, at, cause, decision, actor, request, credit, held, \
    charged, refunded, uncollected, credit_after, held_after, charged_ever, refunded_ever) ";

/// Where accounts stood after their last line.
const LAST: &str = "SELECT asked.value AS account, credit_after, held_after, charged_ever, refunded_ever \
    FROM json_each(?1) AS asked JOIN statement ON statement.account = asked.value \
    WHERE position = (SELECT max(position) FROM statement WHERE account = asked.value)";

#[async_trait]
impl Model for Statement {
    const NAME: &'static str = "statement";
    const VERSION: i64 = 1;
    const SCHEMA: &'static str = include_str!("../../../migrations/views/sqlite/statement.sql");
    const TABLES: &'static [&'static str] = &["statement"];

    async fn write(to: &mut SqliteConnection, entries: &[Entry], origins: &Origins) -> Result<(), ViewError> {
        let mut standings = standings(to, entries).await?;
        let mut lines = fold(entries, origins, &mut standings)?;
        // In the order of the table: neighbours are written together.
        lines.sort_by(|a, b| (a.account.as_str(), a.position).cmp(&(b.account.as_str(), b.position)));
        insert(to, (LINE, ""), lines, bind).await
    }
}

async fn standings(of: &mut SqliteConnection, entries: &[Entry]) -> Result<Map<Name, Standing>, ViewError> {
    let accounts: BTreeSet<&Name> = entries
        .iter()
        .filter_map(|entry| if let Stream::Account(name) = &entry.stream { Some(name) } else { None })
        .collect();
    let rows = query(LAST).bind(serde_json::json!(accounts).to_string()).fetch_all(of).await.rows()?;
    let standing = |row: &SqliteRow| Ok((super::rows::parsed(row, "account")?, after(row)?));
    rows.iter().map(standing).collect()
}

/// Where an account stands after a line.
pub(super) fn after(row: &SqliteRow) -> Result<Standing, ViewError> {
    Ok(Standing {
        credit: credits(row, "credit_after")?,
        held: credits(row, "held_after")?,
        charged: credits(row, "charged_ever")?,
        refunded: credits(row, "refunded_ever")?,
    })
}

fn bind(row: &mut Separated<'_, Sqlite, &'static str>, of: Line) {
    row.push_bind(of.account.to_string()).push_bind(figure(of.position)).push_bind(of.at.micros());
    row.push_bind(of.cause).push_bind(of.decision.map(figure)).push_bind(of.actor.to_string());
    row.push_bind(of.request.map(|request| request.to_string()));
    for amount in [of.credit, of.held, of.charged, of.refunded, of.uncollected] {
        row.push_bind(amount.to_string());
    }
    for amount in [of.after.credit, of.after.held, of.after.charged, of.after.refunded] {
        row.push_bind(amount.to_string());
    }
}
