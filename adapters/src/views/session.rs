//! What the rows of a view are written and read through, the same for every kind of database.
//!
//! Statements are SQL that both know, with parameters as `$1`; where the dialects part, both texts stand side by side.

use crate::store::postgres::told;
use domain::money::Credits;
use domain::time::Timestamp;
use projections::runner::ViewError;

/// What goes into a column, or stands for `$1`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value {
    Text(Option<String>),
    Figure(Option<i64>),
    Flag(bool),
    Bytes(Vec<u8>),
}

/// A text that is not the same in both dialects.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sql {
    pub(super) sqlite: &'static str,
    pub(super) postgres: &'static str,
}

/// A connection within a transaction.
pub(super) trait Session: Send {
    type Row: Found;

    /// The text in this database's dialect.
    fn pick(sql: &Sql) -> &'static str;

    /// Writes rows, many at once and each made when its turn comes: `head` is `INSERT INTO … (…)`, `tail` what is to be
    /// done on a conflict. No two of the rows have the same key.
    fn insert<const N: usize>(
        &mut self,
        statement: (&'static str, &'static str),
        rows: impl IntoIterator<Item = [Value; N], IntoIter: Send> + Send,
    ) -> impl Future<Output = Result<(), ViewError>> + Send;

    fn execute(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<(), ViewError>> + Send;

    fn fetch(
        &mut self,
        sql: &str,
        values: Vec<Value>,
    ) -> impl Future<Output = Result<Vec<Self::Row>, ViewError>> + Send;
}

/// A row as it was read.
pub(super) trait Found: Send + Sync {
    fn text(&self, column: &str) -> Result<Option<&str>, ViewError>;

    fn figure(&self, column: &str) -> Result<Option<i64>, ViewError>;

    fn flag(&self, column: &str) -> Result<bool, ViewError>;

    fn bytes(&self, column: &str) -> Result<&[u8], ViewError>;

    /// Its columns for people, `name=value`; bytes are left out.
    fn shown(&self) -> String;
}

/// Turns an error of the database or the file system into one of the view.
pub(super) trait Failed<T> {
    fn rows(self) -> Result<T, ViewError>;
}

impl<T> Failed<T> for sqlx::Result<T> {
    fn rows(self) -> Result<T, ViewError> {
        self.map_err(|error| ViewError::Rows(told(error)))
    }
}

impl<T> Failed<T> for std::io::Result<T> {
    fn rows(self) -> Result<T, ViewError> {
        self.map_err(|error| ViewError::Rows(Box::new(error)))
    }
}

/// Reads a row of this type by the names of its columns.
macro_rules! found {
    ($row:ty) => {
        impl crate::views::session::Found for $row {
            fn text(&self, column: &str) -> Result<Option<&str>, ViewError> {
                sqlx::Row::try_get(self, column).rows()
            }

            fn figure(&self, column: &str) -> Result<Option<i64>, ViewError> {
                sqlx::Row::try_get(self, column).rows()
            }

            fn flag(&self, column: &str) -> Result<bool, ViewError> {
                sqlx::Row::try_get(self, column).rows()
            }

            fn bytes(&self, column: &str) -> Result<&[u8], ViewError> {
                sqlx::Row::try_get(self, column).rows()
            }

            fn shown(&self) -> String {
                use sqlx::{Column, Row};
                let value = |place: usize| {
                    let text = self.try_get::<Option<String>, _>(place).ok().flatten();
                    let figure = || self.try_get::<Option<i64>, _>(place).ok().flatten();
                    let flag = || self.try_get::<Option<bool>, _>(place).ok().flatten();
                    let figure = || figure().map(|figure| figure.to_string());
                    text.or_else(figure).or_else(|| flag().map(|flag| flag.to_string())).unwrap_or_default()
                };
                let columns = self.columns().iter();
                let columns = columns.map(|column| format!("{}={}", column.name(), value(column.ordinal())));
                columns.collect::<Vec<_>>().join(" ")
            }
        }
    };
}
pub(super) use found;

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(figure: i64) -> Self {
        Self::Figure(Some(figure))
    }
}

/// The databases' integers are signed; no figure of a book reaches 2^63.
pub(super) fn figure(of: u64) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

impl From<u64> for Value {
    fn from(of: u64) -> Self {
        figure(of).into()
    }
}

impl From<Option<u64>> for Value {
    fn from(of: Option<u64>) -> Self {
        Self::Figure(of.map(figure))
    }
}

impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Self {
        at.micros().into()
    }
}

impl From<Option<Timestamp>> for Value {
    fn from(at: Option<Timestamp>) -> Self {
        Self::Figure(at.map(Timestamp::micros))
    }
}

/// Credits are decimal texts: a database's own sums might be floats.
impl From<Credits> for Value {
    fn from(amount: Credits) -> Self {
        amount.to_string().into()
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}
