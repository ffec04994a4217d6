//! Which endpoints a rule speaks of.

use serde::{Deserialize, Serialize};

/// A list of endpoint patterns; an empty list means every endpoint.
///
/// A pattern is an endpoint's name, byte for byte, in which `*` stands for any run of bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Patterns(pub Vec<String>);

impl Patterns {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the list speaks of this endpoint.
    pub fn cover(&self, endpoint: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|pattern| matches(pattern, endpoint))
    }

    /// Whether a pattern of one list lies within a pattern of the other.
    pub(super) fn overlap(&self, other: &Self) -> bool {
        let within = |a: &Self, b: &Self| a.0.iter().any(|pattern| b.cover(pattern));
        within(self, other) || within(other, self)
    }
}

/// Matches without backtracking over more than the last `*`, so a hostile endpoint costs no more
/// than its length times the pattern's.
pub fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.len() >= part.len() && text.ends_with(part);
        }
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_run_of_bytes() {
        for (pattern, text, expected) in [
            ("/a", "/a", true),
            ("/a", "/ab", false),
            ("/a/*", "/a/", true),
            ("/a/*", "/a/b/c", true),
            ("*/status", "/jobs/7/status", true),
            ("/jobs/*/status", "/jobs/7/status", true),
            ("/jobs/*/status", "/jobs/status", false),
            ("/jobs/*/status", "/jobs/7/status/x", false),
            ("*", "", true),
            ("a*b*a", "aba", true),
            ("a*b*a", "aa", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
