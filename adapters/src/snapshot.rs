//! Snapshots make a start cheap: the folded state at a position, so that only what came after is read.
//!
//! A snapshot is never needed. Whatever does not fit (another book, fold or log, a damaged file) is passed
//! over with its reason, and the fold begins earlier.

use domain::ids::Position;
use domain::log::{BookId, ChainHash, EventStore, FrameError, Head, StoreError};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const MAGIC: &[u8] = b"counterfoil snapshot 2\n";
const CHECKSUM: usize = 32;
/// More bytes than the first two lines have.
const HEADER_MAX: u64 = 4_096;
/// How many are kept: if the newest is no good, the one before it saves most of the work.
const KEPT: usize = 2;

/// What a snapshot is of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SnapshotHeader {
    pub book: BookId,
    /// The version of the fold that made the state; another one reads the log instead.
    pub fold_version: u32,
    /// The last event in the state.
    pub position: Position,
    /// That event's chain hash.
    pub hash: ChainHash,
}

/// The snapshots in a directory, as files `snapshot-<position>`.
pub struct Snapshots {
    dir: PathBuf,
}

/// What was found.
#[derive(Debug)]
pub struct Loaded<S> {
    /// The newest snapshot that fits.
    pub found: Option<(Head, S)>,
    /// Newer ones that do not, and why.
    pub refused: Vec<(PathBuf, Refusal)>,
}

