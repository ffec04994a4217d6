//! What checks need to know of the log's past: policies and prices, and what accounts are.

use domain::event::{AccountDetailed, AccountOpened, Entry, Event, FigureSet, Stream, Subject, Under};
use domain::ids::Name;
use domain::map::Map;
use domain::policy::Policy;
use domain::pricing::PriceList;
use domain::time::{Calendar, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The catalogue and the accounts as the log tells them. Memory: one line per account, and every version published.
#[derive(Debug, Default)]
pub(super) struct World {
    policies: Vec<Version<Policy>>,
    prices: Vec<Version<PriceList>>,
    accounts: Map<Name, Person>,
    /// Operators' figures for addresses and owners, by limit and subject.
    figures: Map<String, u64>,
}

#[derive(Debug)]
struct Version<T> {
    number: u32,
    effective: Timestamp,
    content: Arc<T>,
}

/// What limits ask about an account.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    pub opened: Timestamp,
    pub plan: Option<Name>,
    pub owner: Option<Name>,
    pub calendar: Calendar,
    /// The account's own figures by limit.
    figures: BTreeMap<Name, u64>,
    /// Its keys' own figures by key and limit.
    keys: BTreeMap<(Name, Name), u64>,
}

impl Person {
    pub(super) fn figure(&self, limit: &Name) -> Option<u64> {
        self.figures.get(limit).copied()
    }

    pub(super) fn key_figure(&self, key: &Name, limit: &Name) -> Option<u64> {
        self.keys.get(&(key.clone(), limit.clone())).copied()
    }
}

impl World {
    /// The versions in force at an instant: of those that took effect the latest, of equals the last published.
    pub(super) fn in_force(&self, at: Timestamp) -> Under {
        Under(current(&self.policies, at), current(&self.prices, at))
    }

    pub(super) fn policy(&self, number: u32) -> Option<&Arc<Policy>> {
        self.policies.iter().find(|version| version.number == number).map(|version| &version.content)
    }

    pub(super) fn prices(&self, number: u32) -> Option<&Arc<PriceList>> {
        self.prices.iter().find(|version| version.number == number).map(|version| &version.content)
    }

    pub(super) fn account(&self, stream: &Stream) -> Option<(&Name, &Person)> {
        let Stream::Account(name) = stream else { return None };
        self.accounts.get_key_value(name)
    }

    /// An operator's figure for an address or an owner, written as `ip=…` or `owner=…`.
    pub(super) fn figure(&self, limit: &Name, subject: &str) -> Option<u64> {
        self.figures.get(&format!("{limit} {subject}")).copied()
    }

    pub(super) fn apply(&mut self, entry: &Entry) {
        match &entry.event {
            Event::PolicyPublished(event) => {
                let content = event.policy.clone();
                self.policies.push(Version { number: event.number, effective: event.effective, content });
            }
            Event::PricesPublished(event) => {
                let content = event.prices.clone();
                self.prices.push(Version { number: event.number, effective: event.effective, content });
            }
            Event::AccountOpened(event) => self.open(&entry.stream, event),
            Event::AccountDetailed(event) => self.detail(&entry.stream, event),
            Event::PlanChanged(event) => {
                if let Some(person) = self.person(&entry.stream) {
                    person.plan = Some(event.plan.clone());
                }
            }
            Event::FigureSet(event) => self.set_figure(&entry.stream, event),
            Event::RequestAdmitted(_)
            | Event::RequestDenied(_)
            | Event::DenialsCollapsed(_)
            | Event::RequestBegun(_)
            | Event::RequestSettled(_)
            | Event::HoldExpired(_)
            | Event::CreditRefunded(_)
            | Event::KeyIssued(_)
            | Event::KeyChanged(_)
            | Event::CreditGranted(_)
            | Event::CreditAdjusted(_)
            | Event::CreditExpired(_)
            | Event::CountReset(_)
            | Event::AccountSuspended(_)
            | Event::AccountReinstated(_)
            | Event::AccountTerminated(_)
            | Event::BanStarted(_)
            | Event::BanLifted(_)
            | Event::NoticeAnnounced(_)
            | Event::BookSealed(_) => {}
        }
    }

    fn person(&mut self, stream: &Stream) -> Option<&mut Person> {
        let Stream::Account(name) = stream else { return None };
        Some(self.accounts.entry_ref(name).or_default())
    }

    fn open(&mut self, stream: &Stream, event: &AccountOpened) {
        let Some(person) = self.person(stream) else { return };
        person.opened = event.opened;
        person.plan.clone_from(&event.plan);
        person.owner.clone_from(&event.owner);
        person.calendar = event.calendar.clone();
    }

    fn detail(&mut self, stream: &Stream, event: &AccountDetailed) {
        let Some(person) = self.person(stream) else { return };
        if event.owner.is_some() {
            person.owner.clone_from(&event.owner);
        }
        if let Some(calendar) = &event.calendar {
            person.calendar = calendar.clone();
        }
    }

    fn set_figure(&mut self, stream: &Stream, event: &FigureSet) {
        let limit = event.limit.clone();
        match &event.subject {
            Subject::Account(_) => {
                if let Some(person) = self.person(stream) {
                    put(&mut person.figures, limit, event.figure);
                }
            }
            Subject::Key(key) => {
                if let Some(person) = self.person(stream) {
                    put(&mut person.keys, (key.clone(), limit), event.figure);
                }
            }
            Subject::Owner(owner) => self.put_figure(&limit, &format!("owner={owner}"), event.figure),
            Subject::Ip(ip) => self.put_figure(&limit, &format!("ip={ip}"), event.figure),
        }
    }

    fn put_figure(&mut self, limit: &Name, subject: &str, figure: Option<u64>) {
        let key = format!("{limit} {subject}");
        match figure {
            Some(figure) => self.figures.insert(key, figure),
            None => self.figures.remove(&key),
        };
    }
}

fn put<K: Ord>(figures: &mut BTreeMap<K, u64>, key: K, figure: Option<u64>) {
    match figure {
        Some(figure) => figures.insert(key, figure),
        None => figures.remove(&key),
    };
}

/// The number of the version in force; 0 when there is none.
fn current<T>(versions: &[Version<T>], at: Timestamp) -> u32 {
    let mut best: Option<&Version<T>> = None;
    for version in versions.iter().filter(|version| version.effective <= at) {
        if best.is_none_or(|best| best.effective <= version.effective) {
            best = Some(version);
        }
    }
    best.map_or(0, |version| version.number)
}
