//! Mistakes in keys, notice and what is remembered.

use super::Faults;
use crate::policy::KeyKind;

/// Longest text that a key begins with, in bytes.
const PREFIX_MAX: usize = 16;

impl Faults<'_> {
    pub(super) fn keys(&mut self) {
        let keys = &self.policy.keys;
        self.above_zero("keys.max", u64::from(keys.max));
        let mut before: Vec<&KeyKind> = Vec::new();
        for (name, kind) in &keys.kinds {
            let field = format!("keys.kinds.{name}.prefix");
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            if kind.prefix.len() > PREFIX_MAX || !kind.prefix.bytes().all(fits) || !kind.prefix.ends_with('_')
            {
                let remedy = "use at most 16 of a-z 0-9 _ and end with `_`, as in \"pk_\"";
                self.add(&field, "is no beginning of a key", remedy);
            }
            let alike = |other: &&&KeyKind| {
                other.prefix.starts_with(&kind.prefix) || kind.prefix.starts_with(&other.prefix)
            };
            if let Some(other) = before.iter().find(alike) {
                let what = format!("`{}` and `{}` cannot be told apart", kind.prefix, other.prefix);
                self.add(field, what, "let no kind's prefix begin another's");
            }
            if let Some(approval) = &kind.approval {
                self.says_something(&format!("keys.kinds.{name}.approval"), approval);
            }
            before.push(kind);
        }
    }

    pub(super) fn requests(&mut self) {
        let requests = &self.policy.requests;
        self.longer_than_nothing("requests.remember", requests.remember);
        self.above_zero("requests.denials_per_minute", u64::from(requests.denials_per_minute));
        self.above_zero("requests.open_holds_max", u64::from(requests.open_holds_max));
        if requests.retention < requests.remember {
            let what = format!("{} is shorter than `remember`, {}", requests.retention, requests.remember);
            self.add("requests.retention", what, "keep decisions at least as long as repeats are answered");
        }
        for (kind, lead) in &self.policy.notice.announcements {
            self.longer_than_nothing(format!("notice.announcements.{kind}"), *lead);
        }
        for (kind, span) in &self.policy.results {
            self.longer_than_nothing(format!("results.{kind}"), *span);
        }
    }
}
