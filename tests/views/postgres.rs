//! What only views in a database have: several who keep them, names that stay, rights, a connection that is cut.

use crate::home::{Home, differences, run};
use crate::traffic::{of_events, opened, read, send};
use adapters::store::postgres::Address;
use adapters::views::{Identity, Views};
use api::following::{Begin, Following};
use domain::ids::{HashKey, Name};
use domain::time::Timestamp;
use projections::read::UsageWanted;
use projections::runner::{RunError, Runner, Shelf, ViewError};
use projections::views::usage::Span;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor, Row};
use tokio::sync::watch;

const SUMMARY: &str = "/v1/account/usage-summary?account=acme";

async fn number(client: &mut PgConnection, sql: &str) -> i64 {
    client.fetch_one(AssertSqlSafe(sql)).await.unwrap().get(0)
}

/// A book whose service has ended, with its views caught up.
fn lived(home: &Home) {
    let sandbox = opened(home);
    send(&sandbox, 60);
    read(&sandbox, SUMMARY);
}

/// As after [`lived`], with views to be folded from nothing.
fn without_views() -> Home {
    let home = Home::in_database();
    lived(&home);
    home.throw_views_away();
    home
}

fn acme() -> UsageWanted {
    UsageWanted {
        account: "acme".parse::<Name>().unwrap(),
        by: Span::Month,
        from: Timestamp::EPOCH,
        to: Timestamp::from_micros(i64::MAX),
        mode: None,
        key: None,
        endpoint: None,
        after: None,
        limit: 1_000,
    }
}

#[test]
fn a_writer_and_a_standby_keep_the_same_views_and_both_read_all_of_it() {
    let home = Home::in_database();
    let sandbox = opened(&home);
    run(async {
        // What a standby does beside the writer's service.
        let log = home.log().await;
        let views = home.views(&log);
        let (engine, head) = watch::channel(0);
        let reads = views.reads();
        let standby = Following::start((std::sync::Arc::new(views), reads), log.clone(), head, Begin::Now);
        let standby = standby.expect("a thread");
        for _ in 0..10 {
            send(&sandbox, 12);
            let head = log.head().await.unwrap().position;
            engine.send_replace(head);
            while standby.standing().position < head {
                standby.fresh().await;
            }
            let page = standby.fresh().await.usage(&acme()).await.unwrap();
            assert!(page.position >= head, "{} of {head}", page.position);
            let requests: u64 = page.rows.iter().map(|(_, usage)| usage.requests).sum();
            let summary = read(&sandbox, SUMMARY).json();
            assert_eq!(summary["live"]["requests"], requests);
            assert_eq!(requests, of_events(&sandbox, "acme").requests);
        }
        assert!(standby.standing().stopped.is_none());
        standby.stop().await;
        assert_eq!(differences(&home.views(&log), &log).await, []);
    });
}

#[test]
fn several_who_fold_at_once_double_nothing_and_none_of_them_fails() {
    let home = without_views();
    run(async {
        let log = home.log().await;
        let head = log.head().await.unwrap().position;
        let follow = async || {
            let log = home.log().await;
            let mut runner = Runner::new(log.clone(), home.views(&log).open().await.unwrap());
            for until in (1..=head).step_by(7).chain([head]) {
                while runner.step(until).await.unwrap() < until {}
            }
        };
        tokio::join!(follow(), follow(), follow());
        assert_eq!(differences(&home.views(&log), &log).await, []);
    });
}

#[test]
fn who_folds_in_turn_with_another_forgets_what_it_remembered_of_the_rows() {
    let home = without_views();
    run(async {
        let log = home.log().await;
        let head = log.head().await.unwrap().position;
        let mut runners = Vec::new();
        for _ in 0..2 {
            runners.push(Runner::new(log.clone(), home.views(&log).open().await.unwrap()));
        }
        for (turn, until) in (1..=head).step_by(9).chain([head]).enumerate() {
            while runners[turn % 2].step(until).await.unwrap() < until {}
        }
        assert_eq!(differences(&home.views(&log), &log).await, []);
    });
}

/// A step is held up by another session's lock, and its connection ended in the middle of it.
#[test]
fn a_connection_that_is_cut_in_a_step_leaves_nothing_and_the_next_goes_on() {
    let home = without_views();
    run(async {
        let log = home.log().await;
        let (views, head) = (home.views(&log), log.head().await.unwrap().position);
        let mut runner = Runner::new(log.clone(), views.open().await.unwrap());
        runner.step(head / 2).await.unwrap();
        let (mut locker, mut operator) = (home.database().client().await, home.database().client().await);
        let mut lock = locker.begin().await.unwrap();
        lock.execute("LOCK TABLE views.statement").await.unwrap();
        let waiting = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                       WHERE wait_event_type = 'Lock' AND datname = current_database()";
        let cut = async { while number(&mut operator, waiting).await == 0 {} };
        let (step, ()) = tokio::join!(runner.step(head), cut);
        let failed = step.unwrap_err();
        assert!(failed.is_passing(), "{failed:?}");
        assert!(matches!(failed, RunError::View { cause: ViewError::Rows(_), .. }), "{failed:?}");
        lock.rollback().await.unwrap();
        let mut runner = Runner::new(log.clone(), views.open().await.unwrap());
        while runner.step(head).await.unwrap() < head {}
        assert_eq!(differences(&views, &log).await, []);
    });
}

