//! The subject index for auditors: which events speak of a key, an address or an end user.

use domain::event::{Entry, Event, Facts, Subject};
use domain::ids::{Digest, Name, Position};

/// An event that speaks of a subject: `key:NAME`, `ip:HASH` or `end_user:HASH`. Accounts have streams of their own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Mention {
    pub subject: String,
    pub position: Position,
}

/// The subjects that an entry speaks of, besides its stream.
pub fn mentions(entry: &Entry) -> Vec<Mention> {
    let subjects = if let Event::RequestAdmitted(event) = &entry.event {
        of_request(&event.ask)
    } else if let Event::RequestDenied(event) = &entry.event {
        of_request(&event.ask)
    } else if let Event::DenialsCollapsed(event) = &entry.event {
        of_request(&event.first.ask)
    } else {
        of_act(&entry.event).into_iter().collect()
    };
    let position = entry.position;
    subjects.into_iter().map(|subject| Mention { subject, position }).collect()
}

fn of_request(ask: &Facts) -> Vec<String> {
    let (key, ip) = (ask.key.as_ref().map(of_key), ask.ip.map(of_ip));
    [key, ip, ask.end_user.map(of_end_user)].into_iter().flatten().collect()
}

fn of_act(event: &Event) -> Option<String> {
    if let Event::KeyIssued(event) = event {
        Some(of_key(&event.key))
    } else if let Event::KeyChanged(event) = event {
        Some(of_key(&event.key))
    } else if let Event::FigureSet(event) = event {
        of_subject(&event.subject)
    } else if let Event::CountReset(event) = event {
        of_subject(&event.subject)
    } else {
        None
    }
}

fn of_subject(subject: &Subject) -> Option<String> {
    match subject {
        Subject::Key(key) => Some(of_key(key)),
        Subject::Ip(ip) => Some(of_ip(*ip)),
        Subject::Account(_) | Subject::Owner(_) => None,
    }
}

/// A key, as the index names it.
pub fn of_key(key: &Name) -> String {
    format!("key:{key}")
}

/// An address, by its keyed hash.
pub fn of_ip(ip: Digest) -> String {
    format!("ip:{ip}")
}

/// An end user, by their keyed hash.
pub fn of_end_user(user: Digest) -> String {
    format!("end_user:{user}")
}
