//! What a view remembers of the rows that it wrote last, so as not to read them at the next step.

use domain::map::{Hasher, Map};
use hashlink::LruCache;
use std::hash::Hash;

/// Accounts whose rows are remembered: when so many are active, some hundred MB.
pub(super) const ACCOUNTS: usize = 131_072;

/// The `MOST` rows that were written last, by their keys. It must be let go of with a step that was not committed, and when
/// somebody else may have written rows.
pub(super) struct Recent<K, V, const MOST: usize = ACCOUNTS>(LruCache<K, V, Hasher>);

impl<K: Eq + Hash, V, const MOST: usize> Default for Recent<K, V, MOST> {
    fn default() -> Self {
        Self(LruCache::with_hasher(MOST, Hasher::default()))
    }
}

impl<K: Eq + Hash + Clone, V, const MOST: usize> Recent<K, V, MOST> {
    pub(super) fn get(&mut self, key: &K) -> Option<&V> {
        self.0.get(key)
    }

    /// Takes what is remembered of these keys, and tells which of them are to be read.
    pub(super) fn take<'a>(&mut self, keys: impl IntoIterator<Item = &'a K>) -> (Map<K, V>, Vec<&'a K>) {
        let keys = keys.into_iter();
        let mut known = Map::with_capacity_and_hasher(keys.size_hint().0, Hasher::default());
        let mut unknown = Vec::new();
        for key in keys {
            match self.0.remove(key) {
                Some(row) => drop(known.insert(key.clone(), row)),
                None => unknown.push(key),
            }
        }
        (known, unknown)
    }

    pub(super) fn note(&mut self, rows: impl IntoIterator<Item = (K, V)>) {
        self.0.extend(rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_remembered_until_so_many_others_were_written_after_them() {
        let mut recent = Recent::<_, _, 3>::default();
        recent.note((0..=3).map(|row| (row, row)));
        assert_eq!((recent.get(&0).copied(), recent.get(&1).copied()), (None, Some(1)));
        let (known, unknown) = recent.take(&[0, 1]);
        assert_eq!((known.get(&1), unknown), (Some(&1), vec![&0]));
        assert_eq!(recent.get(&1), None, "taken");
    }
}
