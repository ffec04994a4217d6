//! Secrets of a book, in a file of their own beside the log: `keys.json`, readable by its owner only.
//!
//! The log can never be edited, so what is personal in it is sealed: under a key per day, or per account for
//! account data. Destroying a key makes all that it sealed unreadable, in the log and in every copy of it.

mod file;
mod memo;

use crate::system::random;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::BASE64URL_NOPAD;
use domain::ids::{Digest, HashKey, Name};
use domain::log::BookId;
use domain::time::Timestamp;
use file::{KeyFile, Secret};
use memo::Memo;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The file of the secrets, in the folder of the book.
const FILE: &str = "keys.json";
const NONCE: usize = 24;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Which key seals a value.
#[derive(Clone, Copy, Debug)]
pub enum Under<'a> {
    /// The key of the UTC day of this instant.
    Day(Timestamp),
    /// The account's own key.
    Account(&'a Name),
}

impl Under<'_> {
    /// The key's name in the file: `day-2026-11-22`, `account-acme`.
    fn label(self) -> String {
        match self {
            Self::Day(at) => format!("day-{}", &at.to_string()[..10]),
            Self::Account(name) => format!("account-{name}"),
        }
    }

    /// What the memo knows a sealed value by. No allocation: this is the hot path.
    fn digest(self, key: &HashKey, plaintext: &[u8]) -> Digest {
        match self {
            Self::Day(at) => {
                let day = at.micros().div_euclid(MICROS_PER_DAY).to_le_bytes();
                key.digest([b"day".as_slice(), day.as_slice(), plaintext])
            }
            Self::Account(name) => key.digest([b"account".as_slice(), name.as_str().as_bytes(), plaintext]),
        }
    }
}

/// The secrets of one book.
pub struct Vault {
    hash: HashKey,
    keys: Mutex<KeyFile>,
    memo: Memo,
}

impl Vault {
    /// Opens the secrets in `dir`, or makes them for a book whose log is still empty.
    ///
    /// When the log is not empty and the file is gone, this fails: with a new hash key no stored digest
    /// would be recognised, so bans and limits would be lost and every API key refused.
    pub fn open(dir: &Path, book: BookId, log_is_empty: bool) -> Result<Self, VaultError> {
        let path = dir.join(FILE);
        if !log_is_empty && !path.exists() {
            return Err(VaultError::Missing);
        }
        Self::over(KeyFile::open(&path)?, book)
    }

    /// Secrets that die with the process, for a log that does too.
    pub fn in_memory(book: BookId) -> Result<Self, VaultError> {
        Self::over(KeyFile::in_memory(), book)
    }

    fn over(mut keys: KeyFile, book: BookId) -> Result<Self, VaultError> {
        let hash = keys.book(book)?;
        Ok(Self { hash, keys: Mutex::new(keys), memo: Memo::new() })
    }

    /// Brings the secrets of a book from one folder into another, which keeps those that it has; one that was destroyed
    /// in the first is destroyed there too.
    pub fn bring(from: &Path, to: &Path, book: BookId) -> Result<(), VaultError> {
        let path = from.join(FILE);
        if !path.exists() {
            return Err(VaultError::Missing);
        }
        std::fs::create_dir_all(to)?;
        KeyFile::open(&to.join(FILE))?.adopt(&KeyFile::open(&path)?, book)
    }

    /// The key under which the book hashes addresses, API keys and the like.
    pub fn hash_key(&self) -> HashKey {
        self.hash
    }

    /// Seals a value: base64url of a random nonce and the ciphertext, bound to the key's name.
    ///
    /// The key is made, and synced to disk, when it is first needed. The same value under the same key gives
    /// the same text for as long as it is remembered, which costs a hash and no encryption.
    pub fn seal(&self, under: Under<'_>, plaintext: &str) -> Result<Arc<str>, VaultError> {
        let digest = under.digest(&self.hash, plaintext.as_bytes());
        if let Some(sealed) = self.memo.get(digest) {
            return Ok(sealed);
        }
        let label = under.label();
        // Remembered while the keys are held: a key destroyed meanwhile must not leave a text behind.
        let mut keys = self.keys();
        let sealed: Arc<str> = encrypt(keys.get_or_make(&label)?, &label, plaintext)?.into();
        self.memo.put(digest, Arc::clone(&sealed));
        Ok(sealed)
    }

