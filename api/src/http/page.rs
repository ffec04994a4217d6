//! Pages of lists.

use super::error::Problem;

/// Most rows of one page.
pub(crate) const MAX: usize = 1_000;
/// How many unless told.
const USUAL: usize = 100;

/// How many rows a page may have.
pub(crate) fn limit(asked: Option<usize>) -> Result<usize, Problem> {
    let limit = asked.unwrap_or(USUAL);
    if (1..=MAX).contains(&limit) { Ok(limit) } else { Err(Problem::invalid("limit", "must be 1 to 1000")) }
}
