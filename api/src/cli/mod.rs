//! The command line.

mod audit;
mod bench;
mod copy;
mod demo;
mod policy;
mod rebuild;
mod serve;
mod simulate;

pub use simulate::LogReader;

use crate::told;
use clap::{Parser, Subcommand};
use domain::ids::Position;
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

/// Event-sourced billing and quota ledger for API providers.
#[derive(Parser)]
#[command(name = "counterfoil", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Decides requests over HTTP
    Serve(serve::Serve),
    /// Says what a policy file means, or every mistake in it
    Policy(policy::PolicyArgs),
    /// Runs past traffic through a policy, in its own time, and shows what it would have done
    Simulate(simulate::SimulateArgs),
    /// Proves from the files that nothing was changed and that the rules were kept
    Audit(audit::AuditArgs),
    /// Folds the read models from the log again, compares them with those in use, and puts them into their place
    Rebuild(rebuild::Rebuild),
    /// Moves a book to another store: proves the copy, seals the source, and only then lets the copy go on
    Copy(copy::CopyArgs),
    /// Measures a server of its own under load
    Bench(bench::Bench),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let Cli { command } = Cli::parse();
    log();
    if !matches!(command, Command::Serve(_)) {
        // Whoever has read enough, as `head` does, ends the command; a service outlives who reads what it prints.
        sigpipe::reset();
    }
    let result = match command {
        Command::Serve(serve) => serve.run(),
        Command::Policy(args) => return policy::run(&args),
        Command::Simulate(args) => return simulate::run(&args),
        Command::Audit(args) => return audit::run(&args),
        Command::Rebuild(args) => return rebuild::run(&args),
        Command::Copy(copy) => copy.run(),
        Command::Bench(bench) => bench.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("counterfoil: {}", told(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Log lines go to standard error; `RUST_LOG` says which (`info` unless given).
fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Set already: the caller of a test has its own.
    let _ = lines.try_init();
}

/// A bar on a terminal, nothing elsewhere.
fn progress(what: &str, events: Position) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {bar:40} {pos}/{len} events, {eta} left");
    let bar = ProgressBar::new(events).with_prefix(what.to_owned());
    // The template is this file's own.
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
