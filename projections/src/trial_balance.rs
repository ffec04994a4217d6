//! The running sums of the journal: by account of the books, and by customer.

use crate::postings::{LedgerAccount, Modes, Posting, postings};
use domain::event::Entry;
use domain::ids::Name;
use domain::ledger::LotKind;
use domain::map::Map;
use domain::money::Credits;
use std::collections::BTreeMap;

/// What the journal says of one customer's live credit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// The unreserved part of all lots, those included that are not effective yet or expire next.
    pub credit: Credits,
    /// Debt and holds on overdraft, as a figure of zero or less.
    pub overdraft: Credits,
    /// What open holds have reserved, on lots and on overdraft.
    pub held: Credits,
}

/// The sums of all postings so far. Memory: one line per customer that ever had credit.
#[derive(Clone, Debug, Default)]
pub struct TrialBalance {
    modes: Modes,
    totals: BTreeMap<(LedgerAccount, Option<LotKind>), Credits>,
    customers: Map<Name, Standing>,
    sum: Credits,
}

impl TrialBalance {
    /// Posts one event and returns the sum of its postings, which is zero unless the event contradicts itself.
    pub fn observe(&mut self, entry: &Entry) -> Credits {
        self.modes.observe(entry);
        let postings = postings(entry, &self.modes);
        let sum: Credits = postings.iter().map(|posting| posting.amount).sum();
        for posting in &postings {
            self.post(posting);
        }
        self.sum = self.sum.plus(sum);
        sum
    }

    /// The sum of everything ever posted: zero at every position of a sound log.
    pub fn sum(&self) -> Credits {
        self.sum
    }

    /// The balance of one account of the books.
    pub fn of(&self, account: LedgerAccount) -> Credits {
        let own = self.totals.iter().filter(|((of, _), _)| *of == account);
        own.map(|(_, amount)| *amount).sum()
    }

    /// Every account of the books and kind of lot that was ever posted to, in order.
    pub fn totals(&self) -> impl Iterator<Item = (LedgerAccount, Option<LotKind>, Credits)> {
        self.totals.iter().map(|((account, kind), amount)| (*account, *kind, *amount))
    }

    /// What the journal says of a customer; nothing of one without live credit.
    pub fn customer(&self, name: &str) -> Standing {
        self.customers.get(name).copied().unwrap_or_default()
    }

    /// Every customer that ever had live credit, in no order.
    pub fn customers(&self) -> impl Iterator<Item = (&Name, &Standing)> {
        self.customers.iter()
    }

    /// Which decisions were made in test mode.
    pub fn modes(&self) -> &Modes {
        &self.modes
    }

    fn post(&mut self, posting: &Posting) {
        let total = self.totals.entry((posting.account, posting.kind)).or_default();
        *total = total.plus(posting.amount);
        let standing = match posting.account {
            LedgerAccount::CustomerCredit => &mut self.customer_mut(&posting.owner).credit,
            LedgerAccount::Overdraft => &mut self.customer_mut(&posting.owner).overdraft,
            LedgerAccount::Held => &mut self.customer_mut(&posting.owner).held,
            LedgerAccount::Issued
            | LedgerAccount::Revenue
            | LedgerAccount::Promotion
            | LedgerAccount::Expired
            | LedgerAccount::Uncollected
            | LedgerAccount::Adjusted
            | LedgerAccount::Refunds => return,
        };
        *standing = standing.plus(posting.amount);
    }

    fn customer_mut(&mut self, name: &Name) -> &mut Standing {
        if !self.customers.contains_key(name) {
            self.customers.insert(name.clone(), Standing::default());
        }
        self.customers.get_mut(name).expect("a customer that was just entered")
    }
}
