//! A policy's wording, compiled once per version.

use domain::ids::Name;
use domain::limits::Rule;
use domain::policy::template::Style;
use domain::policy::{Kind, Limit, Policy, Template, Wording};
use domain::time::{Period, Span};
use std::fmt::Write as _;
use std::sync::{Arc, PoisonError, RwLock};

/// One kind of answer, ready to fill in.
pub(crate) struct Words {
    pub(crate) status: u16,
    pub(crate) code: Box<str>,
    pub(crate) message: Option<Template>,
    pub(crate) headers: Vec<(Box<str>, Template)>,
    pub(crate) body: Option<Template>,
    /// Which headers of our own the provider's wording already has.
    pub(crate) own: Own,
}

/// Headers that the provider's wording gives itself, so that they are not given twice.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each header of our own")]
pub(crate) struct Own {
    pub(crate) retry_after: bool,
    pub(crate) rate_limit: bool,
    pub(crate) rate_limit_policy: bool,
    pub(crate) content_type: bool,
}

/// All that a policy says about answers.
pub(crate) struct Compiled {
    pub(crate) policy: Arc<Policy>,
    kinds: [Words; KINDS.len()],
    /// For each limit of the policy, in its order, what `RateLimit-Policy` says after the quota.
    windows: Vec<Box<str>>,
}

const KINDS: [Kind; 9] = [
    Kind::Unauthenticated,
    Kind::Banned,
    Kind::Suspended,
    Kind::TooLarge,
    Kind::RateLimited,
    Kind::QueueFull,
    Kind::InsufficientCredits,
    Kind::Limited,
    Kind::Allowed,
];

impl Compiled {
    pub(crate) fn new(policy: Arc<Policy>) -> Self {
        let kinds = KINDS.map(|kind| words(&policy, kind));
        let windows = policy.limits.iter().map(|limit| window(limit).into_boxed_str()).collect();
        Self { policy, kinds, windows }
    }

    pub(crate) fn words(&self, kind: Kind) -> &Words {
        // `KINDS` lists the kinds in the order of their declaration.
        &self.kinds[kind as usize]
    }

    /// What `RateLimit-Policy` says about a limit after its quota. `None` for one in shadow mode: it refuses nobody,
    /// so callers are told nothing of it.
    pub(crate) fn window(&self, limit: &Name) -> Option<&str> {
        let known = self.policy.limits.iter().position(|known| known.name == *limit);
        let Some(place) = known else { return Some("") };
        self.policy.limits[place].mode.is_enforced().then(|| &*self.windows[place])
    }

    /// What is said of an item that this limit has put into an error state.
    pub(crate) fn status_reason<'a>(&'a self, gate: &'a Name) -> &'a str {
        let limit = self.policy.limits.iter().find(|limit| limit.name == *gate);
        limit.map_or(gate.as_str(), Limit::reason)
    }
}

fn words(policy: &Policy, kind: Kind) -> Words {
    let default = Wording::default();
    let wording = policy.responses.get(&kind).unwrap_or(&default);
    // A policy was checked before it was published, so every template compiles.
    let compile = |text: &String, style| Template::parse(text, style, &policy.limits).ok();
    let headers = wording.headers.iter();
    let headers =
        headers.filter_map(|(name, text)| Some((name.as_str().into(), compile(text, Style::Plain)?)));
    let has = |wanted: &str| wording.headers.keys().any(|name| name.eq_ignore_ascii_case(wanted));
    Words {
        status: wording.status.unwrap_or(kind.status()),
        code: wording.code.as_deref().unwrap_or(kind.code()).into(),
        message: wording.message.as_ref().and_then(|text| compile(text, Style::Plain)),
        headers: headers.collect(),
        body: wording.body.as_ref().and_then(|text| compile(text, Style::Json)),
        own: Own {
            retry_after: has("retry-after"),
            rate_limit: has("ratelimit"),
            rate_limit_policy: has("ratelimit-policy"),
            content_type: has("content-type"),
        },
    }
}

/// The parameters of a limit in `RateLimit-Policy`: its window in seconds, or that it counts open jobs.
fn window(limit: &Limit) -> String {
    let mut text = String::new();
    let seconds = match limit.rule {
        Rule::Cooldown { every: span }
        | Rule::Rolling { window: span }
        | Rule::TokenBucket { period: span, .. } => Some(Span::retry_after(span)),
        Rule::Bucket { period: Period::Hour } => Some(3_600),
        Rule::Bucket { period: Period::Day } => Some(86_400),
        // A month has no fixed length.
        Rule::Bucket { period: Period::Month } => None,
        Rule::Concurrency => {
            text.push_str(";qu=\"concurrent-requests\"");
            None
        }
    };
    if let Some(seconds) = seconds {
        // Writing to a String cannot fail.
        let _ = write!(text, ";w={seconds}");
    }
    text
}

/// Compiled policies by version number.
#[derive(Default)]
pub(crate) struct Wordings(RwLock<Vec<(u32, Arc<Compiled>)>>);

/// Most versions kept compiled.
const VERSIONS_MAX: usize = 64;

impl Wordings {
    /// The wording of a version, compiled at its first use.
    pub(crate) fn of(&self, number: u32, policy: &Arc<Policy>) -> Arc<Compiled> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        // Newest last, and the newest is asked for most.
        if let Some((_, compiled)) = known.iter().rev().find(|(known, _)| *known == number) {
            return compiled.clone();
        }
        drop(known);
        let compiled = Arc::new(Compiled::new(policy.clone()));
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= VERSIONS_MAX {
            known.remove(0);
        }
        known.push((number, compiled.clone()));
        compiled
    }
}
