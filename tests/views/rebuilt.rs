//! Views folded anew: the same rows, the same bytes, and put into place while the service answers.

use crate::home::{Home, differences, run};
use crate::traffic::{of_events, opened, read, send};
use adapters::views::Views;
use projections::runner::{Runner, Shelf};
use serde_json::Value;
use std::process::Output;

on_every_database!(
    rebuilt_views_are_the_same_and_a_second_rebuild_gives_the_same_bytes,
    the_service_answers_during_a_rebuild_and_goes_on_with_the_rebuilt_views,
    a_row_that_differs_is_named_and_a_check_changes_nothing,
    views_that_were_thrown_away_are_made_again_by_a_start,
    a_view_that_was_cut_off_in_the_middle_of_a_step_resumes_with_nothing_doubled,
);

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn rebuilt_views_are_the_same_and_a_second_rebuild_gives_the_same_bytes(home: &Home) {
    let sandbox = opened(home);
    send(&sandbox, 60);
    sandbox.catch_up();
    drop(sandbox);
    let mut contents = Vec::new();
    for _ in 0..2 {
        let output = home.rebuild(&[]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(
            said(&output).matches(": the same at position ").count(),
            Views::NAMES.len(),
            "{}",
            said(&output)
        );
        contents.push(home.contents());
    }
    assert!(contents[0] == contents[1], "they differ");
}

fn the_service_answers_during_a_rebuild_and_goes_on_with_the_rebuilt_views(home: &Home) {
    let sandbox = opened(home);
    send(&sandbox, 40);
    let path = "/v1/account/usage-summary?account=acme";
    sandbox.catch_up();
    for _ in 0..3 {
        let rebuilding = std::thread::scope(|scope| {
            let rebuilding = scope.spawn(|| home.rebuild(&[]));
            while !rebuilding.is_finished() {
                send(&sandbox, 5);
                sandbox.gateway("GET", path, &Value::Null).expect(200);
            }
            rebuilding.join().expect("a rebuild")
        });
        assert!(rebuilding.status.success(), "{}", said(&rebuilding));
    }
    let before = home.in_use("usage");
    send(&sandbox, 5);
    let summary = read(&sandbox, path).json();
    assert_eq!(summary["live"]["requests"], of_events(&sandbox, "acme").requests);
    drop(sandbox);
    assert_eq!(home.in_use("usage"), before, "the rebuilt view is the one that is kept");
    assert!(home.rebuild(&["--check"]).status.success());
}

fn a_row_that_differs_is_named_and_a_check_changes_nothing(home: &Home) {
    let sandbox = opened(home);
    send(&sandbox, 20);
    sandbox.catch_up();
    drop(sandbox);
    let sql =
        "UPDATE statement SET credit_after = '1' WHERE position = (SELECT max(position) FROM statement)";
    home.execute("statement", sql);
    for _ in 0..2 {
        let check = home.rebuild(&["--check", "--only", "statement"]);
        assert_eq!(check.status.code(), Some(1), "{check:?}");
        assert!(said(&check).contains("statement, only in use: account="), "{}", said(&check));
        assert!(said(&check).contains("credit_after=1 "), "{}", said(&check));
    }
    let mended = home.rebuild(&["--only", "statement"]);
    assert!(said(&mended).contains("it was replaced"), "{}", said(&mended));
    assert!(home.rebuild(&["--check"]).status.success());
}

fn views_that_were_thrown_away_are_made_again_by_a_start(home: &Home) {
    let sandbox = opened(home);
    send(&sandbox, 30);
    let path = "/v1/account/statement?account=acme&limit=1000";
    let before = read(&sandbox, path).json();
    drop(sandbox);
    home.throw_views_away();
    let sandbox = home.payg();
    assert_eq!(read(&sandbox, path).json()["lines"], before["lines"]);
}

fn a_view_that_was_cut_off_in_the_middle_of_a_step_resumes_with_nothing_doubled(home: &Home) {
    let sandbox = opened(home);
    send(&sandbox, 40);
    drop(sandbox);
    home.throw_views_away();
    run(async {
        let log = home.log().await;
        let (views, head) = (home.views(&log), log.head().await.unwrap().position);
        // A step is a future that touches every view; it is dropped after so many of its polls. One of a database is
        // polled for each of its answers.
        for polls in (0..60).chain((60..300).step_by(6)) {
            let mut runner = Runner::new(log.clone(), views.open().await.unwrap());
            let until = head.min(5 * polls);
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
