//! What only the PostgreSQL store has: grants, triggers, a view, epochs, a server that goes away.

use adapters::store::postgres::{Address, Claim, OpenError, PostgresStore};
use counterfoil_tests::cluster::{Cluster, Database};
use counterfoil_tests::contract::{after, book, frame, open_frame};
use domain::log::{AppendOutcome, BookKind, EventStore, Frame, Head, StoreError};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor, Row};

async fn database() -> Database {
    Cluster::shared().database().await
}

async fn writer(database: &Database) -> PostgresStore {
    let store = PostgresStore::open(&database.address(), book(BookKind::Wall)).await.unwrap();
    assert!(matches!(store.claim().await.unwrap(), Claim::Taken { .. }));
    store
}

async fn append(store: &PostgresStore, count: u32) -> Frame {
    let next = frame(store.head().await.unwrap(), count, "x");
    assert_eq!(store.append(&next).await.unwrap(), AppendOutcome::Appended);
    next
}

async fn sql(client: &mut PgConnection, text: &str) -> Result<u64, String> {
    let done = client.execute(AssertSqlSafe(text)).await;
    done.map(|done| done.rows_affected()).map_err(|error| error.to_string())
}

async fn number(client: &mut PgConnection, text: &str) -> i64 {
    client.fetch_one(AssertSqlSafe(text)).await.unwrap().get(0)
}

/// Takes the present writer's turn away, as another process does when that one was frozen for long, and gives it up.
async fn expire(database: &Database) {
    let taken = "UPDATE writer SET epoch = epoch + 1, until = '-infinity'";
    let done = sql(&mut database.client().await, taken).await;
    assert_eq!(done, Ok(1));
}

#[tokio::test]
async fn no_sql_client_can_edit_the_log() {
    let database = database().await;
    let store = writer(&database).await;
    let written = [append(&store, 3).await, append(&store, 2).await];
    let mut client = database.client().await;
    let row = |first: u64, epoch: u64, previous: &str| {
        format!("INSERT INTO frames VALUES ({first}, 1, {epoch}, {previous}, sha256(''), '[{{}}]')")
    };
    let last = "(SELECT last_hash FROM frames ORDER BY first DESC LIMIT 1)";
    let zero = "decode(repeat('00', 32), 'hex')";
    let refused = [
        "UPDATE frames SET events = '[1]' WHERE first = 4".to_owned(),
        "UPDATE frames SET first = 9 WHERE first = 4".to_owned(),
        "DELETE FROM frames WHERE first = 4".to_owned(),
        "TRUNCATE frames".to_owned(),
        "TRUNCATE frames, writer, book CASCADE".to_owned(),
        format!("{} ON CONFLICT (first) DO UPDATE SET events = '[1]'", row(4, 1, last)),
        // At a place that is taken, behind a gap, after another hash, in another epoch.
        row(4, 1, last),
        row(7, 1, last),
        row(6, 1, zero),
        row(6, 2, last),
        row(6, 0, last),
        "UPDATE writer SET epoch = 0".to_owned(),
        "DELETE FROM writer".to_owned(),
        "UPDATE book SET kind = 'sandbox'".to_owned(),
        "DELETE FROM book".to_owned(),
        "TRUNCATE book".to_owned(),
        "INSERT INTO book (id, kind, created) VALUES (repeat('a', 32), 'wall', 0)".to_owned(),
    ];
    for statement in &refused {
        assert!(sql(&mut client, statement).await.is_err(), "{statement}");
    }
    assert_eq!(store.read(1, 100).await.unwrap(), written);
    append(&store, 1).await;
}

