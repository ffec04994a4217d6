//! What accounts with three rolling windows of eight stamps each take in memory, also while a snapshot of them is taken.

use super::{Failed, freeze, process};
use clap::Args;
use domain::book::{Book, Bounds};
use domain::command::{AccountAct, Action, Ask, Caller, Command, Publish};
use domain::ids::{HashKey, Name};
use domain::policy::Policy;
use domain::time::{Calendar, Span, Timestamp};
use indicatif::ProgressBar;
use std::sync::Arc;

/// How many accounts.
#[derive(Args)]
pub(super) struct Memory {
    /// Accounts, each with three full windows
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=20_000_000))]
    accounts: u64,
}

const POLICY: &str = r#"
name = "windows"
title = "Three windows an account"
[callers]
anonymous = false
[[limits]]
name = "minute"
rule = { rolling = "60s" }
limit = 1000
by = ["account"]
[[limits]]
name = "hour"
rule = { rolling = "1h" }
limit = 1000
by = ["account"]
[[limits]]
name = "day"
rule = { rolling = "24h" }
limit = 1000
by = ["account"]
"#;
const STAMPS: u64 = 8;
/// Accounts between two that follow each other, so that they have nothing in common. A prime number.
const APART: u64 = 7_368_787;

impl Memory {
    pub(super) fn run(self) -> Result<(), Failed> {
        let own = std::process::id();
        let before = process::peak_memory(own);
        let mut book = Book::new(HashKey([7; 16]), Bounds::default());
        let mut now = Timestamp::from_micros(1_772_366_400_000_000);
        let policy = Arc::new(Policy::from_toml(POLICY).expect("the policy above is sound"));
        carry_out(
            &mut book,
            Action::Publish(Publish::Policy { policy, effective: None, emergency: None }),
            now,
        )?;
        let progress = ProgressBar::new(self.accounts * (STAMPS + 1));
        for round in 0..=STAMPS {
            for account in 0..self.accounts {
                let account: Name = format!("account-{account}").parse()?;
                carry_out(&mut book, if round == 0 { open(account) } else { ask(account) }, now)?;
                progress.inc(1);
            }
            // Within the shortest window, so that every stamp stays.
            now = now.plus(Span::from_secs(1));
        }
        progress.finish_and_clear();
        let peak = process::peak_memory(own);
        let each = (peak - before) / self.accounts;
        println!("accounts: {}, windows each: 3, stamps a window: {STAMPS}", self.accounts);
        println!("peak memory: {} MiB, {each} bytes an account", peak / (1 << 20));
        println!("of it the last {} request decisions: bounded by decisions_max", book.decisions_kept());
        freeze::measure(&mut book, |book, nth| {
            let account = format!("account-{}", nth.wrapping_mul(APART) % self.accounts).parse()?;
            carry_out(book, ask(account), now)
        })
    }
}

fn carry_out(book: &mut Book, action: Action, now: Timestamp) -> Result<(), Failed> {
    let command = Command { actor: "bench".into(), request: None, action };
    book.execute(&command, now, &mut Vec::new())?;
    Ok(())
}

fn open(account: Name) -> Action {
    let act = AccountAct::Open { plan: None, owner: None, calendar: Calendar::default(), opened: None };
    Action::Account { account, act }
}

fn ask(account: Name) -> Action {
    Action::Request(Box::new(Ask::new(Caller::Account(account), "/api/v1/ai/translation")))
}
