//! The executable `counterfoil`, built once for the tests that run it as its users do.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Where the executable is. The first call of a process builds it, with the profile of the test itself.
pub fn counterfoil() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(build)
}

/// Cargo tells the path of an executable only to tests of its own package, so it is asked to build it (which is
/// nothing when it is built) next to the test. `--workspace` chooses the same features as `cargo test` did.
fn build() -> PathBuf {
    let test = env::current_exe().expect("a test has a path");
    let profile = test.ancestors().nth(2).expect("a test lies in TARGET/PROFILE/deps");
    let target = profile.parent().expect("a profile's folder lies in the target folder");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--quiet", "--locked", "--workspace", "--bin", "counterfoil"])
        .args(["--profile", profile_name(profile), "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo can be run");
    assert!(status.success(), "the executable is built");
    profile.join(format!("counterfoil{}", env::consts::EXE_SUFFIX))
}

/// The folder is named after the profile, but for the two that cargo calls otherwise.
fn profile_name(folder: &Path) -> &str {
    match folder.file_name().and_then(|name| name.to_str()).expect("a profile's name is text") {
        "debug" => "dev",
        name => name,
    }
}
