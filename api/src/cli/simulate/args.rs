//! The command line of `simulate`.

use std::path::PathBuf;
use std::str::FromStr;

/// Runs past traffic through a policy, in its own time, and shows what it would have done
#[derive(Debug, clap::Args)]
#[command(after_long_help = FIELDS)]
pub(crate) struct SimulateArgs {
    /// The policy file
    #[arg(long, value_name = "FILE")]
    pub(super) policy: PathBuf,
    /// The traffic; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub(super) log: PathBuf,
    /// How the traffic is written
    #[arg(long, value_enum)]
    pub(super) format: Format,
    /// Takes a field from a column (a member of a JSON line, a part of a combined line); may be repeated
    #[arg(long, value_name = "FIELD=COLUMN")]
    pub(super) map: Vec<Pair>,
    /// Gives a field the same value on every line; may be repeated
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(super) set: Vec<Pair>,
    /// Writes one JSON object for each line, in the order of time
    #[arg(long, value_name = "OUT.jsonl")]
    pub(super) decisions: Option<PathBuf>,
}

const FIELDS: &str = "\
Fields: at, ip, account, key, endpoint, channel, end_user, units, outcome; any
other name is an attribute of the request, such as chars. A field is taken from
the column of its own name unless mapped or set; an attribute is taken only when
mapped or set.

  at        RFC 3339, also with a blank in place of the T, UTC where no zone is
            given; or a unix time in seconds, milliseconds (13 digits) or
            microseconds (16 digits). Finer digits are cut off.
  endpoint  a path; what follows `?` is cut off, the rest is taken byte for byte.
  account   is opened before the first line: --set grant=N gives each account
            that credit, --set plan=NAME that plan.
  key       a key of the line's account; of an account of its own (key-1,
            key-2 ...) when the line names none.
  outcome   succeeded (the default), client_error, system_error, cancelled; or
            an HTTP status: 5xx is a system error, 4xx a client error, so that
            --map outcome=status heeds the status of an access log.

Columns of a combined line: ip, ident, user, at, request, method, endpoint,
protocol, status, bytes, referer, agent. Lines are numbered as an editor does:
the header of a CSV file is line 1.";

/// How past traffic is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(super) enum Format {
    /// Access log of Apache or nginx, combined or common
    Combined,
    /// One JSON object on each line
    Jsonl,
    /// Comma-separated values with a header line
    Csv,
}

/// `FIELD=TEXT`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pair {
    pub(super) field: String,
    pub(super) text: String,
}

impl FromStr for Pair {
    type Err = &'static str;

    fn from_str(pair: &str) -> Result<Self, Self::Err> {
        match pair.split_once('=') {
            Some((field, text)) if !field.is_empty() && !text.is_empty() => {
                Ok(Self { field: field.to_owned(), text: text.to_owned() })
            }
            Some(_) | None => Err("must be FIELD=TEXT, such as at=TIMESTAMP"),
        }
    }
}
