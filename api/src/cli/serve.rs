//! `counterfoil serve`.

use super::demo;
use crate::config::{Config, StoreUrl};
use crate::engine::Handle;
use crate::publish::{Published, publish};
use crate::service::{self, Options, Service, Storage, TimeKind};
use clap::Args;
use domain::policy::Policy;
use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};

/// What `serve` takes.
#[derive(Args)]
pub(super) struct Serve {
    /// The policy file; without it the log's own policy stays in force
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The folder of the log and the keys
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the log is instead of the folder: `postgres://…` or `kurrentdb://…/NAME`; with a password rather in the
    /// configuration or in `COUNTERFOIL_STORE`
    #[arg(long, value_name = "URL")]
    store: Option<StoreUrl>,
    /// The address to serve on; port 0 takes any free port
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// A configuration file (TOML); `COUNTERFOIL_…` variables override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Refuse to start when the policy file differs from the log's newest policy
    #[arg(long)]
    policy_locked: bool,
    /// Put a changed policy in force at once, for this reason, without its notice period
    #[arg(long, value_name = "REASON")]
    emergency: Option<String>,
    /// Serve a sample account under a sample policy, with tokens that everyone knows
    #[arg(long)]
    demo: bool,
    /// Run on a clock that only `POST /v1/sandbox/clock` moves, for tests
    #[arg(long)]
    sandbox: bool,
}

type Failed = Box<dyn Error>;

impl Serve {
    pub(super) fn run(self) -> Result<(), Failed> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.serve())
    }

    async fn serve(self) -> Result<(), Failed> {
        // Kept until the end: a demo without a folder of its own leaves nothing behind.
        let (mut config, _temporary) = self.settings()?;
        let policy = self.read_policy()?;
        if self.demo {
            demo::tokens(&mut config)?;
        }
        if config.gateways.is_empty() {
            let how = "set COUNTERFOIL_GATEWAYS__NAME=TOKEN, or `gateways` in the configuration";
            tracing::warn!("no gateway has a token: nobody can ask for a decision; {how}");
        }
        let time = if self.sandbox { TimeKind::Sandbox(service::now()) } else { TimeKind::Wall };
        let storage = Storage::named(config.store.as_ref(), config.data.clone())?;
        // A new book without a policy would stay there and decide nothing.
        if policy.is_none() && !service::has_book(&storage).await {
            return Err("there is no book yet: begin one with --policy FILE".into());
        }
        let service = Service::open(Options { config, storage, time }).await?;
        let opening = service.opening();
        tracing::info!(
            head = opening.head,
            snapshot = opening.snapshot,
            folded = opening.events,
            "the book is open"
        );
        if self.demo && service.stands_by() {
            return Err("a demo needs a book of its own".into());
        }
        let (locked, emergency) = (self.policy_locked, self.emergency.clone());
        Publishing { policy, locked, emergency }.on(&service).await?;
        let address = service.address()?;
        // Before anybody is told that it runs: whoever stops it then has it stopped in order.
        let stopped = stopped()?;
        if self.demo {
            let key = demo::account(&service).await?;
            demo::tour(&service, address, &key).await?;
        } else {
            println!("listening on http://{address}");
        }
        Ok(service.serve(stopped).await?)
    }

    /// The configuration with what the command line says, and the folder of a demo that was given none.
    fn settings(&self) -> Result<(Config, Option<tempfile::TempDir>), Failed> {
        let mut config = Config::read(self.config.as_deref())?;
        if let Some(listen) = self.listen {
            config.listen = listen;
        }
        if let Some(store) = &self.store {
            config.store = Some(store.clone());
        }
        if let Some(data) = &self.data {
            config.data.clone_from(data);
            return Ok((config, None));
        }
        if !self.demo {
            return Ok((config, None));
        }
        let folder = tempfile::Builder::new().prefix("counterfoil-demo-").tempdir()?;
        folder.path().clone_into(&mut config.data);
        Ok((config, Some(folder)))
    }

    fn read_policy(&self) -> Result<Option<Policy>, Failed> {
        match &self.policy {
            Some(file) => read_policy(file).map(Some),
            None if self.demo => parse_policy(demo::POLICY, Path::new("the demo's policy")).map(Some),
            None => Ok(None),
        }
    }
}

/// The policy that the command line names, and how it is to be put in force.
struct Publishing {
    policy: Option<Policy>,
    locked: bool,
    emergency: Option<String>,
}

impl Publishing {
    /// Now, or on a standby when it decides: whoever takes over has been started with this policy.
    async fn on(self, service: &Service) -> Result<(), Failed> {
        let engine = service.engine().clone();
        if !service.stands_by() {
            return self.put_in_force(&engine).await;
        }
        tokio::spawn(async move {
            if engine.led().await
                && let Err(error) = self.put_in_force(&engine).await
            {
                engine.give_up(&error.to_string());
            }
        });
        Ok(())
    }

    async fn put_in_force(self, engine: &Handle) -> Result<(), Failed> {
        let Some(policy) = self.policy else {
            let has_one = engine.read(None, |book, _| !book.catalogue().policies().is_empty()).await?;
            return if has_one {
                Ok(())
            } else {
                Err("the log has no policy yet: give one with --policy FILE".into())
            };
        };
        match publish(engine, policy, self.locked, self.emergency).await? {
            Published::Unchanged => tracing::info!("the policy is the log's newest"),
            Published::From(effective) => tracing::info!(%effective, "the policy was published"),
        }
        Ok(())
    }
}

fn read_policy(file: &Path) -> Result<Policy, Failed> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    parse_policy(&text, file)
}

fn parse_policy(text: &str, file: &Path) -> Result<Policy, Failed> {
    Policy::from_toml(text).map_err(|mistakes| {
        let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
        format!("{}:\n  {}", file.display(), lines.join("\n  ")).into()
    })
}

/// Ends at ctrl-c and SIGTERM.
fn stopped() -> Result<impl Future<Output = ()>, Failed> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping");
    })
}