#[test]
fn readers_and_followers_go_on_when_the_database_has_ended_every_connection() {
    let home = Home::in_database();
    let sandbox = opened(&home);
    for _ in 0..3 {
        send(&sandbox, 10);
        let summary = read(&sandbox, SUMMARY).json();
        assert_eq!(summary["live"]["requests"], of_events(&sandbox, "acme").requests);
        run(async {
            let others = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                          WHERE pid <> pg_backend_pid() AND datname = current_database()";
            assert!(number(&mut home.database().client().await, others).await > 2);
        });
    }
}

#[test]
fn rows_of_another_fold_or_another_book_are_made_anew_by_whoever_starts() {
    let home = Home::in_database();
    lived(&home);
    for other in ["version = 0", "book = 'another'"] {
        let before = home.in_use("holds");
        home.execute("holds", &format!("UPDATE views.checkpoint SET {other} WHERE view = 'holds'"));
        run(async {
            let log = home.log().await;
            let (views, head) = (home.views(&log), log.head().await.unwrap().position);
            let mut runner = Runner::new(log.clone(), views.open().await.unwrap());
            assert_eq!(runner.position().await.unwrap(), 0, "{other}");
            while runner.step(head).await.unwrap() < head {}
            assert_eq!(differences(&views, &log).await, []);
        });
        assert_ne!(home.in_use("holds"), before, "{other}");
    }
}

#[test]
fn of_two_releases_the_one_that_was_there_before_stands_still() {
    let home = Home::in_database();
    lived(&home);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let log = runtime.block_on(home.log());
    let views = home.views(&log);
    let mut runner = Runner::new(log, runtime.block_on(views.open()).unwrap());
    home.execute("holds", "UPDATE views.checkpoint SET version = 99 WHERE view = 'holds'");
    let kept = home.in_use("holds");
    let refused = runtime.block_on(runner.position()).unwrap_err();
    assert!(refused.is_passing(), "{refused:?}");
    assert!(runtime.block_on(views.open()).is_err(), "nor when it tries again");
    assert_eq!(home.in_use("holds"), kept);
}

#[test]
fn a_rebuild_that_was_cut_off_leaves_nothing_for_the_next() {
    let home = Home::in_database();
    lived(&home);
    run(async {
        let log = home.log().await;
        let views = home.views(&log);
        let fresh = views.fresh("usage").await.unwrap();
        let second = views.fresh("usage").await.err().expect("one at a time");
        assert!(matches!(second, ViewError::Rows(_)), "{second:?}");
        drop(fresh);
        let mut client = home.database().client().await;
        // The server lets go of the lock once it has seen that the other end is gone.
        let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
        while number(&mut client, locks).await > 0 {}
        views.fresh("usage").await.unwrap().discard().await.unwrap();
        let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'views\\_usage\\_%'";
        assert_eq!(number(&mut client, schemas).await, 1);
    });
}

#[test]
fn texts_are_in_the_order_of_their_bytes_whatever_the_database_is_set_to() {
    let home = Home::in_database();
    lived(&home);
    let others = "SELECT count(*) FROM information_schema.columns WHERE table_schema LIKE 'views\\_%' \
                  AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'";
    run(async { assert_eq!(number(&mut home.database().client().await, others).await, 0) });
}

#[test]
fn a_writer_without_rights_to_the_log_s_schema_keeps_views_and_a_reader_reads_them() {
    let home = Home::in_database();
    lived(&home);
    run(async {
        let (database, mut client) = (home.database(), home.database().client().await);
        // Roles belong to the whole server, so the test's have names of their own.
        let roles = include_str!("../../migrations/roles_postgres.sql")
            .replace("counterfoil_writer", &format!("{}_keeper", database.name))
            .replace("counterfoil_reader", &format!("{}_looker", database.name));
        client.execute(sqlx::raw_sql(AssertSqlSafe(roles))).await.unwrap();
        let user = format!("user={}_keeper", database.name);
        let address: Address = database.url().replace("user=postgres", &user).parse().unwrap();
        let log = home.log().await;
        let head = log.head().await.unwrap().position;
        let views = Views::on(&address, Identity { id: log.book().id, key: HashKey([7; 16]) });
        let mut runner = Runner::new(log.clone(), views.open().await.unwrap());
        while runner.step(head).await.unwrap() < head {}
        assert!(!views.reads().usage(&acme()).await.unwrap().rows.is_empty());
        let looker = format!("SET ROLE {}_looker", database.name);
        client.execute(AssertSqlSafe(looker)).await.unwrap();
        assert!(number(&mut client, "SELECT count(*) FROM views.requests").await > 0);
        assert!(client.execute("DELETE FROM views.requests").await.is_err());
        client.execute("RESET ROLE").await.unwrap();
        drop(runner);
        for role in ["keeper", "looker"] {
            let drop = format!("DROP OWNED BY {0}_{role} CASCADE; DROP ROLE {0}_{role}", database.name);
            client.execute(sqlx::raw_sql(AssertSqlSafe(drop))).await.unwrap();
        }
    });
}
