//! Remembers sealed texts, so that an address seen again costs no encryption.

use domain::ids::Digest;
use domain::map::Map;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 8;
/// Texts in each half of a shard: with both halves full, 65,536 in all, about 12 MB.
const HALF: usize = 4096;

/// Sealed texts by the keyed hash of what they seal; no clear text is kept.
///
/// Each shard has a young and an old half. A hit in the old half moves to the young one; when that is full
/// it becomes the old half and the old one is forgotten. So what was used lately stays, at the cost of a look-up.
pub(super) struct Memo([Mutex<Shard>; SHARDS]);

#[derive(Default)]
struct Shard {
    young: Map<Digest, Arc<str>>,
    old: Map<Digest, Arc<str>>,
}

impl Memo {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }

    pub(super) fn get(&self, digest: Digest) -> Option<Arc<str>> {
        let mut shard = self.shard(digest);
        if let Some(sealed) = shard.young.get(&digest) {
            return Some(Arc::clone(sealed));
        }
        let sealed = shard.old.remove(&digest)?;
        shard.put(digest, Arc::clone(&sealed));
        Some(sealed)
    }

    pub(super) fn put(&self, digest: Digest, sealed: Arc<str>) {
        self.shard(digest).put(digest, sealed);
    }

    pub(super) fn clear(&self) {
        for shard in &self.0 {
            *lock(shard) = Shard::default();
        }
    }

    fn shard(&self, digest: Digest) -> MutexGuard<'_, Shard> {
        // The low byte picks the shard.
        lock(&self.0[usize::from(digest.0.to_le_bytes()[0]) % SHARDS])
    }
}

impl Shard {
    fn put(&mut self, digest: Digest, sealed: Arc<str>) {
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest, sealed);
    }
}

// Forgetting or repeating an entry is harmless, so a shard is usable even after a panic.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_the_whole_is_bounded() {
        let memo = Memo::new();
        let often = Digest(u128::MAX);
        memo.put(often, "often".into());
        for n in 0..200_000 {
            memo.put(Digest(n), "once".into());
            assert_eq!(memo.get(often).as_deref(), Some("often"), "after {n}");
        }
        let held = |shard: &Mutex<Shard>| {
            let shard = lock(shard);
            shard.young.len() + shard.old.len()
        };
        let kept: usize = memo.0.iter().map(held).sum();
        assert!(kept <= SHARDS * 2 * HALF, "{kept}");
        assert_eq!(memo.get(Digest(0)), None);
    }
}