#[tokio::test]
async fn the_view_shows_one_event_a_row() {
    let database = database().await;
    let store = writer(&database).await;
    append(&store, 2).await;
    let mut next = open_frame(store.head().await.unwrap());
    next.push(
        r#"{"n":3,"s":"account-acme","v":3,"t":"RequestAdmitted","sv":1,"at":1700000000000042,"by":"gateway:main","id":"r-1","fp":"0123456789abcdef","d":{"held":"5"},"p":{"ip":"sealed"}}"#,
    );
    assert_eq!(store.append(&next.finish().unwrap()).await.unwrap(), AppendOutcome::Appended);

    let rows = database.client().await.fetch_all("SELECT * FROM events ORDER BY position").await.unwrap();
    let names: Vec<&str> = rows[2].columns().iter().map(sqlx::Column::name).collect();
    let expected =
        ["position", "stream", "version", "type", "schema", "at", "actor", "request", "data", "personal"];
    assert_eq!(names, expected);
    let positions: Vec<i64> = rows.iter().map(|row| row.get("position")).collect();
    assert_eq!(positions, [1, 2, 3]);
    let text = |name| rows[2].get::<Option<String>, &str>(name).unwrap_or_default();
    assert_eq!((rows[2].get::<i64, _>("version"), rows[2].get::<i32, _>("schema")), (3, 1));
    assert_eq!(
        [text("stream"), text("type"), text("at")],
        ["account-acme", "RequestAdmitted", "2023-11-14T22:13:20.000042Z"]
    );
    assert_eq!([text("actor"), text("request")], ["gateway:main", "r-1"]);
    assert_eq!([text("data"), text("personal")], [r#"{"held":"5"}"#, r#"{"ip":"sealed"}"#]);
    assert_eq!(rows[0].get::<Option<String>, _>("personal"), None);
}

#[tokio::test]
async fn a_second_writer_waits_for_the_lease_and_is_told_who_has_it() {
    let database = database().await;
    let first = writer(&database).await;
    let second = PostgresStore::open(&database.address(), book(BookKind::Wall)).await.unwrap();
    let Claim::Held { holder } = second.claim().await.unwrap() else { panic!("two writers") };
    assert_eq!(holder, format!("process {}", std::process::id()));
    let refused = second.append(&frame(Head::default(), 1, "x")).await;
    assert!(matches!(refused, Err(StoreError::NotWritten(_))), "{refused:?}");

    let one = append(&first, 2).await;
    assert_eq!(second.read(1, 9).await.unwrap(), [one], "it may read");
    first.release().await.unwrap();
    assert_eq!(second.claim().await.unwrap(), Claim::Taken { epoch: 2 });
    append(&second, 1).await;
}

#[tokio::test]
async fn a_writer_of_an_old_epoch_never_appends_again_and_is_told() {
    let database = database().await;
    let old = writer(&database).await;
    let one = append(&old, 2).await;
    expire(&database).await;
    let new = writer(&database).await;
    // The head has not moved: only the epoch tells.
    let head = after(&one);
    let late = frame(head, 1, "late");
    assert_eq!(old.append(&late).await.unwrap(), AppendOutcome::Conflict { head });
    assert_eq!(old.append(&one).await.unwrap(), AppendOutcome::Appended, "that was true before and is now");
    old.lost().await;
    let two = append(&new, 3).await;
    assert_eq!(old.append(&late).await.unwrap(), AppendOutcome::Conflict { head: after(&two) });
    assert_eq!(new.read(1, 99).await.unwrap(), [one, two]);
    let epochs = "SELECT count(*) FROM frames WHERE epoch = CASE first WHEN 1 THEN 1 ELSE 3 END";
    assert_eq!(number(&mut database.client().await, epochs).await, 2);
}

/// The statement is held up by another session's lock, and its connection ended in the middle of it.
#[tokio::test]
async fn a_connection_that_is_cut_in_an_append_is_settled_by_sending_it_again() {
    let database = database().await;
    let store = writer(&database).await;
    let one = append(&store, 1).await;
    let (mut holder, mut killer) = (database.client().await, database.client().await);
    for cut in 0..5 {
        sql(&mut holder, "BEGIN; LOCK TABLE frames IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let next = frame(store_head(&mut holder).await, 2, &cut.to_string());
        let cut = async {
            let waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()
                AND wait_event_type = 'Lock' AND query LIKE '%append_frame%'";
            let pid = loop {
                let found = killer.fetch_optional(AssertSqlSafe(waiting)).await.unwrap();
                if let Some(row) = found {
                    break row.get::<i32, _>("pid");
                }
            };
            sql(&mut killer, &format!("SELECT pg_terminate_backend({pid})")).await.unwrap();
        };
        let (outcome, ()) = futures_util::future::join(store.append(&next), cut).await;
        assert!(matches!(outcome, Err(StoreError::MaybeWritten(_))), "{outcome:?}");
        sql(&mut holder, "COMMIT").await.unwrap();
        for _ in 0..2 {
            assert_eq!(store.append(&next).await.unwrap(), AppendOutcome::Appended);
        }
    }
    assert_eq!(store.head().await.unwrap().position, 11);
    assert_eq!(store.read(1, 99).await.unwrap()[0], one);
}

async fn store_head(client: &mut PgConnection) -> Head {
    let row = client.fetch_one("SELECT last, hash FROM log_head()").await.unwrap();
    let hash = domain::log::ChainHash(row.get::<Vec<u8>, _>("hash").try_into().unwrap());
    Head { position: row.get::<i64, _>("last").try_into().unwrap(), hash }
}

#[tokio::test]
async fn a_locked_log_keeps_nothing_and_the_wait_has_an_end() {
    let database = database().await;
    let store = writer(&database).await;
    append(&store, 1).await;
    let mut holder = database.client().await;
    sql(&mut holder, "BEGIN; LOCK TABLE frames IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let next = frame(store_head(&mut holder).await, 1, "x");
    let refused = store.append(&next).await;
    assert!(
        matches!(&refused, Err(StoreError::NotWritten(cause)) if cause.to_string().contains("55P03")),
        "{refused:?}"
    );
    sql(&mut holder, "COMMIT").await.unwrap();
    assert_eq!(store.append(&next).await.unwrap(), AppendOutcome::Appended);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_ended_and_kept_nothing() {
    let database = database().await;
    let store = writer(&database).await;
    append(&store, 1).await;
    let mut client = database.client().await;
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep_for('1 minute'); RETURN NEW; END $$;
        CREATE TRIGGER a_slow_disk BEFORE INSERT ON frames FOR EACH ROW EXECUTE FUNCTION slow()";
    client.execute(sqlx::raw_sql(slow)).await.unwrap();
    let next = frame(store.head().await.unwrap(), 1, "x");
    let refused = store.append(&next).await;
    assert!(
        matches!(&refused, Err(StoreError::NotWritten(cause)) if cause.to_string().contains("57014")),
        "{refused:?}"
    );
    sql(&mut client, "DROP TRIGGER a_slow_disk ON frames").await.unwrap();
    assert_eq!(store.append(&next).await.unwrap(), AppendOutcome::Appended);
}

#[tokio::test]
async fn a_server_that_crashed_is_found_again_with_all_that_it_took() {
    let mut cluster = Cluster::start();
    let database = cluster.database().await;
    let store = writer(&database).await;
    let one = append(&store, 3).await;
    cluster.crash();
    let two = frame(after(&one), 2, "x");
    let first = store.append(&two).await;
    assert!(matches!(first, Err(StoreError::MaybeWritten(_))), "{first:?}");
    assert_eq!(store.append(&two).await.unwrap(), AppendOutcome::Appended);
    assert_eq!(store.read(1, 9).await.unwrap(), [one, two]);
}

#[tokio::test]
async fn the_connection_is_encrypted_when_the_url_says_so() {
    let cluster = Cluster::start();
    let database = cluster.database().await;
    drop(writer(&database).await);
    let mut client = database.client().await;
    let port: String = client.fetch_one("SHOW port").await.unwrap().get(0);
    let folder: String = client.fetch_one("SHOW data_directory").await.unwrap().get(0);
    let url = format!("postgres://postgres@localhost:{port}/{}", database.name);
    let open = async |parameters: &str| {
        let address: Address = format!("{url}?{parameters}").parse().unwrap();
        PostgresStore::open_read_only(&address).await
    };
    let encrypted = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
        WHERE ssl AND application_name = 'counterfoil'";
    for parameters in ["sslmode=require", &format!("sslmode=verify-full&sslrootcert={folder}/server.crt")] {
        let store = open(parameters).await.unwrap();
        store.head().await.unwrap();
        assert_eq!(number(&mut client, encrypted).await, 1, "{parameters}");
        drop(store);
        sql(&mut client, "SELECT pg_terminate_backend(pid) FROM pg_stat_ssl WHERE ssl").await.unwrap();
        while number(&mut client, encrypted).await > 0 {}
    }
    let refused = open("sslmode=verify-full").await.err().expect("nobody vouches for that certificate");
    assert!(matches!(refused, OpenError::Database { .. }), "{refused}");
}

#[tokio::test]
async fn a_role_that_may_only_write_is_enough_once_the_schema_is_there() {
    let database = database().await;
    drop(writer(&database).await);
    expire(&database).await;
    let mut client = database.client().await;
    // Roles belong to the whole server, so the test's have names of their own.
    let roles = include_str!("../../migrations/roles_postgres.sql")
        .replace("counterfoil_writer", &format!("{}_writer", database.name))
        .replace("counterfoil_reader", &format!("{}_reader", database.name));
    client.execute(sqlx::raw_sql(AssertSqlSafe(roles))).await.unwrap();
    let address = |role: &str| -> Address {
        let user = format!("user={}_{role}", database.name);
        database.url().replace("user=postgres", &user).parse().unwrap()
    };
    let store = PostgresStore::open(&address("writer"), book(BookKind::Wall)).await.unwrap();
    assert_eq!(store.claim().await.unwrap(), Claim::Taken { epoch: 3 });
    store.expect_key(&"7".repeat(32)).await.unwrap();
    let one = append(&store, 2).await;
    sql(&mut client, &format!("SET ROLE {}_writer", database.name)).await.unwrap();
    for statement in
        ["UPDATE frames SET count = 1", "DELETE FROM frames", "TRUNCATE frames", "DROP TABLE frames"]
    {
        let refused = sql(&mut client, statement).await.unwrap_err();
        assert!(refused.contains("permission denied") || refused.contains("must be owner"), "{refused}");
    }

    let reader = PostgresStore::open_read_only(&address("reader")).await.unwrap();
    assert_eq!(reader.read(1, 9).await.unwrap(), [one]);
    let refused = reader.claim().await;
    assert!(
        matches!(&refused, Err(StoreError::NotWritten(cause)) if cause.to_string().contains("42501")),
        "{refused:?}"
    );
    sql(&mut client, "RESET ROLE").await.unwrap();
    for role in ["writer", "reader"] {
        let drop = format!("DROP OWNED BY {0}_{role}; DROP ROLE {0}_{role}", database.name);
        client.execute(sqlx::raw_sql(AssertSqlSafe(drop))).await.unwrap();
    }
}

#[tokio::test]
async fn reading_makes_no_book_and_a_wrong_address_is_told_without_its_password() {
    let database = database().await;
    let refused = PostgresStore::open_read_only(&database.address()).await;
    assert!(matches!(refused, Err(OpenError::NoBook(_))));
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(number(&mut database.client().await, tables).await, 0);

    let nowhere: Address = "postgres://ann:hunter2@127.0.0.1:1/book".parse().unwrap();
    let error = PostgresStore::open_read_only(&nowhere).await.err().expect("nobody listens there");
    assert_eq!(error.to_string(), "the book's database postgres://ann@127.0.0.1:1/book cannot be used");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_book_never_changes_its_kind_nor_its_key() {
    let database = database().await;
    let store = writer(&database).await;
    store.expect_key(&"1".repeat(32)).await.unwrap();
    store.expect_key(&"1".repeat(32)).await.unwrap();
    let refused = store.expect_key(&"2".repeat(32)).await;
    assert!(matches!(refused, Err(OpenError::OtherKeys(_))), "{refused:?}");
    let refused = PostgresStore::open(&database.address(), book(BookKind::Sandbox)).await;
    assert!(matches!(
        refused,
        Err(OpenError::OtherKind { found: BookKind::Wall, wanted: BookKind::Sandbox })
    ));
}

/// Changes rows behind the store's back, as a failing disk or a meddling owner would.
async fn meddle(database: &Database, statement: &str) {
    let mut client = database.client().await;
    let meddled = format!(
        "ALTER TABLE frames DISABLE TRIGGER USER; {statement}; ALTER TABLE frames ENABLE TRIGGER USER"
    );
    client.execute(sqlx::raw_sql(AssertSqlSafe(meddled))).await.unwrap();
}

#[tokio::test]
async fn what_was_changed_or_is_missing_is_found_with_its_position() {
    let database = database().await;
    let store = writer(&database).await;
    for _ in 0..4 {
        append(&store, 2).await;
    }
    meddle(&database, "UPDATE frames SET events = replace(events, 'acme', 'evil') WHERE first = 3").await;
    assert_eq!(store.read(1, 2).await.unwrap().len(), 1, "what lies before is sound");
    let found = store.read(1, 100).await;
    assert!(matches!(found, Err(StoreError::Damaged { position: 3, .. })), "{found:?}");
    meddle(&database, "DELETE FROM frames WHERE first = 3").await;
    for (from, max_events) in [(1, 100), (2, 5), (3, 1), (4, 100)] {
        let found = store.read(from, max_events).await;
        let position = if max_events == 1 { from } else { 3 };
        assert!(
            matches!(&found, Err(StoreError::Damaged { position: at, .. }) if *at == position),
            "{from} {found:?}"
        );
    }
    meddle(&database, "UPDATE frames SET count = 3 WHERE first = 7").await;
    let opened = PostgresStore::open_read_only(&database.address()).await;
    assert!(matches!(opened, Err(OpenError::Log(StoreError::Damaged { position: 7, .. }))));
}
