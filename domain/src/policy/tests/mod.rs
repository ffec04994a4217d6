//! The shipped policies, broken ones, and hostile ones.

mod broken;
mod idle;
mod shipped;

use proptest::prelude::*;

use super::Policy;

/// The smallest policy that can be put in force.
pub(super) const SMALL: &str = "name = \"small\"\ntitle = \"Small\"\n[callers]\nanonymous = true\n";

#[test]
fn the_smallest_policy_needs_a_name_a_title_and_callers() {
    let policy = Policy::from_toml(SMALL).expect("a policy");
    assert_eq!(policy.callers.ipv6_prefix, 64);
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in "\\PC*") {
        drop(Policy::from_toml(&text));
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        drop(Policy::from_toml(&String::from_utf8_lossy(&bytes)));
    }

    /// Close to real: one piece of a shipped policy is replaced by another.
    #[test]
    fn no_splice_of_a_policy_makes_reading_panic(
        file in 0..5_usize, at in any::<prop::sample::Index>(), cut in 0..40_usize, with in "[\\[\\]{}=\"',.0-9a-z$\n -]{0,12}",
    ) {
        let (_, text) = shipped::FILES[file];
        let from = text.floor_char_boundary(at.index(text.len()));
        let to = text.ceil_char_boundary((from + cut).min(text.len()));
        let spliced = format!("{}{with}{}", &text[..from], &text[to..]);
        if let Ok(policy) = Policy::from_toml(&spliced) {
            prop_assert_eq!(Policy::from_normal(&policy.normal()).expect("the normal form"), policy);
        }
    }
}
