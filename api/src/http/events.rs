//! `GET /v1/events`: the log, filtered, page by page.

use super::App;
use super::auth::Operator;
use super::error::Problem;
use super::event::EventView;
use super::read::Query;
use super::{page, reply, text};
use crate::told;
use axum::extract::State;
use axum::response::Response;
use domain::event::{Entry, Event, Stream};
use domain::ids::Position;
use domain::time::Timestamp;
use projections::read::PlacesWanted;
use projections::views::subjects::{mentions, of_end_user, of_ip, of_key};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::sync::Arc;

/// Most positions that one page looks at.
const SCAN_MAX: usize = 10_000;
/// Positions read at once.
const CHUNK: usize = 1_000;
/// Positions read at once where an index knows of an event, for others may be near by.
const NEAR: usize = 100;
/// Places that an index is asked for at once.
const PLACES: usize = 1_000;

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

/// Reads the log in order. A page looks at no more than 10,000 positions, so it may be empty and still have more behind;
/// of a stream or a subject it looks only where an index of the read models says, and at what is not in them yet.
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
    let mut page = Page { events: Vec::new(), cursor: filter.after.unwrap_or(0), end: false };
    let (mut places, mut looked) = (Places::new(&wanted), 0);
    while page.events.len() < most && looked < SCAN_MAX && !page.end {
        let (from, chunk) = places.next(&app, page.cursor).await;
        let entries = app.engine.entries(from, chunk).await?;
        page.end = entries.len() < chunk;
        looked += chunk;
        page.cursor = page.cursor.max(from - 1);
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
    /// All of them; an index is asked for the first.
    of: Vec<Whose>,
    kind: Option<String>,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

/// The events of streams, and those that speak of a subject.
struct Whose {
    streams: Vec<Stream>,
    mention: Option<String>,
}

impl Wanted {
    fn new(app: &App, filter: &Filter) -> Result<Self, Problem> {
        let known = |kind: &&String| Event::TYPES.iter().any(|(name, _)| name == kind);
        if filter.r#type.as_ref().is_some_and(|kind| !known(&kind)) {
            let all: Vec<_> = Event::TYPES.iter().map(|(name, _)| *name).collect();
            return Err(Problem::invalid("type", format_args!("must be one of {}", all.join(", "))));
        }
        let (from, to) = text::times((filter.from.as_deref(), filter.to.as_deref()))?;
        let stream = filter.stream.as_deref().map(|stream| text::parse("stream", stream)).transpose()?;
        let subject = filter.subject.as_deref().map(|subject| whose(app, subject)).transpose()?;
        let of = stream.map(Whose::of_stream).into_iter().chain(subject).collect();
        Ok(Self { of, kind: filter.r#type.clone(), from, to })
    }

    fn has(&self, entry: &Entry) -> bool {
        self.of.iter().all(|whose| whose.has(entry))
            && self.kind.as_deref().is_none_or(|kind| kind == entry.event.kind())
            && self.from.is_none_or(|from| entry.at >= from)
            && self.to.is_none_or(|to| entry.at < to)
    }

    /// What an index is asked for; nothing when none knows more than the log.
    fn places(&self) -> Option<PlacesWanted> {
        let Whose { streams, mention } = self.of.first()?;
        Some(PlacesWanted { streams: streams.clone(), subject: mention.clone(), after: 0, limit: PLACES })
    }
}

fn whose(app: &App, subject: &str) -> Result<Whose, Problem> {
    let spoken_of = |mention| Whose { streams: Vec::new(), mention: Some(mention) };
    match subject.split_once(':') {
        Some(("account", name)) => Ok(Whose::of_stream(Stream::Account(text::name("subject", name)?))),
        Some(("key", name)) => Ok(spoken_of(of_key(&text::name("subject", name)?))),
        Some(("ip", ip)) => {
            // An address, as it is counted and as it is banned.
            let counted = app.edge.ip_digest(text::ip("subject", ip)?);
            let banned = app.edge.ban(&[super::edge::BanValue::Hash(counted)]);
            let streams = vec![Stream::Client(counted), Stream::Client(banned)];
            Ok(Whose { streams, mention: Some(of_ip(counted)) })
        }
        Some(("end_user", user)) => Ok(spoken_of(of_end_user(app.edge.digest(user)))),
        Some(("hash", hash)) => Ok(Whose::of_stream(Stream::Client(text::parse("subject", hash)?))),
        Some(_) | None => {
            Err(Problem::invalid("subject", "must be account:, key:, ip:, end_user: or hash: and a value"))
        }
    }
}

impl Whose {
    fn of_stream(stream: Stream) -> Self {
        Self { streams: vec![stream], mention: None }
    }

    fn has(&self, entry: &Entry) -> bool {
        let speaks = |subject: &String| mentions(entry).iter().any(|mention| mention.subject == *subject);
        self.streams.contains(&entry.stream) || self.mention.as_ref().is_some_and(speaks)
    }
}

/// Where to look next: after all that was looked at, unless an index knows of nothing until further on.
struct Places {
    wanted: Option<PlacesWanted>,
    known: VecDeque<Position>,
    /// Up to here `known` has all that there is.
    complete: Position,
}

impl Places {
    fn new(wanted: &Wanted) -> Self {
        Self { wanted: wanted.places(), known: VecDeque::new(), complete: 0 }
    }

    /// From where to look, and at how many positions.
    async fn next(&mut self, app: &App, cursor: Position) -> (Position, usize) {
        if self.wanted.is_some() && cursor >= self.complete {
            self.ask(app, cursor).await;
        }
        while self.known.front().is_some_and(|position| *position <= cursor) {
            self.known.pop_front();
        }
        match self.known.front() {
            Some(position) => (*position, NEAR),
            None => (cursor.max(self.complete).saturating_add(1), CHUNK),
        }
    }

    /// Once the index knows no more, and when there is none, the log is looked at.
    async fn ask(&mut self, app: &App, after: Position) {
        let Some(wanted) = self.wanted.take().map(|wanted| PlacesWanted { after, ..wanted }) else { return };
        match app.following.fresh().await.places(&wanted).await {
            Ok(found) => {
                let last = found.rows.last().copied().filter(|_| found.more);
                self.complete = last.unwrap_or(found.position);
                self.wanted = found.more.then_some(wanted);
                self.known = found.rows.into();
            }
            Err(error) => tracing::warn!(
                error = told(&error),
                "no index of streams and subjects; reading all of the log"
            ),
        }
    }
}
