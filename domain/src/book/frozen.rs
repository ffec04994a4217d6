//! A book as it was at a moment: what a snapshot keeps.
//!
//! It shares its large parts with the book that it was taken from, whose next events copy what they change first. What
//! finds an entry in them is left out, since it follows from them.

use super::accounts::FrozenAccounts;
use super::bans::FrozenBans;
use super::decisions::FrozenDecisions;
use super::dues::FrozenDues;
use super::meters::FrozenMeters;
use super::remembered::FrozenIds;
use super::{Book, Bounds, Decisions, Denials, Home, State};
use crate::catalogue::Catalogue;
use crate::event::Stream;
use crate::ids::{Digest, HashKey, Position};
use crate::table::FrozenTable;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A book as it was at a moment, to be written once: each part is let go of as soon as it is written.
///
/// Whole tables are shared. Copied at once are only the catalogue, which is as long as operators published, and the
/// few lists of kinds and rules that it implies.
#[derive(Serialize, Deserialize)]
pub struct Frozen {
    head: Position,
    at: Timestamp,
    home: Home,
    #[serde(with = "crate::compact::json")]
    catalogue: Catalogue,
    accounts: FrozenAccounts,
    clients: FrozenTable<Digest, u64>,
    meters: FrozenMeters,
    fired: FrozenTable<Digest, u32>,
    bans: FrozenBans,
    figures: FrozenTable<Digest, u64>,
    decisions: FrozenDecisions,
    remembered: FrozenIds,
    dues: FrozenDues,
    denials: FrozenDenials,
}

#[derive(Serialize, Deserialize)]
struct FrozenDenials {
    minute: i64,
    recorded: FrozenTable<Stream, u32>,
}

impl Frozen {
    /// The last event that is folded in it.
    pub fn head(&self) -> Position {
        self.head
    }
}

impl Book {
    /// The book as it is now. Takes a count for each node of its tables: a fraction of a millisecond at 1,000,000
    /// accounts.
    pub fn freeze(&self) -> Frozen {
        let state = &self.state;
        let Denials { minute, recorded } = &state.denials;
        Frozen {
            head: state.head,
            at: state.at,
            home: state.home.clone(),
            catalogue: state.catalogue.clone(),
            accounts: state.accounts.freeze(),
            clients: state.clients.freeze(),
            meters: state.meters.freeze(),
            fired: state.fired.freeze(),
            bans: state.bans.freeze(),
            figures: state.figures.freeze(),
            decisions: state.decisions.freeze(),
            remembered: state.remembered.freeze(),
            dues: state.dues.freeze(),
            denials: FrozenDenials { minute: *minute, recorded: recorded.freeze() },
        }
    }

    /// A book as a snapshot kept it.
    pub fn restore(key: HashKey, bounds: Bounds, frozen: Frozen) -> Self {
        let Frozen { head, at, home, catalogue, .. } = frozen;
        let decisions = frozen.decisions.into();
        let FrozenDenials { minute, recorded } = frozen.denials;
        let state = State {
            head,
            at,
            home,
            catalogue,
            accounts: frozen.accounts.into(),
            clients: frozen.clients.into(),
            meters: frozen.meters.into(),
            fired: frozen.fired.into(),
            bans: frozen.bans.into(),
            figures: frozen.figures.into(),
            open: open(&decisions),
            decisions,
            remembered: frozen.remembered.into(),
            dues: frozen.dues.into(),
            denials: Denials { minute, recorded: recorded.into() },
        };
        Self { key, bounds, state }
    }
}

/// Open decisions of anonymous callers by the instant at which they run out.
fn open(decisions: &Decisions) -> BTreeSet<(Timestamp, Position)> {
    let waiting = decisions.iter().filter(|(_, known)| known.account.is_none() && known.is_waiting());
    waiting.filter_map(|(position, known)| Some((known.open.as_ref()?.until, *position))).collect()
}
