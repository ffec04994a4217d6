//! The one text that stands for a policy in the log, and its hash.

use super::Policy;
use sha2::{Digest as _, Sha256};

impl Policy {
    /// The policy as JSON: fields in the order of the model, names sorted, defaults left out where the model
    /// says so. Two files that mean the same have the same text.
    pub fn normal(&self) -> String {
        serde_json::to_string(self).expect("a policy is made of texts, figures and sorted maps")
    }

    /// SHA-256 of [`Policy::normal`], in lower-case hexadecimal.
    pub fn hash(&self) -> String {
        Sha256::digest(self.normal()).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads the normal form back.
    ///
    /// # Errors
    /// The text is no policy. Its meaning is not checked: what the log says is in force.
    pub fn from_normal(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }
}
