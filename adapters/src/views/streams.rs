//! The stream index.

use super::Model;
use super::session::{Session, Sql};
use domain::event::Entry;
use domain::ids::HashKey;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::streams::place;

pub(super) struct Streams;

impl Model for Streams {
    const NAME: &'static str = "streams";
    const VERSION: i64 = 2;
    const SCHEMA: Sql = schema!("streams");
    const TABLES: &'static [&'static str] = &["streams"];

    type Memory = ();

    async fn write<S: Session>(
        to: &mut S,
        entries: &[Entry],
        _: &Origins,
        _: HashKey,
        (): &mut (),
    ) -> Result<(), ViewError> {
        let mut places: Vec<_> = entries.iter().map(place).collect();
        // In the order of the table: neighbours are written together.
        places.sort_by(|a, b| (&a.stream, a.position).cmp(&(&b.stream, b.position)));
        let rows = places.into_iter();
        let rows = rows.map(|of| [of.stream.into(), of.position.into(), of.version.into()]);
        to.insert(("INSERT INTO streams (stream, position, version) ", ""), rows).await
    }
}
