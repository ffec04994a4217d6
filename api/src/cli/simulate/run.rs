//! One run, from the command line to the summary.

use super::args::SimulateArgs;
use super::input::Input;
use super::mapping::Mapping;
use super::record::Record;
use super::replay::Replay;
use super::setup;
use super::summary::Summary;
use super::tally::Tally;
use domain::policy::Policy;
use indicatif::{ProgressBar, ProgressStyle};
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Runs the command. The exit code is 1 when the policy, the log or the output cannot be used, or when no line
/// could be read; lines that are skipped alone are no failure.
pub(crate) fn run(args: &SimulateArgs) -> ExitCode {
    match simulate(args) {
        Ok(summary) => {
            // A reader that goes away early, such as `head`, is no failure.
            let _ = io::stdout().lock().write_all(summary.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn simulate(args: &SimulateArgs) -> Result<String, String> {
    let policy = setup::policy(args)?;
    let mapping = Mapping::new(args, &policy)?;
    spare_inputs(args)?;
    let input = read(args, &mapping)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("there is no runtime: {error}"))?;
    let mut output = Output::create(args.decisions.as_deref())?;
    let tally = runtime.block_on(replay(&policy, &input, &mapping, &mut output))?;
    output.finish()?;
    let between = input.lines.first().zip(input.lines.last()).map(|(first, last)| (first.at, last.at));
    let summary = Summary { policy: &policy, between, tally: &tally, unreadable: &input.unreadable };
    Ok(summary.to_string())
}

/// Writing begins with emptying the file, so it is none of those that are read.
fn spare_inputs(args: &SimulateArgs) -> Result<(), String> {
    let Some(Ok(out)) = args.decisions.as_ref().map(std::fs::canonicalize) else { return Ok(()) };
    let inputs = [&args.log, &args.policy];
    match inputs.into_iter().find(|input| std::fs::canonicalize(input).is_ok_and(|input| input == out)) {
        Some(input) => Err(format!("--decisions: {} is read here; name another file", input.display())),
        None => Ok(()),
    }
}

fn read(args: &SimulateArgs, mapping: &Mapping) -> Result<Input, String> {
    let file = args.log.display();
    let in_file = |error: String| format!("{file}: {error}");
    let log: Box<dyn BufRead> = if args.log.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        let opened = File::open(&args.log).map_err(|error| in_file(error.to_string()))?;
        Box::new(BufReader::with_capacity(1 << 16, opened))
    };
    let bar = bar(None, "lines read");
    let input = Input::read(log, args.format, mapping, &bar).map_err(in_file)?;
    bar.finish_and_clear();
    match (input.lines.is_empty(), input.unreadable.named.first()) {
        (true, Some((n, why))) => Err(in_file(format!("no line can be read; line {n}: {why}"))),
        (true, None) | (false, _) => Ok(input),
    }
}

async fn replay(
    policy: &Arc<Policy>,
    input: &Input,
    mapping: &Mapping,
    output: &mut Output,
) -> Result<Tally, String> {
    let mut tally = Tally::default();
    let Some(first) = input.lines.first() else { return Ok(tally) };
    let replay = Replay::start(policy, first.at).await?;
    let (commands, owners) = setup::commands(policy, &input.lines, mapping)?;
    replay.set_up(commands).await?;
    let bar = bar(Some(input.lines.len() as u64), "requests decided");
    replay
        .run(&input.lines, |line, committed| {
            let record = Record::new(line, committed, policy, &owners);
            tally.add(&record);
            bar.inc(1);
            output.write(&record)
        })
        .await?;
    bar.finish_and_clear();
    tally.read_log(replay.engine()).await?;
    replay.engine().stop().await;
    Ok(tally)
}

/// Where the decisions go, if they are wanted.
struct Output(Option<BufWriter<File>>);

impl Output {
    fn create(path: Option<&Path>) -> Result<Self, String> {
        let created =
            path.map(|path| File::create(path).map_err(|error| format!("{}: {error}", path.display())));
        Ok(Self(created.transpose()?.map(BufWriter::new)))
    }

    fn write(&mut self, record: &Record<'_>) -> Result<(), String> {
        let Some(file) = &mut self.0 else { return Ok(()) };
        let written = serde_json::to_writer(&mut *file, record).map_err(io::Error::from);
        written.and_then(|()| file.write_all(b"\n")).map_err(|error| format!("the decisions: {error}"))
    }

    fn finish(self) -> Result<(), String> {
        self.0.map_or(Ok(()), |mut file| file.flush()).map_err(|error| format!("the decisions: {error}"))
    }
}

/// A bar on a terminal; nothing elsewhere.
fn bar(length: Option<u64>, what: &'static str) -> ProgressBar {
    let template = if length.is_some() {
        "{bar:40} {human_pos}/{human_len} {msg}, {eta} left"
    } else {
        "{spinner} {human_pos} {msg}"
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = length.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    bar.with_style(style).with_message(what)
}