/// Why a snapshot was passed over.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the file cannot be read")]
    File(#[from] io::Error),
    #[error("the file is not a whole snapshot")]
    Damaged,
    #[error("it is of the book {0}")]
    OtherBook(BookId),
    #[error("it was made by version {0} of the fold")]
    OtherFold(u32),
    #[error("the log has no such event at position {0}")]
    OtherLog(Position),
    #[error("the state cannot be read")]
    State(#[from] rmp_serde::decode::Error),
}

/// A snapshot could not be written; the ones before are untouched.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("the snapshot's file cannot be written")]
    File(#[from] io::Error),
    #[error("the state cannot be written")]
    State(#[from] rmp_serde::encode::Error),
}

impl Snapshots {
    /// The snapshots in this directory, which exists.
    pub fn in_dir(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// Writes a snapshot, whole or not at all, and forgets all but the last two.
    pub fn write<S: Serialize>(&self, header: &SnapshotHeader, state: &S) -> Result<PathBuf, SnapshotError> {
        let (path, unfinished) =
            (self.dir.join(format!("snapshot-{:020}", header.position)), self.dir.join("snapshot.new"));
        let file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        let mut out = BufWriter::with_capacity(1 << 20, Summed { out: file, sum: Sha256::new() });
        out.write_all(MAGIC)?;
        serde_json::to_writer(&mut out, header).map_err(io::Error::from)?;
        out.write_all(b"\n")?;
        state.serialize(&mut rmp_serde::Serializer::new(&mut out))?;
        let Summed { mut out, sum } = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        out.write_all(&sum.finalize())?;
        out.sync_all()?;
        fs::rename(&unfinished, &path)?;
        File::open(&self.dir)?.sync_all()?;
        for old in self.newest_first()?.into_iter().skip(KEPT) {
            fs::remove_file(old)?;
        }
        Ok(path)
    }

    /// The newest snapshot of this store's book, by this version of the fold, that the log itself confirms.
    pub async fn load<S: DeserializeOwned>(
        &self,
        store: &dyn EventStore,
        fold_version: u32,
    ) -> Result<Loaded<S>, StoreError> {
        let mut loaded = Loaded { found: None, refused: Vec::new() };
        let Ok(paths) = self.newest_first() else { return Ok(loaded) };
        for path in paths {
            match self.load_one(&path, store, fold_version).await? {
                Ok(found) => {
                    loaded.found = Some(found);
                    break;
                }
                Err(refusal) => loaded.refused.push((path, refusal)),
            }
        }
        Ok(loaded)
    }

    async fn load_one<S: DeserializeOwned>(
        &self,
        path: &Path,
        store: &dyn EventStore,
        fold_version: u32,
    ) -> Result<Result<(Head, S), Refusal>, StoreError> {
        let bytes = match read(path, store.book().id, fold_version) {
            Ok(read) => read,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let header = bytes.header;
        let head = Head { position: header.position, hash: header.hash };
        if !is_in_log(head, store).await? {
            return Ok(Err(Refusal::OtherLog(header.position)));
        }
        Ok(rmp_serde::from_slice(&bytes.file[bytes.body]).map(|state| (head, state)).map_err(Refusal::from))
    }

    /// A whole snapshot of this store's book, of an event that the log does not have: what was durable is gone, or was
    /// not copied yet.
    ///
    /// None is held against the log when nobody can tell whether it is one: of another book, or not whole.
    pub async fn ahead_of(&self, store: &dyn EventStore) -> Result<Option<(PathBuf, Position)>, StoreError> {
        for path in self.newest_first().unwrap_or_default() {
            let Ok(header) = header(&path) else { continue };
            let head = Head { position: header.position, hash: header.hash };
            // It is long: it is read only when there is something to hold against the log.
            if header.book == store.book().id && !is_in_log(head, store).await? && whole(&path).is_ok() {
                return Ok(Some((path, head.position)));
            }
        }
        Ok(None)
    }

    /// Whether there is none, of whatever kind.
    pub fn is_empty(&self) -> bool {
        self.newest_first().map_or(true, |paths| paths.is_empty())
    }

    fn newest_first(&self) -> io::Result<Vec<PathBuf>> {
        let entries: Vec<_> = fs::read_dir(&self.dir)?.collect::<Result<_, _>>()?;
        let is_one = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.and_then(|name| name.strip_prefix("snapshot-"))
                .is_some_and(|it| it.parse::<Position>().is_ok())
        };
        let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).filter(is_one).collect();
        paths.sort_unstable_by(|one, two| two.cmp(one));
        Ok(paths)
    }
}

struct Contents {
    header: SnapshotHeader,
    file: Vec<u8>,
    body: std::ops::Range<usize>,
}

/// A snapshot of this book and fold.
fn read(path: &Path, book: BookId, fold_version: u32) -> Result<Contents, Refusal> {
    let contents = whole(path)?;
    if contents.header.book != book {
        return Err(Refusal::OtherBook(contents.header.book));
    }
    if contents.header.fold_version != fold_version {
        return Err(Refusal::OtherFold(contents.header.fold_version));
    }
    Ok(contents)
}

/// A snapshot as it was written, to the last byte.
fn whole(path: &Path) -> Result<Contents, Refusal> {
    let file = fs::read(path)?;
    let end = file.len().checked_sub(CHECKSUM).ok_or(Refusal::Damaged)?;
    if Sha256::digest(&file[..end]).as_slice() != &file[end..] {
        return Err(Refusal::Damaged);
    }
    let (header, length) = first_lines(&file[..end])?;
    Ok(Contents { header, file, body: length..end })
}

/// What a snapshot says it is, unchecked.
fn header(path: &Path) -> Result<SnapshotHeader, Refusal> {
    let mut start = Vec::new();
    File::open(path)?.take(HEADER_MAX).read_to_end(&mut start)?;
    first_lines(&start).map(|(header, _)| header)
}

/// The header, and the length of all that stands before the state.
fn first_lines(file: &[u8]) -> Result<(SnapshotHeader, usize), Refusal> {
    let rest = file.strip_prefix(MAGIC).ok_or(Refusal::Damaged)?;
    let line = rest.iter().position(|byte| *byte == b'\n').ok_or(Refusal::Damaged)?;
    let header = serde_json::from_slice(&rest[..line]).map_err(|_| Refusal::Damaged)?;
    Ok((header, MAGIC.len() + line + 1))
}

/// Whether the log holds, at this position, the event with this hash.
async fn is_in_log(head: Head, store: &dyn EventStore) -> Result<bool, StoreError> {
    if head.position == 0 {
        return Ok(head.hash == ChainHash::ZERO);
    }
    let frames = store.read(head.position, 1).await?;
    let Some(frame) = frames.first() else { return Ok(false) };
    let damaged = |cause: FrameError| StoreError::Damaged { position: frame.first(), cause: Box::new(cause) };
    let until_there = frame.events().map_err(damaged)?.take_while(|(position, _)| *position <= head.position);
    Ok(until_there.fold(frame.previous(), |hash, (_, text)| hash.next(text.as_bytes())) == head.hash)
}

/// Hashes what passes through.
struct Summed<W> {
    out: W,
    sum: Sha256,
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sum.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::memory::MemoryStore;
    use domain::log::{AppendOutcome, BookInfo, BookKind, FrameBuilder};
    use domain::time::Timestamp;
    use std::collections::BTreeMap;
    use tempfile::TempDir;

    type State = BTreeMap<String, u64>;
    const FOLD: u32 = 3;

    async fn log(events: u32, mark: &str) -> MemoryStore {
        let book =
            BookInfo { id: BookId([7; 16]), kind: BookKind::Wall, created: Timestamp::EPOCH, store: None };
        let store = MemoryStore::new(book);
        let mut head = Head::default();
        for _ in 0..events / 2 {
            let mut frame = FrameBuilder::open(head.position + 1, head.hash);
            frame.push(&format!("[\"{mark}\"]"));
            frame.push("{}");
            let frame = frame.finish().unwrap();
            assert_eq!(store.append(&frame).await.unwrap(), AppendOutcome::Appended);
            head = Head { position: frame.end(), hash: frame.last() };
        }
        store
    }

    fn state(n: u64) -> State {
        State::from([("n".to_owned(), n), ("é".to_owned(), u64::MAX)])
    }

    /// The header of a snapshot at a position of this log.
    async fn header(store: &MemoryStore, position: Position) -> SnapshotHeader {
        let frames = store.read(1, 1_000).await.unwrap();
        let events = frames.iter().flat_map(|frame| frame.events().unwrap());
        let hash = events
            .take_while(|(at, _)| *at <= position)
            .fold(ChainHash::ZERO, |hash, (_, text)| hash.next(text.as_bytes()));
        SnapshotHeader { book: store.book().id, fold_version: FOLD, position, hash }
    }

    async fn load(dir: &TempDir, store: &MemoryStore) -> (Option<Position>, Vec<String>) {
        let loaded: Loaded<State> = Snapshots::in_dir(dir.path()).load(store, FOLD).await.unwrap();
        if let Some((head, found)) = &loaded.found {
            assert_eq!(*found, state(head.position));
        }
        let refused = loaded.refused.iter().map(|(_, refusal)| refusal.to_string()).collect();
        (loaded.found.map(|(head, _)| head.position), refused)
    }

    async fn write(dir: &TempDir, store: &MemoryStore, position: Position) -> PathBuf {
        let header = header(store, position).await;
        Snapshots::in_dir(dir.path()).write(&header, &state(position)).unwrap()
    }

    #[tokio::test]
    async fn the_newest_snapshot_is_read_back_and_two_are_kept() {
        let (dir, store) = (TempDir::new().unwrap(), log(12, "a").await);
        assert_eq!(load(&dir, &store).await, (None, vec![]));
        for position in [0, 4, 9, 10] {
            write(&dir, &store, position).await;
            assert_eq!(load(&dir, &store).await, (Some(position), vec![]));
        }
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn a_damaged_snapshot_gives_way_to_the_one_before() {
        let (dir, store) = (TempDir::new().unwrap(), log(12, "a").await);
        write(&dir, &store, 4).await;
        let path = write(&dir, &store, 8).await;
        let whole = fs::read(&path).unwrap();
        for place in [0, MAGIC.len() + 3, whole.len() - CHECKSUM - 2, whole.len() - 1] {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            fs::write(&path, damaged).unwrap();
            let refused = vec!["the file is not a whole snapshot".to_owned()];
            assert_eq!(load(&dir, &store).await, (Some(4), refused), "byte {place}");
        }
        for length in [0, 10, whole.len() - 1] {
            fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(load(&dir, &store).await.0, Some(4), "{length} bytes");
        }
    }

    #[tokio::test]
    async fn a_snapshot_of_another_log_book_or_fold_is_refused_with_the_reason() {
        let (store, other) = (log(12, "a").await, log(12, "b").await);
        let right = header(&store, 8).await;
        let wrong = [
            (header(&other, 8).await, "the log has no such event at position 8"),
            (SnapshotHeader { position: 13, ..right }, "the log has no such event at position 13"),
            (SnapshotHeader { fold_version: 2, ..right }, "it was made by version 2 of the fold"),
            (
                SnapshotHeader { book: BookId([8; 16]), ..right },
                "it is of the book 08080808080808080808080808080808",
            ),
        ];
        for (header, reason) in wrong {
            let dir = TempDir::new().unwrap();
            Snapshots::in_dir(dir.path()).write(&header, &state(8)).unwrap();
            assert_eq!(load(&dir, &store).await, (None, vec![reason.to_owned()]));
        }
    }

    #[tokio::test]
    async fn a_whole_snapshot_of_an_event_that_the_log_lacks_is_held_against_it() {
        let (store, other) = (log(12, "a").await, log(12, "b").await);
        let right = header(&store, 8).await;
        let cases = [
            (right, None),
            (SnapshotHeader { position: 13, ..right }, Some(13)),
            (header(&other, 8).await, Some(8)),
            (SnapshotHeader { position: 13, fold_version: 2, ..right }, Some(13)),
            (SnapshotHeader { position: 13, book: BookId([8; 16]), ..right }, None),
        ];
        for (header, expected) in cases {
            let dir = TempDir::new().unwrap();
            let snapshots = Snapshots::in_dir(dir.path());
            assert!(snapshots.is_empty());
            let path = snapshots.write(&header, &state(8)).unwrap();
            let found = snapshots.ahead_of(&store).await.unwrap();
            assert_eq!(found, expected.map(|position| (path.clone(), position)));
            let mut damaged = fs::read(&path).unwrap();
            *damaged.last_mut().unwrap() ^= 1;
            fs::write(&path, damaged).unwrap();
            assert_eq!(snapshots.ahead_of(&store).await.unwrap(), None, "a damaged one proves nothing");
        }
    }

    #[tokio::test]
    async fn a_state_of_another_shape_is_refused() {
        let (dir, store) = (TempDir::new().unwrap(), log(12, "a").await);
        Snapshots::in_dir(dir.path()).write(&header(&store, 8).await, &[1, 2, 3]).unwrap();
        assert_eq!(load(&dir, &store).await, (None, vec!["the state cannot be read".to_owned()]));
    }
}