    /// Opens a sealed value; `None` when its key was destroyed (or never was in this vault).
    pub fn open_sealed(&self, under: Under<'_>, sealed: &str) -> Result<Option<String>, VaultError> {
        let label = under.label();
        let Some(secret) = self.keys().get(&label) else { return Ok(None) };
        let bytes = BASE64URL_NOPAD.decode(sealed.as_bytes()).map_err(|_| VaultError::NotSealed)?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE>().ok_or(VaultError::NotSealed)?;
        let payload = Payload { msg: ciphertext, aad: label.as_bytes() };
        let opened = secret.cipher().decrypt(&XNonce::from(*nonce), payload);
        let plaintext = opened.map_err(|_| VaultError::NotSealed)?;
        String::from_utf8(plaintext).map(Some).map_err(|_| VaultError::NotSealed)
    }

    /// Destroys a key for good: it leaves the file, and is never made again.
    pub fn destroy(&self, under: Under<'_>) -> Result<(), VaultError> {
        let mut keys = self.keys();
        keys.destroy(&under.label())?;
        self.memo.clear();
        Ok(())
    }

    // The key file puts a key into its list only after the disk has it, so a panic leaves it right.
    fn keys(&self) -> MutexGuard<'_, KeyFile> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Vault(secret)")
    }
}

impl Secret {
    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.0.into())
    }
}

fn encrypt(secret: Secret, label: &str, plaintext: &str) -> Result<String, VaultError> {
    let nonce = random::<NONCE>()?;
    let payload = Payload { msg: plaintext.as_bytes(), aad: label.as_bytes() };
    let ciphertext =
        secret.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| VaultError::TooLong)?;
    Ok(BASE64URL_NOPAD.encode(&[nonce.as_slice(), &ciphertext].concat()))
}

