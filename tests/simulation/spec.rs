//! The policies of the simulation as plain figures: the engine reads the text that is made of them, the reference
//! ledger reads the figures themselves.

use std::fmt::Write;

/// Millionths of a credit.
pub(crate) type Micro = i128;
/// Microseconds, of time or since 1970.
pub(crate) type Micros = i64;

pub(crate) const SECOND: Micros = 1_000_000;
pub(crate) const HOUR: Micros = 3_600 * SECOND;
pub(crate) const DAY: Micros = 24 * HOUR;
pub(crate) const CREDIT: Micro = 1_000_000;

/// An endpoint that costs nothing.
pub(crate) const FREE: &str = "/free";

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Spec {
    pub(crate) anonymous: bool,
    /// The most `pieces` of one request.
    pub(crate) size_max: Option<u32>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) credit: Option<Credit>,
    pub(crate) escalations: Vec<Escalation>,
    pub(crate) remember: Micros,
    pub(crate) retention: Micros,
    pub(crate) denials_per_minute: usize,
    pub(crate) open_holds_max: usize,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Limit {
    pub(crate) name: &'static str,
    pub(crate) rule: Rule,
    /// Of no meaning to a cooldown; what flows back in a period, for a token bucket.
    pub(crate) figure: u64,
    pub(crate) by: Vec<By>,
    /// Counts units, not calls.
    pub(crate) units: bool,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Rule {
    Cooldown(Micros),
    Rolling(Micros),
    /// A calendar hour or day in UTC, by its length.
    Bucket(Micros),
    /// With what a caller is told to wait, if anything.
    Concurrent(Option<Micros>),
    Tokens {
        period: Micros,
        burst: u64,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum By {
    Ip,
    Account,
    Key,
    Endpoint,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum ChargeAt {
    Admission,
    Begin,
    Settle,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Credit {
    pub(crate) charge: ChargeAt,
    pub(crate) hold_for: Micros,
    /// Whether a hold that nobody settles is charged.
    pub(crate) expiry_charges: bool,
    /// How far below zero a settle may go; `None`: not at all.
    pub(crate) overdraft: Option<Micro>,
    pub(crate) refund_validity: Micros,
    pub(crate) promotion_validity: Option<Micros>,
    pub(crate) promotions_repay: bool,
    /// A client error costs the base; else it costs nothing.
    pub(crate) client_error_base: bool,
    pub(crate) price: Price,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Price {
    pub(crate) base: Micro,
    pub(crate) piece: Micro,
    /// In millionths: 1,000,000 is no markup.
    pub(crate) markup: Micro,
    pub(crate) minimum: Option<Micro>,
    /// Holds the full cost, not the base.
    pub(crate) estimate: bool,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Escalation {
    pub(crate) name: &'static str,
    pub(crate) signal: Signal,
    pub(crate) by: By,
    pub(crate) count: u64,
    pub(crate) window: Micros,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Signal {
    RateDenial,
    QueueDenial,
    InsufficientCredit,
    ClientError,
}

/// A ban, or a suspension of the account, for good unless it lasts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Step {
    pub(crate) ban: bool,
    pub(crate) lasts: Option<Micros>,
}

impl By {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Account => "account",
            Self::Key => "key",
            Self::Endpoint => "endpoint",
        }
    }
}

impl Spec {
    /// The policy file.
    pub(crate) fn toml(&self) -> String {
        let mut text = String::from("name = \"simulated\"\ntitle = \"Simulated\"\n");
        self.head(&mut text);
        for limit in &self.limits {
            limit.write(&mut text);
        }
        if let Some(credit) = &self.credit {
            credit.write(&mut text);
        }
        for escalation in &self.escalations {
            escalation.write(&mut text);
        }
        text
    }

    fn head(&self, out: &mut String) {
        line(out, format_args!("[callers]\nanonymous = {}", self.anonymous));
        line(out, format_args!("[attributes]\npieces = \"number\""));
        line(out, format_args!("[keys.kinds.main]\nprefix = \"m_\""));
        line(out, format_args!("[keys.kinds.trial]\nprefix = \"t_\"\nmode = \"test\""));
        let Self { remember, retention, denials_per_minute, open_holds_max, .. } = self;
        line(out, format_args!("[requests]\nremember = \"{}\"", millis(*remember)));
        line(out, format_args!("retention = \"{}\"", millis(*retention)));
        line(out, format_args!("denials_per_minute = {denials_per_minute}"));
        line(out, format_args!("open_holds_max = {open_holds_max}"));
        if let Some(max) = self.size_max {
            line(out, format_args!("[[sizes]]\nname = \"size\"\nattribute = \"pieces\"\nmax = {max}"));
        }
    }
}

impl Limit {
    fn write(&self, out: &mut String) {
        let rule = match self.rule {
            Rule::Cooldown(every) => format!("{{ cooldown = \"{}\" }}", millis(every)),
            Rule::Rolling(window) => format!("{{ rolling = \"{}\" }}", millis(window)),
            Rule::Bucket(HOUR) => "{ bucket = \"hour\" }".to_owned(),
            Rule::Bucket(_) => "{ bucket = \"day\" }".to_owned(),
            Rule::Concurrent(_) => "\"concurrent\"".to_owned(),
            Rule::Tokens { period, burst } => {
                format!("{{ token_bucket = {{ period = \"{}\", burst = {burst} }} }}", millis(period))
            }
        };
        let by: Vec<_> = self.by.iter().map(|by| format!("\"{}\"", by.text())).collect();
        line(out, format_args!("[[limits]]\nname = \"{}\"\nrule = {rule}", self.name));
        line(out, format_args!("by = [{}]", by.join(", ")));
        if !matches!(self.rule, Rule::Cooldown(_)) {
            line(out, format_args!("limit = {}", self.figure));
        }
        if self.units {
            line(out, format_args!("counts = \"items\""));
        }
        if let Rule::Concurrent(Some(hint)) = self.rule {
            line(out, format_args!("retry_hint = \"{}\"", millis(hint)));
        }
    }
}

impl Credit {
    fn write(&self, out: &mut String) {
        let charge = match self.charge {
            ChargeAt::Admission => "admission",
            ChargeAt::Begin => "begin",
            ChargeAt::Settle => "settle",
        };
        line(out, format_args!("[credit]\ncharge = \"{charge}\"\nhold_for = \"{}\"", millis(self.hold_for)));
        if self.expiry_charges {
            line(out, format_args!("on_expiry = \"charge\""));
        }
        if let Some(floor) = self.overdraft {
            line(out, format_args!("overdraft = {{ to_floor = \"-{}\" }}", decimal(floor)));
        }
        line(out, format_args!("refund_validity = \"{}\"", millis(self.refund_validity)));
        line(out, format_args!("promotions_repay_debt = {}", self.promotions_repay));
        if self.client_error_base {
            line(out, format_args!("[credit.outcomes]\nclient_error = \"base\""));
        }
        if let Some(validity) = self.promotion_validity {
            line(out, format_args!("[credit.validity]\npromotion = \"{}\"", millis(validity)));
        }
        self.price.write(out);
    }
}

impl Price {
    fn write(&self, out: &mut String) {
        let hold = if self.estimate { "estimate" } else { "base" };
        line(out, format_args!("[prices]\nhold = \"{hold}\"\nmarkup = \"{}\"", decimal(self.markup)));
        if let Some(minimum) = self.minimum {
            line(out, format_args!("minimum = \"{}\"", decimal(minimum)));
        }
        line(out, format_args!("[prices.default]\nbase = \"{}\"", decimal(self.base)));
        let piece = decimal(self.piece);
        line(out, format_args!("per = [{{ attribute = \"pieces\", price = \"{piece}\", per = 1 }}]"));
        line(out, format_args!("[prices.endpoints.\"{FREE}\"]\nfree = true"));
    }
}

impl Escalation {
    fn write(&self, out: &mut String) {
        let signal = match self.signal {
            Signal::RateDenial => "rate_denial",
            Signal::QueueDenial => "queue_denial",
            Signal::InsufficientCredit => "insufficient_credit",
            Signal::ClientError => "client_error",
        };
        let (name, by, window) = (self.name, self.by.text(), millis(self.window));
        line(out, format_args!("[[escalations]]\nname = \"{name}\"\nsignal = \"{signal}\""));
        line(out, format_args!("by = [\"{by}\"]\ncount = {}\nwindow = \"{window}\"", self.count));
        let steps: Vec<_> = self.steps.iter().map(Step::text).collect();
        line(out, format_args!("steps = [{}]", steps.join(", ")));
    }
}

impl Step {
    fn text(&self) -> String {
        let action = if self.ban { "ban" } else { "suspend" };
        let term = self.lasts.map(|lasts| format!(" for = \"{}\" ", millis(lasts))).unwrap_or_default();
        format!("{{ {action} = {{{term}}} }}")
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a text takes all");
}

fn millis(span: Micros) -> String {
    format!("{}ms", span / 1_000)
}

/// An amount in credits, not below zero.
pub(crate) fn decimal(amount: Micro) -> String {
    format!("{}.{:06}", amount / CREDIT, amount % CREDIT)
}
