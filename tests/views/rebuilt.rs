//! Views folded anew: the same rows, the same bytes, and put into place while the service answers.

use crate::traffic::{of_events, opened, send};
use adapters::store::sqlite::SqliteStore;
use adapters::views::{Difference, Views};
use counterfoil_tests::binary::counterfoil;
use domain::log::EventStore;
use projections::runner::{Runner, Shelf};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use tempfile::TempDir;

fn rebuild(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(counterfoil());
    command.arg("rebuild").arg("--data").arg(folder).args(more);
    command.output().expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The file of a view's newest generation.
pub(crate) fn newest(folder: &Path, view: &str) -> PathBuf {
    let files = std::fs::read_dir(folder.join("views")).expect("a folder").flatten().map(|file| file.path());
    let is_it = |file: &PathBuf| {
        let stem = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        stem.starts_with(&format!("{view}-")) && file.extension().is_some_and(|extension| extension == "db")
    };
    files.filter(is_it).max().expect("a file")
}

#[test]
fn rebuilt_views_are_the_same_and_a_second_rebuild_gives_the_same_bytes() {
    let folder = TempDir::new().unwrap();
    let sandbox = opened(folder.path());
    send(&sandbox, 60);
    sandbox.gateway("GET", "/v1/account/usage?account=acme", &Value::Null).expect(200);
    drop(sandbox);
    let mut bytes = Vec::new();
    for _ in 0..2 {
        let output = rebuild(folder.path(), &[]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(said(&output).matches(": the same at position ").count(), 8, "{}", said(&output));
        bytes.push(Views::NAMES.map(|view| std::fs::read(newest(folder.path(), view)).unwrap()));
    }
    assert!(bytes[0] == bytes[1], "the files differ");
}

#[test]
fn the_service_answers_during_a_rebuild_and_goes_on_with_the_rebuilt_views() {
    let folder = TempDir::new().unwrap();
    let sandbox = opened(folder.path());
    send(&sandbox, 40);
    let path = "/v1/account/usage-summary?account=acme";
    for _ in 0..3 {
        let rebuilding = std::thread::scope(|scope| {
            let rebuilding = scope.spawn(|| rebuild(folder.path(), &[]));
            while !rebuilding.is_finished() {
                send(&sandbox, 5);
                sandbox.gateway("GET", path, &Value::Null).expect(200);
            }
            rebuilding.join().expect("a rebuild")
        });
        assert!(rebuilding.status.success(), "{}", said(&rebuilding));
    }
    let before = newest(folder.path(), "usage");
    send(&sandbox, 5);
    let summary = sandbox.gateway("GET", path, &Value::Null).expect(200).json();
    assert_eq!(summary["live"]["requests"], of_events(&sandbox, "acme").requests);
    drop(sandbox);
    assert_eq!(newest(folder.path(), "usage"), before, "the rebuilt view is the one that is kept");
    assert!(rebuild(folder.path(), &["--check"]).status.success());
}

#[test]
fn a_row_that_differs_is_named_and_a_check_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let sandbox = opened(folder.path());
    send(&sandbox, 20);
    sandbox.gateway("GET", "/v1/account/usage?account=acme", &Value::Null).expect(200);
    drop(sandbox);
    run(async {
        let file = newest(folder.path(), "statement");
        let mut connection = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        connection = connection.foreign_keys(true);
        let mut connection = sqlx::ConnectOptions::connect(&connection).await.unwrap();
        let sql =
            "UPDATE statement SET credit_after = '1' WHERE position = (SELECT max(position) FROM statement)";
        sqlx::query(sql).execute(&mut connection).await.unwrap();
        sqlx::Connection::close(connection).await.unwrap();
    });
    for _ in 0..2 {
        let check = rebuild(folder.path(), &["--check", "--only", "statement"]);
        assert_eq!(check.status.code(), Some(1), "{check:?}");
        assert!(said(&check).contains("statement, only in use: account="), "{}", said(&check));
        assert!(said(&check).contains("credit_after=1 "), "{}", said(&check));
    }
    let mended = rebuild(folder.path(), &["--only", "statement"]);
    assert!(said(&mended).contains("it was replaced"), "{}", said(&mended));
    assert!(rebuild(folder.path(), &["--check"]).status.success());
}

#[test]
fn views_that_were_thrown_away_are_made_again_by_a_start() {
    let folder = TempDir::new().unwrap();
    let sandbox = opened(folder.path());
    send(&sandbox, 30);
    let path = "/v1/account/statement?account=acme&limit=1000";
    let before = sandbox.gateway("GET", path, &Value::Null).expect(200).json();
    drop(sandbox);
    std::fs::remove_dir_all(folder.path().join("views")).unwrap();
    let sandbox = crate::traffic::payg(folder.path());
    assert_eq!(sandbox.gateway("GET", path, &Value::Null).expect(200).json()["lines"], before["lines"]);
}

#[test]
fn a_view_that_was_cut_off_in_the_middle_of_a_step_resumes_with_nothing_doubled() {
    let folder = TempDir::new().unwrap();
    let sandbox = opened(folder.path());
    send(&sandbox, 40);
    drop(sandbox);
    run(async {
        let log: Arc<dyn EventStore> = Arc::new(SqliteStore::open_read_only(folder.path()).await.unwrap());
        let (views, head) = (Views::of(folder.path(), log.book().id), log.head().await.unwrap().position);
        std::fs::remove_dir_all(folder.path().join("views")).unwrap();
        // A step is a future that touches seven files; it is dropped after so many of its polls.
        for polls in 0..60 {
            let mut runner = Runner::new(log.clone(), views.open().await.unwrap());
            let until = head.min(10 * polls);
            let step = runner.step(until);
            poll_some(step, polls).await;
        }
        let mut runner = Runner::new(log.clone(), views.open().await.unwrap());
        while runner.step(head).await.unwrap() < head {}
        drop(runner);
        assert_eq!(differences(&views, &log).await, []);
    });
}

/// Polls a future so many times at most, then gives it up.
async fn poll_some<F: Future>(future: F, polls: u64) {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        left = left.saturating_sub(1);
        if future.as_mut().poll(context).is_ready() || left == 0 {
            return std::task::Poll::Ready(());
        }
        std::task::Poll::Pending
    })
    .await;
}

/// What every view in use does not share with the log.
async fn differences(views: &Views, log: &Arc<dyn EventStore>) -> Vec<Difference> {
    let mut found = Vec::new();
    for name in Views::NAMES {
        let mut fresh = views.fresh(name).await.unwrap();
        let until = fresh.hold_still().await.unwrap().expect("a view in use");
        let mut runner = Runner::new(log.clone(), vec![fresh]);
        while runner.step(until).await.unwrap() < until {}
        fresh = runner.views().pop().expect("the view");
        found.extend(fresh.compare().await.unwrap());
        fresh.discard().await.unwrap();
    }
    found
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
