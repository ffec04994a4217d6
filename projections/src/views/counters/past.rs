//! The limits of a caller at a past moment: whom a request would have counted for then, and what his counters came to.

use super::{Tally, World};
use crate::read::{Moment, ReadModels};
use crate::runner::ViewError;
use domain::account::Account;
use domain::book::{LimitView, reader};
use domain::event::{Facts, Subject};
use domain::ids::{Digest, HashKey, Name, Position};
use domain::map::Map;
use domain::policy::Policy;
use domain::time::Timestamp;
use std::ops::ControlFlow;

/// Whose limits are asked for, and when.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The key under which the book hashes.
    pub key: HashKey,
    pub account: Option<&'a Name>,
    pub facts: &'a Facts,
    pub moment: Moment,
    /// The instant of the moment.
    pub at: Timestamp,
}

/// How a caller stood.
#[derive(Clone, PartialEq, Debug)]
pub struct Stood {
    pub limits: Vec<LimitView>,
    /// The caller's account without its credit; `None` when there was none yet.
    pub account: Option<Account>,
    /// How far the view had come.
    pub position: Position,
}

impl Asked<'_> {
    /// The limits under the policy that was in force: what the book answered then, with what was due by then.
    ///
    /// # Errors
    /// When the view cannot be read.
    pub async fn limits(&self, reads: &dyn ReadModels, policy: &Policy) -> Result<Stood, ViewError> {
        let (mut world, mut position) = (World::new(self.key), Position::MAX);
        let account = self.account.cloned().map(Subject::Account);
        if let Some(account) = &account {
            self.learn(reads, account, (&mut world, &mut position)).await?;
        }
        let state = account.as_ref().and_then(|account| world.caller(account)).cloned();
        for other in self.others(state.as_ref()) {
            self.learn(reads, &other, (&mut world, &mut position)).await?;
        }
        let facts = reader::facts(self.facts.clone(), policy, state.as_ref());
        let walk = world.walk(policy, self.account, &facts, self.at);
        let mut counters = Vec::new();
        let _ = walk.each(|count| {
            counters.push(count.counter);
            ControlFlow::<()>::Continue(())
        });
        let tallies = self.tallies(reads, counters, &mut position).await?;
        let none = Tally::default();
        let limits =
            walk.standing(|counter, rule, ask| tallies.get(&counter).unwrap_or(&none).check(rule, ask));
        Ok(Stood { limits, account: state, position })
    }

    /// Callers besides the account whose figures may count: the address, and the owner of the account.
    fn others(&self, account: Option<&Account>) -> impl Iterator<Item = Subject> + use<> {
        let owner = account.and_then(|account| account.owner.clone().or_else(|| self.account.cloned()));
        [self.facts.ip.map(Subject::Ip), owner.map(Subject::Owner)].into_iter().flatten()
    }

    async fn learn(
        &self,
        reads: &dyn ReadModels,
        caller: &Subject,
        (world, reached): (&mut World, &mut Position),
    ) -> Result<(), ViewError> {
        let (state, position) = reads.caller(caller, self.moment).await?;
        *reached = position.min(*reached);
        if let Some(state) = state {
            world.learn_caller(caller.clone(), state);
        }
        Ok(())
    }

    async fn tallies(
        &self,
        reads: &dyn ReadModels,
        counters: Vec<Digest>,
        reached: &mut Position,
    ) -> Result<Map<Digest, Tally>, ViewError> {
        let mut tallies = Map::default();
        for counter in counters {
            let (tally, position) = reads.tally(counter, self.moment).await?;
            *reached = position.min(*reached);
            tallies.insert(counter, tally.by(self.at));
        }
        Ok(tallies)
    }
}
