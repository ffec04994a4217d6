//! The command on real files: a sound log, one that was changed by hand, and none.

use super::{CannotRun, Verify};
use crate::engine::FOLD_VERSION;
use adapters::snapshot::{SnapshotHeader, Snapshots};
use adapters::store::sqlite::SqliteStore;
use adapters::vault::Vault;
use domain::book::{Book, Bounds};
use domain::command::{AccountAct, Action, Ask, Caller, Command, Grant, Publish};
use domain::event::{Entry, Event, RequestTag};
use domain::ledger::LotKind;
use domain::log::{
    AppendOutcome, BookId, BookInfo, BookKind, ChainHash, EventStore, Frame, FrameBuilder, codec,
};
use domain::policy::Policy;
use domain::time::{Calendar, Timestamp};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const POLICY: &str = include_str!("../../../../policies/payg-tokens.toml");

fn info() -> BookInfo {
    BookInfo { id: BookId([9; 16]), kind: BookKind::Wall, created: Timestamp::EPOCH, store: None }
}

/// A small life of an account: opened, funded, one request.
fn commands() -> Vec<Action> {
    let account = || "acme".parse().expect("a name");
    let act = |act| Action::Account { account: account(), act };
    let policy = Arc::new(Policy::from_toml(POLICY).expect("a policy"));
    let grant = Grant::new(LotKind::Grant, "100".parse().expect("an amount"));
    let chars = domain::command::Value::Number(1_200.into());
    let asked = Ask::new(Caller::Account(account()), "/api/v1/ai/image-generation");
    let ask = Ask { attributes: vec![("chars".parse().expect("a name"), chars)], ..asked };
    vec![
        Action::Publish(Publish::Policy { policy, effective: None, emergency: None }),
        act(AccountAct::Open { plan: None, owner: None, calendar: Calendar::default(), opened: None }),
        act(AccountAct::Grant(grant)),
        Action::Request(Box::new(ask)),
    ]
}

/// Writes a log into the folder, and returns its last frame and the book.
fn write(folder: &Path, change: impl Fn(&mut Entry)) -> (Frame, Book) {
    write_all(folder, commands(), change)
}

