//! What a movement takes from, or gives to, each lot.

use super::lot::LotRef;
use crate::compact::compact;
use crate::money::Credits;
use crate::time::Timestamp;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::ops::Deref;

/// One amount of a movement and the lot that it concerns.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub struct Draw {
    /// None: overdraft, which becomes debt when it is charged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<LotRef>,
    /// Above zero.
    pub amount: Credits,
}

compact!(Draw { lot, amount });

impl Draw {
    /// An amount that no lot covers.
    pub fn overdraft(amount: Credits) -> Self {
        Self { lot: None, amount }
    }

    /// The same source with another amount.
    #[must_use]
    pub fn of(self, amount: Credits) -> Self {
        Self { amount, ..self }
    }

    /// Whether it concerns a lot whose time is over at `now`.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.lot.is_some_and(|lot| lot.is_expired(now))
    }
}

/// The draws of a movement, in drawing order. One draw, the usual case, needs no heap.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Draws(Few);

#[derive(Clone, PartialEq, Eq, Default)]
enum Few {
    #[default]
    None,
    One(Draw),
    Many(Vec<Draw>),
}

impl Draws {
    /// Adds a draw at the end; an amount of zero is not a draw and is left out.
    pub fn push(&mut self, draw: Draw) {
        if draw.amount.is_zero() {
            return;
        }
        self.0 = match std::mem::take(&mut self.0) {
            Few::None => Few::One(draw),
            Few::One(first) => Few::Many(vec![first, draw]),
            Few::Many(mut draws) => {
                draws.push(draw);
                Few::Many(draws)
            }
        };
    }

    /// The sum of all draws.
    pub fn total(&self) -> Credits {
        total(self)
    }

    /// The part that no lot covers.
    pub fn overdraft(&self) -> Credits {
        self.iter().filter(|draw| draw.lot.is_none()).map(|draw| draw.amount).sum()
    }
}

/// The sum of some draws.
pub fn total(draws: &[Draw]) -> Credits {
    draws.iter().map(|draw| draw.amount).sum()
}

impl Deref for Draws {
    type Target = [Draw];

    fn deref(&self) -> &[Draw] {
        match &self.0 {
            Few::None => &[],
            Few::One(draw) => std::slice::from_ref(draw),
            Few::Many(draws) => draws,
        }
    }
}

impl Extend<Draw> for Draws {
    fn extend<I: IntoIterator<Item = Draw>>(&mut self, draws: I) {
        draws.into_iter().for_each(|draw| self.push(draw));
    }
}

impl FromIterator<Draw> for Draws {
    fn from_iter<I: IntoIterator<Item = Draw>>(draws: I) -> Self {
        let mut few = Self::default();
        few.extend(draws);
        few
    }
}

impl<'a> IntoIterator for &'a Draws {
    type Item = &'a Draw;
    type IntoIter = std::slice::Iter<'a, Draw>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Draws {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Draws {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Draws {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Draws;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list of draws")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Draws, A::Error> {
                let mut draws = Draws::default();
                while let Some(draw) = list.next_element()? {
                    draws.push(draw);
                }
                Ok(draws)
            }
        }
        from.deserialize_seq(List)
    }
}
