//! Refusals and bans by subject.

use super::Model;
use super::rows::{
    count, instant, listed, missing, named, parsed, perhaps, perhaps_at, position, unlisted, words,
};
use super::session::{Found, Session, Sql, Value};
use domain::event::{BanLifted, BanStarted, Entry};
use domain::ids::{HashKey, Position};
use domain::time::Timestamp;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::denials::{self as model, Ban, BanChange, Denial, Lifted};

pub(super) struct Denials;

const DENIED: &str = "INSERT INTO denials \
    (position, at, stream, key, ip, endpoint, kind, policy, reason, gate, count, figure, retry_at, times, since) ";
const BANNED: &str = "INSERT INTO bans (position, at, subject, by, name, until, reason) ";
/// One whose time had come ended by itself.
const LIFTED: &str = "UPDATE bans SET lifted = $1, lifted_at = $2 \
    WHERE subject = $3 AND by = $4 AND lifted IS NULL AND (until IS NULL OR until > $2)";

impl Model for Denials {
    const NAME: &'static str = "denials";
    const VERSION: i64 = 2;
    const SCHEMA: Sql = schema!("denials");
    const TABLES: &'static [&'static str] = &["denials", "bans"];

    type Memory = ();

    async fn write<S: Session>(
        to: &mut S,
        entries: &[Entry],
        _: &Origins,
        _: HashKey,
        (): &mut (),
    ) -> Result<(), ViewError> {
        to.insert((DENIED, ""), entries.iter().filter_map(model::denial).map(row)).await?;
        // In their order: a subject may be banned and let go within a step.
        for change in entries.iter().filter_map(model::ban) {
            match change {
                BanChange::Started(position, at, event) => {
                    to.insert((BANNED, ""), [started(position, at, event)?]).await?;
                }
                BanChange::Lifted(when, event) => to.execute(LIFTED, lifted(when, event)?).await?,
            }
        }
        Ok(())
    }
}

fn row(of: Denial) -> [Value; 15] {
    [
        of.position.into(),
        of.at.into(),
        of.stream.to_string().into(),
        of.key.map(|key| key.to_string()).into(),
        of.ip.map(|ip| ip.to_string()).into(),
        of.endpoint.to_string().into(),
        of.kind.name().into(),
        u64::from(of.policy).into(),
        of.reason.to_string().into(),
        of.gate.map(|gate| gate.to_string()).into(),
        of.count.into(),
        of.limit.into(),
        of.retry_at.into(),
        of.times.into(),
        of.since.into(),
    ]
}

fn started(position: Position, at: Timestamp, event: &BanStarted) -> Result<[Value; 7], ViewError> {
    Ok([
        position.into(),
        at.into(),
        event.subject.to_string().into(),
        listed(&event.by)?.into(),
        event.name.to_string().into(),
        event.until.into(),
        event.reason.clone().into(),
    ])
}

fn lifted(when: Lifted, event: &BanLifted) -> Result<Vec<Value>, ViewError> {
    let (subject, by) = (event.subject.to_string(), listed(&event.by)?);
    Ok(vec![when.position.into(), when.at.into(), subject.into(), by.into()])
}

/// A refusal as its row has it.
pub(super) fn denial(row: &impl Found) -> Result<Denial, ViewError> {
    Ok(Denial {
        position: count(row, "position")?,
        at: instant(row, "at")?,
        stream: parsed(row, "stream")?,
        key: perhaps(row, "key")?,
        ip: perhaps(row, "ip")?,
        endpoint: words(row, "endpoint")?.into(),
        kind: named(row, "kind")?.ok_or_else(|| missing("kind"))?,
        policy: u32::try_from(count(row, "policy")?).unwrap_or(0),
        reason: words(row, "reason")?.into(),
        gate: perhaps(row, "gate")?,
        count: position(row, "count")?,
        limit: position(row, "figure")?,
        retry_at: perhaps_at(row, "retry_at")?,
        times: count(row, "times")?,
        since: perhaps_at(row, "since")?,
    })
}

/// A ban as its row has it.
pub(super) fn ban(row: &impl Found) -> Result<Ban, ViewError> {
    let lifted = position(row, "lifted")?.zip(perhaps_at(row, "lifted_at")?);
    Ok(Ban {
        position: count(row, "position")?,
        at: instant(row, "at")?,
        subject: parsed(row, "subject")?,
        by: unlisted(row, "by")?,
        name: parsed(row, "name")?,
        until: perhaps_at(row, "until")?,
        reason: words(row, "reason")?.to_owned(),
        lifted: lifted.map(|(position, at)| Lifted { position, at }),
    })
}
