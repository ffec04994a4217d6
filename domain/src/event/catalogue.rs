//! The catalogue: policies, price lists and announcements.

use crate::ids::Name;
use crate::policy::Policy;
use crate::pricing::PriceList;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A policy was published. It is numbered 1, 2, 3 … in the order of publication.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyPublished {
    pub number: u32,
    /// SHA-256 of the normal form, hexadecimal.
    pub hash: String,
    pub effective: Timestamp,
    /// Why the notice period was not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<String>,
    pub policy: Arc<Policy>,
}

/// A price list was published. It is numbered 1, 2, 3 … in the order of publication; a policy's own list counts too.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricesPublished {
    pub number: u32,
    pub effective: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<String>,
    pub prices: Arc<PriceList>,
}

/// Something was announced to all consumers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeAnnounced {
    pub kind: Name,
    pub effective: Timestamp,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emergency: Option<String>,
}
