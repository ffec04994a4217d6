//! `GET /v1/events`: the log, filtered, page by page.

use super::App;
use super::auth::Operator;
use super::error::Problem;
use super::event::EventView;
use super::read::Query;
use super::{page, reply, text};
use axum::extract::State;
use axum::response::Response;
use domain::event::{Entry, Event, Facts, Stream, Subject};
use domain::ids::{Digest, Name, Position};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Most positions that one page looks at.
const SCAN_MAX: u64 = 10_000;
/// Positions read at once.
const CHUNK: usize = 1_000;

/// Which events.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filter {
    /// The cursor of the page before; from the beginning unless given.
    after: Option<u64>,
    /// Most events of the page, 1 to 1,000; 100 unless given.
    limit: Option<usize>,
    /// `account-NAME`, `client-HASH` or `catalogue`.
    stream: Option<String>,
    /// Such as `RequestDenied`.
    r#type: Option<String>,
    /// `account:NAME`, `key:NAME`, `ip:ADDRESS`, `end_user:TEXT` or `hash:HASH`.
    subject: Option<String>,
    /// Not before this instant …
    from: Option<String>,
    /// … and before this one.
    to: Option<String>,
    /// Whether to show personal values in clear, as far as their keys exist.
    #[serde(default)]
    reveal: bool,
}

/// A page of the log.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = EventsPage)]
pub(crate) struct Page {
    #[schema(value_type = Vec<super::docs::EventBody>)]
    events: Vec<EventView>,
    /// Pass it as `after` to go on; the same again when there is nothing new.
    cursor: Position,
    /// Whether the page ended at the end of the log.
    end: bool,
}

/// Reads the log in order. A page looks at no more than 10,000 positions, so it may be empty and still have more behind.
#[utoipa::path(
    get, path = "/v1/events", tag = "operators", security(("operator" = [])), params(Filter),
    responses((status = 200, description = "A page, and where to go on", body = Page))
)]
pub(super) async fn events(
    State(app): State<Arc<App>>,
    Operator(_): Operator,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let wanted = Wanted::new(&app, &filter)?;
    let most = page::limit(filter.limit)?;
    let start = filter.after.unwrap_or(0);
    let mut page = Page { events: Vec::new(), cursor: start, end: false };
    while page.events.len() < most && page.cursor - start < SCAN_MAX && !page.end {
        let entries = app.engine.entries(page.cursor.saturating_add(1), CHUNK).await?;
        page.end = entries.len() < CHUNK;
        for entry in entries {
            if page.events.len() == most {
                page.end = false;
                break;
            }
            page.cursor = entry.position;
            if wanted.has(&entry) {
                page.events.push(show(&app, &entry, filter.reveal));
            }
        }
    }
    Ok(reply::view(&page))
}

fn show(app: &App, entry: &Entry, reveal: bool) -> EventView {
    if reveal {
        EventView::with(entry, |sealed| app.edge.open(sealed, entry.at))
    } else {
        EventView::of(entry)
    }
}

/// A filter, checked.
struct Wanted {
    stream: Option<Stream>,
    kind: Option<String>,
    subject: Option<Whose>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

enum Whose {
    Account(Name),
    Key(Name),
    /// An address, as it is counted and as it is banned.
    Ip(Digest, Digest),
    EndUser(Digest),
    Hash(Digest),
}

impl Wanted {
    fn new(app: &App, filter: &Filter) -> Result<Self, Problem> {
        let known = |kind: &&String| Event::TYPES.iter().any(|(name, _)| name == kind);
        if filter.r#type.as_ref().is_some_and(|kind| !known(&kind)) {
            let all: Vec<_> = Event::TYPES.iter().map(|(name, _)| *name).collect();
            return Err(Problem::invalid("type", format_args!("must be one of {}", all.join(", "))));
        }
        let (from, to) = text::times((filter.from.as_deref(), filter.to.as_deref()))?;
        Ok(Self {
            stream: filter.stream.as_deref().map(|stream| text::parse("stream", stream)).transpose()?,
            kind: filter.r#type.clone(),
            subject: filter.subject.as_deref().map(|subject| whose(app, subject)).transpose()?,
            from,
            to,
        })
    }

    fn has(&self, entry: &Entry) -> bool {
        self.stream.as_ref().is_none_or(|stream| *stream == entry.stream)
            && self.kind.as_deref().is_none_or(|kind| kind == entry.event.kind())
            && self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at < to)
            && self.subject.as_ref().is_none_or(|subject| subject.is_of(entry))
    }
}

fn whose(app: &App, subject: &str) -> Result<Whose, Problem> {
    match subject.split_once(':') {
        Some(("account", name)) => text::name("subject", name).map(Whose::Account),
        Some(("key", name)) => text::name("subject", name).map(Whose::Key),
        Some(("ip", ip)) => {
            let counted = app.edge.ip_digest(text::parse("subject", ip)?);
            Ok(Whose::Ip(counted, app.edge.ban(&[super::edge::BanValue::Hash(counted)])))
        }
        Some(("end_user", user)) => Ok(Whose::EndUser(app.edge.digest(user))),
        Some(("hash", hash)) => text::parse("subject", hash).map(Whose::Hash),
        Some(_) | None => {
            Err(Problem::invalid("subject", "must be account:, key:, ip:, end_user: or hash: and a value"))
        }
    }
}

impl Whose {
    fn is_of(&self, entry: &Entry) -> bool {
        let facts = facts(&entry.event);
        match self {
            Self::Account(name) => matches!(&entry.stream, Stream::Account(own) if own == name),
            Self::Key(name) => {
                facts.is_some_and(|facts| facts.key.as_ref() == Some(name))
                    || speaks_of_key(&entry.event, name)
            }
            Self::Ip(counted, banned) => {
                let stream = matches!(entry.stream, Stream::Client(own) if own == *counted || own == *banned);
                stream || facts.is_some_and(|facts| facts.ip == Some(*counted))
            }
            Self::EndUser(user) => facts.is_some_and(|facts| facts.end_user == Some(*user)),
            Self::Hash(hash) => matches!(entry.stream, Stream::Client(own) if own == *hash),
        }
    }
}

/// What was asked, of an event that answers a request.
fn facts(event: &Event) -> Option<&Facts> {
    if let Event::RequestAdmitted(event) = event {
        Some(&event.ask)
    } else if let Event::RequestDenied(event) = event {
        Some(&event.ask)
    } else if let Event::DenialsCollapsed(event) = event {
        Some(&event.first.ask)
    } else {
        None
    }
}

fn speaks_of_key(event: &Event, name: &Name) -> bool {
    if let Event::KeyIssued(event) = event {
        event.key == *name
    } else if let Event::KeyChanged(event) = event {
        event.key == *name
    } else if let Event::FigureSet(event) = event {
        matches!(&event.subject, Subject::Key(key) if key == name)
    } else {
        false
    }
}
