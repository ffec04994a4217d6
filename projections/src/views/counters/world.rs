//! What the fold knows of a book: policies, accounts and figures as the entries before left them.

use super::tally::{Act, Counted};
use domain::account::{self, Account};
use domain::book::{Walk, Who, figure_of};
use domain::event::{Entry, Event, Facts, PolicyPublished, RequestAdmitted, Stream, Subject};
use domain::ids::{Digest, HashKey, Name, Position};
use domain::map::Map;
use domain::policy::{Dimension, Policy};
use domain::table::Table;
use domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Why an event does not fit those before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Misfit {
    #[error("the event at position {0} names a policy that was never published")]
    Policy(Position),
    #[error("the event at position {position} contradicts the account's state")]
    Account {
        position: Position,
        #[source]
        cause: account::Mismatch,
    },
}

/// What an entry changes.
#[derive(Clone, PartialEq, Debug)]
pub enum Change<'a> {
    /// A counter moved.
    Moved(Digest, Act),
    /// What is known of a caller changed.
    Told(Subject),
    Published(&'a PolicyPublished),
    /// A decision opened jobs at these counters.
    Opened(Vec<Digest>),
    /// The jobs of a decision ended.
    Closed(Position),
}

/// Policies by number, callers by name, and the counters of open jobs by decision: those that some entries need.
#[derive(Debug)]
pub struct World {
    key: HashKey,
    policies: Map<u32, Arc<Policy>>,
    /// Boxed: the map grows by moving all that it holds.
    accounts: Map<Name, Box<Account>>,
    /// What operators set for addresses and owners.
    others: BTreeMap<Subject, Account>,
    figures: Table<Digest, u64>,
    jobs: Map<Position, Vec<Digest>>,
}

/// What has to be looked up before entries can be folded.
#[derive(Debug, Default)]
pub struct Wanted {
    pub policies: BTreeSet<u32>,
    pub callers: BTreeSet<Subject>,
    /// Decisions that may have jobs open.
    pub decisions: BTreeSet<Position>,
}

impl Wanted {
    pub fn of(entries: &[Entry]) -> Self {
        let mut wanted = Self::default();
        for entry in entries {
            wanted.add(entry);
        }
        wanted
    }

    fn add(&mut self, entry: &Entry) {
        self.callers.extend(own(entry));
        if let Event::RequestAdmitted(event) = &entry.event {
            self.policies.insert(event.under.policy());
            if let Stream::Account(name) = &entry.stream {
                self.callers.insert(Subject::Account(name.clone()));
            }
        }
        self.decisions.extend(closed(&entry.event));
    }
}

/// The caller that an entry is about, and nobody's request.
pub fn own(entry: &Entry) -> Option<Subject> {
    if let Event::FigureSet(set) = &entry.event
        && matches!(set.subject, Subject::Ip(_) | Subject::Owner(_))
    {
        return Some(set.subject.clone());
    }
    let Stream::Account(name) = &entry.stream else { return None };
    let about_itself = matches!(
        &entry.event,
        Event::AccountOpened(_)
            | Event::AccountDetailed(_)
            | Event::PlanChanged(_)
            | Event::KeyIssued(_)
            | Event::KeyChanged(_)
            | Event::FigureSet(_)
            | Event::AccountSuspended(_)
            | Event::AccountReinstated(_)
            | Event::AccountTerminated(_)
    );
    about_itself.then(|| Subject::Account(name.clone()))
}

/// The decision whose jobs an event ends.
fn closed(event: &Event) -> Option<Position> {
    if let Event::RequestSettled(event) = event {
        Some(event.decision)
    } else if let Event::HoldExpired(event) = event {
        Some(event.decision)
    } else {
        None
    }
}

impl World {
    pub fn new(key: HashKey) -> Self {
        let (policies, accounts, figures) = (Map::default(), Map::default(), Table::default());
        Self { key, policies, accounts, others: BTreeMap::new(), figures, jobs: Map::default() }
    }

    pub fn learn_policy(&mut self, number: u32, policy: Arc<Policy>) {
        self.policies.insert(number, policy);
    }

    pub fn learn_jobs(&mut self, decision: Position, counter: Digest) {
        self.jobs.entry(decision).or_default().push(counter);
    }

    /// Learns how a caller stands.
    pub fn learn_caller(&mut self, subject: Subject, state: Account) {
        if let Subject::Account(name) = subject {
            self.accounts.insert(name, Box::new(state));
            return;
        }
        for (limit, figure) in state.more().iter().flat_map(|more| &more.figures) {
            if let Some(counter) = figure_of(self.key, limit, &subject) {
                self.figures.insert(counter, *figure);
            }
        }
        self.others.insert(subject, state);
    }

    /// How a caller stands after what was folded.
    pub fn caller(&self, subject: &Subject) -> Option<&Account> {
        match subject {
            Subject::Account(name) => self.accounts.get(name).map(Box::as_ref),
            Subject::Key(_) | Subject::Owner(_) | Subject::Ip(_) => self.others.get(subject),
        }
    }

