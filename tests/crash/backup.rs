//! Copies of the log: of the file that a clean stop leaves, and of one that is being written.

use crate::gateway::Gateway;
use crate::server::{Folder, Server, audit, verify};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};
use std::fs;

const ASKED: u64 = 60;

#[test]
fn after_a_clean_stop_nothing_is_in_the_write_ahead_log() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    Gateway::opened(server.address).ask(server.address, ASKED);
    server.stop();
    let alone = folder.copy();
    // Whoever closed it last may have removed it.
    let _ = fs::remove_file(alone.book().join("events.db-wal"));
    let [whole, alone] = [&folder, &alone].map(|folder| String::from_utf8(verify(folder).stdout));
    assert_eq!(alone, whole, "head, hash and every invariant");
}

#[tokio::test]
async fn a_copy_that_is_made_beside_the_service_goes_on_from_there() {
    let folder = Folder::new();
    let server = Server::start(&folder);
    let mut gateway = Gateway::opened(server.address);
    gateway.ask(server.address, ASKED);
    let copy = folder.beside();
    // As README says, by anyone's SQLite client.
    let events = SqliteConnectOptions::new().filename(folder.book().join("events.db")).read_only(true);
    let into = format!("VACUUM INTO '{}'", copy.book().join("events.db").display());
    sqlx::query(AssertSqlSafe(into))
        .execute(&mut events.connect().await.expect("a client"))
        .await
        .expect("a copy");
    server.stop();
    assert!(verify(&copy).status.success());
    let restored = Server::start(&copy);
    gateway.repeat(restored.address);
    gateway.ask(restored.address, ASKED);
    restored.stop();
    audit(&copy);
}
