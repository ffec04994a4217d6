//! What only the SQLite store has: a lock, triggers, a view, files, a disk that fills.

use adapters::store::sqlite::{OpenError, SqliteStore};
use counterfoil_tests::contract::{after, book, frame, open_frame};
use domain::log::{AppendOutcome, BookKind, EventStore, Frame, Head, StoreError};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

async fn open(dir: &TempDir) -> SqliteStore {
    SqliteStore::open(dir.path(), book(BookKind::Wall)).await.unwrap()
}

async fn append(store: &SqliteStore, count: u32) -> Frame {
    let next = frame(store.head().await.unwrap(), count, "x");
    assert_eq!(store.append(&next).await.unwrap(), AppendOutcome::Appended);
    next
}

/// Anyone's SQLite client on the file.
async fn client(dir: &TempDir) -> SqliteConnection {
    SqliteConnectOptions::new().filename(dir.path().join("events.db")).connect().await.unwrap()
}

async fn sql(connection: &mut SqliteConnection, text: &str) -> Result<u64, String> {
    let done = sqlx::query(AssertSqlSafe(text)).execute(connection).await;
    done.map(|done| done.rows_affected()).map_err(|error| error.to_string())
}

/// Changes a row behind the store's back, as a failing disk or a meddler would.
async fn meddle(dir: &TempDir, statement: &str) {
    let mut client = client(dir).await;
    for trigger in ["frames_are_never_changed", "frames_are_never_deleted"] {
        sql(&mut client, &format!("DROP TRIGGER {trigger}")).await.unwrap();
    }
    assert_eq!(sql(&mut client, statement).await, Ok(1));
    client.close().await.unwrap();
}

#[tokio::test]
async fn a_second_opener_is_refused_and_told_why() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    let Err(error) = SqliteStore::open(dir.path(), book(BookKind::Wall)).await else {
        panic!("opened twice")
    };
    assert!(matches!(error, OpenError::InUse { .. }));
    assert_eq!(
        error.to_string(),
        format!("another counterfoil has the book in {} open", dir.path().display())
    );
    store.close().await.unwrap();
    open(&dir).await;
}

#[tokio::test]
async fn others_may_read_while_the_service_writes() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    let one = append(&store, 3).await;
    let reader = SqliteStore::open_read_only(dir.path()).await.unwrap();
    assert_eq!(reader.read(1, 100).await.unwrap(), [one]);
    let two = append(&store, 2).await;
    assert_eq!(reader.head().await.unwrap(), after(&two));
    assert_eq!(reader.book(), store.book());
    let refused = reader.append(&frame(after(&two), 1, "x")).await;
    assert!(matches!(refused, Err(StoreError::NotWritten(_))));
    reader.close().await.unwrap();
    append(&store, 1).await;
}

#[tokio::test]
async fn a_checkpoint_leaves_nothing_in_the_write_ahead_log_or_says_who_stood_in_the_way() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    append(&store, 3).await;
    let mut client = client(&dir).await;
    let mut reading = client.begin().await.unwrap();
    sqlx::query("SELECT * FROM frames").fetch_one(&mut *reading).await.unwrap();
    append(&store, 1).await;
    let refused = store.checkpoint().await;
    assert!(matches!(refused, Err(StoreError::NotWritten(_))), "{refused:?}");
    reading.rollback().await.unwrap();
    store.checkpoint().await.unwrap();
    assert_eq!(std::fs::metadata(dir.path().join("events.db-wal")).unwrap().len(), 0);
}

#[tokio::test]
async fn a_book_that_nobody_serves_can_be_read() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    let one = append(&store, 3).await;
    store.close().await.unwrap();
    let reader = SqliteStore::open_read_only(dir.path()).await.unwrap();
    assert_eq!(reader.read(1, 100).await.unwrap(), [one]);
}

