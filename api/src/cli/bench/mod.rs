//! `counterfoil bench`: closed-loop load over HTTP against a server of its own, and what starting and memory cost.

mod connection;
mod freeze;
mod growth;
mod histogram;
mod line;
mod load;
mod log;
mod memory;
mod past;
mod place;
mod process;
mod report;
mod requests;
mod server;
mod start;
mod stream;
mod target;
mod views;

use clap::{Args, Subcommand};
use std::error::Error;

pub(super) type Failed = Box<dyn Error>;

/// What `bench` takes.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Bench {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    load: load::Load,
}

#[derive(Subcommand)]
enum What {
    /// How fast a start folds a log, with and without a snapshot
    Start(start::Start),
    /// What many accounts with full windows take in memory, and what a snapshot of them costs
    Memory(memory::Memory),
    /// How fast the read models are caught up and rebuilt
    Views(views::Views),
    /// What a look into the past costs: credit after any event of a long log
    Past(past::Past),
    /// What a decision costs as accounts, limits, the log, open holds and commits grow
    Growth(growth::Growth),
}

impl Bench {
    pub(super) fn run(self) -> Result<(), Failed> {
        if cfg!(debug_assertions) {
            eprintln!("counterfoil: this is no release build: the figures say little");
        }
        match self.what {
            None => self.load.run(),
            Some(What::Start(start)) => start.run(),
            Some(What::Memory(memory)) => memory.run(),
            Some(What::Views(views)) => views.run(),
            Some(What::Past(past)) => past.run(),
            Some(What::Growth(growth)) => growth.run(),
        }
    }
}
