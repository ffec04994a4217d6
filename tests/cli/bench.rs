//! `counterfoil bench`: it loads a server and says what it saw. What the figures are is no test's concern.

use crate::world::{run, run_with};
use adapters::views::Views;
use counterfoil_tests::cluster::Cluster;
use counterfoil_tests::sandbox::{GATEWAY, OPERATOR, Sandbox};

fn rows(out: &str) -> Vec<Vec<&str>> {
    let cells = |line| str::split_whitespace(line).collect::<Vec<_>>();
    out.lines()
        .map(cells)
        .filter(|cells| matches!(cells[..], ["no-op" | "spread" | "hot" | "stream", ..]))
        .collect()
}

#[test]
fn it_loads_a_server_of_its_own_and_prints_a_row_for_each_load() {
    let run = run(&["bench", "--connections", "2", "--seconds", "1", "--accounts", "3"]);
    assert!(run.good, "{run:?}");
    let rows = rows(&run.out);
    let loads: Vec<_> = rows.iter().map(|row| (row[0], row[1])).collect();
    assert_eq!(loads, [("no-op", "2"), ("spread", "2"), ("hot", "2"), ("stream", "4")]);
    for row in &rows {
        assert!(row[2].parse::<u64>().is_ok_and(|rate| rate > 0), "{row:?}");
        assert_eq!(row.last(), Some(&"0"), "nobody is refused: {row:?}");
    }
    assert!(run.out.contains("events per decision: 1.00"), "{}", run.out);
    assert!(run.out.contains("bytes in the log per decision: "), "{}", run.out);
}

#[test]
fn its_server_takes_snapshots_after_as_many_events_as_it_is_told() {
    let load = ["bench", "--connections", "2", "--seconds", "1", "--accounts", "3", "--spread"];
    for (every, taken) in [("1", true), ("0", false)] {
        let run = run_with([("COUNTERFOIL_BOUNDS__SNAPSHOT_EVERY", every)], &load);
        assert!(run.good, "{run:?}");
        assert_eq!(
            run.out.contains("last snapshot meanwhile: of event "),
            taken,
            "every {every}: {}",
            run.out
        );
    }
}

#[test]
fn it_loads_a_running_server_again_and_again() {
    let sandbox = Sandbox::start("payg-tokens");
    let url = format!("http://{}", sandbox.address());
    let common = ["--url", &url, "--gateway-token", GATEWAY, "--operator-token", OPERATOR];
    let load = ["bench", "--connections", "2", "--seconds", "1", "--accounts", "3", "--spread"];
    let arguments = [&load[..], &common[..]].concat();
    for time in ["first", "second"] {
        let run = run(&arguments);
        assert!(run.good, "the {time} time: {run:?}");
        assert_eq!(rows(&run.out).len(), 2, "{}", run.out);
        assert!(!run.out.contains("bytes"), "another server's files cannot be seen: {}", run.out);
    }
    let accounts = sandbox.events("type=AccountOpened");
    assert_eq!(accounts.len(), 3);
}

#[test]
fn read_models_and_the_past_are_measured_in_a_database_too() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (views, past) =
        runtime.block_on(async { (Cluster::shared().database().await, Cluster::shared().database().await) });
    let log = ["--events", "2000", "--accounts", "50"];
    let kept =
        run_with([("COUNTERFOIL_BENCH_STORE", views.url())], &[&["bench", "views"][..], &log].concat());
    assert!(kept.good && !kept.err.contains("notice"), "{kept:?}");
    for name in ["all views, caught up"].iter().chain(Views::NAMES.iter()) {
        assert!(kept.out.contains(&format!("{name}: ")), "{name}: {}", kept.out);
    }
    let looks = [&["bench", "past", "--looks", "10"][..], &log].concat();
    let past = run_with([("COUNTERFOIL_BENCH_STORE", past.url())], &looks);
    assert!(past.good && past.out.contains("credit as of a past event: p50"), "{past:?}");
}

#[test]
fn it_prints_what_grows_with_what() {
    let run = run(&["bench", "growth", "--events", "10000", "--accounts", "1000", "--decisions", "10"]);
    assert!(run.good, "{run:?}");
    let points = |curve: &str| run.out.lines().filter(|line| line.trim_start().starts_with(curve)).count();
    let curves =
        ["accounts", "limits of the policy", "events in the log", "open holds", "events of a commit"];
    assert_eq!(curves.map(points), [1, 5, 1, 5, 4], "{}", run.out);
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let lone = run(&["bench", "--url", "http://127.0.0.1:1"]);
    assert!(!lone.good && lone.err.contains("--gateway-token"), "{lone:?}");
    let tokens = ["--gateway-token", "g", "--operator-token", "o"];
    let wrong = run(&[&["bench", "--url", "https://127.0.0.1:1"][..], &tokens[..]].concat());
    assert!(!wrong.good && wrong.err.contains("--url must be http://HOST:PORT"), "{wrong:?}");
}
