//! House rules that a reader can rely on, checked over the sources themselves.

use std::fs;
use std::path::{Path, PathBuf};

const FILE_MAX: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

/// Every Rust source of the workspace with its text, by path from the root.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for folder in ["domain", "projections", "adapters", "api", "tests", "fuzz/targets"] {
        walk(&root().join(folder), &mut found);
    }
    assert!(found.len() > 100, "the sources were found");
    found
}

fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).expect("below the root").display().to_string();
            found.push((name, fs::read_to_string(&path).expect("a text")));
        }
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files, other than those allowed, whose code has one of the words.
fn offenders(words: &[&str], within: &str, allowed: &[&str]) -> Vec<String> {
    let sources = sources().into_iter();
    let concerned = sources.filter(|(path, _)| path.starts_with(within) && !path.starts_with("tests/tidy"));
    let others = concerned.filter(|(path, _)| !allowed.iter().any(|allowed| path.starts_with(allowed)));
    let has = |text: &str| words.iter().any(|word| code(text).contains(word));
    others.filter(|(_, text)| has(text)).map(|(path, _)| path).collect()
}

/// The text without comment lines.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_file_is_longer_than_fits_in_the_head() {
    let long: Vec<_> = sources()
        .into_iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > FILE_MAX)
        .collect();
    assert!(long.is_empty(), "over {FILE_MAX} lines: {long:?}");
}

#[test]
fn the_domain_and_the_projections_know_no_runtime_no_server_and_no_database() {
    for manifest in ["domain/Cargo.toml", "projections/Cargo.toml"] {
        let text = read(manifest);
        for package in ["tokio", "axum", "sqlx", "tracing", "adapters", "api"] {
            assert!(!text.lines().any(|line| line.starts_with(package)), "{manifest} has {package}");
        }
    }
}

#[test]
fn only_the_system_adapter_reads_the_clock() {
    let found = offenders(&["SystemTime::now", "Utc::now", "Timestamp::now"], "", &["adapters/src/system"]);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn only_the_wiring_names_concrete_stores() {
    // An audit reads the files of a book that no service has to run on.
    let allowed = ["api/src/service", "api/src/cli/audit/tests.rs"];
    let stores = ["SqliteStore", "PostgresStore", "KurrentStore", "MemoryStore"];
    let found = offenders(&stores, "api/", &allowed);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn no_test_sleeps() {
    let found = offenders(&["sleep("], "tests/", &[]);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn nothing_is_left_for_later_in_a_comment() {
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let found: Vec<_> = sources()
        .into_iter()
        .filter(|(_, text)| marks.iter().any(|mark| text.contains(mark)))
        .map(|(path, _)| path)
        .collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn the_map_names_every_invariant() {
    let map = read("ARCHITECTURE.md");
    for id in ["L1", "L2", "M1", "M2", "M3", "M4", "Q1", "Q2", "D1", "A1"] {
        assert!(map.contains(&format!("| {id} |")), "{id} is missing");
    }
}

#[test]
fn the_readme_says_of_a_peer_what_the_comparison_prints() {
    let readme = read("README.md");
    let (_, section) = readme.split_once("## Side by side").expect("a section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows: Vec<_> = section.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(rows.len() >= 4, "a row for each peer: {rows:?}");
    let scripts = fs::read_dir(root().join("tests/peers")).expect("a folder").flatten();
    let printed: String = scripts.filter_map(|entry| fs::read_to_string(entry.path()).ok()).collect();
    for row in rows {
        let cells: Vec<_> = row.trim_matches(['|', ' ']).split(" | ").collect();
        for said in [cells[0], cells[cells.len() - 1]] {
            assert!(printed.contains(&format!("= \"{said}\"")), "the comparison does not print {said}");
        }
    }
}
