//! What a limit counts by.

use super::AttributeKind;
use crate::ids::Name;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a limit counts by, and what a signal is gathered by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Dimension {
    Ip,
    Key,
    Account,
    /// The owner of several linked accounts; an account without one is its own owner.
    Owner,
    Endpoint,
    /// The first class that has the endpoint.
    Class,
    Plan,
    EndUser,
    /// Live or test, so that test keys have windows of their own.
    Mode,
    /// The hash of the request's own body that a gateway passes as `body_hash`.
    Body,
    /// A request attribute, such as `attribute:file_name`.
    Attribute(Name),
}

impl Dimension {
    /// Whether what it counts by is kept as a keyed hash only.
    pub fn is_hidden(&self, attributes: &BTreeMap<Name, AttributeKind>) -> bool {
        let label = |name| matches!(attributes.get(name), Some(AttributeKind::Label | AttributeKind::Number));
        match self {
            Self::Ip | Self::EndUser | Self::Body => true,
            Self::Attribute(name) => !label(name),
            Self::Key
            | Self::Account
            | Self::Owner
            | Self::Endpoint
            | Self::Class
            | Self::Plan
            | Self::Mode => false,
        }
    }
}

const DIMENSIONS: [(&str, Dimension); 10] = [
    ("ip", Dimension::Ip),
    ("key", Dimension::Key),
    ("account", Dimension::Account),
    ("owner", Dimension::Owner),
    ("endpoint", Dimension::Endpoint),
    ("class", Dimension::Class),
    ("plan", Dimension::Plan),
    ("end_user", Dimension::EndUser),
    ("mode", Dimension::Mode),
    ("body", Dimension::Body),
];

impl From<Dimension> for String {
    fn from(dimension: Dimension) -> Self {
        if let Dimension::Attribute(name) = &dimension {
            return format!("attribute:{name}");
        }
        let known = DIMENSIONS.iter().find(|(_, known)| *known == dimension);
        known.map(|(text, _)| (*text).to_owned()).unwrap_or_default()
    }
}

impl TryFrom<String> for Dimension {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("attribute:") {
            return name
                .parse()
                .map(Self::Attribute)
                .map_err(|error| format!("the attribute's name {error}"));
        }
        let known = DIMENSIONS.iter().find(|(known, _)| *known == text);
        known.map(|(_, dimension)| dimension.clone()).ok_or_else(|| {
            let known: Vec<_> = DIMENSIONS.iter().map(|(text, _)| *text).collect();
            format!("`{text}` is nothing to count by; use {} or attribute:NAME", known.join(", "))
        })
    }
}
