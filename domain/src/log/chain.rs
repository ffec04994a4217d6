//! The hash chain: each event's hash covers its text and, through the hash before it, all earlier texts.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::str::FromStr;

/// The hash of an event and of everything before it; 64 lower-case hexadecimal digits when shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// What stands before the first event.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash of the event with this text after `self`: `SHA-256(self || text)`.
    #[must_use]
    pub fn next(self, text: &[u8]) -> Self {
        Self(Sha256::new().chain_update(self.0).chain_update(text).finalize().into())
    }
}

impl fmt::Display for ChainHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for ChainHash {
    type Err = ChainHashError;

    fn from_str(text: &str) -> Result<Self, ChainHashError> {
        unhex(text).map(Self).ok_or(ChainHashError)
    }
}

impl Serialize for ChainHash {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ChainHash {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is no [`ChainHash`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be 64 hexadecimal digits")]
pub struct ChainHashError;

/// Reads exactly `N` bytes from twice as many hexadecimal digits.
pub(super) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        b'A'..=b'F' => Some(character - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha_256_over_the_hash_before_and_the_text() {
        // sha256sum over 32 zero bytes followed by `{}`.
        let expected = "fb1634c4e6cd4b1f1afe3ce2d6ef080f7ac5d1f357d723ad4dfca782733b62db";
        assert_eq!(ChainHash::ZERO.next(b"{}").to_string(), expected);
    }

    #[test]
    fn a_hash_is_read_back_from_its_digits() {
        let hash = ChainHash::ZERO.next(b"one");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        let text = serde_json::to_string(&hash).expect("a text");
        assert_eq!(serde_json::from_str::<ChainHash>(&text).expect("a hash"), hash);
    }

    #[test]
    fn other_texts_are_no_hash() {
        for text in ["", "00", &"g".repeat(64), &"é".repeat(32), &"0".repeat(65)] {
            assert_eq!(text.parse::<ChainHash>(), Err(ChainHashError), "{text}");
        }
    }
}
