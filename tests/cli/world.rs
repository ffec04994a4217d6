//! Running the executable in a folder of its own.

use counterfoil_tests::binary::counterfoil;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// What a run said, and whether it was content.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) good: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Runs the executable with these arguments.
pub(crate) fn run<S: AsRef<str>>(arguments: &[S]) -> Run {
    run_with([], arguments)
}

/// As [`run`], with these variables.
pub(crate) fn run_with<S: AsRef<str>, const N: usize>(variables: [(&str, &str); N], arguments: &[S]) -> Run {
    let mut command = Command::new(counterfoil());
    command.args(arguments.iter().map(AsRef::as_ref)).envs(variables);
    let output = command.output().expect("the executable starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it writes UTF-8");
    let code = output.status.code().expect("it was not killed");
    assert!(code <= 2, "exit code {code} is none of ours");
    Run { good: code == 0, out: text(output.stdout), err: text(output.stderr) }
}

/// A folder that is gone after the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().expect("a folder for the test"))
    }

    /// Writes a file and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, text).expect("the folder takes files");
        path.display().to_string()
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// The objects of a JSONL file.
    pub(crate) fn objects(&self, name: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.0.path().join(name)).expect("the file is there");
        text.lines().map(|line| serde_json::from_str(line).expect("each line is an object")).collect()
    }
}

/// A file of the repository.
pub(crate) fn shipped(path: &str) -> String {
    root().join(path).display().to_string()
}

fn root() -> &'static Path {
    static ROOT: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    ROOT.get_or_init(|| {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        tests.parent().expect("the package lies in the workspace").to_owned()
    })
}
