//! A lot: credit that came in at once and is used up, or expires, together.

use super::draw::Draw;
use crate::compact::compact;
use crate::ids::Position;
use crate::money::Credits;
use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// How a lot came to be, which decides what it means to the books.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LotKind {
    /// Given by an operator.
    Grant,
    /// Paid for; see [`LotRef::unit_value`].
    Purchase,
    /// Part of a subscription's period.
    Allowance,
    /// Given away to win or keep a customer.
    Promotion,
    /// What a refund gave back where no lot was left to return it to.
    Refund,
}

/// Which lot: the position of the event that made it and, where one event made several, the index among them.
///
/// Kept as `position × 2¹⁶ + index`, so that ids order by age. Shown as `17`, or `17.2` for the third lot of
/// event 17. Positions stay below 2⁴⁸: nine hundred years at ten thousand events a second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LotId(u64);

const INDEX_BITS: u32 = 16;

impl LotId {
    /// The lot number `index` (from 0) of the event at `position`.
    pub fn new(position: Position, index: u16) -> Self {
        Self((position << INDEX_BITS) | u64::from(index))
    }

    /// The position of the event that made the lot.
    pub fn position(self) -> Position {
        self.0 >> INDEX_BITS
    }

    /// The place among the lots of that event, from 0.
    pub fn index(self) -> u64 {
        self.0 & ((1 << INDEX_BITS) - 1)
    }
}

impl fmt::Display for LotId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index() {
            0 => write!(out, "{}", self.position()),
            index => write!(out, "{}.{index}", self.position()),
        }
    }
}

impl fmt::Debug for LotId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// A text that is no [`LotId`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a lot id: the position of an event, such as 17 or 17.2")]
pub struct LotIdError;

impl FromStr for LotId {
    type Err = LotIdError;

    fn from_str(text: &str) -> Result<Self, LotIdError> {
        let (position, index) = text.split_once('.').unwrap_or((text, "0"));
        let position: Position = position.parse().map_err(|_| LotIdError)?;
        let index = index.parse().map_err(|_| LotIdError)?;
        if position >= 1 << (u64::BITS - INDEX_BITS) {
            Err(LotIdError)
        } else {
            Ok(Self::new(position, index))
        }
    }
}

impl Serialize for LotId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if !to.is_human_readable() {
            return to.serialize_u64(self.0);
        }
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LotId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            crate::reading::parsed(from, "a lot id, such as \"17\" or \"17.2\"")
        } else {
            u64::deserialize(from).map(Self)
        }
    }
}

/// What a movement says about a lot: enough to post it, and to refund it after the lot itself is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct LotRef {
    pub id: LotId,
    pub kind: LotKind,
    /// The lot's drawing priority; lower is drawn first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i16,
    /// When the lot expires; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Money paid for one credit; known for purchases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_value: Option<Credits>,
}

compact!(LotRef { id, kind, priority, expires, unit_value });

impl LotRef {
    /// Whether the lot's time is over at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// One lot of an account.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Lot {
    pub id: LotId,
    pub kind: LotKind,
    /// What it was made with. A lot that a refund reopened after it was used up: what came back.
    pub amount: Credits,
    /// What nobody has reserved.
    pub left: Credits,
    /// What open holds have reserved. It outlives the lot's expiry until they end.
    pub reserved: Credits,
    /// From this instant on it can be drawn.
    pub effective: Timestamp,
    /// From this instant on its unreserved part is void; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Lower is drawn first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i16,
    /// Money paid for one credit; known for purchases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_value: Option<Credits>,
}

compact!(Lot { id, kind, amount, left, reserved, effective, expires, priority, unit_value });

impl Lot {
    /// What movements say about this lot.
    pub fn reference(&self) -> LotRef {
        LotRef {
            id: self.id,
            kind: self.kind,
            priority: self.priority,
            expires: self.expires,
            unit_value: self.unit_value,
        }
    }

    /// Whether its time has come and is not over.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.effective <= now && !self.is_expired(now)
    }

    /// Whether its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// The drawing order: priority, then earliest expiry with "never" last, then oldest.
    pub(super) fn rank(&self) -> (i16, Timestamp, LotId) {
        (self.priority, self.expires.unwrap_or(Timestamp::FAR), self.id)
    }

    pub(super) fn draw(&self, amount: Credits) -> Draw {
        Draw { lot: Some(self.reference()), amount }
    }

    /// Neither credit nor reservation is left.
    pub(super) fn is_spent(&self) -> bool {
        self.left.is_zero() && self.reserved.is_zero()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
pub(super) fn is_zero(priority: &i16) -> bool {
    *priority == 0
}
