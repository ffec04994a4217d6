//! Refusals and bans by subject.

use super::Model;
use super::rows::listed;
use super::session::{Session, Sql, Value};
use domain::event::{BanLifted, BanStarted, Entry};
use domain::ids::{HashKey, Position};
use domain::time::Timestamp;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::denials::{BanChange, Denial, ban, denial};

pub(super) struct Denials;

const DENIED: &str = "INSERT INTO denials \
    (position, at, stream, key, ip, endpoint, kind, gate, count, figure, retry_at, times) ";
const BANNED: &str = "INSERT INTO bans (position, at, subject, by, name, until, reason) ";
const LIFTED: &str = "UPDATE bans SET lifted = $1 WHERE subject = $2 AND by = $3 AND lifted IS NULL";

impl Model for Denials {
    const NAME: &'static str = "denials";
    const VERSION: i64 = 1;
    const SCHEMA: Sql = schema!("denials");
    const TABLES: &'static [&'static str] = &["denials", "bans"];

    async fn write<S: Session>(
        to: &mut S,
        entries: &[Entry],
        _: &Origins,
        _: HashKey,
    ) -> Result<(), ViewError> {
        to.insert((DENIED, ""), entries.iter().filter_map(denial).map(row).collect()).await?;
        // In their order: a subject may be banned and let go within a step.
        for change in entries.iter().filter_map(ban) {
            match change {
                BanChange::Started(position, at, event) => {
                    to.insert((BANNED, ""), vec![started(position, at, event)]).await?;
                }
                BanChange::Lifted(position, event) => to.execute(LIFTED, lifted(position, event)).await?,
            }
        }
        Ok(())
    }
}

fn row(of: Denial) -> [Value; 12] {
    [
        of.position.into(),
        of.at.into(),
        of.stream.to_string().into(),
        of.key.map(|key| key.to_string()).into(),
        of.ip.map(|ip| ip.to_string()).into(),
        of.endpoint.to_string().into(),
        of.kind.into(),
        of.gate.map(|gate| gate.to_string()).into(),
        of.count.into(),
        of.limit.into(),
        of.retry_at.into(),
        of.times.into(),
    ]
}

fn started(position: Position, at: Timestamp, event: &BanStarted) -> [Value; 7] {
    [
        position.into(),
        at.into(),
        event.subject.to_string().into(),
        listed(&event.by).into(),
        event.name.to_string().into(),
        event.until.into(),
        event.reason.clone().into(),
    ]
}

fn lifted(position: Position, event: &BanLifted) -> Vec<Value> {
    vec![position.into(), event.subject.to_string().into(), listed(&event.by).into()]
}
