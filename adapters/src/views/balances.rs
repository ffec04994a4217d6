//! The credit of accounts, now and at checkpoints.

use super::Model;
use super::recent::Recent;
use super::rows::{accounts, count, listed, parsed};
use super::session::{Found, Session, Sql, Value};
use domain::event::{Entry, Stream};
use domain::ids::{HashKey, Name};
use domain::map::Map;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::balances::{Ledgers, OFTEN, is_kept};

pub(super) struct Balances;

type Known = Map<Name, (u64, Ledgers)>;

const KNOWN: Sql = Sql {
    sqlite: "SELECT account, version, state FROM ledgers WHERE account IN (SELECT value FROM json_each($1))",
    postgres: "SELECT account, version, state FROM ledgers \
               WHERE account IN (SELECT value FROM json_array_elements_text($1::json))",
};
const CHECKPOINT: &str = "INSERT INTO checkpoints (account, version, position, at, state) ";
const LEDGERS: (&str, &str) = (
    "INSERT INTO ledgers (account, version, state) ",
    " ON CONFLICT (account) DO UPDATE SET version = excluded.version, state = excluded.state",
);

impl Model for Balances {
    const NAME: &'static str = "balances";
    const VERSION: i64 = 2;
    const SCHEMA: Sql = schema!("balances");
    const TABLES: &'static [&'static str] = &["ledgers", "checkpoints"];

    type Memory = Recent<Name, (u64, Ledgers)>;

    async fn write<S: Session>(
        to: &mut S,
        entries: &[Entry],
        origins: &Origins,
        _: HashKey,
        memory: &mut Self::Memory,
    ) -> Result<(), ViewError> {
        let (mut known, mut checkpoints) = (known(to, entries, memory).await?, Vec::new());
        for entry in entries {
            let Stream::Account(name) = &entry.stream else { continue };
            let (version, ledgers) = known.entry_ref(name).or_default();
            *version = entry.version;
            ledgers.fold(entry, origins)?;
            if entry.version.is_multiple_of(OFTEN) {
                checkpoints.extend(checkpoint(name, entry, ledgers)?);
            }
        }
        to.insert((CHECKPOINT, ""), checkpoints).await?;
        keep(to, &known).await?;
        memory.note(known);
        Ok(())
    }
}

/// The row of a checkpoint after this entry, where one is kept.
fn checkpoint(account: &Name, entry: &Entry, ledgers: &Ledgers) -> Result<Option<[Value; 5]>, ViewError> {
    let Entry { version, position, at, .. } = *entry;
    let state = state(ledgers)?;
    let is_kept = is_kept(version, state.len());
    let row = || [account.to_string().into(), version.into(), position.into(), at.into(), state.into()];
    Ok(is_kept.then(row))
}

/// The ledgers of these entries' accounts, as remembered or as they are read.
async fn known<S: Session>(
    of: &mut S,
    entries: &[Entry],
    memory: &mut Recent<Name, (u64, Ledgers)>,
) -> Result<Known, ViewError> {
    let (mut known, unknown) = memory.take(accounts(entries));
    if !unknown.is_empty() {
        for row in of.fetch(S::pick(&KNOWN), vec![listed(&unknown)?.into()]).await? {
            let ledgers = (count(&row, "version")?, read(row.bytes("state")?)?);
            known.insert(parsed(&row, "account")?, ledgers);
        }
    }
    Ok(known)
}

async fn keep<S: Session>(to: &mut S, known: &Known) -> Result<(), ViewError> {
    let mut known: Vec<_> = known.iter().collect();
    known.sort_by_key(|(account, _)| *account);
    let mut rows = Vec::with_capacity(known.len());
    for (account, (version, ledgers)) in known {
        rows.push([account.to_string().into(), (*version).into(), state(ledgers)?.into()]);
    }
    to.insert(LEDGERS, rows).await
}

fn state(ledgers: &Ledgers) -> Result<Vec<u8>, ViewError> {
    rmp_serde::to_vec(ledgers).map_err(|error| ViewError::Rows(Box::new(error)))
}

/// A kept state.
pub(super) fn read(state: &[u8]) -> Result<Ledgers, ViewError> {
    rmp_serde::from_slice(state).map_err(|error| ViewError::Rows(Box::new(error)))
}