fn write_all(folder: &Path, actions: Vec<Action>, change: impl Fn(&mut Entry)) -> (Frame, Book) {
    let vault = Vault::open(folder, info().id, true).expect("keys");
    let mut book = Book::new(vault.hash_key(), Bounds::default());
    let (mut entries, at) = (Vec::new(), Timestamp::from_micros(1_700_000_000_000_000));
    for action in actions {
        let command = Command { actor: "operator:ann".into(), request: None, action };
        book.execute(&command, at, &mut entries).expect("accepted");
    }
    entries.iter_mut().for_each(change);
    let mut builder = FrameBuilder::open(1, ChainHash::ZERO);
    for entry in &entries {
        let mut text = Vec::new();
        codec::encode(entry, &mut text).expect("encodes");
        builder.push(&String::from_utf8(text).expect("text"));
    }
    let frame = builder.finish().expect("events");
    runtime().block_on(async {
        let store = SqliteStore::open(folder, info()).await.expect("a store");
        assert_eq!(store.append(&frame).await.expect("appended"), AppendOutcome::Appended);
        store.close().await.expect("closed");
    });
    (frame, book)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn snapshot(folder: &Path, frame: &Frame, book: &Book) {
    let header = SnapshotHeader {
        book: info().id,
        fold_version: FOLD_VERSION,
        position: frame.end(),
        hash: frame.last(),
    };
    Snapshots::in_dir(folder).write(&header, &book.freeze()).expect("a snapshot");
}

fn verify(folder: &Path, expect_head: Option<ChainHash>) -> (Result<bool, CannotRun>, String) {
    let mut out = Vec::new();
    let result = Verify { data: folder.to_owned(), store: None, config: None, expect_head }.run(&mut out);
    (result, String::from_utf8(out).expect("text"))
}

#[test]
fn a_sound_log_passes_and_the_report_shows_head_and_every_invariant() {
    let folder = TempDir::new().expect("a folder");
    let (frame, book) = write(folder.path(), |_| ());
    snapshot(folder.path(), &frame, &book);

    let (passed, text) = verify(folder.path(), Some(frame.last()));

    assert!(passed.expect("a report"), "{text}");
    assert!(text.starts_with(&format!("head {} {}\n", frame.end(), frame.last())), "{text}");
    for line in ["L1  ok ", "L2  ok ", "M4  ok ", "A1  not visible in a log "] {
        assert!(text.lines().any(|own| own.starts_with(line)), "{line} in {text}");
    }
}

#[test]
fn without_a_snapshot_l2_is_not_compared_and_the_log_passes() {
    let folder = TempDir::new().expect("a folder");
    write(folder.path(), |_| ());

    let (passed, text) = verify(folder.path(), None);

    assert!(passed.expect("a report"), "{text}");
    assert!(text.contains("L2  not compared"), "{text}");
}

#[test]
fn another_head_than_the_one_noted_down_fails() {
    let folder = TempDir::new().expect("a folder");
    let (frame, _) = write(folder.path(), |_| ());

    let (passed, text) = verify(folder.path(), Some(frame.previous()));

    assert!(!passed.expect("a report"));
    assert!(text.contains("the head is not the one expected"), "{text}");
}

#[test]
fn what_a_book_remembered_is_told_by_its_configuration() {
    let folder = TempDir::new().expect("a folder");
    let ask = || commands().remove(3);
    let actions = commands().into_iter().chain([ask(), ask()]).collect();
    write_all(folder.path(), actions, |entry| {
        // The same id twice, with another one between them.
        let id = if entry.position % 2 == 0 { "even" } else { "odd" };
        if matches!(entry.event, Event::RequestAdmitted(_)) {
            entry.request = Some(RequestTag { id: id.into(), fingerprint: 1 });
        }
    });
    let config = folder.path().join("counterfoil.toml");
    std::fs::write(&config, "[bounds]\nids = 1\n").expect("a file");

    let (passed, text) = verify(folder.path(), None);
    assert!(!passed.expect("a report") && text.contains("D1  1 finding"), "{text}");

    let verify =
        Verify { data: folder.path().to_owned(), store: None, config: Some(config), expect_head: None };
    assert!(verify.run(&mut Vec::new()).expect("a report"));
}

#[test]
fn a_log_rewritten_with_hashes_that_fit_still_fails_by_its_money() {
    let folder = TempDir::new().expect("a folder");
    write(folder.path(), |entry| {
        if let Event::CreditGranted(event) = &mut entry.event {
            event.granted.lot.amount = "1000000".parse().expect("an amount");
        }
    });

    let (passed, text) = verify(folder.path(), None);

    assert!(!passed.expect("a report"));
    assert!(text.contains("M2 at 4 (account-acme): available: expected 1000000, found 100"), "{text}");
}

#[test]
fn a_snapshot_of_another_state_fails() {
    let folder = TempDir::new().expect("a folder");
    let (frame, book) = write(folder.path(), |_| ());
    let mut other = Book::new(book.hash_key(), Bounds::default());
    let command = Command { actor: "operator:ann".into(), request: None, action: commands().remove(0) };
    other.execute(&command, Timestamp::EPOCH, &mut Vec::new()).expect("accepted");
    snapshot(folder.path(), &frame, &other);

    let (passed, text) = verify(folder.path(), None);

    assert!(!passed.expect("a report"));
    assert!(text.contains("L2  1 finding"), "{text}");
}

#[test]
fn a_folder_without_a_log_cannot_be_audited() {
    let folder = TempDir::new().expect("a folder");

    let (result, _) = verify(folder.path(), None);

    assert!(matches!(result, Err(CannotRun::Open(_))));
}
