//! `counterfoil audit`: proof, for whoever has the files, that nothing was changed and that the rules were kept.

use crate::config::{Config, StoreUrl};
use crate::engine::FOLD_VERSION;
use crate::service::{self, ServiceError, Storage};
use crate::told;
use adapters::snapshot::{self, Refusal, Snapshots};
use adapters::vault::Vault;
use clap::{Args, Subcommand};
use domain::book::{Book, Bounds, Frozen};
use domain::ids::{HashKey, Position};
use domain::log::{ChainHash, EventStore, Frame, Head, StoreError, codec};
use indicatif::{ProgressBar, ProgressStyle};
use projections::audit::{Audit, Report};
use std::io::{self, IsTerminal, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Events that are read at once.
const PAGE: usize = 8_192;
/// The exit code of an audit that could not be made.
const CANNOT_RUN: u8 = 2;

/// What `audit` takes.
#[derive(Args, Debug)]
pub(super) struct AuditArgs {
    #[command(subcommand)]
    act: Act,
}

#[derive(Subcommand, Debug)]
enum Act {
    /// Folds the whole log and checks the chain and every invariant; 0: all hold, 1: findings, 2: cannot run
    Verify(Verify),
}

/// What `audit verify` takes.
#[derive(Args, Debug)]
pub(super) struct Verify {
    /// The folder of the log, the snapshots and the keys; a service may be running on it
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(super) data: PathBuf,
    /// The database of the log (`postgres://…`); the folder then holds the snapshots and the keys
    #[arg(long, value_name = "URL", env = "COUNTERFOIL_STORE", hide_env_values = true)]
    pub(super) store: Option<StoreUrl>,
    /// The service's configuration (TOML): its `[bounds]` say what the book remembers; `COUNTERFOIL_BOUNDS__…` override it
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The hash that the log's last event must have, as noted down elsewhere
    #[arg(long, value_name = "HASH")]
    pub(super) expect_head: Option<ChainHash>,
}

/// Runs the act that the arguments name, and says by its exit code how it ended.
pub(super) fn run(args: &AuditArgs) -> ExitCode {
    let Act::Verify(verify) = &args.act;
    match verify.run(&mut io::stdout().lock()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("counterfoil: the audit cannot run: {}", told(&error));
            ExitCode::from(CANNOT_RUN)
        }
    }
}

