//! The first step of `simulate` alone: reading a log, whatever its bytes.

use super::args::{Format, SimulateArgs};
use super::input::Input;
use super::mapping::Mapping;
use clap::Parser;
use domain::policy::Policy;
use indicatif::ProgressBar;

/// Reads logs of one format under one mapping.
pub struct LogReader {
    format: Format,
    mapping: Mapping,
}

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    simulate: SimulateArgs,
}

impl LogReader {
    /// `format` and `options` (`--map`, `--set`) are those of the command line.
    ///
    /// # Errors
    /// When they do not fit together, or not the policy.
    pub fn new(format: &str, options: &[&str], policy: &Policy) -> Result<Self, String> {
        let fixed = ["simulate", "--policy", "-", "--log", "-", "--format", format];
        let line = Line::try_parse_from(fixed.iter().chain(options)).map_err(|error| error.to_string())?;
        let mapping = Mapping::new(&line.simulate, policy)?;
        Ok(Self { format: line.simulate.format, mapping })
    }

    /// How many requests a log has, and how many records that are none.
    ///
    /// # Errors
    /// When it cannot be read at all, or lacks a column that is needed.
    pub fn count(&self, log: &[u8]) -> Result<(u64, u64), String> {
        self.read(log).map(|input| (input.lines.len() as u64, input.unreadable.count))
    }

    pub(super) fn read(&self, log: &[u8]) -> Result<Input, String> {
        Input::read(log, self.format, &self.mapping, &ProgressBar::hidden())
    }
}
