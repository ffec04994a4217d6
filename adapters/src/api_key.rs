//! API keys: made from random letters, told apart from typos without a look-up, kept only as a digest.

use crate::system::random;
use domain::ids::{Digest, HashKey, Name};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::io;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Random characters of a key: 178 bits.
const RANDOM: usize = 30;
/// Characters of the checksum.
const CHECKSUM: usize = 6;

/// An API key in clear: `<prefix>_<30 random characters><6 of checksum>`, all of `0-9 A-Z a-z`.
///
/// This is GitHub's layout: a prefix that scanners for leaked secrets can find, and a CRC-32 (of all that
/// stands before it) that refuses a mistyped key before any look-up. Shown once, to whom it is issued.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    text: String,
}

impl ApiKey {
    /// A new key with this prefix, as `cf_live`.
    pub fn generate(prefix: &Name) -> io::Result<Self> {
        let mut text = format!("{prefix}_");
        text.reserve(RANDOM + CHECKSUM);
        let full = text.len() + RANDOM;
        while text.len() < full {
            // 248 = 4 × 62: higher bytes are thrown away, so that every character is as likely as any other.
            let fair = random::<32>()?.into_iter().filter(|byte| *byte < 248);
            let wanted = full - text.len();
            text.extend(fair.take(wanted).map(|byte| char::from(BASE62[usize::from(byte % 62)])));
        }
        text.extend(checksum(text.as_bytes()).map(char::from));
        Ok(Self { text })
    }

    /// Reads a key and checks its shape and checksum; whether anyone issued it is another question.
    pub fn parse(text: &str) -> Result<Self, ApiKeyError> {
        let (prefix, body) = text.rsplit_once('_').ok_or(ApiKeyError)?;
        let letters =
            body.len() == RANDOM + CHECKSUM && body.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !letters || prefix.parse::<Name>().is_err() {
            return Err(ApiKeyError);
        }
        let (before, stated) = text.as_bytes().split_at(text.len() - CHECKSUM);
        if checksum(before) != stated {
            return Err(ApiKeyError);
        }
        Ok(Self { text: text.to_owned() })
    }

    /// The key in clear, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What may be shown later to tell keys apart: prefix and the last four characters, `cf_live_…x7Qa`.
    /// They are of the checksum, so they take nothing from the 178 random bits that matters.
    pub fn hint(&self) -> String {
        let prefix = self.text.len() - RANDOM - CHECKSUM;
        format!("{}…{}", &self.text[..prefix], &self.text[self.text.len() - 4..])
    }

    /// What is stored and looked up: the book's keyed hash over SHA-256 of the key.
    ///
    /// A slow hash guards secrets that can be guessed; 178 random bits cannot. SHA-256 stands in between
    /// because the keyed hash resists inversion only while the book's key is secret.
    pub fn digest(&self, book: &HashKey) -> Digest {
        book.digest([b"api-key".as_slice(), Sha256::digest(self.text.as_bytes()).as_slice()])
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ApiKey({})", self.hint())
    }
}

/// A text that is no API key, or a mistyped one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is not an API key, or was mistyped")]
pub struct ApiKeyError;

fn checksum(text: &[u8]) -> [u8; CHECKSUM] {
    let mut rest = crc32(text);
    let mut letters = [b'0'; CHECKSUM];
    for letter in letters.iter_mut().rev() {
        *letter = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    letters
}

/// CRC-32 as in IEEE 802.3.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| (crc >> 8) ^ TABLE[((crc ^ u32::from(*byte)) & 0xff) as usize];
    !bytes.iter().fold(!0, step)
}

static TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut crc = index;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[index as usize] = crc;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> ApiKey {
        ApiKey::generate(&"cf_live".parse().unwrap()).unwrap()
    }

    #[test]
    fn the_checksum_is_the_common_crc_32() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_new_key_is_read_back() {
        let key = key();
        assert_eq!(key.expose().len(), "cf_live_".len() + 36);
        assert_eq!(ApiKey::parse(key.expose()), Ok(key));
    }

    #[test]
    fn no_two_keys_are_alike() {
        assert_ne!(key(), key());
    }

    #[test]
    fn every_single_typo_is_refused() {
        let key = key();
        for place in 0..key.expose().len() {
            let mut typo = key.expose().as_bytes().to_vec();
            typo[place] = if typo[place] == b'x' { b'y' } else { b'x' };
            let typo = String::from_utf8(typo).unwrap();
            assert_eq!(ApiKey::parse(&typo), Err(ApiKeyError), "{typo}");
        }
    }

    #[test]
    fn other_texts_are_no_keys() {
        for text in [
            "",
            "_",
            "cf_live_",
            "cf_live_short",
            &"x".repeat(44),
            "cf_live_é",
            &format!("{}_", "a".repeat(70)),
        ] {
            assert_eq!(ApiKey::parse(text), Err(ApiKeyError), "{text}");
        }
    }

    #[test]
    fn a_key_is_stored_under_the_books_own_digest() {
        let (key, one, two) = (key(), HashKey([1; 16]), HashKey([2; 16]));
        assert_eq!(key.digest(&one), ApiKey::parse(key.expose()).unwrap().digest(&one));
        assert_ne!(key.digest(&one), key.digest(&two));
        assert_ne!(key.digest(&one), self::key().digest(&one));
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = key();
        let shown = format!("{key:?}");
        assert!(!shown.contains(&key.expose()[8..38]), "{shown}");
    }
}
