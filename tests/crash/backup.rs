//! Copies of the log: of the file that a clean stop leaves, and of a file and a database that are being written.

use crate::database::database;
use crate::gateway::Gateway;
use crate::server::{Folder, Server, audit, verify};
use counterfoil_tests::cluster::Cluster;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};
use std::fs;
use std::process::Command;

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
    goes_on(&copy, &mut gateway);
}

#[test]
fn a_dump_of_a_database_that_is_made_beside_the_service_goes_on_from_there() {
    let [database, other] = [(); 2].map(|()| database(Cluster::shared()));
    let folder = Folder::on(&database);
    let server = Server::start(&folder);
    let mut gateway = Gateway::opened(server.address);
    gateway.ask(server.address, ASKED);
    let mut copy = folder.beside();
    // As README says, by PostgreSQL's own tools.
    let dump = copy.path().join("book.dump");
    let made = Command::new("pg_dump").args(["-Fc", "-d", database.url(), "-f"]).arg(&dump).status();
    assert!(made.expect("pg_dump is there").success());
    let restored = Command::new("pg_restore").args(["-d", other.url()]).arg(&dump).status();
    assert!(restored.expect("pg_restore is there").success());
    server.stop();
    copy.move_to(Some(other.url()));
    goes_on(&copy, &mut gateway);
}

/// The copy is whole, repeats every answer of before, and takes new requests.
fn goes_on(copy: &Folder, gateway: &mut Gateway) {
    assert!(verify(copy).status.success());
    let restored = Server::start(copy);
    gateway.repeat(restored.address);
    gateway.ask(restored.address, ASKED);
    restored.stop();
    audit(copy);
}
