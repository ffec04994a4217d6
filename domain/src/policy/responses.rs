//! What the gateway should tell its caller: status, code, headers and body, in the provider's style.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The kinds of answer that a provider may word in its own way, refusals in order of precedence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Missing, unknown, revoked, suspended or compromised key; unknown or closed account.
    Unauthenticated,
    Banned,
    Suspended,
    /// An attribute is above the size that the policy allows.
    TooLarge,
    /// A rate, a quota or a cooldown refused.
    RateLimited,
    /// Too many jobs at once.
    QueueFull,
    InsufficientCredits,
    /// Accepted, but one or more items were put into an error state.
    Limited,
    Allowed,
}

impl Kind {
    /// The status unless the policy names another.
    pub fn status(self) -> u16 {
        match self {
            Self::Unauthenticated => 401,
            Self::Banned | Self::Suspended => 403,
            Self::TooLarge => 413,
            Self::RateLimited | Self::QueueFull => 429,
            Self::InsufficientCredits => 402,
            Self::Limited | Self::Allowed => 200,
        }
    }

    /// The machine code unless the policy names another.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Banned => "BANNED",
            Self::Suspended => "SUSPENDED",
            Self::TooLarge => "TOO_LARGE",
            Self::RateLimited => "RATE_LIMITED",
            Self::QueueFull => "QUEUE_FULL",
            Self::InsufficientCredits => "INSUFFICIENT_CREDITS",
            Self::Limited => "LIMITED",
            Self::Allowed => "ALLOWED",
        }
    }

    /// The name under which a policy file words it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Banned => "banned",
            Self::Suspended => "suspended",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::QueueFull => "queue_full",
            Self::InsufficientCredits => "insufficient_credits",
            Self::Limited => "limited",
            Self::Allowed => "allowed",
        }
    }

    pub fn is_allowed(self) -> bool {
        matches!(self, Self::Limited | Self::Allowed)
    }
}

/// The provider's wording, by kind of answer; what is absent follows [`Kind`]'s defaults.
pub type Responses = BTreeMap<Kind, Wording>;

/// One kind of answer in the provider's words.
///
/// Headers and body are templates: `${code}` `${reason}` `${message}` `${retry_after}` `${contact}` `${plan}`
/// `${gate}` `${endpoint}` `${status_reason}`, and of any limit by its name `${NAME.limit}` `${NAME.remaining}`
/// `${NAME.reset}` (unix seconds). A header whose placeholder has no value is left out. A body is JSON: inside a
/// string a placeholder is escaped text (nothing when it has no value), elsewhere a whole JSON value (`null`).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Wording {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// A sentence for people; may use the same placeholders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}
