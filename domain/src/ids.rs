//! Names and numbers that identify things in a book.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use siphasher::sip128::{Hasher128, SipHasher24};
use smol_str::SmolStr;
use std::fmt;
use std::hash::Hasher;
use std::str::FromStr;

/// The place of an event in its book: 1, 2, 3 … without gaps. 0 stands before the first.
pub type Position = u64;

/// Longest name of an account, plan, limit or the like, in bytes.
pub const NAME_MAX: usize = 64;

/// A short name: 1 to 64 of `A–Z a–z 0–9 . _ -`, so that it fits a stream name, a URL and a log line.
/// Up to 23 bytes lie in place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(SmolStr);

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if text.is_empty() || text.len() > NAME_MAX || !text.bytes().all(allowed) {
            return Err(NameError);
        }
        Ok(Self(text.into()))
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), out)
    }
}

impl std::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        crate::reading::parsed(from, "a name")
    }
}

/// A text that is no [`Name`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be 1 to 64 of the characters A-Z a-z 0-9 . _ -")]
pub struct NameError;

/// A 128-bit keyed hash that stands for a value: whom a limit counts, a key, a request id.
///
/// SipHash-2-4-128 is a pseudorandom function under its secret key (Aumasson and Bernstein, 2012),
/// so a hash of an address tells nothing to a reader of the log who lacks the book's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub u128);

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if !to.is_human_readable() {
            return self.0.serialize(to);
        }
        let mut text = [0_u8; 32];
        to.serialize_str(hex(self.0, &mut text))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            crate::reading::parsed(from, "32 hexadecimal digits")
        } else {
            u128::deserialize(from).map(Self)
        }
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        // The parser of figures would also take a sign.
        if text.len() != 32 || text.starts_with('+') {
            return Err(DigestError);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| DigestError)
    }
}

/// A text that is no [`Digest`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("must be 32 hexadecimal digits")]
pub struct DigestError;

impl fmt::Display for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:032x}", self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

fn hex(value: u128, text: &mut [u8; 32]) -> &str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (place, byte) in value.to_be_bytes().into_iter().enumerate() {
        text[2 * place] = DIGITS[usize::from(byte >> 4)];
        text[2 * place + 1] = DIGITS[usize::from(byte & 15)];
    }
    std::str::from_utf8(text).unwrap_or_default()
}

/// The secret under which a book hashes what must not appear in clear.
#[derive(Clone, Copy)]
pub struct HashKey(pub [u8; 16]);

impl HashKey {
    /// Hashes parts so that no two different lists of parts run together: each is followed by its length.
    pub fn digest<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
        let mut hasher = self.hasher();
        parts.into_iter().for_each(|part| hasher.part(part));
        hasher.finish()
    }

    /// For parts that come one after another.
    pub fn hasher(&self) -> DigestHasher {
        DigestHasher { hasher: SipHasher24::new_with_key(&self.0), text: [0; GATHERED], len: 0 }
    }
}

/// A digest in the making.
///
/// Short parts are gathered and hashed at once: a hasher that is given many takes longer over each than over their
/// bytes.
pub struct DigestHasher {
    hasher: SipHasher24,
    text: [u8; GATHERED],
    len: usize,
}

const GATHERED: usize = 128;

impl DigestHasher {
    /// Adds one part and its length.
    pub fn part(&mut self, part: &[u8]) {
        self.add(part);
        self.add(&(part.len() as u64).to_le_bytes());
    }

    /// Adds a text; returns `Some`, to end a chain of `?`.
    pub fn text(&mut self, text: &str) -> Option<()> {
        self.part(text.as_bytes());
        Some(())
    }

    fn add(&mut self, bytes: &[u8]) {
        if bytes.len() > GATHERED - self.len {
            self.hasher.write(&self.text[..self.len]);
            self.len = 0;
        }
        match self.text[self.len..].get_mut(..bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.len += bytes.len();
            }
            None => self.hasher.write(bytes),
        }
    }

    pub fn finish(mut self) -> Digest {
        self.hasher.write(&self.text[..self.len]);
        Digest(self.hasher.finish128().as_u128())
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("HashKey(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[test]
    fn a_digest_is_32_digits_and_nothing_else() {
        let digits = "0123456789abcdef".repeat(2);
        assert_eq!(digits.parse::<Digest>().expect("a digest").to_string(), digits);
        for text in ["", "ff", &digits[1..], &digits.replacen('0', "+", 1), &digits.replacen('0', "g", 1)] {
            assert_eq!(text.parse::<Digest>(), Err(DigestError), "{text}");
        }
    }

    proptest! {
        /// What lies in a log was hashed part by part.
        #[test]
        fn gathered_parts_hash_as_one_after_another(parts in vec(vec(any::<u8>(), 0..200), 0..8)) {
            let key = HashKey([7; 16]);
            let mut hasher = SipHasher24::new_with_key(&key.0);
            for part in &parts {
                hasher.write(part);
                hasher.write_u64(part.len() as u64);
            }
            let digest = key.digest(parts.iter().map(Vec::as_slice));
            prop_assert_eq!(digest.0, hasher.finish128().as_u128());
        }
    }
}
