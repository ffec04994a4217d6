//! The one text that stands for a policy in the log, and its hash.

use super::Policy;
use sha2::{Digest as _, Sha256};

impl Policy {
    /// The policy as JSON: fields in the order of the model, names sorted, defaults left out where the model
    /// says so. Two files that mean the same have the same text.
    ///
    /// # Panics
    /// Never: a policy is made of texts, figures and sorted maps, which JSON can all show.
    pub fn normal(&self) -> String {
        serde_json::to_string(self).expect("texts, figures and sorted maps are always JSON")
    }

    /// SHA-256 of [`Policy::normal`], in lower-case hexadecimal.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.normal());
        let digits = digest.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
    }

    /// Reads the normal form back.
    ///
    /// # Errors
    /// The text is no policy. Its meaning is not checked: what the log says is in force.
    pub fn from_normal(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
