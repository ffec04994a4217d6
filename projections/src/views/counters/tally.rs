//! One counter: what moved it, and what it comes to.

use domain::book::Count;
use domain::ids::Position;
use domain::limits::{Ask, Meter, Rule, Verdict};
use domain::time::{Calendar, Timestamp};
use serde::{Deserialize, Serialize};

/// Something that moved a counter, complete in itself: what it comes to needs neither the event nor the policy.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Move {
    pub position: Position,
    pub at: Timestamp,
    pub act: Act,
}

/// What moves a counter.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Act {
    #[serde(rename = "c")]
    Counted(Counted),
    /// The jobs of a decision ended.
    #[serde(rename = "e")]
    Ended(Position),
    /// An operator set the count back to nothing.
    #[serde(rename = "r")]
    Reset,
}

/// What was admitted, as its counter was asked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Counted {
    rule: Rule,
    figure: u64,
    weight: u64,
    /// The account's own, where periods follow it.
    calendar: Option<Box<Calendar>>,
    /// When the time of the jobs runs out that were opened here.
    until: Option<Timestamp>,
}

impl Counted {
    pub fn of(count: &Count<'_>, ask: &Ask<'_>, until: Option<Timestamp>) -> Self {
        let calendar = (!count.limit.calendar.is_utc()).then(|| Box::new(ask.calendar.clone()));
        let until = until.filter(|_| count.rule == Rule::Concurrency);
        Self { rule: count.rule, figure: ask.figure, weight: ask.weight, calendar, until }
    }

    /// Whether jobs were opened.
    pub fn opens(&self) -> bool {
        self.until.is_some()
    }
}

/// What a counter comes to.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Tally {
    meter: Option<Meter>,
    /// Jobs that are open: when their time runs out, the decision that opened them, and how many.
    jobs: Vec<(Timestamp, Position, u64)>,
}

impl Tally {
    pub fn fold(&mut self, step: &Move) {
        match &step.act {
            Act::Counted(counted) => self.count(counted, step),
            Act::Ended(decision) => self.end(|(_, opened, _)| opened == decision),
            Act::Reset => self.meter.iter_mut().for_each(Meter::reset),
        }
    }

    fn count(&mut self, counted: &Counted, step: &Move) {
        let Counted { rule, figure, weight, calendar, until } = counted;
        let utc = Calendar::default();
        let calendar = calendar.as_deref().unwrap_or(&utc);
        let ask = Ask { now: step.at, weight: *weight, figure: *figure, calendar };
        self.meter.get_or_insert_with(|| Meter::new(rule)).admit(rule, &ask);
        self.jobs.extend(until.map(|until| (until, step.position, *weight)));
    }

    fn end(&mut self, ended: impl Fn(&(Timestamp, Position, u64)) -> bool) {
        let Self { meter, jobs } = self;
        for (.., weight) in jobs.extract_if(.., |job| ended(job)) {
            if let Some(meter) = meter {
                meter.release(weight);
            }
        }
    }

    /// As it stands at an instant: jobs whose time ran out by then have ended, whenever that was written down.
    #[must_use]
    pub fn by(mut self, at: Timestamp) -> Self {
        self.end(|(until, ..)| *until <= at);
        self
    }

    /// What the counter says of an ask; one that nothing moved says what a fresh one would.
    pub fn check(&self, rule: &Rule, ask: &Ask<'_>) -> Verdict {
        match &self.meter {
            Some(meter) => meter.check(rule, ask),
            None => Meter::new(rule).check(rule, ask),
        }
    }
}
