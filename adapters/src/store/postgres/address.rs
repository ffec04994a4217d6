//! Where a book's database is, without ever showing its password.

use serde::Deserialize;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A `postgres://…` URL, as `libpq` reads it: `sslmode`, `sslrootcert` and the like among its parameters.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Address(Arc<PgConnectOptions>);

impl Address {
    /// How to connect. No statement is ever logged: its values are people's.
    pub(super) fn options(&self) -> PgConnectOptions {
        PgConnectOptions::clone(&self.0).application_name("counterfoil").disable_statement_logging()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let is_one = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        if !is_one {
            return Err(AddressError);
        }
        // Its own error might repeat a part of the text.
        PgConnectOptions::from_str(text).map(|options| Self(Arc::new(options))).map_err(|_| AddressError)
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (user, database) = (self.0.get_username(), self.0.get_database().unwrap_or_default());
        match self.0.get_socket() {
            Some(socket) => write!(out, "postgres://{user}@/{database}?host={}", socket.display()),
            None => write!(out, "postgres://{user}@{}:{}/{database}", self.0.get_host(), self.0.get_port()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A text that is no address of a database. Does not repeat the text, which may hold a password.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be a URL such as postgres://user@host:5432/database?sslmode=verify-full")]
pub struct AddressError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for text in [
            "postgres://ann:hunter2@db.example:6432/book?sslmode=require",
            "postgresql://db.example:6432/book?user=ann&password=hunter2",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), "postgres://ann@db.example:6432/book");
            assert_eq!(format!("{address:?}"), "postgres://ann@db.example:6432/book");
        }
        let socket: Address = "postgres:///book?host=/run/pg&user=ann&password=hunter2".parse().unwrap();
        assert_eq!(socket.to_string(), "postgres://ann@/book?host=/run/pg");
    }

    #[test]
    fn other_texts_are_refused_without_being_repeated() {
        for text in ["", "data", "mysql://ann:hunter2@db/book", "postgres://ann:hunter2@db:port/book"] {
            let error = text.parse::<Address>().unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
