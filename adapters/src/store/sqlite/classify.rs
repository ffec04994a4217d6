//! What each SQLite failure means for the frame that was being appended.

use domain::ids::Position;
use domain::log::{Cause, StoreError};

/// What a failure says about the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    NotWritten,
    MaybeWritten,
    Damaged,
    Fatal,
}

/// The guard trigger refused the frame: it does not follow the head.
const CONSTRAINT_TRIGGER: i32 = 1811;

/// No room for the pages.
const FULL: i32 = 13;

/// SQLite's result codes by what they mean here, in words for who runs the service. An extended code is looked up
/// before its primary code (the low byte); one that is not listed may have been written.
const CODES: [(i32, Verdict, &str); 23] = [
    (1034, Verdict::Fatal, "a sync to disk failed"), // IOERR_FSYNC
    (1290, Verdict::Fatal, "a sync of the folder to disk failed"), // IOERR_DIR_FSYNC
    (4874, Verdict::MaybeWritten, "there is no room on the disk"), // IOERR_SHMSIZE
    // IOERR_CORRUPTFS: a sector that is gone. While a statement runs, SQLite itself makes CORRUPT of it.
    (8458, Verdict::Damaged, "the disk can no longer read the file"),
    (1, Verdict::NotWritten, "the statement was refused"), // ERROR
    (3, Verdict::NotWritten, "the file may not be used"),  // PERM
    (5, Verdict::NotWritten, "another program holds the file"), // BUSY
    (6, Verdict::NotWritten, "the table is locked"),       // LOCKED
    (7, Verdict::NotWritten, "there is no memory"),        // NOMEM: the statement is rolled back
    (8, Verdict::NotWritten, "the file can only be read"), // READONLY
    (9, Verdict::MaybeWritten, "it was interrupted"),      // INTERRUPT
    (10, Verdict::MaybeWritten, "the disk fails"),         // IOERR: which step failed is not told
    (11, Verdict::Damaged, "the file is damaged"),         // CORRUPT
    (FULL, Verdict::NotWritten, "there is no room on the disk"), // the statement is rolled back
    (14, Verdict::NotWritten, "the file cannot be opened"), // CANTOPEN
    (15, Verdict::NotWritten, "the lock cannot be had"),   // PROTOCOL
    (17, Verdict::NotWritten, "another program changed the schema"), // SCHEMA
    (18, Verdict::NotWritten, "it is too big"),            // TOOBIG
    (19, Verdict::NotWritten, "a check refused the row"),  // CONSTRAINT
    (20, Verdict::NotWritten, "a value has the wrong type"), // MISMATCH
    (21, Verdict::NotWritten, "SQLite was misused"),       // MISUSE
    (23, Verdict::NotWritten, "it is not allowed"),        // AUTH
    (26, Verdict::Damaged, "the file is damaged"),         // NOTADB
];

fn listed(code: Option<i32>) -> Option<(Verdict, &'static str)> {
    let find = |wanted: i32| CODES.iter().find(|(code, ..)| *code == wanted);
    let (_, verdict, words) = code.and_then(|code| find(code).or_else(|| find(code & 0xff)))?;
    Some((*verdict, words))
}

fn verdict(code: Option<i32>) -> Verdict {
    // No code: the connection's thread died, or the answer was lost on its way.
    listed(code).map_or(Verdict::MaybeWritten, |(verdict, _)| verdict)
}

/// SQLite's failure, said once and in our words before its own.
#[derive(Debug, thiserror::Error)]
#[error("{words} (SQLite says: {message}, code {code})")]
struct Failed {
    words: &'static str,
    message: String,
    code: i32,
}

/// What a failure of SQLite comes from, for the one who runs the service.
fn told(error: sqlx::Error) -> Cause {
    let message = error.as_database_error().map(|failed| failed.message().to_owned());
    match (code(&error), listed(code(&error)), message) {
        (Some(code), Some((_, words)), Some(message)) => Box::new(Failed { words, message, code }),
        _ => Box::new(error),
    }
}

fn code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error()?.code()?.parse().ok()
}

/// Whether the guard on `frames` refused the insert.
pub(super) fn refused_by_guard(error: &sqlx::Error) -> bool {
    code(error) == Some(CONSTRAINT_TRIGGER)
}

