//! The subject index for auditors: which events speak of a key, an address or an end user.

use domain::event::{Entry, Event, Facts, Subject};
use domain::ids::Position;

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
    let key = ask.key.as_ref().map(|key| format!("key:{key}"));
    let ip = ask.ip.map(|ip| format!("ip:{ip}"));
    let end_user = ask.end_user.map(|user| format!("end_user:{user}"));
    [key, ip, end_user].into_iter().flatten().collect()
}

fn of_act(event: &Event) -> Option<String> {
    if let Event::KeyIssued(event) = event {
        Some(format!("key:{}", event.key))
    } else if let Event::KeyChanged(event) = event {
        Some(format!("key:{}", event.key))
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
        Subject::Key(key) => Some(format!("key:{key}")),
        Subject::Ip(ip) => Some(format!("ip:{ip}")),
        Subject::Account(_) | Subject::Owner(_) => None,
    }
}
