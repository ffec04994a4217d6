//! The hash maps of decision state: one hasher for all, fast and not seeded per process, because no
//! iteration order may ever reach an event, a hash or an answer.

use crate::ids::Digest;
pub use foldhash::fast::FixedState as Hasher;
use hashbrown::HashTable;

/// A hash map with a fixed hasher.
pub type Map<K, V> = hashbrown::HashMap<K, V, Hasher>;
/// A hash set with a fixed hasher.
pub type Set<K> = hashbrown::HashSet<K, Hasher>;

/// Finds places in a list by a key that stands there already: 8 bytes each, where a map would keep every key again.
///
/// Of a key's hash only 32 bits are kept. They are enough to grow without a look at the list.
#[derive(Clone, Debug, Default)]
pub struct Places(HashTable<(u32, u32)>);

impl Places {
    pub fn with_capacity(places: usize) -> Self {
        Self(HashTable::with_capacity(places))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The place whose key has this hash, and is the one that is looked for.
    pub fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let tag = tag(hash);
        self.0.find(spread(tag), |(of, place)| *of == tag && is_it(*place)).map(|(_, place)| *place)
    }

    /// Adds a place whose key is not here yet.
    pub fn add(&mut self, hash: u64, place: u32) {
        let tag = tag(hash);
        self.0.insert_unique(spread(tag), (tag, place), |(tag, _)| spread(*tag));
    }

    /// Sets the place of a key, which may be here already with another one.
    pub fn set(&mut self, hash: u64, place: u32, is_it: impl Fn(u32) -> bool) {
        let tag = tag(hash);
        let found = |(of, place): &(u32, u32)| *of == tag && is_it(*place);
        self.0.entry(spread(tag), found, |(tag, _)| spread(*tag)).insert((tag, place));
    }

    pub fn remove(&mut self, hash: u64, place: u32) {
        let tag = tag(hash);
        if let Ok(found) = self.0.find_entry(spread(tag), |entry| *entry == (tag, place)) {
            found.remove();
        }
    }
}

/// The hash of a digest, which is a keyed hash itself.
pub(crate) fn hash(Digest(digest): Digest) -> u64 {
    u64::try_from(digest >> 64).unwrap_or_default()
}

fn tag(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or_default()
}

/// The table wants its randomness in the lowest bits and in the topmost ones.
fn spread(tag: u32) -> u64 {
    u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_by_their_keys_also_where_hashes_are_alike() {
        let keys: Vec<u64> = (0..5_000).map(|n| (n % 1_700) << 32 | n).collect();
        let mut places = Places::default();
        for (place, key) in (0..).zip(&keys) {
            places.add(*key, place);
        }
        let find = |places: &Places, key: u64| places.find(key, |place| keys[place as usize] == key);
        for (place, key) in (0..).zip(&keys) {
            assert_eq!(find(&places, *key), Some(place));
        }
        assert_eq!(find(&places, 77 << 40), None);
        for (place, key) in (0..).zip(&keys).step_by(2) {
            places.remove(*key, place);
        }
        assert_eq!(places.len(), 2_500);
        for (place, key) in (0..).zip(&keys) {
            assert_eq!(find(&places, *key), (place % 2 == 1).then_some(place));
        }
    }
}
