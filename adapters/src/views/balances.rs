//! The credit of accounts, now and at checkpoints.

use super::file::{Failed, Model};
use super::rows::{figure, insert, parsed};
use async_trait::async_trait;
use domain::event::{Entry, Stream};
use domain::ids::Name;
use domain::map::Map;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::balances::{EVERY, Ledgers};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Row, query};
use std::collections::BTreeSet;

pub(super) struct Balances;

type Known = Map<Name, (u64, Ledgers)>;

#[async_trait]
impl Model for Balances {
    const NAME: &'static str = "balances";
    const VERSION: i64 = 1;
    const SCHEMA: &'static str = include_str!("../../../migrations/views/sqlite/balances.sql");
    const TABLES: &'static [&'static str] = &["ledgers", "checkpoints"];

    async fn write(to: &mut SqliteConnection, entries: &[Entry], origins: &Origins) -> Result<(), ViewError> {
        let (mut known, mut checkpoints) = (known(to, entries).await?, Vec::new());
        for entry in entries {
            let Stream::Account(name) = &entry.stream else { continue };
            let (version, ledgers) = known.entry_ref(name).or_default();
            *version = entry.version;
            ledgers.fold(entry, origins)?;
            if entry.version % EVERY == 0 {
                checkpoints.push((name, entry, state(ledgers)?));
            }
        }
        let head = "INSERT INTO checkpoints (account, version, position, at, state) ";
        insert(to, (head, ""), checkpoints, |row, (name, entry, state)| {
            row.push_bind(name.to_string()).push_bind(figure(entry.version));
            row.push_bind(figure(entry.position)).push_bind(entry.at.micros()).push_bind(state);
        })
        .await?;
        keep(to, known).await
    }
}

async fn known(of: &mut SqliteConnection, entries: &[Entry]) -> Result<Known, ViewError> {
    let accounts: BTreeSet<&Name> = entries
        .iter()
        .filter_map(|entry| if let Stream::Account(name) = &entry.stream { Some(name) } else { None })
        .collect();
    let sql =
        "SELECT account, version, state FROM ledgers WHERE account IN (SELECT value FROM json_each(?1))";
    let rows = query(sql).bind(serde_json::json!(accounts).to_string()).fetch_all(of).await.rows()?;
    let mut known = Known::default();
    for row in &rows {
        let state = read(row.try_get("state").rows()?)?;
        known.insert(parsed(row, "account")?, (super::rows::count(row, "version")?, state));
    }
    Ok(known)
}

async fn keep(to: &mut SqliteConnection, known: Known) -> Result<(), ViewError> {
    let mut rows = Vec::with_capacity(known.len());
    for (account, (version, ledgers)) in known {
        rows.push((account, version, state(&ledgers)?));
    }
    rows.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    let head = "INSERT INTO ledgers (account, version, state) ";
    let tail = " ON CONFLICT DO UPDATE SET version = excluded.version, state = excluded.state";
    insert(to, (head, tail), rows, |row, (account, version, state)| {
        row.push_bind(account.to_string()).push_bind(figure(version)).push_bind(state);
    })
    .await
}

fn state(ledgers: &Ledgers) -> Result<Vec<u8>, ViewError> {
    rmp_serde::to_vec(ledgers).map_err(|error| ViewError::Rows(Box::new(error)))
}

/// A kept state.
pub(super) fn read(state: &[u8]) -> Result<Ledgers, ViewError> {
    rmp_serde::from_slice(state).map_err(|error| ViewError::Rows(Box::new(error)))
}
