//! The README's commands, pasted.

use counterfoil_tests::binary::counterfoil;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

/// A demo on a free port, and what it printed.
struct Demo {
    child: Child,
    address: String,
    printed: Vec<String>,
}

impl Demo {
    fn start() -> Self {
        let mut child = Command::new(counterfoil())
            .args(["serve", "--demo", "--listen", "127.0.0.1:0"])
            .env("RUST_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the demo starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let mut printed = Vec::new();
        // The last line comes when everything is there.
        while let Some(line) = lines.next() {
            let last = line.starts_with("Documentation:");
            printed.push(line);
            if last {
                break;
            }
        }
        let address = printed.iter().find_map(|line| line.split_once("http://").map(|(_, rest)| rest));
        let address =
            address.expect("it says where it listens").split(' ').next().unwrap_or_default().to_owned();
        Self { child, address, printed }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command line and returns what it printed; it must succeed.
fn shell(line: &str) -> String {
    let mut command = Command::new("sh");
    let output = command.args(["-c", line]).current_dir(root()).output().expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}\nended with {}\n{said}{errors}", output.status);
    said
}

/// Command lines of a text, those that end in a backslash joined with the next.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

/// Fenced blocks of the README that follow a mark: language and text.
fn blocks(mark: &str) -> Vec<(String, String)> {
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let mut blocks = Vec::new();
    for part in readme.split(mark).skip(1) {
        let mut fences = part.split("```").skip(1).step_by(2);
        let found = fences.by_ref().take(2).map(|block| {
            let (language, text) = block.split_once('\n').unwrap_or((block, ""));
            (language.to_owned(), text.to_owned())
        });
        blocks.extend(found);
    }
    blocks
}

/// Whether the text has the pattern's pieces between `…` in order.
fn matches(pattern: &str, mut text: &str) -> bool {
    pattern.trim().split('…').all(|piece| match text.find(piece.trim()) {
        Some(at) => {
            text = &text[at + piece.trim().len()..];
            true
        }
        None => false,
    })
}

#[test]
fn the_lines_that_the_demo_prints_work_when_pasted() {
    let demo = Demo::start();
    let lines: Vec<_> =
        demo.printed.iter().filter(|line| !line.starts_with("Counterfoil")).cloned().collect();
    let calls: Vec<_> =
        commands(&lines.join("\n")).into_iter().filter(|line| line.starts_with("curl")).collect();
    assert!(calls.len() >= 4, "{:?}", demo.printed);
    let answers: Vec<_> = calls.iter().map(|call| shell(call)).collect();
    assert!(answers[0].contains("\"allowed\":true"), "{}", answers[0]);
    assert!(answers[1].contains("\"charged\":\"7\""), "{}", answers[1]);
    assert!(answers[2].contains("\"993\""), "{}", answers[2]);
}

#[test]
fn the_tour_works_when_pasted_and_answers_what_the_readme_says() {
    let demo = Demo::start();
    let blocks = blocks("<!-- tour -->");
    assert!(blocks.len() >= 6, "the README has a tour");
    for pair in blocks.chunks(2) {
        let [(_, call), (_, expected)] = pair else { panic!("a call and its answer: {pair:?}") };
        let call = call.replace("127.0.0.1:8080", &demo.address);
        let answer: String = commands(&call).iter().map(|line| shell(line)).collect();
        assert!(matches(expected, &answer), "{call}\nanswered\n{answer}\nand the README says\n{expected}");
    }
}

#[test]
fn the_other_commands_work_when_pasted() {
    let counterfoil = counterfoil().display().to_string();
    let blocks = blocks("<!-- command -->");
    assert!(!blocks.is_empty(), "the README shows commands");
    for pair in blocks.chunks(2) {
        let [(_, call), (_, expected)] = pair else { panic!("a call and what it prints: {pair:?}") };
        let call = call.replace("cargo run --release --", &counterfoil);
        let printed: String = commands(&call).iter().map(|line| shell(line)).collect();
        assert!(matches(expected, &printed), "{call}\nprinted\n{printed}\nand the README says\n{expected}");
    }
}
