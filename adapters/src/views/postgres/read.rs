//! Reading views beside those who keep them.

use crate::store::postgres::{Link, is_lost, is_missing};
use crate::views::Model;
use crate::views::postgres::session::bound;
use crate::views::read::Source;
use crate::views::session::{Failed, Value};
use async_trait::async_trait;
use domain::ids::Position;
use domain::log::BookId;
use domain::map::Map;
use projections::runner::ViewError;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Connection, Row, query};
use tokio::time::timeout;

/// How far the rows have come, and from then on names are those of the generation's schema.
const LOOK: &str = "SELECT position, set_config('search_path', 'views_' || view || '_' || generation, true)
    FROM views.checkpoint WHERE view = $1 AND book = $2 AND version = $3";

/// How often a reading is tried: once more after a connection was lost, or a generation dropped while it was read.
const TRIES: usize = 3;

/// Connections for reading, one for each view.
pub(in crate::views) struct Readings {
    pub(super) book: BookId,
    pub(super) links: Map<&'static str, Link>,
}

#[async_trait]
impl Source for Readings {
    type Row = PgRow;

    async fn ask<M: Model>(
        &self,
        sql: &str,
        values: Vec<Value>,
    ) -> Result<(Vec<PgRow>, Position), ViewError> {
        let missing = || ViewError::Rows("the view was not made yet".into());
        let link = self.links.get(M::NAME).ok_or_else(missing)?;
        let mut tries = 1;
        loop {
            match self.look::<M>(link, sql, values.clone()).await {
                Err(error) if tries < TRIES && (is_lost(&error) || is_missing(&error)) => tries += 1,
                found => return found.rows()?.ok_or_else(missing),
            }
        }
    }
}

impl Readings {
    async fn look<M: Model>(
        &self,
        link: &Link,
        sql: &str,
        values: Vec<Value>,
    ) -> sqlx::Result<Option<(Vec<PgRow>, Position)>> {
        let mut lent = link.lend().await?;
        let (limit, connection) = lent.connection();
        let found = timeout(limit, look::<M>(connection, self.book, sql, values)).await;
        lent.settle(found)
    }
}

/// Position and rows of the same moment; nothing when the view was not made yet.
async fn look<M: Model>(
    connection: &mut PgConnection,
    book: BookId,
    sql: &str,
    values: Vec<Value>,
) -> sqlx::Result<Option<(Vec<PgRow>, Position)>> {
    let mut look = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let found =
        query(LOOK).bind(M::NAME).bind(book.to_string()).bind(M::VERSION).fetch_optional(&mut *look).await?;
    let mut read = None;
    if let Some(row) = found {
        let position: i64 = row.try_get("position")?;
        let rows = bound(sql, values).fetch_all(&mut *look).await?;
        read = Some((rows, u64::try_from(position).unwrap_or(0)));
    }
    look.commit().await?;
    Ok(read)
}
