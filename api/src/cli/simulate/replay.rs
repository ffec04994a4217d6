//! Feeds the engine: each line is decided at its own time, and many are under way at once.

use super::line::{Line, Told};
use super::setup::{HASHES, key_hash};
use crate::engine::{Answer, Committed, EngineConfig, Failure, Handle};
use crate::service::in_memory;
use adapters::system::SandboxClock;
use domain::command::{Action, Ask, Caller, Command, Hidden, Value};
use domain::policy::Policy;
use domain::time::{Span, Timestamp};
use futures_util::future::{MaybeDone, join, maybe_done};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// Lines under way at once. Each takes two places of the engine's queue.
const WINDOW: usize = 1_024;

/// The engine that serves, on a log in memory and a clock that the lines set.
pub(super) struct Replay {
    engine: Handle,
    clock: Arc<SandboxClock>,
    /// Bits of an IPv6 address that count as one caller.
    prefix: u8,
    gateway: Arc<str>,
    nothing: Arc<str>,
}

impl Replay {
    /// Starts an engine whose clock stands right before the first line.
    pub(super) async fn start(policy: &Policy, first: Timestamp) -> Result<Self, String> {
        let created = first.minus(Span::from_micros(1));
        let config = EngineConfig { queue_max: 4 * WINDOW, ..EngineConfig::default() };
        let started = in_memory(created, HASHES, config).await;
        let (engine, clock) = started.map_err(|error| error.to_string())?;
        let prefix = policy.callers.ipv6_prefix.min(128);
        Ok(Self { engine, clock, prefix, gateway: "gateway:simulate".into(), nothing: "".into() })
    }

    /// Carries out commands one after another, none of which may be refused.
    pub(super) async fn set_up(&self, commands: Vec<Command>) -> Result<(), String> {
        for command in commands {
            let committed = self.engine.submit(command).await.map_err(|failure| failure.to_string())?;
            match committed.answer {
                Answer::Rejected(rejection) => return Err(rejection.to_string()),
                Answer::Entry(_) | Answer::Repeat(_) | Answer::Collapsed(..) => {}
            }
        }
        Ok(())
    }

    /// Decides all lines, which are in order of time, and hands each with its answer to `each`, in that order.
    pub(super) async fn run(
        &self,
        lines: &[Line],
        mut each: impl FnMut(&Line, &Committed) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut window = VecDeque::with_capacity(WINDOW);
        let mut answered = lines.iter();
        for line in lines {
            if window.len() == WINDOW {
                deliver(&mut window, &mut answered, &mut each).await?;
            }
            window.push_back(self.send(line).await);
        }
        while !window.is_empty() {
            deliver(&mut window, &mut answered, &mut each).await?;
        }
        Ok(())
    }

    /// Puts a line into the engine's queue, in its place, without waiting for the answer.
    async fn send(&self, line: &Line) -> Pin<Box<MaybeDone<impl Future<Output = Decided> + use<>>>> {
        let action = Action::Request(Box::new(self.ask(line)));
        let command = Command { actor: self.gateway.clone(), request: None, action };
        let decision = decide(self.engine.clone(), self.clock.clone(), line.at, command);
        let mut decision = Box::pin(maybe_done(decision));
        // The first poll queues the line; the answer is asked for when its turn has come.
        poll_fn(|context| {
            let _ = decision.as_mut().poll(context);
            Poll::Ready(())
        })
        .await;
        decision
    }

    fn ask(&self, line: &Line) -> Ask {
        let caller = match (&line.key, &line.account) {
            (Some(key), _) => Caller::Key(key_hash(key)),
            (None, Some(account)) => Caller::Account(account.clone()),
            (None, None) => Caller::Anonymous,
        };
        let attributes = line.attributes.iter().map(|(name, told)| {
            let value = match told {
                Told::Number(number) => Value::Number(*number),
                Told::Text(text) => Value::Text { clear: text.clone(), hidden: self.hide(text) },
            };
            (name.clone(), value)
        });
        Ask {
            caller,
            ip: line.ip.map(|ip| self.hide(&counted(ip, self.prefix).to_string())),
            endpoint: line.endpoint.clone(),
            channel: line.channel.clone(),
            end_user: line.end_user.as_ref().map(|text| self.hide(text)),
            body: None,
            attributes: attributes.collect(),
            units: line.units,
            items: Vec::new(),
            settle: Some(line.outcome),
        }
    }

    /// Nothing is sealed: the log is gone when the run is over.
    fn hide(&self, text: &str) -> Hidden {
        Hidden { digest: HASHES.digest([text.as_bytes()]), sealed: self.nothing.clone() }
    }

    pub(super) fn engine(&self) -> &Handle {
        &self.engine
    }
}

type Decided = Result<Committed, Failure>;

/// Sets the clock and decides. Both wait in one queue, so the clock is set right before the decision and after
/// everything that was sent before.
async fn decide(engine: Handle, clock: Arc<SandboxClock>, at: Timestamp, command: Command) -> Decided {
    // A clock that would have to go back stays, and the answer then tells another time than the line's.
    let tick = engine.read(None, move |_, _| clock.set(at).is_ok());
    let (ticked, decided) = join(tick, engine.submit(command)).await;
    ticked.and(decided)
}

async fn deliver<'a, F: Future<Output = Decided>>(
    window: &mut VecDeque<Pin<Box<MaybeDone<F>>>>,
    lines: &mut impl Iterator<Item = &'a Line>,
    each: &mut impl FnMut(&Line, &Committed) -> Result<(), String>,
) -> Result<(), String> {
    let (Some(mut decision), Some(line)) = (window.pop_front(), lines.next()) else { return Ok(()) };
    decision.as_mut().await;
    let decided = decision.as_mut().take_output().unwrap_or(Err(Failure::Stopped));
    let committed = decided.map_err(|failure| format!("line {}: {failure}", line.n))?;
    if committed.at != line.at {
        return Err(format!("line {} of {} was decided at {}", line.n, line.at, committed.at));
    }
    each(line, &committed)
}

/// The address whose requests count together with this one's.
pub(super) fn counted(ip: IpAddr, prefix: u8) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_address_counts_by_its_prefix() {
        let counted = |ip: &str, prefix| counted(ip.parse().expect("an address"), prefix).to_string();
        assert_eq!(counted("2001:db8:1:2:3:4:5:6", 64), "2001:db8:1:2::");
        assert_eq!(counted("2001:db8::1", 128), "2001:db8::1");
        assert_eq!(counted("2001:db8::1", 0), "::");
        assert_eq!(counted("203.0.113.7", 64), "203.0.113.7");
    }
}
