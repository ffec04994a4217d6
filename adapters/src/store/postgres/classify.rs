//! What each PostgreSQL failure means for the frame that was being appended.

use domain::ids::Position;
use domain::log::{Cause, StoreError};
use sqlx::postgres::{PgDatabaseError, PgSeverity};
use std::io;

/// What a failure says about the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    NotWritten,
    MaybeWritten,
    Damaged,
}

/// PostgreSQL's conditions in words for who runs the service. A condition is looked up before its class (the first
/// two characters).
const WORDS: [(&str, &str); 22] = [
    ("08", "the connection was lost"),
    ("22", "a value was refused"),
    ("23", "a check refused the row"),
    ("25006", "the database can only be read"),
    ("25P03", "the session was ended for being idle"),
    ("28", "the database does not let this user in"),
    ("3D000", "there is no such database"),
    ("40", "the transaction was rolled back"),
    ("42501", "the user has no right to it"),
    ("42P01", "its tables are missing"),
    ("42883", "the log's functions are missing"),
    ("53100", "there is no room on the database's disk"),
    ("53200", "the database has no memory"),
    ("53300", "the database has no connection left"),
    ("55P03", "another session holds the lock"),
    ("57014", "the database took too long"),
    ("57P01", "the database's operator ended the connection"),
    ("57P02", "the database crashed"),
    ("57P03", "the database is starting or stopping"),
    ("58", "the database's disk fails"),
    ("XX001", "the database is damaged"),
    ("XX002", "an index of the database is damaged"),
];

fn words(code: &str) -> Option<&'static str> {
    let find = |wanted: &str| WORDS.iter().find(|(code, _)| *code == wanted);
    find(code).or_else(|| find(code.get(..2)?)).map(|(_, words)| *words)
}

/// What the server said, if it was the server: how severe it is, and the condition's code.
fn said(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// An error rolls the statement back and leaves the session alive. When the session died, nobody knows how far the
/// commit had come; the same when the answer was lost on its way.
fn verdict(said: Option<(PgSeverity, &str)>) -> Verdict {
    match said {
        Some((_, "XX001" | "XX002")) => Verdict::Damaged,
        Some((PgSeverity::Error, _)) => Verdict::NotWritten,
        _ => Verdict::MaybeWritten,
    }
}

fn judged(error: &sqlx::Error) -> Verdict {
    verdict(said(error).map(|said| (said.severity(), said.code())))
}

/// PostgreSQL's failure, said once and in our words before its own.
#[derive(Debug, thiserror::Error)]
#[error("{words} (PostgreSQL says: {message}, code {code})")]
struct Failed {
    words: &'static str,
    message: String,
    code: String,
}

/// What a failure comes from, for the one who runs the service.
pub(crate) fn told(error: sqlx::Error) -> Cause {
    let known = said(&error).and_then(|said| {
        let (message, code) = (said.message().to_owned(), said.code().to_owned());
        words(said.code()).map(|words| Failed { words, message, code })
    });
    match known {
        Some(failed) => Box::new(failed),
        None => Box::new(error),
    }
}

/// A failure to connect: nothing was asked yet.
pub(super) fn of_connect(error: sqlx::Error) -> StoreError {
    StoreError::NotWritten(told(error))
}

/// A failure while a frame was appended at this position.
pub(super) fn of_append(error: sqlx::Error, position: Position) -> StoreError {
    let (verdict, cause) = (judged(&error), told(error));
    match verdict {
        Verdict::NotWritten => StoreError::NotWritten(cause),
        Verdict::MaybeWritten => StoreError::MaybeWritten(cause),
        Verdict::Damaged => StoreError::Damaged { position, cause },
    }
}

/// A failure while the log was read from this position: whatever it was, nothing was written.
pub(super) fn of_read(error: sqlx::Error, position: Position) -> StoreError {
    match error {
        // The rows came, and are not what this release or any before it wrote.
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
            StoreError::Damaged { position, cause: told(error) }
        }
        error => match of_append(error, position) {
            StoreError::MaybeWritten(cause) => StoreError::NotWritten(cause),
            other @ (StoreError::NotWritten(_) | StoreError::Damaged { .. } | StoreError::Fatal(_)) => other,
        },
    }
}

/// Whether the connection went away, so that another one may fare better at once.
pub(crate) fn is_lost(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() != io::ErrorKind::TimedOut,
        error => said(error).is_some_and(|said| said.severity() != PgSeverity::Error),
    }
}

/// Whether what a statement names is not there: a schema, or a table.
pub(crate) fn is_missing(error: &sqlx::Error) -> bool {
    said(error).is_some_and(|said| ["3F000", "42P01"].contains(&said.code()))
}

/// Whether another session had the lock for longer than this one waits.
pub(crate) fn is_locked(error: &sqlx::Error) -> bool {
    said(error).is_some_and(|said| said.code() == "55P03")
}

/// Whether the exchange came to its end, so that the next one may use the connection.
pub(super) fn leaves_the_connection_usable(error: &sqlx::Error) -> bool {
    matches!(said(error).map(PgDatabaseError::severity), Some(PgSeverity::Error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_living_session_kept_nothing() {
        for code in ["53100", "55P03", "57014", "25006", "42501", "23514", "40001", "99999"] {
            assert_eq!(verdict(Some((PgSeverity::Error, code))), Verdict::NotWritten, "{code}");
        }
    }

    #[test]
    fn when_the_session_died_nobody_knows() {
        for code in ["57P01", "57P02", "25P03", "53200", "XX000"] {
            for severity in [PgSeverity::Fatal, PgSeverity::Panic] {
                assert_eq!(verdict(Some((severity, code))), Verdict::MaybeWritten, "{code}");
            }
        }
        assert_eq!(verdict(None), Verdict::MaybeWritten);
    }

    #[test]
    fn a_lost_connection_may_have_written_and_a_read_wrote_nothing() {
        let lost = || sqlx::Error::Io(io::ErrorKind::ConnectionReset.into());
        assert!(matches!(of_append(lost(), 1), StoreError::MaybeWritten(_)));
        assert!(matches!(of_connect(lost()), StoreError::NotWritten(_)));
        assert!(matches!(of_read(lost(), 1), StoreError::NotWritten(_)));
        assert!(!leaves_the_connection_usable(&lost()));
    }

    #[test]
    fn damage_is_named_with_the_position() {
        assert_eq!(verdict(Some((PgSeverity::Error, "XX001"))), Verdict::Damaged);
        let unreadable = sqlx::Error::Decode("no hash".into());
        assert!(matches!(of_read(unreadable, 7), StoreError::Damaged { position: 7, .. }));
    }

    #[test]
    fn a_condition_is_told_in_words() {
        assert_eq!(words("53100"), Some("there is no room on the database's disk"));
        assert_eq!(words("08006"), Some("the connection was lost"));
        assert_eq!((words("P0001"), words("")), (None, None));
    }
}