/// A failure while a frame was appended at this position.
pub(super) fn of_append(error: sqlx::Error, position: Position) -> StoreError {
    let (verdict, cause) = (verdict(code(&error)), told(error));
    match verdict {
        Verdict::NotWritten => StoreError::NotWritten(cause),
        Verdict::MaybeWritten => StoreError::MaybeWritten(cause),
        Verdict::Damaged => StoreError::Damaged { position, cause },
        Verdict::Fatal => StoreError::Fatal(cause),
    }
}

/// A failure while the log was read from this position: whatever it was, nothing was written.
pub(super) fn of_read(error: sqlx::Error, position: Position) -> StoreError {
    match of_append(error, position) {
        StoreError::MaybeWritten(cause) => StoreError::NotWritten(cause),
        other @ (StoreError::NotWritten(_) | StoreError::Damaged { .. } | StoreError::Fatal(_)) => other,
    }
}

/// Whether there was no room, so that nothing was changed.
pub(super) fn is_full(error: &sqlx::Error) -> bool {
    code(error) == Some(FULL)
}

/// Whether a checkpoint's failure means that data can no longer be made durable.
pub(super) fn is_fatal(error: &sqlx::Error) -> bool {
    verdict(code(error)) == Verdict::Fatal
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    #[derive(Debug, thiserror::Error)]
    #[error("code {0}")]
    struct Coded(i32);

    impl sqlx::error::DatabaseError for Coded {
        fn message(&self) -> &'static str {
            "a failure"
        }
        fn code(&self) -> Option<Cow<'_, str>> {
            Some(self.0.to_string().into())
        }
        fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
            self
        }
        fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
            self
        }
        fn kind(&self) -> sqlx::error::ErrorKind {
            sqlx::error::ErrorKind::Other
        }
    }

    fn failed(code: i32) -> sqlx::Error {
        sqlx::Error::Database(Box::new(Coded(code)))
    }

    #[test]
    fn a_failure_is_told_once_and_in_words() {
        let told = told(failed(1034));
        assert_eq!(told.to_string(), "a sync to disk failed (SQLite says: a failure, code 1034)");
        assert!(std::error::Error::source(&*told).is_none());
    }

    #[test]
    fn a_failed_sync_is_fatal() {
        for code in [1034, 1290] {
            assert!(matches!(of_append(failed(code), 1), StoreError::Fatal(_)), "{code}");
            assert!(is_fatal(&failed(code)), "{code}");
        }
    }

    #[test]
    fn a_full_disk_and_a_lock_keep_nothing() {
        for code in [13, 5, 261, 517, 6, 8, 1032, 14] {
            assert!(matches!(of_append(failed(code), 1), StoreError::NotWritten(_)), "{code}");
        }
    }

    #[test]
    fn an_interrupt_or_an_unknown_failure_may_have_been_written() {
        for code in [9, 10, 778, 266, 200, 99] {
            assert!(matches!(of_append(failed(code), 1), StoreError::MaybeWritten(_)), "{code}");
        }
        assert!(matches!(of_append(sqlx::Error::WorkerCrashed, 1), StoreError::MaybeWritten(_)));
    }

    #[test]
    fn a_damaged_file_is_named_with_the_position() {
        for code in [11, 267, 26, 8458] {
            let error = of_append(failed(code), 7);
            assert!(matches!(error, StoreError::Damaged { position: 7, .. }), "{code}");
        }
    }

    #[test]
    fn a_failed_read_wrote_nothing() {
        assert!(matches!(of_read(failed(266), 1), StoreError::NotWritten(_)));
        assert!(matches!(of_read(sqlx::Error::WorkerCrashed, 1), StoreError::NotWritten(_)));
        assert!(matches!(of_read(failed(11), 3), StoreError::Damaged { position: 3, .. }));
    }

    #[test]
    fn only_the_guard_means_conflict() {
        assert!(refused_by_guard(&failed(1811)));
        assert!(!refused_by_guard(&failed(275)));
        assert!(matches!(of_append(failed(275), 1), StoreError::NotWritten(_)));
    }
}