    /// Addresses and owners whose figures these entries may meet: of those that some limit counts by.
    pub fn subjects(&self, entries: &[Entry]) -> BTreeSet<Subject> {
        let by = |wanted| move |policy: &Arc<Policy>| policy.limits.iter().any(|l| l.by.contains(&wanted));
        let policies = || published(entries).map(|event| &event.policy).chain(self.policies.values());
        let (ip, owner) = (policies().any(by(Dimension::Ip)), policies().any(by(Dimension::Owner)));
        let mut subjects = BTreeSet::new();
        for entry in entries {
            if let (true, Event::RequestAdmitted(event)) = (ip, &entry.event) {
                subjects.extend(event.ask.ip.map(Subject::Ip));
            }
            if owner {
                subjects.extend(self.owners(entry));
            }
        }
        subjects
    }

    /// Who may be the owner of an entry's account: an account without one is its own.
    fn owners(&self, entry: &Entry) -> impl Iterator<Item = Subject> {
        let Stream::Account(name) = &entry.stream else { return [None, None, None].into_iter().flatten() };
        let named = if let Event::AccountOpened(event) = &entry.event {
            event.owner.clone()
        } else if let Event::AccountDetailed(event) = &entry.event {
            event.owner.clone()
        } else {
            None
        };
        let known = self.accounts.get(name).and_then(|account| account.owner.clone());
        [Some(name.clone()), named, known].map(|owner| owner.map(Subject::Owner)).into_iter().flatten()
    }

    /// Folds the next entry of the log.
    ///
    /// # Errors
    /// When it contradicts those before it.
    pub fn fold<'a>(&mut self, entry: &'a Entry) -> Result<Vec<Change<'a>>, Misfit> {
        if let Some(subject) = own(entry) {
            self.tell(entry, &subject)?;
            return Ok(vec![Change::Told(subject)]);
        }
        if let Event::RequestAdmitted(event) = &entry.event {
            self.admitted(entry, event)
        } else if let Event::CountReset(event) = &entry.event {
            Ok(vec![Change::Moved(event.counter, Act::Reset)])
        } else if let Event::PolicyPublished(event) = &entry.event {
            self.policies.insert(event.number, event.policy.clone());
            Ok(vec![Change::Published(event)])
        } else {
            Ok(self.closed(entry))
        }
    }

    fn tell(&mut self, entry: &Entry, subject: &Subject) -> Result<(), Misfit> {
        let position = entry.position;
        let state = match subject {
            Subject::Account(name) => self.accounts.entry_ref(name).or_default(),
            Subject::Key(_) | Subject::Owner(_) | Subject::Ip(_) => {
                self.others.entry(subject.clone()).or_default()
            }
        };
        state.apply(entry).map_err(|cause| Misfit::Account { position, cause })?;
        let Event::FigureSet(event) = &entry.event else { return Ok(()) };
        let Some(counter) = figure_of(self.key, &event.limit, &event.subject) else { return Ok(()) };
        match event.figure {
            Some(figure) => self.figures.insert(counter, figure),
            None => drop(self.figures.remove(&counter)),
        }
        Ok(())
    }

    fn admitted<'a>(&mut self, entry: &Entry, event: &RequestAdmitted) -> Result<Vec<Change<'a>>, Misfit> {
        let policy = self.policies.get(&event.under.policy()).ok_or(Misfit::Policy(entry.position))?;
        let name = if let Stream::Account(name) = &entry.stream { Some(name) } else { None };
        let again = event.reprocesses.is_some();
        let walk = Walk { again, ..self.walk(policy, name, &event.ask, entry.at) };
        let (mut changes, mut jobs) = (Vec::new(), Vec::new());
        walk.counted((event.limited.as_ref(), event.until.is_some()), |count, ask| {
            let counted = Counted::of(count, ask, event.until);
            if counted.opens() {
                jobs.push(count.counter);
            }
            changes.push(Change::Moved(count.counter, Act::Counted(counted)));
        });
        if !jobs.is_empty() {
            self.jobs.insert(entry.position, jobs.clone());
            changes.push(Change::Opened(jobs));
        }
        Ok(changes)
    }

    fn closed<'a>(&mut self, entry: &Entry) -> Vec<Change<'a>> {
        let ended = closed(&entry.event).and_then(|decision| self.jobs.remove_entry(&decision));
        let Some((decision, counters)) = ended else { return Vec::new() };
        let moved = counters.into_iter().map(|counter| Change::Moved(counter, Act::Ended(decision)));
        moved.chain([Change::Closed(decision)]).collect()
    }

    /// The walk over the limits of a policy for a caller as he is known now.
    pub fn walk<'a>(
        &'a self,
        policy: &'a Policy,
        name: Option<&'a Name>,
        facts: &'a Facts,
        now: Timestamp,
    ) -> Walk<'a> {
        let known = name.and_then(|name| self.accounts.get_key_value(name));
        let (name, account) = known.map(|(name, account)| (name, &**account)).unzip();
        let who = Who::of(facts, name, account);
        Walk { key: self.key, policy, who, facts, now, figures: &self.figures, again: false, counters: &[] }
    }
}

fn published(entries: &[Entry]) -> impl Iterator<Item = &PolicyPublished> {
    entries.iter().filter_map(|entry| {
        if let Event::PolicyPublished(event) = &entry.event { Some(&**event) } else { None }
    })
}
