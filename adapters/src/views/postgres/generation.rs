//! The tables of a view, one generation after another, and which of them are in use.

use crate::views::Model;
use crate::views::session::{Failed, figure};
use domain::ids::Position;
use domain::log::BookId;
use projections::runner::ViewError;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, query, query_as, query_scalar, raw_sql};

const CHECKPOINT: &str = include_str!("../../../../migrations/views/postgres/checkpoint.sql");

/// Makers of tables take turns until the end of their transaction: names in the catalogue are given once.
const MAKING: &str = "SELECT pg_advisory_xact_lock(hashtextextended('counterfoil views', 0))";

/// The generation in use, and whether all its tables are there.
const IN_USE: &str = "SELECT generation, book, version, position,
    (SELECT bool_and(to_regclass('views_' || view || '_' || generation || '.' || name) IS NOT NULL)
     FROM unnest($2) AS name) AS whole
    FROM views.checkpoint WHERE view = $1";

const USE: &str =
    "INSERT INTO views.checkpoint (view, generation, book, version, position) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (view) DO UPDATE SET generation = excluded.generation, book = excluded.book,
    version = excluded.version, position = excluded.position";

const ALL: &str = "SELECT nspname::text FROM pg_namespace WHERE nspname ~ ('^views_' || $1 || '_[0-9]+$')";

/// The generation of a view that is in use.
#[derive(Clone, Debug)]
pub(super) struct InUse {
    pub(super) number: u64,
    pub(super) position: Position,
    book: String,
    version: i64,
    whole: bool,
}

impl InUse {
    /// Whether its rows are of this book and this fold.
    pub(super) fn fits<M: Model>(&self, book: BookId) -> bool {
        self.whole && self.book == book.to_string() && self.version == M::VERSION
    }

    /// Whether they are those of another release.
    pub(super) fn is_of_other_fold<M: Model>(&self) -> bool {
        self.version != M::VERSION
    }
}

/// The schema of a generation.
pub(super) fn schema<M: Model>(number: u64) -> String {
    format!("views_{}_{number}", M::NAME)
}

/// Waits for the turn to make tables, and makes the table of checkpoints if there is none. Within a transaction, whose
/// end ends the turn.
pub(super) async fn take_turn(connection: &mut PgConnection) -> Result<(), ViewError> {
    query(MAKING).execute(&mut *connection).await.rows()?;
    // Asked first: whoever may not make schemas need not when they are there.
    if !is_there(&mut *connection).await.rows()? {
        raw_sql(CHECKPOINT).execute(connection).await.rows()?;
    }
    Ok(())
}

async fn is_there(connection: &mut PgConnection) -> sqlx::Result<bool> {
    query_scalar("SELECT to_regclass('views.checkpoint') IS NOT NULL").fetch_one(connection).await
}

/// The generation in use, whatever its fold and its book.
pub(super) async fn in_use<M: Model>(connection: &mut PgConnection) -> Result<Option<InUse>, ViewError> {
    let found: Option<(i64, String, i64, i64, bool)> =
        query_as(IN_USE).bind(M::NAME).bind(M::TABLES).fetch_optional(connection).await.rows()?;
    Ok(found.map(|(number, book, version, position, whole)| InUse {
        number: u64::try_from(number).unwrap_or(0),
        position: u64::try_from(position).unwrap_or(0),
        book,
        version,
        whole,
    }))
}

/// Makes the empty tables of the next generation. Nobody uses them yet.
pub(super) async fn make<M: Model>(connection: &mut PgConnection) -> Result<u64, ViewError> {
    let numbers = all::<M>(&mut *connection).await?;
    let numbers = numbers.iter().filter_map(|schema| schema.rsplit_once('_')?.1.parse::<u64>().ok());
    let number = numbers.max().unwrap_or(0) + 1;
    let schema = schema::<M>(number);
    let sql = format!("CREATE SCHEMA {schema}; SET LOCAL search_path = {schema}; {}", M::SCHEMA.postgres);
    raw_sql(AssertSqlSafe(sql)).execute(connection).await.rows()?;
    Ok(number)
}

/// Puts a generation into use.
pub(super) async fn put_into_use<M: Model>(
    connection: &mut PgConnection,
    book: BookId,
    (number, position): (u64, Position),
) -> Result<(), ViewError> {
    query(USE)
        .bind(M::NAME)
        .bind(figure(number))
        .bind(book.to_string())
        .bind(M::VERSION)
        .bind(figure(position))
        .execute(&mut *connection)
        .await
        .rows()?;
    let schema = schema::<M>(number);
    for table in M::TABLES {
        let sql = format!(
            "DROP VIEW IF EXISTS views.{table}; CREATE VIEW views.{table} AS SELECT * FROM {schema}.{table}"
        );
        raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.rows()?;
    }
    Ok(())
}

/// Drops every generation but these, once nobody reads it any more.
pub(super) async fn drop_others<M: Model>(
    connection: &mut PgConnection,
    kept: &[u64],
) -> Result<(), ViewError> {
    let kept: Vec<_> = kept.iter().map(|number| schema::<M>(*number)).collect();
    for other in all::<M>(&mut *connection).await?.iter().filter(|schema| !kept.contains(schema)) {
        let sql = format!("DROP SCHEMA IF EXISTS {other} CASCADE");
        raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await.rows()?;
    }
    Ok(())
}

async fn all<M: Model>(connection: &mut PgConnection) -> Result<Vec<String>, ViewError> {
    query_scalar(ALL).bind(M::NAME).fetch_all(connection).await.rows()
}

/// Whether nobody else folds this view anew; if so nobody else begins to until the end of the transaction.
pub(super) async fn is_not_rebuilt<M: Model>(connection: &mut PgConnection) -> Result<bool, ViewError> {
    let sql = "SELECT pg_try_advisory_xact_lock(hashtextextended('counterfoil views ' || $1, 0))";
    query_scalar(sql).bind(M::NAME).fetch_one(connection).await.rows()
}

/// As [`is_not_rebuilt`], until the end of the connection.
pub(super) async fn begin_rebuild<M: Model>(connection: &mut PgConnection) -> Result<bool, ViewError> {
    let sql = "SELECT pg_try_advisory_lock(hashtextextended('counterfoil views ' || $1, 0))";
    query_scalar(sql).bind(M::NAME).fetch_one(connection).await.rows()
}
