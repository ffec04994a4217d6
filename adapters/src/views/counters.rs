//! What limits have counted, in pieces of 64 steps, and what the counting goes by.

mod chunk;
mod past;
mod write;

pub(super) use past::{caller, published, tally};

use super::Model;
use super::session::{Session, Sql};
use domain::event::{Entry, Subject};
use domain::ids::HashKey;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::counters::{Wanted, World};
use write::Changes;

pub(super) struct Counters;

impl Model for Counters {
    const NAME: &'static str = "counters";
    const VERSION: i64 = 2;
    const SCHEMA: Sql = schema!("counters");
    const TABLES: &'static [&'static str] = &["counters", "callers", "policies", "jobs"];

    type Memory = ();

    async fn write<S: Session>(
        to: &mut S,
        entries: &[Entry],
        _: &Origins,
        key: HashKey,
        (): &mut (),
    ) -> Result<(), ViewError> {
        let (mut world, mut changes) = (World::new(key), Changes::default());
        let wanted = Wanted::of(entries);
        write::learn_policies(to, &wanted, &mut world).await?;
        changes.learn_callers(to, &wanted.callers, &mut world).await?;
        let others = world.subjects(entries);
        let others = others.difference(&wanted.callers).cloned().collect();
        changes.learn_callers(to, &others, &mut world).await?;
        write::learn_jobs(to, &wanted, &mut world).await?;
        for entry in entries {
            for change in world.fold(entry)? {
                changes.note(entry, change, &world)?;
            }
        }
        changes.write(to).await
    }
}

/// The name of a caller in the rows.
fn name(caller: &Subject) -> String {
    match caller {
        Subject::Account(name) => format!("account:{name}"),
        Subject::Key(name) => format!("key:{name}"),
        Subject::Owner(name) => format!("owner:{name}"),
        Subject::Ip(digest) => format!("ip:{digest}"),
    }
}
