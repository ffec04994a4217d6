//! The subject index.

use super::file::Model;
use super::rows::{figure, insert};
use async_trait::async_trait;
use domain::event::Entry;
use projections::origins::Origins;
use projections::runner::ViewError;
use projections::views::subjects::mentions;
use sqlx::sqlite::SqliteConnection;

pub(super) struct Subjects;

#[async_trait]
impl Model for Subjects {
    const NAME: &'static str = "subjects";
    const VERSION: i64 = 1;
    const SCHEMA: &'static str = include_str!("../../../migrations/views/sqlite/subjects.sql");
    const TABLES: &'static [&'static str] = &["subjects"];

    async fn write(to: &mut SqliteConnection, entries: &[Entry], _: &Origins) -> Result<(), ViewError> {
        let mut found: Vec<_> = entries.iter().flat_map(mentions).collect();
        // In the order of the table: neighbours are written together.
        found.sort_unstable();
        let statement = ("INSERT INTO subjects (subject, position) ", "");
        insert(to, statement, found, |row, mention| {
            row.push_bind(mention.subject).push_bind(figure(mention.position));
        })
        .await
    }
}