#[tokio::test]
async fn reading_makes_no_book() {
    let dir = TempDir::new().unwrap();
    assert!(matches!(SqliteStore::open_read_only(dir.path()).await, Err(OpenError::NoBook { .. })));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_book_never_changes_its_kind() {
    let dir = TempDir::new().unwrap();
    open(&dir).await.close().await.unwrap();
    let refused = SqliteStore::open(dir.path(), book(BookKind::Sandbox)).await;
    assert!(matches!(
        refused,
        Err(OpenError::OtherKind { found: BookKind::Wall, wanted: BookKind::Sandbox })
    ));
}

#[tokio::test]
async fn no_sql_client_can_edit_the_log() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    let written = [append(&store, 3).await, append(&store, 2).await];
    let mut client = client(&dir).await;
    let row = |first: u64, previous: &str| {
        format!("INTO frames VALUES ({first}, 1, {previous}, randomblob(32), '[{{}}]')")
    };
    let last = "(SELECT last_hash FROM frames ORDER BY first DESC LIMIT 1)";
    let refused = [
        "UPDATE frames SET events = '[1]' WHERE first = 4".to_owned(),
        "UPDATE frames SET first = 9 WHERE first = 4".to_owned(),
        "DELETE FROM frames WHERE first = 4".to_owned(),
        "DELETE FROM frames".to_owned(),
        format!("INSERT OR REPLACE {}", row(4, "(SELECT last_hash FROM frames WHERE first = 1)")),
        format!("REPLACE {}", row(1, "zeroblob(32)")),
        format!("INSERT {}", row(7, last)),
        format!("INSERT {}", row(6, "zeroblob(32)")),
        format!("INSERT OR IGNORE {}", row(5, last)),
        "INSERT INTO frames SELECT 6, 0, last_hash, last_hash, '[]' FROM frames WHERE first = 4".to_owned(),
        "UPDATE book SET kind = 'sandbox'".to_owned(),
        "DELETE FROM book".to_owned(),
        "REPLACE INTO book VALUES (1, hex(randomblob(16)), 'sandbox', 0)".to_owned(),
    ];
    for statement in &refused {
        assert!(sql(&mut client, statement).await.is_err(), "{statement}");
    }
    assert_eq!(store.read(1, 100).await.unwrap(), written);
    append(&store, 1).await;
}

#[tokio::test]
async fn the_view_shows_one_event_a_row() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    append(&store, 2).await;
    let mut next = open_frame(store.head().await.unwrap());
    next.push(
        r#"{"n":3,"s":"account-acme","v":3,"t":"RequestAdmitted","sv":1,"at":1700000000000042,"by":"gateway:main","id":"r-1","fp":"0123456789abcdef","d":{"held":"5"},"p":{"ip":"sealed"}}"#,
    );
    assert_eq!(store.append(&next.finish().unwrap()).await.unwrap(), AppendOutcome::Appended);

    let rows = sqlx::query("SELECT * FROM events ORDER BY position").fetch_all(&mut client(&dir).await).await;
    let rows = rows.unwrap();
    let names: Vec<&str> = sqlx::Row::columns(&rows[2]).iter().map(sqlx::Column::name).collect();
    let expected =
        ["position", "stream", "version", "type", "schema", "at", "actor", "request", "data", "personal"];
    assert_eq!(names, expected);
    let positions: Vec<i64> = rows.iter().map(|row| row.get("position")).collect();
    assert_eq!(positions, [1, 2, 3]);
    let text = |name| rows[2].get::<Option<String>, &str>(name).unwrap_or_default();
    assert_eq!((rows[2].get::<i64, _>("version"), rows[2].get::<i64, _>("schema")), (3, 1));
    assert_eq!(
        [text("stream"), text("type"), text("at")],
        ["account-acme", "RequestAdmitted", "2023-11-14T22:13:20.000042Z"]
    );
    assert_eq!([text("actor"), text("request")], ["gateway:main", "r-1"]);
    assert_eq!([text("data"), text("personal")], [r#"{"held":"5"}"#, r#"{"ip":"sealed"}"#]);
    assert_eq!(rows[0].get::<Option<String>, _>("request"), None);
    assert_eq!(rows[0].get::<Option<String>, _>("personal"), None);
}

#[tokio::test]
async fn a_full_disk_keeps_nothing_and_the_log_goes_on_when_there_is_room() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    let mut written = vec![append(&store, 3).await];
    store.cap_pages(1).await.unwrap();
    let big = frame(after(&written[0]), 500, "big");
    for _ in 0..3 {
        let refused = store.append(&big).await;
        assert!(matches!(refused, Err(StoreError::NotWritten(_))), "{refused:?}");
    }
    assert_eq!(store.read(1, 9_999).await.unwrap(), written);

    store.cap_pages(1_000_000).await.unwrap();
    assert_eq!(store.append(&big).await.unwrap(), AppendOutcome::Appended);
    written.push(big);
    assert_eq!(store.read(1, 9_999).await.unwrap(), written);
}

