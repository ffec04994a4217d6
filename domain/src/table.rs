//! Hash tables that can be frozen at any moment: the entries lie in a list, found by their places there.

use crate::chunked::{Chunked, Frozen};
use crate::map::Places;
use foldhash::fast::FixedState;
use std::hash::{BuildHasher, Hash};

/// Entries of a chunk: with its head 1 KiB where an entry has 32 bytes, as most have.
const CHUNK: usize = 31;

/// A table as a snapshot keeps it: its entries, in no order that means anything.
pub(crate) type FrozenTable<K, V> = Frozen<(K, V), CHUNK>;

/// A hash map whose entries can be frozen; see `chunked.rs`. What finds them is made again from them.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    entries: Chunked<(K, V), CHUNK>,
    index: Places,
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self { entries: Chunked::default(), index: Places::default() }
    }
}

fn hash<K: Hash>(key: &K) -> u64 {
    FixedState::default().hash_one(key)
}

impl<K: Hash + Eq + Clone, V: Clone> Table<K, V> {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &(K, V)> {
        self.entries.iter()
    }

    fn place(&self, key: &K) -> Option<u32> {
        self.index.find(hash(key), |place| self.entries[place as usize].0 == *key)
    }

    pub fn contains(&self, key: &K) -> bool {
        self.place(key).is_some()
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(self.place(key)? as usize).map(|(_, value)| value)
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(key)?;
        self.entries.get_mut(place as usize).map(|(_, value)| value)
    }

    /// Sets the value of a key.
    pub fn insert(&mut self, key: K, value: V) {
        match self.get_mut(&key) {
            Some(known) => *known = value,
            None => self.add(key, value),
        }
    }

    fn add(&mut self, key: K, value: V) {
        let place = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.index.add(hash(&key), place);
        self.entries.push((key, value));
    }

    /// Takes out an entry. The last one moves to its place.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.place(key)?;
        self.index.remove(hash(key), place);
        let last = self.entries.pop()?;
        if place as usize == self.entries.len() {
            return Some(last.1);
        }
        let (moved, of_last) = (hash(&last.0), u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        self.index.remove(moved, of_last);
        self.index.add(moved, place);
        let removed = std::mem::replace(&mut self.entries[place as usize], last);
        Some(removed.1)
    }

    /// Keeps the entries whose value is so.
    pub fn retain(&mut self, is_so: impl Fn(&V) -> bool) {
        let kept = self.entries.iter().filter(|(_, value)| is_so(value)).cloned();
        *self = kept.collect();
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The entries as they are now, to be written beside whatever becomes of them.
    pub fn freeze(&self) -> FrozenTable<K, V> {
        self.entries.freeze()
    }
}

impl<K: Hash + Eq + Clone, V: Clone> From<FrozenTable<K, V>> for Table<K, V> {
    fn from(frozen: FrozenTable<K, V>) -> Self {
        let entries = frozen.thaw();
        let mut index = Places::with_capacity(entries.len());
        for (place, (key, _)) in (0..).zip(entries.iter()) {
            index.add(hash(key), place);
        }
        Self { entries, index }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> FromIterator<(K, V)> for Table<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut table = Self::default();
        entries.into_iter().for_each(|(key, value)| table.insert(key, value));
        table
    }
}

/// In whatever order they came.
impl<K: Hash + Eq + Clone, V: Clone + PartialEq> PartialEq for Table<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::Map;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_table_is_a_map(steps in prop::collection::vec((0..60_u16, 0..4_u32), 1..600)) {
            let (mut table, mut map) = (Table::default(), Map::<u16, u32>::default());
            for (key, what) in steps {
                if what == 0 {
                    prop_assert_eq!(table.remove(&key), map.remove(&key));
                } else {
                    table.insert(key, what);
                    map.insert(key, what);
                }
                prop_assert_eq!((table.len(), table.get(&key)), (map.len(), map.get(&key)));
            }
            let as_map = |table: &Table<u16, u32>| table.iter().copied().collect::<Map<_, _>>();
            prop_assert_eq!(as_map(&table), map.clone());
            let read: Table<u16, u32> = table.freeze().into();
            prop_assert!(read == table && map.iter().all(|(key, value)| read.get(key) == Some(value)));
            table.retain(|what| *what == 1);
            map.retain(|_, what| *what == 1);
            prop_assert!(table.len() == map.len() && map.keys().all(|key| table.contains(key)));
        }
    }
}
