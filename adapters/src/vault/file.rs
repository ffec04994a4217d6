//! `keys.json`: one JSON object a line, appended and synced before a key is used.

use super::VaultError;
use crate::system::random;
use data_encoding::HEXLOWER;
use domain::ids::HashKey;
use domain::log::BookId;
use domain::map::Map;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A sealing key.
#[derive(Clone, Copy)]
pub(super) struct Secret(pub(super) [u8; 32]);

/// A line of the file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Line {
    /// The first line: whose secrets these are, and the hash key.
    Book {
        book: BookId,
        #[serde(with = "hex")]
        secret: [u8; 16],
    },
    /// A sealing key.
    Key {
        of: String,
        #[serde(with = "hex")]
        secret: [u8; 32],
    },
    /// A sealing key that was destroyed.
    Destroyed { of: String, destroyed: bool },
}

/// The secrets, in memory and on disk.
pub(super) struct KeyFile {
    on_disk: Option<(PathBuf, File)>,
    book: Option<(BookId, HashKey)>,
    // `None` stands for a destroyed key.
    keys: Map<String, Option<Secret>>,
}

impl KeyFile {
    pub(super) fn in_memory() -> Self {
        Self { on_disk: None, book: None, keys: Map::default() }
    }

    pub(super) fn open(path: &Path) -> Result<Self, VaultError> {
        let file = private(path, false)?;
        let mut keys = Self { on_disk: None, book: None, keys: Map::default() };
        let text = fs::read_to_string(path)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            // The process died while it wrote this key, before it used it.
            file.set_len(whole as u64)?;
        }
        for (index, line) in text[..whole].lines().enumerate() {
            let line =
                serde_json::from_str(line).map_err(|cause| VaultError::Line { line: index + 1, cause })?;
            keys.take(line);
        }
        // What the last process wrote but did not live to sync, and the file's entry in its directory.
        file.sync_all()?;
        sync_dir(path)?;
        keys.on_disk = Some((path.to_owned(), file));
        Ok(keys)
    }

    /// The hash key of this book, made when the file is new.
    pub(super) fn book(&mut self, wanted: BookId) -> Result<HashKey, VaultError> {
        if let Some((found, key)) = self.book {
            return if found == wanted { Ok(key) } else { Err(VaultError::OtherBook { found, wanted }) };
        }
        let secret = random()?;
        self.append(Line::Book { book: wanted, secret })?;
        Ok(HashKey(secret))
    }

    /// Takes over what another file has of this book and this one lacks.
    pub(super) fn adopt(&mut self, other: &Self, book: BookId) -> Result<(), VaultError> {
        let Some((found, HashKey(secret))) = other.book else { return Err(VaultError::Missing) };
        if found != book {
            return Err(VaultError::OtherBook { found, wanted: book });
        }
        if self.book.is_none() {
            self.append(Line::Book { book, secret })?;
        }
        if self.book.map(|(_, HashKey(own))| own) != Some(secret) {
            return Err(VaultError::OtherBook { found, wanted: book });
        }
        for (of, theirs) in &other.keys {
            match (self.keys.get(of), theirs) {
                (None, Some(Secret(secret))) => self.append(Line::Key { of: of.clone(), secret: *secret })?,
                (None | Some(Some(_)), None) => self.destroy(of)?,
                (Some(_), _) => {}
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, label: &str) -> Option<Secret> {
        self.keys.get(label).copied().flatten()
    }

    pub(super) fn get_or_make(&mut self, label: &str) -> Result<Secret, VaultError> {
        match self.keys.get(label) {
            Some(Some(secret)) => Ok(*secret),
            Some(None) => Err(VaultError::Destroyed(label.to_owned())),
            None => {
                let secret = random()?;
                self.append(Line::Key { of: label.to_owned(), secret })?;
                Ok(Secret(secret))
            }
        }
    }

    /// Writes the file anew without the key: the one time that appending is not enough.
    pub(super) fn destroy(&mut self, label: &str) -> Result<(), VaultError> {
        let before = self.keys.insert(label.to_owned(), None);
        let rewritten = self.rewrite();
        if let (Err(_), Some(before)) = (&rewritten, before) {
            self.keys.insert(label.to_owned(), before);
        }
        rewritten.map_err(VaultError::from)
    }

    fn append(&mut self, line: Line) -> Result<(), VaultError> {
        if let Some((_, file)) = &mut self.on_disk {
            let before = file.metadata()?.len();
            let written = file.write_all(&text(&line)?).and_then(|()| file.sync_data());
            if let Err(error) = written {
                // Half a line would make the next one unreadable.
                file.set_len(before)?;
                return Err(error.into());
            }
        }
        self.take(line);
        Ok(())
    }

    fn take(&mut self, line: Line) {
        match line {
            Line::Book { book, secret } => self.book = Some((book, HashKey(secret))),
            Line::Key { of, secret } => {
                self.keys.insert(of, Some(Secret(secret)));
            }
            Line::Destroyed { of, destroyed: _ } => {
                self.keys.insert(of, None);
            }
        }
    }

    fn rewrite(&mut self) -> io::Result<()> {
        let Some((path, _)) = &self.on_disk else { return Ok(()) };
        let path = path.clone();
        let new = path.with_extension("new");
        let mut file = private(&new, true)?;
        for line in self.lines() {
            file.write_all(&text(&line)?)?;
        }
        file.sync_all()?;
        fs::rename(&new, &path)?;
        sync_dir(&path)?;
        self.on_disk = Some((path, file));
        Ok(())
    }

    /// All lines in an order that does not depend on the map.
    fn lines(&self) -> Vec<Line> {
        let mut keys: Vec<_> = self.keys.iter().collect();
        keys.sort_by_key(|(of, _)| *of);
        let book = self.book.iter().map(|(book, key)| Line::Book { book: *book, secret: key.0 });
        let keys = keys.into_iter().map(|(of, secret)| match secret {
            Some(secret) => Line::Key { of: of.clone(), secret: secret.0 },
            None => Line::Destroyed { of: of.clone(), destroyed: true },
        });
        book.chain(keys).collect()
    }
}

fn text(line: &Line) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}

fn private(path: &Path, emptied: bool) -> io::Result<File> {
    if emptied {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

fn sync_dir(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

/// Bytes as hexadecimal digits.
mod hex {
    use super::{Deserialize, Deserializer, HEXLOWER, Serializer};
    use serde::de::Error;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&HEXLOWER.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(from)?;
        // The text is a secret, so no error repeats it.
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| D::Error::custom("not hexadecimal"))?;
        bytes.try_into().map_err(|_| D::Error::custom("not of the right length"))
    }
}
