//! Reading views beside those who keep them, each through a connection of its own.

use super::view::{newest, place};
use crate::views::Model;
use crate::views::read::Source;
use crate::views::session::{Failed, Session, Value};
use async_trait::async_trait;
use domain::ids::Position;
use domain::map::Map;
use projections::runner::ViewError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, Connection, query_scalar};
use std::path::PathBuf;
use tokio::sync::Mutex;

/// Connections to the newest generation of each view.
pub(in crate::views) struct Files {
    dir: PathBuf,
    open: Mutex<Map<&'static str, (u64, SqliteConnection)>>,
}

impl Files {
    pub(in crate::views) fn new(dir: PathBuf) -> Self {
        Self { dir, open: Mutex::default() }
    }
}

#[async_trait]
impl Source for Files {
    type Row = SqliteRow;

    async fn ask<M: Model>(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<(Vec<SqliteRow>, Position), ViewError> {
        let missing = || ViewError::Rows("the view was not made yet".into());
        let generation = newest(&self.dir, M::NAME).rows()?.ok_or_else(missing)?;
        let mut open = self.open.lock().await;
        if open.get(M::NAME).is_none_or(|(of, _)| *of != generation) {
            let file = place(&self.dir, M::NAME, generation);
            let options = SqliteConnectOptions::new().filename(file).read_only(true);
            let options = options.thread_name(|n| format!("read-{n}")).disable_statement_logging();
            open.insert(M::NAME, (generation, options.connect().await.rows()?));
        }
        let (_, connection) = open.get_mut(M::NAME).ok_or_else(missing)?;
        // Position and rows of the same moment.
        let mut look = connection.begin().await.rows()?;
        let position: i64 =
            query_scalar("SELECT position FROM checkpoint").fetch_one(&mut *look).await.rows()?;
        let rows = look.fetch(sql, values).await?;
        Ok((rows, u64::try_from(position).unwrap_or(0)))
    }
}
