//! A disk that fails when it is told to: `faults.c`, loaded into the server.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A call on the book's files that can be made to fail; `faults.c` says what each one is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Call {
    Grow,
    Write,
    Sync,
    Move,
    Open,
    Read,
}

/// What the system says when it fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Errno {
    /// `EIO`
    Io = 5,
    /// `ENOSPC`
    NoSpace = 28,
    /// `EROFS`
    ReadOnly = 30,
}

/// The faults of one book's disk. None at first.
pub(crate) struct Disk {
    faults: PathBuf,
    book: PathBuf,
}

impl Disk {
    /// The disk under `book`, which need not exist yet, with its switches in a folder beside it.
    pub(crate) fn of(book: &Path) -> Self {
        let faults = book.with_extension("faults");
        fs::create_dir_all(&faults).expect("a folder for the switches");
        Self { faults, book: book.to_owned() }
    }

    /// From now on this call fails.
    pub(crate) fn fail(&self, call: Call, errno: Errno) {
        // Renamed into place: the server must never read half of it.
        let unfinished = self.faults.join("unfinished");
        fs::write(&unfinished, (errno as i32).to_string()).expect("a switch");
        fs::rename(unfinished, self.switch(call)).expect("a switch");
    }

    /// From now on it succeeds again.
    pub(crate) fn mend(&self, call: Call) {
        fs::remove_file(self.switch(call)).expect("a switch that was set");
    }

    /// Puts a command's files on this disk.
    pub(crate) fn put_under(&self, command: &mut Command) {
        command.env("LD_PRELOAD", library()).env("FAULTS", &self.faults).env("BOOK", &self.book);
    }

    fn switch(&self, call: Call) -> PathBuf {
        self.faults.join(match call {
            Call::Grow => "grow",
            Call::Write => "write",
            Call::Sync => "sync",
            Call::Move => "move",
            Call::Open => "open",
            Call::Read => "read",
        })
    }
}

/// The compiled `faults.c`.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (library, own) =
            (folder.join("faults.so"), folder.join(format!("faults.{}", std::process::id())));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("crash/faults.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-Wall", "-Werror", "-o"]).arg(&own).arg(source);
        let status = compiler.status().expect("there is a C compiler, as cargo needs one too");
        assert!(status.success(), "faults.c compiles");
        // Another run of these tests may be loading the one that is there.
        fs::rename(own, &library).expect("the library");
        library
    })
}