#[tokio::test]
async fn a_locked_log_keeps_nothing() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    append(&store, 1).await;
    let mut client = client(&dir).await;
    sql(&mut client, "BEGIN IMMEDIATE").await.unwrap();
    let next = frame(store.head().await.unwrap(), 1, "x");
    let refused = store.append(&next).await;
    assert!(matches!(refused, Err(StoreError::NotWritten(_))), "{refused:?}");
    sql(&mut client, "ROLLBACK").await.unwrap();
    assert_eq!(store.append(&next).await.unwrap(), AppendOutcome::Appended);
}

#[tokio::test]
async fn a_changed_event_is_found_with_its_position() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    for _ in 0..3 {
        append(&store, 2).await;
    }
    meddle(&dir, "UPDATE frames SET events = replace(events, 'acme', 'evil') WHERE first = 3").await;
    assert_eq!(store.read(1, 2).await.unwrap().len(), 1, "what lies before is sound");
    let found = store.read(1, 100).await;
    assert!(matches!(found, Err(StoreError::Damaged { position: 3, .. })), "{found:?}");
}

#[tokio::test]
async fn a_missing_frame_is_found_with_its_position() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    for _ in 0..4 {
        append(&store, 2).await;
    }
    meddle(&dir, "DELETE FROM frames WHERE first = 3").await;
    for (from, max_events) in [(1, 100), (2, 5), (3, 1), (4, 1), (4, 100)] {
        let found = store.read(from, max_events).await;
        let position = if max_events == 1 { from } else { 3 };
        assert!(
            matches!(&found, Err(StoreError::Damaged { position: at, .. }) if *at == position),
            "{from} {found:?}"
        );
    }
}

#[tokio::test]
async fn a_damaged_end_is_found_when_the_book_is_opened() {
    let changes = [
        ("UPDATE frames SET events = '[{},{}]' WHERE first = 5", 5),
        ("UPDATE frames SET count = 3 WHERE first = 5", 5),
        ("UPDATE frames SET last_hash = zeroblob(32) WHERE first = 5", 5),
        ("DELETE FROM frames WHERE first = 3", 4),
    ];
    for (change, position) in changes {
        let dir = TempDir::new().unwrap();
        let store = open(&dir).await;
        for _ in 0..3 {
            append(&store, 2).await;
        }
        store.close().await.unwrap();
        meddle(&dir, change).await;
        let Err(error) = SqliteStore::open(dir.path(), book(BookKind::Wall)).await else {
            panic!("{change}")
        };
        let OpenError::Log(StoreError::Damaged { position: found, .. }) = error else { panic!("{error:?}") };
        assert_eq!(found, position, "{change}");
    }
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let outer = TempDir::new().unwrap();
    let dir = outer.path().join("data");
    let store = SqliteStore::open(&dir, book(BookKind::Wall)).await.unwrap();
    append(&store, 1).await;
    assert_eq!(mode(&dir), 0o700);
    let mut names: Vec<String> = Vec::new();
    for entry in std::fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(names, ["book.lock", "events.db", "events.db-shm", "events.db-wal"]);
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_store_that_was_dropped_in_the_middle_loses_nothing() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    let written = [append(&store, 2).await, append(&store, 3).await];
    drop(store);
    let store = open(&dir).await;
    assert_eq!(store.read(1, 100).await.unwrap(), written);
}

#[tokio::test]
async fn closing_moves_the_write_ahead_log_into_the_file() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    let mut head = Head::default();
    for _ in 0..60 {
        let mut next = open_frame(head);
        next.push(&format!("\"{}\"", "x".repeat(1_000_000)));
        let next = next.finish().unwrap();
        assert_eq!(store.append(&next).await.unwrap(), AppendOutcome::Appended);
        head = after(&next);
    }
    store.close().await.unwrap();
    assert!(std::fs::metadata(dir.path().join("events.db")).unwrap().len() > 60_000_000);
    assert!(!dir.path().join("events.db-wal").exists());
}

#[tokio::test]
async fn the_write_ahead_log_has_its_length_from_the_start_and_what_is_in_it_stays() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).await;
    let wal = dir.path().join("events.db-wal");
    let length = std::fs::metadata(&wal).unwrap().len();
    assert!(length >= 16 * 1024 * 1024, "{length}");
    let written = append(&store, 3).await;
    assert_eq!(std::fs::metadata(&wal).unwrap().len(), length, "a commit overwrites and does not grow it");
    // What another process finds after this one was killed: zeros after the last frame.
    let copy = TempDir::new().unwrap();
    for name in ["events.db", "events.db-wal"] {
        std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    assert_eq!(open(&copy).await.read(1, 100).await.unwrap(), [written]);
}