/// Why there is no audit at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum CannotRun {
    #[error("the configuration cannot be read")]
    Config(#[from] Box<figment::Error>),
    #[error("the log cannot be opened")]
    Open(#[from] ServiceError),
    #[error("the log cannot be read")]
    Read(#[from] StoreError),
    #[error("the report cannot be written")]
    Write(#[from] io::Error),
}

impl Verify {
    /// Audits the log and writes the report; whether everything held.
    pub(super) fn run(&self, out: &mut impl Write) -> Result<bool, CannotRun> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(self.audit(out))
    }

    async fn audit(&self, out: &mut impl Write) -> Result<bool, CannotRun> {
        let bounds = Config::read(self.config.as_deref())?.bounds.of_book();
        let storage = Storage::named(self.store.as_ref(), self.data.clone())?;
        let store = service::read_only(&storage).await?;
        let until = match store.head().await {
            Ok(head) => head.position,
            // The way to the last frame is damaged: all of it is read, up to where that ends.
            Err(StoreError::Damaged { .. }) => Position::MAX,
            Err(error) => return Err(error.into()),
        };
        let mut pass = Pass::begin(&*store, (&self.data, bounds), out).await?;
        let bar = bar(until);
        pass.read(&*store, until, &bar).await?;
        bar.finish_and_clear();
        for position in mem::take(&mut pass.lost) {
            pass.audit.unreadable(position, &"no such event, while a snapshot of it is there");
        }
        let report = pass.audit.finish(&pass.book);
        write(out, &report)?;
        let expected = self.expect_head.is_none_or(|expected| expected == report.head.hash);
        if let Some(expected) = self.expect_head.filter(|_| !expected) {
            writeln!(out, "\nthe head is not the one expected: {expected}")?;
        }
        Ok(report.is_clean() && expected)
    }
}

/// One pass over the log: the audit, the fold beside it, and the snapshot to meet on the way.
struct Pass {
    audit: Audit,
    book: Book,
    snapshot: Option<(Head, Book)>,
    /// Events that a whole snapshot is of, and the log does not have.
    lost: Vec<Position>,
    /// The hash of the last event that was read.
    last: ChainHash,
}

impl Pass {
    async fn begin(
        store: &dyn EventStore,
        (data, bounds): (&Path, Bounds),
        out: &mut impl Write,
    ) -> Result<Self, CannotRun> {
        let (key, known) = match Vault::open(data, store.book().id, false) {
            Ok(vault) => (vault.hash_key(), true),
            Err(error) => {
                writeln!(out, "without the book's keys no snapshot is compared: {}", told(&error))?;
                (HashKey([0; 16]), false)
            }
        };
        let snapshots = Snapshots::in_dir(data);
        let loaded = if known { load(&snapshots, store).await? } else { None };
        let mut lost = Vec::new();
        for (path, refusal) in loaded.iter().flat_map(|loaded| &loaded.refused) {
            writeln!(out, "{} is passed over: {}", path.display(), told(refusal))?;
            lost.extend(if let Refusal::OtherLog(position) = refusal { Some(*position) } else { None });
        }
        let snapshot = loaded.and_then(|loaded| loaded.found);
        let snapshot = snapshot.map(|(head, state)| (head, Book::restore(key, bounds, state)));
        let book = Book::new(key, bounds);
        Ok(Self { audit: Audit::new(bounds.ids_max), book, snapshot, lost, last: ChainHash::ZERO })
    }

    /// Reads up to the head of the beginning: a service may go on writing. Where a page cannot be read, smaller ones
    /// find the first event that cannot, and all before it are checked.
    async fn read(
        &mut self,
        store: &dyn EventStore,
        until: Position,
        bar: &ProgressBar,
    ) -> Result<(), CannotRun> {
        let (mut next, mut page): (Position, usize) = (1, PAGE);
        while next <= until {
            let frames = match store.read(next, page).await {
                Ok(frames) => frames,
                Err(StoreError::Damaged { .. }) if page > 1 => {
                    page /= 2;
                    continue;
                }
                Err(StoreError::Damaged { position, cause }) => {
                    self.audit.unreadable(position.max(next), &told(&*cause));
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            };
            for frame in &frames {
                if !self.frame(frame) {
                    return Ok(());
                }
                next = frame.end() + 1;
            }
            bar.set_position(next - 1);
            if frames.is_empty() {
                self.audit.unreadable(next, &"the log ends before its head");
                return Ok(());
            }
        }
        Ok(())
    }

    /// Whether the log can be read on behind this frame.
    fn frame(&mut self, frame: &Frame) -> bool {
        if frame.previous() != self.last {
            self.audit.unreadable(frame.first(), &"a frame that does not follow the one before by its hash");
        }
        self.last = frame.last();
        let end = frame.end();
        match frame.events() {
            Ok(mut events) => events.all(|(position, text)| {
                let stated = (position == end).then_some(frame.last());
                self.audit.observe_text(position, text.as_bytes(), stated);
                self.event(position, text)
            }),
            Err(error) => {
                self.audit.unreadable(frame.first(), &told(&error));
                false
            }
        }
    }

    /// Checks and folds one event; false when the log cannot be folded on.
    fn event(&mut self, position: Position, text: &str) -> bool {
        let entry = match codec::decode(text) {
            Ok(entry) => entry,
            Err(error) => {
                self.audit.unreadable(position, &told(&error));
                return false;
            }
        };
        self.audit.observe(&entry);
        if let Err(error) = self.book.apply(&entry) {
            self.audit.unreadable(position, &told(&error));
            return false;
        }
        if let Some((_, kept)) = self.snapshot.take_if(|(head, _)| head.position == position) {
            self.audit.compare(&self.book, &kept);
        }
        true
    }
}

/// The snapshots; none when the event that the newest is of cannot be read: the pass will meet that.
async fn load(
    snapshots: &Snapshots,
    store: &dyn EventStore,
) -> Result<Option<snapshot::Loaded<Frozen>>, CannotRun> {
    match snapshots.load(store, FOLD_VERSION).await {
        Ok(loaded) => Ok(Some(loaded)),
        Err(StoreError::Damaged { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn bar(events: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{bar:40} {human_pos} of {human_len} events, {per_sec}, {eta} left");
    let bar = ProgressBar::new(events);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    writeln!(out, "head {} {}", report.head.position, report.head.hash)?;
    writeln!(out, "{} events", report.events)?;
    for (invariant, outcome) in &report.outcomes {
        writeln!(out, "{invariant}  {:<22}  {}", outcome.to_string(), invariant.sentence())?;
    }
    for finding in &report.findings {
        writeln!(out, "{finding}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
