//! What each SQLite failure means for the frame that was being appended.

use domain::ids::Position;
use domain::log::StoreError;

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

/// SQLite's result codes by what they mean here. An extended code is looked up before its primary code
/// (the low byte); one that is not listed may have been written.
const CODES: [(i32, Verdict); 21] = [
    (1034, Verdict::Fatal),      // IOERR_FSYNC
    (1290, Verdict::Fatal),      // IOERR_DIR_FSYNC
    (1, Verdict::NotWritten),    // ERROR: the statement itself is refused
    (3, Verdict::NotWritten),    // PERM
    (5, Verdict::NotWritten),    // BUSY: another connection writes
    (6, Verdict::NotWritten),    // LOCKED
    (7, Verdict::NotWritten),    // NOMEM: the statement is rolled back
    (8, Verdict::NotWritten),    // READONLY
    (9, Verdict::MaybeWritten),  // INTERRUPT
    (10, Verdict::MaybeWritten), // IOERR: which step failed is not told
    (11, Verdict::Damaged),      // CORRUPT
    (13, Verdict::NotWritten),   // FULL: no room for the pages; the statement is rolled back
    (14, Verdict::NotWritten),   // CANTOPEN
    (15, Verdict::NotWritten),   // PROTOCOL: could not get the lock
    (17, Verdict::NotWritten),   // SCHEMA
    (18, Verdict::NotWritten),   // TOOBIG
    (19, Verdict::NotWritten),   // CONSTRAINT: a check refused the row
    (20, Verdict::NotWritten),   // MISMATCH
    (21, Verdict::NotWritten),   // MISUSE
    (23, Verdict::NotWritten),   // AUTH
    (26, Verdict::Damaged),      // NOTADB
];

fn verdict(code: Option<i32>) -> Verdict {
    let listed = |wanted: i32| CODES.iter().find(|(code, _)| *code == wanted).map(|(_, verdict)| *verdict);
    // No code: the connection's thread died, or the answer was lost on its way.
    code.and_then(|code| listed(code).or_else(|| listed(code & 0xff))).unwrap_or(Verdict::MaybeWritten)
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
    match verdict(code(&error)) {
        Verdict::NotWritten => StoreError::NotWritten(Box::new(error)),
        Verdict::MaybeWritten => StoreError::MaybeWritten(Box::new(error)),
        Verdict::Damaged => StoreError::Damaged { position, cause: Box::new(error) },
        Verdict::Fatal => StoreError::Fatal(Box::new(error)),
    }
}

/// A failure while the log was read from this position: whatever it was, nothing was written.
pub(super) fn of_read(error: sqlx::Error, position: Position) -> StoreError {
    match of_append(error, position) {
        StoreError::MaybeWritten(cause) => StoreError::NotWritten(cause),
        other @ (StoreError::NotWritten(_) | StoreError::Damaged { .. } | StoreError::Fatal(_)) => other,
    }
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
        for code in [11, 267, 26] {
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
