//! `counterfoil rebuild`: read models from the log alone, compared with those in use.

use super::progress;
use crate::config::StoreUrl;
use crate::service::{self, ServiceError, Storage};
use crate::told;
use adapters::views::{Difference, Fresh, Views};
use clap::Args;
use clap::builder::PossibleValuesParser;
use domain::ids::Position;
use domain::log::{EventStore, StoreError};
use indicatif::ProgressBar;
use projections::runner::{RunError, Runner, ViewError};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// The exit code of a rebuild that could not be made.
const CANNOT_RUN: u8 = 2;

/// What `rebuild` takes. Exits with 0 when nothing differed, 1 when something did, 2 when it could not run.
#[derive(Args, Debug)]
pub(super) struct Rebuild {
    /// The folder of the log and the views; a service may be running on it, and goes on with the rebuilt views
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// The store of the log (`postgres://…`, with the views; or `kurrentdb://…`, the folder then holds the views)
    #[arg(long, value_name = "URL", env = "COUNTERFOIL_STORE", hide_env_values = true)]
    store: Option<StoreUrl>,
    /// Only this view; all of them unless given
    #[arg(long, value_name = "NAME", value_parser = PossibleValuesParser::new(Views::NAMES))]
    only: Option<String>,
    /// Only compare: the views in use stay
    #[arg(long)]
    check: bool,
}

/// Rebuilds, and says by the exit code whether anything differed.
pub(super) fn run(args: &Rebuild) -> ExitCode {
    match args.run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("counterfoil: the views cannot be rebuilt: {}", told(&error));
            ExitCode::from(CANNOT_RUN)
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum CannotRun {
    #[error("the log cannot be opened")]
    Open(#[from] ServiceError),
    #[error("the log cannot be read")]
    Log(#[from] StoreError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error("a view cannot be written")]
    View(#[from] ViewError),
    #[error("there is no runtime")]
    Runtime(#[from] std::io::Error),
}

impl Rebuild {
    fn run(&self) -> Result<bool, CannotRun> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let storage = Storage::named(self.store.as_ref(), self.data.clone())?;
            let log = service::read_only(&storage).await?;
            let (views, _temporary) = service::views(&storage, service::identity(&storage, &*log)?)?;
            let mut same = true;
            for name in Views::NAMES {
                if self.only.as_deref().is_none_or(|only| only == name) {
                    same &= self.one(name, &views, &log).await?;
                }
            }
            Ok(same)
        })
    }

    /// Rebuilds one view; whether it is as the one in use.
    async fn one(&self, name: &str, views: &Views, log: &Arc<dyn EventStore>) -> Result<bool, CannotRun> {
        let begun = Instant::now();
        let mut runner = Runner::new(log.clone(), vec![views.fresh(name).await?]);
        let head = log.head().await?.position;
        let bar = progress(name, head);
        // Up to where the view in use stands first: only there can both be compared.
        let in_use = fresh(&mut runner)?.in_use().unwrap_or(head);
        fold(&mut runner, in_use, &bar).await?;
        let differences = match fresh(&mut runner)?.hold_still().await? {
            Some(position) => {
                fold(&mut runner, position, &bar).await?;
                Some((position, fresh(&mut runner)?.compare().await?))
            }
            None => None,
        };
        fold(&mut runner, head, &bar).await?;
        bar.finish_and_clear();
        let Some(rebuilt) = runner.views().pop() else { return Ok(true) };
        if self.check {
            rebuilt.discard().await?;
        } else {
            rebuilt.take_over().await?;
        }
        let seconds = begun.elapsed().as_secs_f64();
        Ok(report(name, differences, self.check, &format!("{head} events in {seconds:.1} s")))
    }
}

fn fresh(runner: &mut Runner<Fresh>) -> Result<&mut Fresh, CannotRun> {
    let missing = || CannotRun::View(ViewError::Rows("there is no view".into()));
    runner.views().first_mut().ok_or_else(missing)
}

async fn fold(runner: &mut Runner<Fresh>, until: Position, bar: &ProgressBar) -> Result<(), RunError> {
    loop {
        let position = runner.step(until).await?;
        bar.set_position(position);
        if position >= until {
            return Ok(());
        }
    }
}

/// Says what came of it; whether nothing differed.
fn report(name: &str, found: Option<(Position, Vec<Difference>)>, check: bool, work: &str) -> bool {
    let Some((position, differences)) = found else {
        let kept = if check { "there is nothing to compare with" } else { "made, where none could be read" };
        println!("{name}: {kept} ({work})");
        return true;
    };
    if differences.is_empty() {
        println!("{name}: the same at position {position} ({work})");
        return true;
    }
    let done = if check { "it stays as it is" } else { "it was replaced" };
    println!("{name}: the view in use DIFFERS from the log at position {position}; {done} ({work})");
    for Difference { table, in_use, row } in &differences {
        let side = if *in_use { "in use" } else { "rebuilt" };
        println!("  {table}, only {side}: {row}");
    }
    false
}
