//! `counterfoil policy check`: what a policy file means, or every mistake in it.

use domain::policy::{Mistake, Policy};
use serde_json::json;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Work on policy files.
#[derive(Debug, clap::Args)]
pub(super) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, clap::Subcommand)]
enum PolicyCommand {
    /// Says what a policy means in plain words, or every mistake with its line and remedy
    Check(CheckArgs),
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// The policy file
    file: PathBuf,
    /// Prints one JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Runs the command. The exit code is 0 for a sound policy and 1 for anything else.
pub(super) fn run(args: &PolicyArgs) -> ExitCode {
    let PolicyCommand::Check(check) = &args.command;
    let (text, sound) = match std::fs::read_to_string(&check.file) {
        Ok(text) => report(&check.file, &text, check.json),
        Err(error) => {
            eprintln!("error: {}: {error}", check.file.display());
            return ExitCode::FAILURE;
        }
    };
    // A reader that goes away early, such as `head`, is no failure of the check.
    let _ = io::stdout().lock().write_all(text.as_bytes());
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(file: &Path, text: &str, as_json: bool) -> (String, bool) {
    let read = Policy::from_toml(text);
    let sound = read.is_ok();
    let text = match (read, as_json) {
        (Ok(policy), true) => good_json(&policy),
        (Ok(policy), false) => policy.describe(),
        (Err(mistakes), true) => bad_json(file, &mistakes),
        (Err(mistakes), false) => bad_text(file, &mistakes),
    };
    (text, sound)
}

fn good_json(policy: &Policy) -> String {
    let object = json!({
        "ok": true,
        "name": policy.name.as_str(),
        "title": policy.title,
        "hash": policy.hash(),
        "description": policy.describe(),
    });
    format!("{object}\n")
}

fn bad_json(file: &Path, mistakes: &[Mistake]) -> String {
    let mistakes: Vec<_> = mistakes
        .iter()
        .map(|Mistake { line, column, field, what, remedy }| {
            json!({"line": line, "column": column, "field": field, "what": what, "remedy": remedy})
        })
        .collect();
    let object = json!({"ok": false, "file": file.display().to_string(), "mistakes": mistakes});
    format!("{object}\n")
}

/// `FILE:LINE: field: what — remedy`, which editors turn into links.
fn bad_text(file: &Path, mistakes: &[Mistake]) -> String {
    let line = |mistake: &Mistake| {
        let Mistake { line, field, what, remedy, .. } = mistake;
        let field = if field.is_empty() { "policy" } else { field };
        format!("{}:{line}: {field}: {what} — {remedy}\n", file.display())
    };
    let lines: String = mistakes.iter().map(line).collect();
    let count = mistakes.len();
    format!("{lines}{count} {} found\n", if count == 1 { "mistake" } else { "mistakes" })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "name = \"small\"\ntitle = \"A small one\"\n[callers]\nanonymous = true\n";

    #[test]
    fn a_sound_policy_is_told_in_plain_words() {
        let (text, sound) = report(Path::new("p.toml"), GOOD, false);
        assert!(sound && text.starts_with("A small one (small)\n"), "{text}");
    }

    #[test]
    fn a_mistake_is_told_with_file_line_field_and_remedy() {
        let bad = format!("{GOOD}anonymus = false\n");
        let (text, sound) = report(Path::new("p.toml"), &bad, false);
        assert!(!sound && text.starts_with("p.toml:5: "), "{text}");
        assert!(text.contains("anonymus") && text.contains(" — did you mean `anonymous`?"), "{text}");
        assert!(text.ends_with("1 mistake found\n"), "{text}");
    }

    #[test]
    fn json_carries_the_same_for_programs() {
        let read = |text: &str| {
            let (json, sound) = report(Path::new("p.toml"), text, true);
            (serde_json::from_str::<serde_json::Value>(&json).unwrap(), sound)
        };
        let (good, sound) = read(GOOD);
        assert!(sound && good["ok"] == true && good["name"] == "small");
        let (bad, sound) = read("name = 1\n");
        assert!(!sound && bad["ok"] == false && bad["mistakes"][0]["line"] == 1, "{bad}");
    }
}
