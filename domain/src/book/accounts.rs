//! All accounts of a book, by name, by key and by owner.

use crate::account::{Account, Key};
use crate::chunked::{Chunked, Frozen};
use crate::ids::{Digest, Name};
use crate::map::{Map, Places};
use foldhash::fast::FixedState;
use std::hash::BuildHasher;

/// Accounts of a chunk: with its head just below 2 KiB, a size that allocators have.
const CHUNK: usize = 8;

/// What a snapshot keeps of them.
pub(super) type FrozenAccounts = Frozen<(Name, Account), CHUNK>;

/// Accounts in slots: a slot is an account's place for as long as the book lives.
#[derive(Clone, Debug, Default)]
pub struct Accounts {
    slots: Chunked<(Name, Account), CHUNK>,
    names: Places,
    /// Slot and place among the account's keys, by the key's hash.
    keys: Map<Digest, (u32, u32)>,
    /// The account of each key's name: operators and limits speak of a key by its name alone.
    key_names: Map<Name, u32>,
}

impl From<FrozenAccounts> for Accounts {
    fn from(frozen: FrozenAccounts) -> Self {
        let slots = frozen.thaw();
        let names = Places::with_capacity(slots.len());
        let mut accounts = Self { slots, names, ..Self::default() };
        for (slot, (name, account)) in (0..).zip(accounts.slots.iter()) {
            accounts.names.add(hash(name.as_str()), slot);
            for (place, key) in (0..).zip(&account.keys) {
                accounts.keys.insert(key.hash, (slot, place));
                accounts.key_names.insert(key.name.clone(), slot);
            }
        }
        accounts
    }
}

/// What finds them follows from them.
impl PartialEq for Accounts {
    fn eq(&self, other: &Self) -> bool {
        self.slots == other.slots
    }
}

fn hash(name: &str) -> u64 {
    FixedState::default().hash_one(name)
}

impl Accounts {
    pub fn slot(&self, name: &str) -> Option<u32> {
        self.names.find(hash(name), |slot| self.slots[slot as usize].0.as_str() == name)
    }

    pub fn get(&self, slot: u32) -> Option<(&Name, &Account)> {
        self.slots.get(slot as usize).map(|(name, account)| (name, account))
    }

    pub fn get_mut(&mut self, slot: u32) -> Option<&mut Account> {
        self.slots.get_mut(slot as usize).map(|(_, account)| account)
    }

    pub fn by_name(&self, name: &str) -> Option<&Account> {
        self.get(self.slot(name)?).map(|(_, account)| account)
    }

    /// The account and key of a key's hash, whatever the key's standing.
    pub fn by_key(&self, hash: Digest) -> Option<(u32, &Key)> {
        let (slot, place) = *self.keys.get(&hash)?;
        let key = self.get(slot)?.1.keys.get(place as usize)?;
        Some((slot, key))
    }

    /// The account that has, or had, a key of this name.
    pub fn of_key(&self, key: &Name) -> Option<u32> {
        self.key_names.get(key).copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Account)> {
        self.slots.iter().map(|(name, account)| (name, account))
    }

    pub(super) fn freeze(&self) -> FrozenAccounts {
        self.slots.freeze()
    }

    pub fn len(&self) -> usize {
        self.slots.len()
    }

    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// A slot for an account that has none, made when its first event comes.
    pub(super) fn enter(&mut self, name: &Name) -> u32 {
        let slot = u32::try_from(self.slots.len()).unwrap_or(u32::MAX);
        self.slots.push((name.clone(), Account::default()));
        self.names.add(hash(name.as_str()), slot);
        slot
    }

    /// Finds the newest key of an account by its hash from now on.
    pub(super) fn index_key(&mut self, slot: u32) {
        let Some((_, account)) = self.slots.get(slot as usize) else { return };
        let Some(place) = account.keys.len().checked_sub(1) else { return };
        let key = &account.keys[place];
        self.keys.insert(key.hash, (slot, u32::try_from(place).unwrap_or(u32::MAX)));
        self.key_names.insert(key.name.clone(), slot);
    }
}
