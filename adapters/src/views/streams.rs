//! The stream index.

use super::file::Model;
use super::rows::{figure, insert};
use async_trait::async_trait;
use domain::event::Entry;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::streams::place;
use sqlx::sqlite::SqliteConnection;

pub(super) struct Streams;

#[async_trait]
impl Model for Streams {
    const NAME: &'static str = "streams";
    const VERSION: i64 = 1;
    const SCHEMA: &'static str = include_str!("../../../migrations/views/sqlite/streams.sql");
    const TABLES: &'static [&'static str] = &["streams"];

    async fn write(to: &mut SqliteConnection, entries: &[Entry], _: &Origins) -> Result<(), ViewError> {
        let mut places: Vec<_> = entries.iter().map(place).collect();
        // In the order of the table: neighbours are written together.
        places.sort_by(|a, b| (&a.stream, a.version).cmp(&(&b.stream, b.version)));
        let statement = ("INSERT INTO streams (stream, version, position) ", "");
        insert(to, statement, places, |row, place| {
            row.push_bind(place.stream).push_bind(figure(place.version)).push_bind(figure(place.position));
        })
        .await
    }
}