/// Why a secret cannot be had, or a value not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("keys.json cannot be read or written")]
    File(#[from] io::Error),
    #[error("keys.json is not readable in line {line}")]
    Line {
        line: usize,
        #[source]
        cause: serde_json::Error,
    },
    #[error("keys.json is missing though the log is not empty; put it back from a backup")]
    Missing,
    #[error("keys.json belongs to the book {found}, not to {wanted}")]
    OtherBook { found: BookId, wanted: BookId },
    #[error("the key {0} was destroyed and is never made again")]
    Destroyed(String),
    #[error("the value is too long to be sealed")]
    TooLong,
    #[error("the text was not sealed under this key, or was changed")]
    NotSealed,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use tempfile::TempDir;

    const BOOK: BookId = BookId([7; 16]);
    const IP: &str = "203.0.113.7";

    fn day(n: i64) -> Under<'static> {
        Under::Day(Timestamp::from_micros(n * MICROS_PER_DAY + 5))
    }

    fn vault(dir: &TempDir) -> Vault {
        Vault::open(dir.path(), BOOK, true).unwrap()
    }

    fn text(dir: &TempDir) -> String {
        fs::read_to_string(dir.path().join("keys.json")).unwrap()
    }

    #[test]
    fn a_sealed_value_is_opened_by_the_next_process() {
        let dir = TempDir::new().unwrap();
        let (acme, first) = ("acme".parse().unwrap(), vault(&dir));
        let (by_day, by_account) =
            (first.seal(day(1), IP).unwrap(), first.seal(Under::Account(&acme), "o.txt").unwrap());
        let second = Vault::open(dir.path(), BOOK, false).unwrap();
        assert_eq!(second.open_sealed(day(1), &by_day).unwrap().as_deref(), Some(IP));
        assert_eq!(second.open_sealed(Under::Account(&acme), &by_account).unwrap().as_deref(), Some("o.txt"));
        assert_eq!(second.hash_key().0, first.hash_key().0);
    }

    #[test]
    fn a_value_is_sealed_once_a_day() {
        let dir = TempDir::new().unwrap();
        let vault = vault(&dir);
        let sealed = vault.seal(day(1), IP).unwrap();
        assert_eq!(vault.seal(day(1), IP).unwrap(), sealed);
        assert_ne!(vault.seal(day(2), IP).unwrap(), sealed);
        assert_ne!(vault.seal(day(1), "203.0.113.8").unwrap(), sealed);
        let keys = text(&dir);
        assert_eq!(keys.matches("day-1970-01-02").count(), 1, "{keys}");
        assert_eq!(keys.matches("day-1970-01-03").count(), 1, "{keys}");
    }

    #[test]
    fn a_value_opens_only_under_its_own_key_and_unchanged() {
        let vault = Vault::in_memory(BOOK).unwrap();
        let sealed = vault.seal(day(1), IP).unwrap();
        vault.seal(day(2), IP).unwrap();
        let flipped = if sealed.starts_with('A') { "B" } else { "A" }.to_owned() + &sealed[1..];
        for (under, text) in
            [(day(2), &*sealed), (day(1), &flipped), (day(1), "!"), (day(1), "AAAA"), (day(1), "")]
        {
            assert!(matches!(vault.open_sealed(under, text), Err(VaultError::NotSealed)), "{text}");
        }
        assert_eq!(vault.open_sealed(day(3), &sealed).unwrap(), None, "no such key");
    }

    #[test]
    fn a_destroyed_key_is_gone_from_the_file_and_never_made_again() {
        let dir = TempDir::new().unwrap();
        let vault = vault(&dir);
        let (gone, kept) = (vault.seal(day(1), IP).unwrap(), vault.seal(day(2), IP).unwrap());
        let before = text(&dir);
        vault.destroy(day(1)).unwrap();
        vault.destroy(day(1)).unwrap();
        for vault in [vault, Vault::open(dir.path(), BOOK, false).unwrap()] {
            assert_eq!(vault.open_sealed(day(1), &gone).unwrap(), None);
            assert!(matches!(vault.seal(day(1), IP), Err(VaultError::Destroyed(_))));
            assert_eq!(vault.open_sealed(day(2), &kept).unwrap().as_deref(), Some(IP));
            vault.seal(day(3), IP).unwrap();
        }
        let secret = before.lines().find(|line| line.contains("1970-01-02")).unwrap();
        assert!(!text(&dir).contains(secret));
        assert_eq!(mode(&dir), 0o600);
    }

    #[test]
    fn a_key_that_was_half_written_is_dropped() {
        let dir = TempDir::new().unwrap();
        let sealed = vault(&dir).seal(day(1), IP).unwrap();
        let whole = text(&dir);
        fs::write(dir.path().join("keys.json"), format!("{whole}{{\"of\":\"day-1970-01-03\",\"sec")).unwrap();
        let vault = vault(&dir);
        vault.seal(day(2), IP).unwrap();
        drop(vault);
        let vault = Vault::open(dir.path(), BOOK, false).unwrap();
        assert_eq!(vault.open_sealed(day(1), &sealed).unwrap().as_deref(), Some(IP));
    }

    #[test]
    fn a_damaged_line_is_named() {
        let dir = TempDir::new().unwrap();
        vault(&dir).seal(day(1), IP).unwrap();
        fs::write(dir.path().join("keys.json"), text(&dir).replace("secret", "sec ret")).unwrap();
        let opened = Vault::open(dir.path(), BOOK, false);
        assert!(matches!(opened, Err(VaultError::Line { line: 1, .. })), "{opened:?}");
    }

    #[test]
    fn missing_keys_are_not_made_anew_for_a_log_that_needs_them() {
        let dir = TempDir::new().unwrap();
        assert!(matches!(Vault::open(dir.path(), BOOK, false), Err(VaultError::Missing)));
        assert!(!dir.path().join("keys.json").exists());
    }

    #[test]
    fn what_a_book_brings_to_another_folder_opens_there_and_what_is_there_stays() {
        let (old, new) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let first = vault(&old);
        let (one, two) = (first.seal(day(1), "one").unwrap(), first.seal(day(2), "two").unwrap());
        Vault::bring(old.path(), new.path(), BOOK).unwrap();
        let second = vault(&new);
        assert_eq!(second.hash_key().0, first.hash_key().0);
        let three = second.seal(day(3), "three").unwrap();
        first.destroy(day(2)).unwrap();
        Vault::bring(old.path(), new.path(), BOOK).unwrap();
        let second = vault(&new);
        let opened = |day, text: &str| second.open_sealed(day, text).unwrap();
        assert_eq!(opened(day(1), &one).as_deref(), Some("one"));
        assert_eq!(opened(day(2), &two), None, "destroyed is destroyed everywhere");
        assert_eq!(opened(day(3), &three).as_deref(), Some("three"));
        let other = Vault::bring(old.path(), new.path(), BookId([2; 16]));
        assert!(matches!(other, Err(VaultError::OtherBook { .. })));
    }

    #[test]
    fn the_keys_of_another_book_are_refused() {
        let dir = TempDir::new().unwrap();
        vault(&dir);
        let opened = Vault::open(dir.path(), BookId([8; 16]), false);
        assert!(matches!(opened, Err(VaultError::OtherBook { .. })), "{opened:?}");
    }

    #[test]
    fn only_the_owner_can_read_the_keys_and_debug_shows_none() {
        let dir = TempDir::new().unwrap();
        let vault = vault(&dir);
        assert_eq!(mode(&dir), 0o600);
        assert_eq!(format!("{vault:?} {:?}", vault.hash_key()), "Vault(secret) HashKey(secret)");
    }

    fn mode(dir: &TempDir) -> u32 {
        fs::metadata(dir.path().join("keys.json")).unwrap().permissions().mode() & 0o777
    }
}
