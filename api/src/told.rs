//! An error for people.

use std::error::Error;

/// An error and what caused it, in one line.
pub(crate) fn told(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
