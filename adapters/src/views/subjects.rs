//! The subject index.

use super::Model;
use super::session::{Session, Sql};
use domain::event::Entry;
use domain::ids::HashKey;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::subjects::mentions;

pub(super) struct Subjects;

impl Model for Subjects {
    const NAME: &'static str = "subjects";
    const VERSION: i64 = 1;
    const SCHEMA: Sql = schema!("subjects");
    const TABLES: &'static [&'static str] = &["subjects"];

    type Memory = ();

    async fn write<S: Session>(
        to: &mut S,
        entries: &[Entry],
        _: &Origins,
        _: HashKey,
        (): &mut (),
    ) -> Result<(), ViewError> {
        let mut found: Vec<_> = entries.iter().flat_map(mentions).collect();
        // In the order of the table: neighbours are written together.
        found.sort_unstable();
        let rows = found.into_iter().map(|of| [of.subject.into(), of.position.into()]);
        to.insert(("INSERT INTO subjects (subject, position) ", ""), rows).await
    }
}
