//! Open holds.

use super::Model;
use super::rows::{count, credits, instant, listed, mode, parsed, perhaps, words};
use super::session::{Found, Session, Sql, Value};
use domain::event::Entry;
use domain::ids::{HashKey, Position};
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::holds::{Change, Hold, fold};

pub(super) struct Holds;

const OPENED: &str = "INSERT INTO holds (decision, stream, mode, endpoint, key, at, until, held) ";
const BEGUN: Sql = Sql {
    sqlite: "UPDATE holds SET held = '0' WHERE decision IN (SELECT value FROM json_each($1))",
    postgres: "UPDATE holds SET held = '0' \
               WHERE decision IN (SELECT value::bigint FROM json_array_elements_text($1::json))",
};
const CLOSED: Sql = Sql {
    sqlite: "DELETE FROM holds WHERE decision IN (SELECT value FROM json_each($1))",
    postgres: "DELETE FROM holds \
               WHERE decision IN (SELECT value::bigint FROM json_array_elements_text($1::json))",
};

impl Model for Holds {
    const NAME: &'static str = "holds";
    const VERSION: i64 = 2;
    const SCHEMA: Sql = schema!("holds");
    const TABLES: &'static [&'static str] = &["holds"];

    type Memory = ();

    async fn write<S: Session>(
        to: &mut S,
        entries: &[Entry],
        _: &Origins,
        _: HashKey,
        (): &mut (),
    ) -> Result<(), ViewError> {
        let (mut opened, mut begun, mut closed) = (Vec::new(), Vec::new(), Vec::new());
        for (decision, change) in fold(entries) {
            match change {
                Change::Opened(hold) => opened.push(row(&hold)),
                Change::Begun => begun.push(decision),
                Change::Closed => closed.push(decision),
            }
        }
        to.insert((OPENED, ""), opened).await?;
        each(to, &BEGUN, &begun).await?;
        each(to, &CLOSED, &closed).await
    }
}

fn row(of: &Hold) -> [Value; 8] {
    [
        of.decision.into(),
        of.stream.to_string().into(),
        of.mode.name().into(),
        of.endpoint.to_string().into(),
        of.key.as_ref().map(ToString::to_string).into(),
        of.at.into(),
        of.until.into(),
        of.held.into(),
    ]
}

/// A hold as its row has it.
pub(super) fn hold(row: &impl Found) -> Result<Hold, ViewError> {
    Ok(Hold {
        decision: count(row, "decision")?,
        stream: parsed(row, "stream")?,
        mode: mode(row)?,
        endpoint: words(row, "endpoint")?.into(),
        key: perhaps(row, "key")?,
        at: instant(row, "at")?,
        until: instant(row, "until")?,
        held: credits(row, "held")?,
    })
}

/// One statement for many decisions.
async fn each<S: Session>(to: &mut S, sql: &Sql, of: &[Position]) -> Result<(), ViewError> {
    if of.is_empty() {
        return Ok(());
    }
    to.execute(S::pick(sql), vec![listed(&of)?.into()]).await
}
