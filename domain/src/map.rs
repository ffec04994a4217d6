//! The hash map of decision state: one hasher for all, fast and not seeded per process, because no
//! iteration order may ever reach an event, a hash or an answer.

use foldhash::fast::FixedState;

/// A hash map with a fixed hasher.
pub type Map<K, V> = hashbrown::HashMap<K, V, FixedState>;
/// A hash set with a fixed hasher.
pub type Set<K> = hashbrown::HashSet<K, FixedState>;
