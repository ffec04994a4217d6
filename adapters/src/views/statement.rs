//! The account statement.

use super::Model;
use super::recent::Recent;
use super::rows::{accounts, count, credits, event_type, instant, listed, parsed, position, words};
use super::session::{Found, Session, Sql, Value};
use domain::event::Entry;
use domain::ids::{HashKey, Name};
use domain::map::Map;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::statement::{Line, Standing, fold};

pub(super) struct Statement;

const LINE: &str = "INSERT INTO statement (account, position, at, cause, decision, actor, request, credit, held, \
    charged, refunded, uncollected, credit_after, held_after, charged_ever, refunded_ever) ";

/// Where accounts stood after their last line.
const LAST: Sql = Sql {
    sqlite: "SELECT asked.value AS account, credit_after, held_after, charged_ever, refunded_ever \
        FROM json_each($1) AS asked JOIN statement ON statement.account = asked.value \
        WHERE position = (SELECT max(position) FROM statement WHERE account = asked.value)",
    postgres: "SELECT last.* FROM json_array_elements_text($1::json) AS asked, LATERAL (\
        SELECT account, credit_after, held_after, charged_ever, refunded_ever FROM statement \
        WHERE account = asked.value ORDER BY position DESC LIMIT 1) AS last",
};

impl Model for Statement {
    const NAME: &'static str = "statement";
    const VERSION: i64 = 1;
    const SCHEMA: Sql = schema!("statement");
    const TABLES: &'static [&'static str] = &["statement"];

    type Memory = Recent<Name, Standing>;

    async fn write<S: Session>(
        to: &mut S,
        entries: &[Entry],
        origins: &Origins,
        _: HashKey,
        memory: &mut Self::Memory,
    ) -> Result<(), ViewError> {
        let mut standings = standings(to, entries, memory).await?;
        let mut lines = fold(entries, origins, &mut standings)?;
        memory.note(standings);
        // In the order of the table: neighbours are written together.
        lines.sort_by(|a, b| (a.account.as_str(), a.position).cmp(&(b.account.as_str(), b.position)));
        to.insert((LINE, ""), lines.into_iter().map(row)).await
    }
}

/// Where the accounts of these entries stand, as remembered or as it is read.
async fn standings<S: Session>(
    of: &mut S,
    entries: &[Entry],
    memory: &mut Recent<Name, Standing>,
) -> Result<Map<Name, Standing>, ViewError> {
    let (mut standings, unknown) = memory.take(accounts(entries));
    if !unknown.is_empty() {
        for row in of.fetch(S::pick(&LAST), vec![listed(&unknown)?.into()]).await? {
            standings.insert(parsed(&row, "account")?, after(&row)?);
        }
    }
    Ok(standings)
}

/// Where an account stands after a line.
pub(super) fn after(row: &impl Found) -> Result<Standing, ViewError> {
    Ok(Standing {
        credit: credits(row, "credit_after")?,
        held: credits(row, "held_after")?,
        charged: credits(row, "charged_ever")?,
        refunded: credits(row, "refunded_ever")?,
    })
}

fn row(of: Line) -> [Value; 16] {
    [
        of.account.to_string().into(),
        of.position.into(),
        of.at.into(),
        of.cause.into(),
        of.decision.into(),
        of.actor.to_string().into(),
        of.request.map(|request| request.to_string()).into(),
        of.credit.into(),
        of.held.into(),
        of.charged.into(),
        of.refunded.into(),
        of.uncollected.into(),
        of.after.credit.into(),
        of.after.held.into(),
        of.after.charged.into(),
        of.after.refunded.into(),
    ]
}

/// A line as its row has it.
pub(super) fn line(row: &impl Found) -> Result<Line, ViewError> {
    Ok(Line {
        account: parsed(row, "account")?,
        position: count(row, "position")?,
        at: instant(row, "at")?,
        cause: event_type(row, "cause")?,
        decision: position(row, "decision")?,
        actor: words(row, "actor")?.into(),
        request: row.text("request")?.map(Into::into),
        credit: credits(row, "credit")?,
        held: credits(row, "held")?,
        charged: credits(row, "charged")?,
        refunded: credits(row, "refunded")?,
        uncollected: credits(row, "uncollected")?,
        after: after(row)?,
    })
}
