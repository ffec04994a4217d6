//! Every command explains itself.

use crate::world::{Folder, run, run_with, shipped};
use counterfoil_tests::binary::counterfoil;
use counterfoil_tests::cluster::Cluster;
use std::io;
use std::path::Path;
use std::process::Command;

/// The commands that a help text lists.
fn commands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = listed.take_while(|line| !line.trim().is_empty());
    // A description may go on in the next line, which is set further in.
    let names = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn explained(path: &[String]) -> Vec<String> {
    let asked: Vec<String> = path.iter().cloned().chain(["--help".to_owned()]).collect();
    let help = run(&asked);
    assert!(help.good && help.out.contains("Usage: counterfoil"), "{path:?}: {help:?}");
    let lines: Vec<_> = help.out.lines().collect();
    assert!(
        !lines[0].is_empty() && !lines[0].starts_with("Usage"),
        "{path:?} says what it does: {}",
        lines[0]
    );
    commands(&help.out)
}

#[test]
fn every_command_says_what_it_does_and_how_it_is_used() {
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    let mut seen = Vec::new();
    while let Some(path) = open.pop() {
        for command in explained(&path).into_iter().filter(|command| command != "help") {
            open.push(path.iter().cloned().chain([command]).collect());
        }
        seen.push(path.join(" "));
    }
    for known in ["policy", "policy check", "simulate"] {
        assert!(seen.iter().any(|path| path == known), "{known} is none of {seen:?}");
    }
}

#[test]
fn an_unknown_command_is_refused_with_a_hint() {
    let run = run(&["simulat"]);
    assert!(!run.good && run.err.contains("simulate"), "{run:?}");
}

#[test]
fn a_command_whose_output_nobody_reads_on_ends_without_a_word() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let policy = shipped("policies/five-gates.toml");
    let output = Command::new(counterfoil())
        .args(["policy", "check", &policy])
        .stdout(writer)
        .output()
        .expect("the executable starts");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.code().is_none(), "ended by the closed pipe: {}", output.status);
}

#[test]
fn a_new_book_needs_a_policy_and_is_not_begun_without_one() {
    let folder = Folder::new();
    let config = folder.file("counterfoil.toml", "");
    for data in [folder.path("new"), folder.path("")] {
        let run = run(&["serve", "--config", &config, "--data", &data, "--listen", "127.0.0.1:0"]);
        let told = run.err.contains("there is no book yet: begin one with --policy FILE");
        assert!(!run.good && told, "{run:?}");
    }
    let database = tokio::runtime::Runtime::new().expect("a runtime").block_on(Cluster::shared().database());
    let run = run_with(
        [("COUNTERFOIL_STORE", database.url())],
        &["serve", "--data", &folder.path("new"), "--listen", "127.0.0.1:0"],
    );
    assert!(!run.good && run.err.contains("there is no book yet"), "{run:?}");
    assert!(!Path::new(&folder.path("new")).exists() && !Path::new(&folder.path("events.db")).exists());
}
